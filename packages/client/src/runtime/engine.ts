import { CarryonError, toCarryonError } from '@carryon/protocol';
import type { Asked, Durable, Effect, Happening, Timer } from '../core/event.ts';
import { isDeviceFault, retryDelayMs } from '../core/retry.ts';
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
import { endedSilently, JOURNAL_KEPT, writeJournal, type JournalEntry } from '../store/journal.ts';
import { Store } from '../store/store.ts';
import { ask } from './ask.ts';
import { fetchPack, verifyStored } from './fetch-pack.ts';
import { HandOver } from './hand-over.ts';

/** Said of a device's clock that differs by more from the server's. */
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
  readonly #handOver: HandOver;
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
  #writes = 0;
  readonly #waiting: Happening[] = [];
  #isDispatching = false;
  readonly #timers = new Map<Timer, () => void>();
  #stopListening: (() => void)[] = [];
  #isClosed = false;
  #endPause = (): void => undefined;
  #finish: (error: CarryonError | undefined) => void = () => undefined;
  /** Bytes received since the start, packs and answers together. */
  received = 0;

  constructor(ports: EnginePorts, options: EngineOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#store = new Store(ports.sqlite);
    this.#handOver = new HandOver({
      transfers: ports.host.transfers, packs: ports.packs, clock: ports.clock, log: ports.log, serverUrl: options.serverUrl,
      planned: () => new Set(this.#state.packs.filter((pack) => pack.stage !== 'applied').map((pack) => pack.name)),
    });
    this.#state = initialState(options.config, ports.host.transfers !== undefined);
  }

  /**
   * Opens the device's database, reconciles it with the packs on the disk and works whenever the policy lets it, by what the host tells.
   * Resolves when a run of mode `once` is complete; rejects with the error that ended it. A run of mode `watch` ends by `close`.
   */
  async run(): Promise<void> {
    const durable = await this.#opened();
    if (!durable || this.#isClosed) return;
    const outcome = new Promise<CarryonError | undefined>((resolve) => { this.#finish = resolve; });
    this.#dispatch({ type: 'started', durable });
    const { host } = this.#ports;
    this.#stopListening = [host.start({ situation: (report) => this.#dispatch({ type: 'situation', report }) })];
    if (host.transfers) this.#stopListening.push(host.transfers.onChange((transfer) => this.#dispatch({ type: 'transfer', transfer })));
    const error = await outcome;
    await this.#settle();
    if (error) throw error;
  }

  /** Syncs now, as soon as the policy lets it: the person asks. Throws `usage` for a table that the device does not have. */
  syncNow(asked: Partial<Asked> = {}): void {
    const known = new Set(this.#state.tables.map(({ name }) => name.toLowerCase()));
    const unknown = (asked.tables ?? []).filter((name) => !known.has(name.toLowerCase()));
    if (unknown.length > 0) throw new CarryonError('usage', `The device has no table ${unknown.join(', ')}.`);
    this.#dispatch({ type: 'sync-asked', asked: { kind: asked.tables ? 'table' : 'delta', ...asked } });
  }

  /** Forgets what the server knows of this device and downloads everything anew. Usable tables stay readable meanwhile, and pending work stays. */
  reset(): void {
    this.#dispatch({ type: 'reset-asked' });
  }

  /** Rests, for the app's own reason, until each reason given was resumed. */
  pause(reason: string): void {
    this.#dispatch({ type: 'paused', reason });
  }

  resume(reason: string): void {
    this.#dispatch({ type: 'resumed', reason });
  }

  status(): DeviceStatus {
    return deriveStatus(this.#state, { nowMs: this.#ports.clock.nowMs(), partial: this.#partial, building: this.#building, warnings: [...this.#warnings.values()] });
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
    this.#isClosed = true;
    this.#endPause();
    for (const stop of this.#stopListening.splice(0)) stop();
    this.#dispatch({ type: 'paused', reason: 'the app closed it' });
    await this.#settle();
    this.#finish(undefined);
    await this.#ports.sqlite.close();
  }

  /** What the device holds. In mode `watch` a disk that is full, or cannot be read yet, is waited for; undefined: closed meanwhile. */
  async #opened(): Promise<Durable | undefined> {
    for (let attempt = 1; !this.#isClosed; attempt++) {
      try {
        return await this.#open();
      } catch (thrown) {
        const error = toCarryonError(thrown);
        if (this.#isClosed) return undefined;
        if (this.#options.config.mode === 'once' || error.retry === 'no' || !isDeviceFault(error)) throw error;
        const delayMs = retryDelayMs(attempt, error, this.#ports.random.fraction());
        this.#dispatch({ type: 'open-failed', retry: { attempt, error, atMs: this.#ports.clock.nowMs() + delayMs } });
        await this.#pause(delayMs);
      }
    }
    return undefined;
  }

  async #open(): Promise<Durable> {
    const durable = await this.#store.open(() => this.#ports.random.uuid());
    const packs = await this.#reconcile(durable.packs);
    // Written with the first words of this process.
    if (await endedSilently(this.#ports.sqlite)) this.#journal.push({ atMs: this.#ports.clock.nowMs(), kind: 'stop', detail: 'The last process ended without a word; nothing is lost.' });
    return { ...durable, packs };
  }

  /** Lets time pass; `close` ends it. */
  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#ports.clock.after(delayMs, resolve);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
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
    const own = (pack: Pack): boolean => this.#partial.has(pack.name) || this.#ports.host.transfers === undefined;
    return packs.map((pack) => ({ ...pack, own: own(pack), ...(pack.stage === 'wanted' && complete.has(pack.name) ? { stage: 'stored' as const } : {}) }));
  }

  /** Events that come while effects are carried out wait until those are. */
  #dispatch(happening: Happening): void {
    this.#waiting.push(happening);
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    try {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) this.#advance(next);
    } finally {
      this.#isDispatching = false;
    }
  }

  #advance(happening: Happening): void {
    const { clock, random } = this.#ports;
    const next = advance(this.#state, { ...happening, nowMs: clock.nowMs(), steadyMs: clock.steadyMs(), random: random.fraction() });
    this.#state = next.state;
    for (const effect of next.effects) this.#execute(effect);
    for (const listener of this.#listeners) this.#call(listener);
  }

  /** What a listener or the host throws is its own matter. */
  #call(listener: () => void): void {
    try {
      listener();
    } catch (thrown) {
      this.#ports.log.warn({ err: thrown }, 'a call of the app or its host failed');
    }
  }

  #execute(effect: Effect): void {
    switch (effect.type) {
      case 'ask': return this.#start(this.#ask(effect));
      case 'fetch': return this.#start(this.#fetch(effect.pack));
      case 'unpack': return this.#start(this.#unpack(effect.pack));
      case 'step': return this.#start(this.#perform(effect.step));
      case 'timer': return this.#setTimer(effect);
      case 'hand': return this.#tell(this.#handOver.hand(effect.packs, effect.allowMetered));
      case 'list': return this.#tell(this.#handOver.list());
      case 'recall': return this.#tell(this.#handOver.recall(effect.names));
      case 'wish': return this.#call(() => this.#ports.host.wish?.(effect.wake));
      case 'abort': return this.#abort(effect.reason);
      case 'journal': {
        const { type, ...entry } = effect;
        this.#journal.push({ atMs: this.#ports.clock.nowMs(), ...entry });
        this.#ports.log.debug({ detail: effect.detail }, effect.kind);
        return this.#start(this.#writeJournal());
      }
      case 'rested': return this.#rest();
      case 'finished': return this.#start(this.#writeJournal().finally(() => this.#finish(effect.error)));
      default: return effect satisfies never;
    }
  }

  /** The last words come first; without any the host is told at once, for its process may be about to be suspended. */
  #rest(): void {
    const tell = (): void => this.#call(() => this.#ports.host.rested());
    if (this.#journal.length === 0 && this.#writes === 0) return tell();
    this.#start(this.#writeJournal().finally(tell));
  }

  #start(work: Promise<unknown>): void {
    const tracked = work.catch((thrown: unknown) => this.#ports.log.warn({ err: thrown }, 'an effect failed')).finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }

  async #settle(): Promise<void> {
    for (const cancel of this.#timers.values()) cancel();
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #abort(reason: string): void {
    this.#requests.abort(toCarryonError(new Error(`stopped: ${reason}`)));
    this.#requests = new AbortController();
  }

  #setTimer({ timer, atMs }: Extract<Effect, { type: 'timer' }>): void {
    this.#timers.get(timer)?.();
    this.#timers.delete(timer);
    if (atMs === undefined) return;
    const { clock } = this.#ports;
    this.#timers.set(timer, clock.after(Math.max(0, atMs - clock.nowMs()), () => this.#dispatch({ type: 'woke', timer })));
  }

  /** What comes of it is the next event. */
  #tell(work: Promise<Happening>): void {
    this.#start(work.then((happening) => this.#dispatch(happening)));
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
      if (step.kind === 'forget' || step.kind === 'reset') for (const name of step.packs) await this.#dropPack(name);
      this.#dispatch({ type: 'stepped', result });
      if (step.kind === 'segment') this.#announce(step);
    } catch (thrown) {
      const error = toCarryonError(thrown);
      if (step.kind === 'apply' && isPackFault(error)) await this.#dropPack(step.pack.name);
      this.#dispatch({ type: 'step-failed', error });
    }
  }

  #announce({ segment }: Extract<Step, { kind: 'segment' }>): void {
    if (!segment.commit || segment.rows === 0) return;
    const mended = [...(segment.ranges ?? [])].filter(([, ranges]) => ranges.length > 0).map(([id]) => id);
    const ids = new Set([...segment.puts.keys(), ...segment.removes.keys(), ...segment.lives.keys(), ...mended]);
    const tables = this.#state.tables.filter((table) => ids.has(table.id)).map((table) => table.name);
    const committed = { checkpoint: segment.commit.checkpoint, tables, changes: segment.rows };
    for (const listener of this.#commitListeners) this.#call(() => listener(committed));
  }

  /** Clears a pack away. When that fails, the next start does it. */
  async #dropPack(name: string): Promise<void> {
    this.#sources.delete(name);
    this.#partial.delete(name);
    // Not waited for: a service that does not answer must not hold up a step.
    if (this.#state.hasTransfers) void this.#handOver.drop([name]);
    await this.#ports.packs.remove(name).catch((thrown: unknown) => this.#ports.log.warn({ err: thrown }, 'a pack was not removed'));
  }

  /** One writer at a time. */
  #write<T>(work: () => Promise<T>): Promise<T> {
    this.#writes++;
    const result = this.#writing.then(work).finally(() => { this.#writes--; });
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
