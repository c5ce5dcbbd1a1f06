import { CarryonError, toCarryonError, type SqlValue } from '@carryon/protocol';
import { thrownAway } from '../core/choose.ts';
import type { Asked, Durable, Effect, Happening, Timer } from '../core/event.ts';
import { isDeviceFault, retryDelayMs } from '../core/retry.ts';
import { initialState, type EngineConfig, type EngineState, type Step } from '../core/state.ts';
import { isPackFault, step as advance } from '../core/step.ts';
import { toldOf } from '../core/tables.ts';
import type { Clock } from '../ports/clock.ts';
import type { Host } from '../ports/host.ts';
import type { Log } from '../ports/log.ts';
import type { Net } from '../ports/net.ts';
import type { PackStore } from '../ports/pack-store.ts';
import type { Random } from '../ports/random.ts';
import type { Sqlite } from '../ports/sqlite.ts';
import { deriveStatus, type DeviceStatus, type Warning } from '../status/status.ts';
import { endedSilently } from '../store/journal.ts';
import { takePush } from '../store/outbox/push.ts';
import { Store } from '../store/store.ts';
import { ask } from './ask.ts';
import { changesOf, goneTables, Listeners } from './changes.ts';
import { Edits } from './edits.ts';
import { HandOver } from './hand-over.ts';
import { LiveQueries, type LiveQuery } from './live-query.ts';
import { Packs } from './packs.ts';
import type { Resolver } from './resolve.ts';
import { Writer } from './writer.ts';

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
  /** Functions that settle conflicts, by the table's name. Default: none; refused edits become drafts. */
  readonly resolvers?: Readonly<Record<string, Resolver>>;
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
  readonly #packs: Packs;
  readonly #writer: Writer;
  readonly #queries: LiveQueries;
  readonly #running = new Set<Promise<unknown>>();
  readonly #listeners: Listeners<void>;
  readonly #commitListeners: Listeners<Committed>;
  readonly #warnings = new Map<string, Warning>();
  #state: EngineState;
  #building: { done: number; of: number } | undefined;
  #requests = new AbortController();
  readonly #waiting: Happening[] = [];
  #isDispatching = false;
  readonly #timers = new Map<Timer, () => void>();
  #stopListening: (() => void)[] = [];
  #isClosed = false;
  #endPause = (): void => undefined;
  #finish: (error: CarryonError | undefined) => void = () => undefined;
  /** The edits made on this device. */
  readonly edits: Edits;
  /** Bytes received since the start, packs and answers together. */
  received = 0;
  /** Bytes sent since the start, without headers. */
  sent = 0;

  constructor(ports: EnginePorts, options: EngineOptions) {
    this.#ports = ports;
    this.#options = options;
    const onFailure = (thrown: unknown): void => ports.log.warn({ err: thrown }, 'a call of the app or its host failed');
    this.#listeners = new Listeners(onFailure);
    this.#commitListeners = new Listeners(onFailure);
    this.#store = new Store(ports.sqlite);
    this.#writer = new Writer(ports.sqlite, ports.clock);
    this.edits = new Edits({
      sqlite: ports.sqlite, writer: this.#writer, log: ports.log, resolvers: options.resolvers ?? {},
      mayNumber: () => this.#mayNumber(),
      onWrote: (outbox) => this.#dispatch({ type: 'wrote', outbox }),
    });
    this.#queries = new LiveQueries({ sqlite: ports.sqlite, writer: this.#writer, edits: this.edits, onFailure });
    this.#handOver = new HandOver({
      transfers: ports.host.transfers, packs: ports.packs, clock: ports.clock, log: ports.log, serverUrl: options.serverUrl,
      planned: () => new Set(this.#state.packs.filter((pack) => pack.stage !== 'applied').map((pack) => pack.name)),
    });
    this.#packs = new Packs({
      net: ports.net, store: ports.packs, clock: ports.clock, log: ports.log, serverUrl: options.serverUrl, hasTransfers: ports.host.transfers !== undefined,
      onBytes: (bytes) => this.#show(() => { this.received += bytes; }),
      // Not waited for: a service that does not answer must not hold up a step.
      onDropped: (name) => { if (this.#state.hasTransfers) void this.#handOver.drop([name]); },
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
    this.edits.start();
    this.edits.settle();
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
    return deriveStatus(this.#state, { nowMs: this.#ports.clock.nowMs(), partial: this.#packs.partial, building: this.#building, warnings: [...this.#warnings.values()] });
  }

  /** Calls the function after every change; returns how to end that. */
  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Calls the function after every commit that brought changes; returns how to end that. */
  onCommit(listener: (committed: Committed) => void): () => void {
    return this.#commitListeners.add(listener);
  }

  /** Runs one reading statement on the device's tables. Rejects with `sql.error`. */
  query<T>(sql: string, ...values: readonly SqlValue[]): Promise<T[]> {
    return this.#writer.run(() => this.#ports.sqlite.all<T>(sql, ...values));
  }

  /**
   * Calls the function with the statement's rows, now and whenever a table that it reads has changed, by the app or from the server; returns how to
   * end that. A statement that fails is told by `onError`, and run again at the next change.
   */
  live<T>(query: LiveQuery<T>): () => void {
    return this.#queries.add(query);
  }

  /** Comes to rest, however far the work is, and closes the database. Nothing is lost. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#endPause();
    for (const stop of this.#stopListening.splice(0)) stop();
    this.edits.stop();
    this.#dispatch({ type: 'paused', reason: 'the app closed it' });
    await this.#settle();
    this.#finish(undefined);
    await this.#writer.run(() => this.#ports.sqlite.close());
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
    const durable = await this.#writer.run(() => this.#store.open(() => this.#ports.random.uuid()));
    const packs = await this.#packs.reconcile(durable.packs);
    // Written with the first words of this process.
    if (await endedSilently(this.#ports.sqlite)) this.#writer.note({ kind: 'stop', detail: 'The last process ended without a word; nothing is lost.' });
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
    this.#listeners.call();
  }

  /** What the host throws is its own matter. */
  #call(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      this.#ports.log.warn({ err: thrown }, 'a call of the host failed');
    }
  }

  #execute(effect: Effect): void {
    switch (effect.type) {
      case 'ask': return this.#start(this.#ask(effect));
      case 'fetch': return this.#tell(this.#packs.fetch(effect.pack, this.#requests.signal));
      case 'unpack': return this.#tell(this.#packs.unpack(effect.pack));
      case 'step': return this.#start(this.#perform(effect.step));
      case 'timer': return this.#setTimer(effect);
      case 'hand': return this.#tell(this.#handOver.hand(effect.packs, effect.allowMetered));
      case 'list': return this.#tell(this.#handOver.list());
      case 'recall': return this.#tell(this.#handOver.recall(effect.names));
      case 'wish': return this.#call(() => this.#ports.host.wish?.(effect.wake));
      case 'abort': return this.#abort(effect.reason);
      case 'journal': {
        const { type, ...entry } = effect;
        this.#writer.note(entry);
        this.#ports.log.debug({ detail: effect.detail }, effect.kind);
        return this.#start(this.#writer.flush());
      }
      case 'rested': return this.#rest();
      case 'finished': return this.#start(this.#writer.flush().finally(() => this.#finish(effect.error)));
      default: return effect satisfies never;
    }
  }

  /**
   * The last words come first, and a look at what the app has just written: where that may still go up, the engine works again instead.
   * A process that is about to be suspended does not look, and without words its host is told at once.
   */
  #rest(): void {
    const tell = (): void => this.#call(() => this.#ports.host.rested());
    const { report, lease } = this.#state;
    if (!lease && this.#mayNumber()) {
      const hasEdits = (): boolean => this.#state.lease !== undefined && this.#state.report === report;
      return this.#start(this.edits.noticed().then(() => this.#writer.flush()).finally(() => { if (!hasEdits()) tell(); }));
    }
    if (this.#writer.isIdle) return tell();
    this.#start(this.#writer.flush().finally(tell));
  }

  #mayNumber(): boolean {
    const { report } = this.#state;
    return !this.#isClosed && report !== undefined && report.app !== 'closed' && report.app !== 'frozen';
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

  async #ask({ id, request, push }: Extract<Effect, { type: 'ask' }>): Promise<void> {
    const { signal } = this.#requests;
    try {
      const edits = push ? await this.#writer.run(() => takePush(this.#ports.sqlite, this.#ports.random.uuid())) : undefined;
      const answer = await ask(edits ? { ...request, push: edits } : request, signal, {
        net: this.#ports.net, clock: this.#ports.clock, serverUrl: this.#options.serverUrl, credentials: this.#options.credentials,
        onBytes: (bytes) => { this.received += bytes; },
        onSent: (bytes) => {
          this.sent += bytes;
          this.#dispatch({ type: 'asked', id });
        },
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

  async #perform(step: Step): Promise<void> {
    const source = step.kind === 'apply' ? this.#packs.source(step.pack.name) : undefined;
    const { outbox: { tables: edited }, tables: before } = this.#state;
    try {
      const result = await this.#writer.run(() => this.#store.perform(step, this.#ports.clock.nowMs(), source));
      if (step.kind === 'apply') await this.#packs.drop(step.pack.name);
      for (const name of thrownAway(step)) await this.#packs.drop(name);
      this.#dispatch({ type: 'stepped', result });
      if (step.kind === 'segment') this.#announce(step, edited);
      const gone = toldOf(step) ? goneTables(before, this.#state.tables) : [];
      if (gone.length > 0) this.edits.tell({ origin: 'server', tables: gone });
    } catch (thrown) {
      const error = toCarryonError(thrown);
      if (step.kind === 'apply' && isPackFault(error)) await this.#packs.drop(step.pack.name);
      this.#dispatch({ type: 'step-failed', error });
    }
  }

  /** Tells the app what a commit has brought. Rows with edits may be as the server has them now: their tables have changed, too. */
  #announce({ segment, tables: before }: Extract<Step, { kind: 'segment' }>, edited: readonly number[]): void {
    if (!segment.commit) return;
    const committed = new Set(segment.commit.tables.map(({ table }) => table));
    const settled = new Set(edited.filter((id) => committed.has(id)));
    const loaded = before.filter(({ id, load }) => committed.has(id) && load !== 'none').map(({ id }) => id);
    const tables = changesOf(segment, new Set([...settled, ...loaded]), this.#state.tables);
    if (tables.length > 0) this.edits.tell({ origin: 'server', tables });
    if (settled.size > 0) this.edits.settle();
    if (segment.rows > 0) this.#commitListeners.call({ checkpoint: segment.commit.checkpoint, tables: tables.map(({ name }) => name), changes: segment.rows });
  }

  #checkClock(serverMs: number): void {
    const skewMs = this.#ports.clock.nowMs() - serverMs;
    if (Math.abs(skewMs) < CLOCK_SKEW_MS) return void this.#warnings.delete('device.clock-wrong');
    const by = `${Math.round(Math.abs(skewMs) / 60_000)} minutes ${skewMs > 0 ? 'ahead of' : 'behind'}`;
    this.#warnings.set('device.clock-wrong', { code: 'device.clock-wrong', message: `This device's clock is ${by} the server's.` });
  }

  #show(change: () => void): void {
    change();
    this.#listeners.call();
  }
}
