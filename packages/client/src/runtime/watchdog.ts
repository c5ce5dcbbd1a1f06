import { CarryonError } from '@carryon/protocol';
import type { Clock } from '../ports/clock.ts';

/** A connection that brings nothing for so long is given up; the download then goes on by Range. */
export const SILENCE_MS = 15_000;

/** Passes chunks on; ends the request when none comes in time. A body in flight may hang for ever after the process slept. */
export class Watchdog {
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  readonly #unlisten: () => void;
  #cancel: () => void;

  constructor(clock: Clock, signal: AbortSignal, silenceMs = SILENCE_MS) {
    this.#clock = clock;
    const stop = (): void => this.#controller.abort(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    this.#unlisten = (): void => signal.removeEventListener('abort', stop);
    this.#cancel = (): void => undefined;
    this.feed(silenceMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something came: the time starts anew. */
  feed(silenceMs = SILENCE_MS): void {
    this.#cancel();
    this.#cancel = this.#clock.after(silenceMs, () => {
      this.#controller.abort(new CarryonError('server.unreachable', `Nothing came for ${Math.round(silenceMs / 1000)} seconds.`));
    });
  }

  /** The answer has been read as far as it is wanted: lets go of the timer and of a connection that still sends. */
  done(): void {
    this.#cancel();
    this.#unlisten();
    this.#controller.abort();
  }
}
