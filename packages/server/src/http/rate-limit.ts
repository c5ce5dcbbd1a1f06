import { CarryonError } from '@carryon/protocol';
import type { Clock } from '../ports/clock.ts';

const WINDOW_MS = 60_000;

/** So many requests per person and minute. */
export class RateLimit {
  readonly #most: number;
  readonly #clock: Clock;
  #windowStartMs = 0;
  #taken = new Map<string, number>();

  constructor(most: number, clock: Clock) {
    this.#most = most;
    this.#clock = clock;
  }

  /** Throws `server.busy` with the time to wait when the person has had all requests of this minute. */
  take(user: string): void {
    const now = this.#clock.nowMs();
    if (now - this.#windowStartMs >= WINDOW_MS || now < this.#windowStartMs) {
      this.#windowStartMs = now;
      this.#taken = new Map();
    }
    const taken = (this.#taken.get(user) ?? 0) + 1;
    this.#taken.set(user, taken);
    if (taken > this.#most) {
      throw new CarryonError('server.busy', 'Too many requests in this minute.', { retryAfterMs: this.#windowStartMs + WINDOW_MS - now });
    }
  }
}
