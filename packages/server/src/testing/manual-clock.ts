import type { Clock } from '../ports/clock.ts';

interface Timer { readonly atMs: number; readonly run: () => void }

/** A clock that a test moves. */
export class ManualClock implements Clock {
  #nowMs: number;
  readonly #timers = new Set<Timer>();

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer: Timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.add(timer);
    return () => { this.#timers.delete(timer); };
  }

  /** How many wait for their time. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Lets time pass, and runs what is due then. */
  pass(ms: number): void {
    this.#nowMs += ms;
    for (const timer of [...this.#timers].sort((a, b) => a.atMs - b.atMs)) {
      if (timer.atMs <= this.#nowMs && this.#timers.delete(timer)) timer.run();
    }
  }
}
