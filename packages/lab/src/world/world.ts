import type { Clock } from '@carryon/client';
import { worldClock } from './clock.ts';
import { Queue } from './queue.ts';
import { LabRandom } from './random.ts';
import { Trace } from './trace.ts';

export interface WorldOptions {
  readonly seed: number | string;
  readonly startMs?: number;
  /** Lets real work take a real time of its own, in tests which show that nothing depends on it. */
  readonly disturb?: () => Promise<void>;
}

interface Work {
  readonly name: string;
  /** Tells the outcome to whoever asked for the work; undefined while it goes on. */
  deliver: (() => void) | undefined;
}

/** Work that has not ended after so much real time never will: an error, not a hang. */
const PATIENCE_MS = 60_000;

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

/**
 * One world: its time, its chance and its history. Between two events all real work that the first one set off comes to
 * rest, and its outcomes are told in the order in which it began. So the real duration of that work decides nothing.
 */
export class World {
  readonly queue: Queue;
  readonly clock: Clock;
  readonly random: LabRandom;
  readonly trace: Trace;
  readonly #disturb: () => Promise<void>;
  /** Begun and not yet delivered, in the order of beginning. */
  readonly #work: Work[] = [];
  #busy = 0;
  #waiting = 0;
  #settling: Promise<void> | undefined;
  #nudge: () => void = () => undefined;
  #isRunning = false;

  constructor(options: WorldOptions) {
    this.queue = new Queue(options.startMs);
    this.clock = worldClock(this.queue);
    this.random = new LabRandom(options.seed);
    this.trace = new Trace(() => this.queue.steadyMs);
    this.#disturb = options.disturb ?? (async () => undefined);
  }

  /**
   * Virtual time waits for this work: a promise of files, threads or cryptography, whose real duration is not known. The
   * promise returned settles when it is this work's turn.
   */
  track<T>(work: Promise<T>, name = 'work'): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const entry: Work = { name, deliver: undefined };
      this.#work.push(entry);
      this.#busy++;
      const end = (deliver: () => void): void => {
        entry.deliver = deliver;
        this.#busy--;
        this.#nudge();
      };
      const later = work.finally(this.#disturb);
      later.then((value) => end(() => resolve(value)), (error: unknown) => end(() => reject(error)));
      void this.settle();
    });
  }

  /** Tracked work begins (+1) or ends (-1) to wait for virtual time; meanwhile time does not wait for it. */
  waiting(by: 1 | -1): void {
    this.#waiting += by;
    this.#nudge();
  }

  /** Resolves when everything that the present moment set off has come to rest. */
  settle(): Promise<void> {
    this.#settling ??= this.#rest();
    return this.#settling;
  }

  /** Lets things happen up to and including that time. */
  async runUntil(atMs: number): Promise<void> {
    await this.#run(() => (this.queue.nextMs ?? Infinity) <= atMs);
    this.queue.passTo(atMs);
  }

  runFor(ms: number): Promise<void> {
    return this.runUntil(this.queue.nowMs + ms);
  }

  /** Lets things happen while the condition holds, for so long at most. False when it still holds then, or when nothing happens any more. */
  async runWhile(condition: () => boolean, mostMs: number): Promise<boolean> {
    const untilMs = this.queue.nowMs + mostMs;
    await this.#run(() => condition() && (this.queue.nextMs ?? Infinity) <= untilMs);
    if (!condition()) return true;
    this.queue.passTo(untilMs);
    return false;
  }

  async #run(goesOn: () => boolean): Promise<void> {
    if (this.#isRunning) throw new Error('the world is running already');
    this.#isRunning = true;
    try {
      await this.settle();
      while (goesOn()) {
        this.queue.step();
        await this.settle();
      }
    } finally {
      this.#isRunning = false;
    }
  }

  async #rest(): Promise<void> {
    for (;;) {
      // A turn of the event loop lets all microtasks run out.
      await turn();
      if (this.#busy > this.#waiting) {
        await this.#nextNudge();
        continue;
      }
      const i = this.#work.findIndex((work) => work.deliver);
      if (i < 0) break;
      this.#work.splice(i, 1)[0]?.deliver?.();
    }
    // Now, not later: work that begins from here on needs a settling of its own.
    this.#settling = undefined;
  }

  #nextNudge(): Promise<void> {
    return new Promise((resolve, reject) => {
      const names = (): string => this.#work.filter((work) => !work.deliver).map((work) => work.name).join(', ');
      const patience = setTimeout(() => reject(new Error(`this never comes to rest: ${names()}`)), PATIENCE_MS);
      this.#nudge = () => {
        clearTimeout(patience);
        resolve();
      };
    });
  }
}
