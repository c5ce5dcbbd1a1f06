import { toCarryonError, type CarryonError } from '@carryon/protocol';
import type { Effect, Happening } from '../core/event.ts';
import { initialState, type EngineConfig, type EngineState, type Pack, type Step } from '../core/state.ts';
import { isPackFault, step as advance } from '../core/step.ts';
import type { Clock } from '../ports/clock.ts';
import type { Host } from '../ports/host.ts';
import type { Log } from '../ports/log.ts';
import type { Net } from '../ports/net.ts';
import type { PackStore } from '../ports/pack-store.ts';
import type { Random } from '../ports/random.ts';
import type { PackSource, Sqlite } from '../ports/sqlite.ts';
import { deriveStatus, type DeviceStatus, type Warning } from '../status/status.ts';
import { JOURNAL_KEPT, writeJournal, type JournalEntry } from '../store/journal.ts';
import { Store } from '../store/store.ts';
import { ask } from './ask.ts';
import { fetchPack, verifyStored } from './fetch-pack.ts';

/** A device's clock may differ from the server's by so much before it is said. */
const CLOCK_SKEW_MS = 5 * 60_000;

export interface EnginePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly net: Net;
  readonly sqlite: Sqlite;
  readonly packs: PackStore;
  readonly host: Host;
  readonly log: Log;
}

export interface EngineOptions {
  readonly config: EngineConfig;
  /** The server's address, ending in a slash where it has a path. */
  readonly serverUrl: string;
  /** The person's token, asked for before each question; may be refreshed meanwhile. */
  readonly credentials: () => Promise<string>;
}

/** A commit that brought changes: the tables are now as at that checkpoint. */
export interface Committed {
  readonly checkpoint: number;
  readonly tables: readonly string[];
  /** Rows changed and removed. */
  readonly changes: number;
}

/** Runs the pure engine: carries out its effects against the ports and tells it what came of them. */
export class Engine {
  readonly #ports: EnginePorts;
  readonly #options: EngineOptions;
  readonly #store: Store;
  readonly #sources = new Map<string, PackSource>();
  readonly #partial = new Map<string, number>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #listeners = new Set<() => void>();
  readonly #commitListeners = new Set<(committed: Committed) => void>();
  readonly #warnings = new Map<string, Warning>();
  #state: EngineState;
  #building: { done: number; of: number } | undefined;
  #requests = new AbortController();
  readonly #journal: JournalEntry[] = [];
  #writing: Promise<unknown> = Promise.resolve();
  #cancelWake = (): void => undefined;
  #stopHost = (): void => undefined;
  #finish: (error: CarryonError | undefined) => void = () => undefined;
  /** Bytes received since the start, packs and answers together. */
  received = 0;

  constructor(ports: EnginePorts, options: EngineOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#store = new Store(ports.sqlite);
    this.#state = initialState(options.config);
  }

  /**
   * Opens the device's database, reconciles it with the packs on the disk and works whenever the host grants a lease.
   * Resolves when a run of mode `once` is complete; rejects with the error that ended it. A run of mode `watch` ends by `close`.
   */
  async run(): Promise<void> {
    const durable = await this.#store.open(() => this.#ports.random.uuid());
    const packs = await this.#reconcile(durable.packs);
    const outcome = new Promise<CarryonError | undefined>((resolve) => { this.#finish = resolve; });
    this.#dispatch({ type: 'started', durable: { ...durable, packs } });
    this.#stopHost = this.#ports.host.start({
      granted: (lease) => this.#dispatch({ type: 'granted', lease }),
      revoked: (reason) => this.#dispatch({ type: 'revoked', reason }),
    });
    const error = await outcome;
    await this.#settle();
    if (error) throw error;
  }

  /** Starts a round now. */
  syncNow(): void {
    this.#dispatch({ type: 'sync-asked' });
  }

  status(): DeviceStatus {
    return deriveStatus(this.#state, { partial: this.#partial, building: this.#building, warnings: [...this.#warnings.values()] });
  }

  /** Calls the function after every change; returns how to end that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls the function after every commit that brought changes; returns how to end that. */
  onCommit(listener: (committed: Committed) => void): () => void {
    this.#commitListeners.add(listener);
    return () => this.#commitListeners.delete(listener);
  }

  /** Comes to rest, however far the work is, and closes the database. Nothing is lost. */
  async close(): Promise<void> {
    this.#stopHost();
    this.#dispatch({ type: 'revoked', reason: 'close' });
    await this.#settle();
    this.#finish(undefined);
    await this.#ports.sqlite.close();
  }

  /** Compares the plan with what is on the disk: packs that came meanwhile need not be fetched, others are cleared away. */
  async #reconcile(packs: readonly Pack[]): Promise<Pack[]> {
    const stored = await this.#ports.packs.list();
    const wanted = new Set(packs.filter((pack) => pack.stage === 'wanted').map((pack) => pack.name));
    for (const { name, bytes, complete } of stored) {
      if (!wanted.has(name)) await this.#ports.packs.remove(name);
      else if (!complete) this.#partial.set(name, bytes);
    }
    const complete = new Set(stored.filter((pack) => pack.complete).map((pack) => pack.name));
    return packs.map((pack) => (pack.stage === 'wanted' && complete.has(pack.name) ? { ...pack, stage: 'stored' } : pack));
  }

  #dispatch(happening: Happening): void {
    const next = advance(this.#state, { ...happening, nowMs: this.#ports.clock.nowMs(), random: this.#ports.random.fraction() });
    this.#state = next.state;
    for (const effect of next.effects) this.#execute(effect);
    for (const listener of this.#listeners) this.#call(listener);
  }

  /** What a listener throws is its own matter. */
  #call(listener: () => void): void {
    try {
      listener();
    } catch (thrown) {
      this.#ports.log.warn({ err: thrown }, 'a listener failed');
    }
  }

  #execute(effect: Effect): void {
    switch (effect.type) {
      case 'ask': return this.#start(this.#ask(effect));
      case 'fetch': return this.#start(this.#fetch(effect.pack));
      case 'unpack': return this.#start(this.#unpack(effect.pack));
      case 'step': return this.#start(this.#perform(effect.step));
      case 'wake': return this.#wakeAt(effect.atMs);
      case 'abort': return this.#abort(effect.reason);
      case 'journal': {
        this.#journal.push({ atMs: this.#ports.clock.nowMs(), kind: effect.kind, detail: effect.detail });
        this.#ports.log.debug({ detail: effect.detail }, effect.kind);
        return this.#start(this.#writeJournal());
      }
      case 'rested': return this.#start(this.#writeJournal().finally(() => this.#ports.host.rested()));
      case 'finished': return this.#start(this.#writeJournal().finally(() => this.#finish(effect.error)));
      default: return effect satisfies never;
    }
  }

  #start(work: Promise<unknown>): void {
    const tracked = work.catch((thrown: unknown) => this.#ports.log.warn({ err: thrown }, 'an effect failed')).finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }

  async #settle(): Promise<void> {
    this.#cancelWake();
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #abort(reason: string): void {
    this.#requests.abort(toCarryonError(new Error(`stopped: ${reason}`)));
    this.#requests = new AbortController();
    this.#cancelWake();
  }

  #wakeAt(atMs: number): void {
    this.#cancelWake();
    this.#cancelWake = this.#ports.clock.after(Math.max(0, atMs - this.#ports.clock.nowMs()), () => this.#dispatch({ type: 'woke' }));
  }

  async #ask({ id, request }: Extract<Effect, { type: 'ask' }>): Promise<void> {
    try {
      const answer = await ask(request, this.#requests.signal, {
        net: this.#ports.net, clock: this.#ports.clock, serverUrl: this.#options.serverUrl, credentials: this.#options.credentials,
        onBytes: (bytes) => { this.received += bytes; },
        onBuilding: (done, of) => this.#show(() => { this.#building = { done, of }; }),
        onHeader: (header) => this.#checkClock(header.nowMs),
      });
      const freeBytes = answer.plan ? await this.#ports.packs.freeBytes() : undefined;
      this.#building = undefined;
      this.#dispatch({ type: 'answered', id, answer: { ...answer, ...(freeBytes === undefined ? {} : { freeBytes }) } });
    } catch (thrown) {
      this.#building = undefined;
      this.#dispatch({ type: 'ask-failed', id, error: toCarryonError(thrown) });
    }
  }

  async #fetch(pack: Pack): Promise<void> {
    try {
      await fetchPack(pack, this.#requests.signal, {
        net: this.#ports.net, packs: this.#ports.packs, clock: this.#ports.clock, serverUrl: this.#options.serverUrl,
        onBytes: (bytes, offset) => this.#show(() => {
          this.received += bytes;
          this.#partial.set(pack.name, offset);
        }),
      });
      this.#dispatch({ type: 'fetched', name: pack.name });
    } catch (thrown) {
      if (toCarryonError(thrown).code === 'pack.wrong-bytes') this.#partial.delete(pack.name);
      this.#dispatch({ type: 'fetch-failed', name: pack.name, error: toCarryonError(thrown) });
    }
  }

  async #unpack(pack: Pack): Promise<void> {
    try {
      if (!pack.verified) await verifyStored(pack, this.#ports.packs);
      this.#sources.set(pack.name, await this.#ports.packs.unpack(pack.name, pack.codec, pack.rawBytes));
      this.#dispatch({ type: 'unpacked', name: pack.name });
    } catch (thrown) {
      const error = toCarryonError(thrown);
      if (isPackFault(error)) await this.#dropPack(pack.name);
      this.#dispatch({ type: 'unpack-failed', name: pack.name, error });
    }
  }

  async #perform(step: Step): Promise<void> {
    const source = step.kind === 'apply' ? this.#sources.get(step.pack.name) : undefined;
    try {
      const result = await this.#write(() => this.#store.perform(step, this.#ports.clock.nowMs(), source));
      if (step.kind === 'apply') await this.#dropPack(step.pack.name);
      if (step.kind === 'forget') for (const name of step.packs) await this.#dropPack(name);
      this.#dispatch({ type: 'stepped', result });
      if (step.kind === 'segment') this.#tell(step);
    } catch (thrown) {
      const error = toCarryonError(thrown);
      if (step.kind === 'apply' && isPackFault(error)) await this.#dropPack(step.pack.name);
      this.#dispatch({ type: 'step-failed', error });
    }
  }

  #tell({ segment }: Extract<Step, { kind: 'segment' }>): void {
    if (!segment.commit || segment.rows === 0) return;
    const ids = new Set([...segment.puts.keys(), ...segment.removes.keys(), ...segment.lives.keys()]);
    const tables = this.#state.tables.filter((table) => ids.has(table.id)).map((table) => table.name);
    const committed = { checkpoint: segment.commit.checkpoint, tables, changes: segment.rows };
    for (const listener of this.#commitListeners) this.#call(() => listener(committed));
  }

  /** Clears a pack away. When that fails, the next start does it. */
  async #dropPack(name: string): Promise<void> {
    this.#sources.delete(name);
    this.#partial.delete(name);
    await this.#ports.packs.remove(name).catch((thrown: unknown) => this.#ports.log.warn({ err: thrown }, 'a pack was not removed'));
  }

  /** One writer at a time. */
  #write<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#writing.then(work);
    this.#writing = result.catch(() => undefined);
    return result;
  }

  /** Writes what is not written yet; when that fails, it is tried again with the next entry. */
  #writeJournal(): Promise<void> {
    return this.#write(async () => {
      const entries = this.#journal.splice(0);
      await writeJournal(this.#ports.sqlite, entries).catch((thrown: unknown) => {
        this.#journal.unshift(...entries);
        this.#journal.splice(0, this.#journal.length - JOURNAL_KEPT);
        throw thrown;
      });
    });
  }

  #checkClock(serverMs: number): void {
    const skewMs = this.#ports.clock.nowMs() - serverMs;
    if (Math.abs(skewMs) < CLOCK_SKEW_MS) return void this.#warnings.delete('device.clock-wrong');
    const by = `${Math.round(Math.abs(skewMs) / 60_000)} minutes ${skewMs > 0 ? 'ahead of' : 'behind'}`;
    this.#warnings.set('device.clock-wrong', { code: 'device.clock-wrong', message: `This device's clock is ${by} the server's.` });
  }

  #show(change: () => void): void {
    change();
    for (const listener of this.#listeners) this.#call(listener);
  }
}
