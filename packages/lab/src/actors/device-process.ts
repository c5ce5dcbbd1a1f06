import { DEFAULT_CONFIG, Engine, type DeviceStatus, type EngineConfig, type Host, type HostEvents, type PackStore, type Report, type Sqlite, type Transfers, type WakeWish } from '@carryon/client';
import { toCarryonError } from '@carryon/protocol';
import type { DeviceTime } from '../world/clock.ts';
import { ProcessClock } from '../world/clock.ts';
import type { LabRandom } from '../world/random.ts';
import type { Plain } from '../world/trace.ts';
import type { LabDisk } from './disk.ts';
import type { LabLink } from './link.ts';
import { LabNet } from './net.ts';
import { SERVER_URL } from './server-app.ts';

export interface ProcessParts {
  readonly disk: LabDisk;
  readonly link: LabLink;
  readonly time: DeviceTime;
  readonly random: LabRandom;
  readonly config: Partial<EngineConfig>;
  readonly transfers: Transfers | undefined;
  readonly credentials: () => Promise<string>;
  /** How long a transaction takes. */
  readonly stepMs: () => number;
  /** What the process does, for the trace. */
  readonly note: (what: string, detail?: Plain) => void;
  readonly rested: () => void;
  readonly wish: (wake: WakeWish | undefined) => void;
  readonly changed: () => void;
  /** The engine has ended by itself, with this code. */
  readonly ended: (code: string | undefined) => void;
  /** The person has agreed to download everything anew. */
  readonly reset: boolean;
}

/** So late, at most, a connection sees what another has committed. */
const POLL_MS = 50;

const never = <T>(): Promise<T> => new Promise(() => undefined);

/** One process of the app: the real engine on the device's disk and link. Suspended, none of its code runs; dead, never again. */
export class DeviceProcess {
  readonly engine: Engine;
  readonly clock: ProcessClock;
  readonly net: LabNet;
  readonly #parts: ProcessParts;
  #events: HostEvents | undefined;
  #report: Report;
  #state: 'running' | 'suspended' | 'dead' = 'running';
  #resumed: (() => void)[] = [];
  /** The engine has ended by itself. */
  isOver = false;
  /** A transaction is open. */
  isWriting = false;

  constructor(parts: ProcessParts, report: Report) {
    this.#parts = parts;
    this.#report = report;
    this.clock = new ProcessClock(parts.time);
    this.net = new LabNet(parts.link);
    const log = { debug: (_: object, kind: string) => parts.note('journal', kind), warn: (fields: object, message: string) => parts.note('warning', `${message}: ${String((fields as { err?: unknown }).err)}`) };
    this.engine = new Engine({
      clock: this.#tracedClock(), random: parts.random, net: this.net, sqlite: this.#sqlite(), packs: this.#packs(), host: this.#host(), log,
    }, { config: { ...DEFAULT_CONFIG, mode: 'watch', ...parts.config }, serverUrl: SERVER_URL, credentials: () => parts.credentials().then((token) => this.#whenRunning(token)) });
    this.engine.subscribe(parts.changed);
    if (parts.reset) this.engine.reset();
    this.engine.run().then(() => this.#ended(undefined), (thrown: unknown) => this.#ended(thrown));
  }

  status(): DeviceStatus {
    return this.engine.status();
  }

  report(report: Report): void {
    this.#report = report;
    this.#events?.situation(report);
  }

  /** Other code of the process runs the function later; that is no timer of the engine. */
  later(delayMs: number, run: () => void): () => void {
    return ProcessClock.prototype.after.call(this.clock, delayMs, run);
  }

  suspend(sockets: 'drop' | 'hang'): void {
    this.#state = 'suspended';
    this.clock.suspend();
    this.net.suspend(sockets);
  }

  resume(): void {
    this.#state = 'running';
    this.clock.resume();
    this.net.resume();
    for (const go of this.#resumed.splice(0)) go();
  }

  kill(): void {
    this.#state = 'dead';
    this.clock.kill();
    this.net.kill();
    this.#resumed = [];
  }

  #ended(thrown: unknown): void {
    if (this.#state === 'dead') return;
    this.isOver = true;
    const code = thrown === undefined ? undefined : toCarryonError(thrown).code;
    this.#parts.note('ended', code ?? null);
    this.#parts.ended(code);
    void this.engine.close();
  }

  #host(): Host {
    const { transfers, note } = this.#parts;
    return {
      start: (events) => {
        this.#events = events;
        events.situation(this.#report);
        return () => { this.#events = undefined; };
      },
      rested: () => {
        note('rested');
        this.#parts.rested();
      },
      wish: (wake) => {
        note('wish', wake ? { notBeforeMs: wake.notBeforeMs, kinds: wake.kinds } : null);
        this.#parts.wish(wake);
      },
      ...(transfers ? { transfers } : {}),
    };
  }

  #tracedClock(): ProcessClock {
    const { clock } = this;
    const after = clock.after.bind(clock);
    clock.after = (delayMs, run) => after(delayMs, () => {
      this.#parts.note('timer');
      run();
    });
    return clock;
  }

  /** Waits until code of this process runs. */
  #whenRunning<T>(value: T): Promise<T> {
    if (this.#state === 'running') return Promise.resolve(value);
    if (this.#state === 'dead') return never();
    return new Promise((resolve) => { this.#resumed.push(() => resolve(value)); });
  }

  #sqlite(): Sqlite {
    const { disk, note, stepMs } = this.#parts;
    const wait = (ms: number): Promise<void> => new Promise((resolve) => { this.later(ms, resolve); });
    const before = (call: string): Promise<void> | void => {
      if (this.#state !== 'running') return this.#whenRunning(undefined);
      // A transaction's time passes within it, so that it can be cut.
      if (call === 'commit') return wait(stepMs());
    };
    const sqlite = disk.sqlite(before);
    const onWrite = sqlite.onWrite.bind(sqlite);
    sqlite.onWrite = (listener) => onWrite(() => this.later(POLL_MS, () => {
      note('noticed');
      listener();
    }));
    const transaction = sqlite.transaction.bind(sqlite);
    sqlite.transaction = async <T>(work: () => Promise<T>): Promise<T> => {
      if (this.#state !== 'running') await this.#whenRunning(undefined);
      this.isWriting = true;
      note('begin');
      try {
        return await transaction(work);
      } finally {
        this.isWriting = false;
        note('end');
      }
    };
    return sqlite;
  }

  /** The disk's pack store, which says when a pack is stored, and does nothing for a process that does not run. */
  #packs(): PackStore {
    const inner = this.#parts.disk.packStore();
    const run = <T>(work: () => Promise<T>): Promise<T> => this.#whenRunning(undefined).then(work);
    return {
      list: () => run(() => inner.list()), digest: (name) => run(() => inner.digest(name)), freeBytes: () => run(() => inner.freeBytes()),
      unpack: (name, codec, rawBytes) => run(() => inner.unpack(name, codec, rawBytes)),
      remove: (name) => run(() => inner.remove(name)),
      write: (name) => run(async () => {
        const writer = await inner.write(name);
        const keep = writer.keep.bind(writer);
        writer.keep = async () => {
          await keep();
          this.#parts.note('stored', { pack: name.slice(0, 12), by: 'engine' });
        };
        return writer;
      }),
    };
  }
}
