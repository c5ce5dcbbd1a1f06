import type { Clock } from '../ports/clock.ts';

/** Wakes those who wait for the next checkpoint. */
export class Changes {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves at the next change, at the latest after that time. */
  next(withinMs: number): Promise<void> {
    if (this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#waiting.delete(done);
        resolve();
      };
      const cancel = this.#clock.after(withinMs, done);
      this.#waiting.add(done);
    });
  }

  wake(): void {
    for (const done of [...this.#waiting]) done();
  }

  /** Lets everybody go who waits; nobody waits from now on. */
  close(): void {
    this.closed = true;
    this.wake();
  }
}
