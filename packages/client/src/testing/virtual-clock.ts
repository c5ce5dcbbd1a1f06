import type { Clock } from '../ports/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

/** A clock that stands still until a test moves it. */
export class VirtualClock implements Clock {
  readonly #timers = new Set<Timer>();
  #elapsedMs = 0;
  #startMs: number;
  #sleptMs = 0;

  constructor(startMs = Date.UTC(2026, 10, 21, 8)) {
    this.#startMs = startMs;
  }

  nowMs(): number {
    return this.#startMs + this.#sleptMs + this.#elapsedMs;
  }

  steadyMs(): number {
    return this.#sleptMs + this.#elapsedMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#elapsedMs + Math.max(0, delayMs), run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Lets time pass; timers run when theirs has come, in order. */
  advance(byMs: number): void {
    const untilMs = this.#elapsedMs + byMs;
    for (let due = this.#next(); due !== undefined && due.atMs <= untilMs; due = this.#next()) {
      this.#timers.delete(due);
      this.#elapsedMs = Math.max(this.#elapsedMs, due.atMs);
      due.run();
    }
    this.#elapsedMs = untilMs;
  }

  /** The machine sleeps: time passes for its clocks, and not for timers. */
  sleep(forMs: number): void {
    this.#sleptMs += forMs;
  }

  /** Someone sets the clock: timers do not notice. */
  set(byMs: number): void {
    this.#startMs += byMs;
  }

  /** How long until the next timer runs; undefined when there is none. */
  get nextMs(): number | undefined {
    const next = this.#next();
    return next && next.atMs - this.#elapsedMs;
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (!next || timer.atMs < next.atMs) next = timer;
    return next;
  }
}
