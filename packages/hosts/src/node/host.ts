import type { Clock, Host, HostEvents } from '@carryon/client';

const TICK_MS = 5000;
/** A timer that comes so much too late means that the machine slept. */
const SLEPT_MS = 15_000;

export interface NodeHostOptions {
  readonly clock: Clock;
  /** Signals to listen to; the default is the process itself. */
  readonly process?: NodeJS.Process;
  /** Called at rest after SIGTERM or SIGINT. Default: the signal takes its usual effect, and the process ends. */
  readonly onTerminated?: (signal: string) => void;
}

/**
 * A Node process as a host: an open-ended lease from the start, taken back on SIGTERM, SIGINT and SIGTSTP, and when
 * the machine slept, for then nothing in flight can be trusted.
 */
export class NodeHost implements Host {
  readonly #options: NodeHostOptions;
  readonly #process: NodeJS.Process;
  #atRest: (() => void) | undefined;

  constructor(options: NodeHostOptions) {
    this.#options = options;
    this.#process = options.process ?? process;
  }

  start(events: HostEvents): () => void {
    const onEnd = (signal: NodeJS.Signals): void => this.#revoke(events, signal, () => {
      if (this.#options.onTerminated) return this.#options.onTerminated(signal);
      this.#process.off(signal, onEnd);
      this.#process.kill(this.#process.pid, signal);
    });
    const onStop = (): void => this.#revoke(events, 'SIGTSTP', () => this.#process.kill(this.#process.pid, 'SIGSTOP'));
    const onContinue = (): void => {
      this.#atRest = undefined;
      events.granted({ kind: 'open' });
    };
    this.#process.on('SIGTERM', onEnd).on('SIGINT', onEnd).on('SIGTSTP', onStop).on('SIGCONT', onContinue);
    const stopWatching = this.#watchSleep(events);
    events.granted({ kind: 'open' });
    return () => {
      stopWatching();
      this.#process.off('SIGTERM', onEnd).off('SIGINT', onEnd).off('SIGTSTP', onStop).off('SIGCONT', onContinue);
    };
  }

  rested(): void {
    const atRest = this.#atRest;
    this.#atRest = undefined;
    atRest?.();
  }

  #revoke(events: HostEvents, reason: string, atRest: () => void): void {
    this.#atRest = atRest;
    events.revoked(reason);
  }

  #watchSleep(events: HostEvents): () => void {
    const { clock } = this.#options;
    let expectedMs = clock.nowMs() + TICK_MS;
    let cancel = (): void => undefined;
    const tick = (): void => {
      if (clock.nowMs() - expectedMs > SLEPT_MS && !this.#atRest) this.#revoke(events, 'machine slept', () => events.granted({ kind: 'open' }));
      expectedMs = clock.nowMs() + TICK_MS;
      cancel = clock.after(TICK_MS, tick);
    };
    cancel = clock.after(TICK_MS, tick);
    return () => cancel();
  }
}
