import type { Clock, Host, HostEvents, Report } from '@carryon/client';
import type { Settings } from '@carryon/policy';

const TICK_MS = 5000;
/** A timer that comes so much too late means that the machine slept. */
const SLEPT_MS = 15_000;

export interface NodeHostOptions {
  readonly clock: Clock;
  /** Signals to listen to; the default is the process itself. */
  readonly process?: NodeJS.Process;
  /** The person's settings. Default: every network, changes as they come. */
  readonly settings?: Settings;
  /** Called at rest after SIGTERM or SIGINT. Default: the signal takes its usual effect, and the process ends. */
  readonly onTerminated?: (signal: string) => void;
}

const AUTO: Settings = { wifiOnly: false, mode: 'auto' };

/**
 * A Node process as a host: in front from the start, closed on SIGTERM and SIGINT, frozen on SIGTSTP and when the
 * machine slept, for then nothing in flight can be trusted. It does not know power and network: they are reported as plugged in and unmetered.
 */
export class NodeHost implements Host {
  readonly #options: NodeHostOptions;
  readonly #process: NodeJS.Process;
  #atRest: (() => void) | undefined;
  /** A signal has asked for the end: nothing calls that off. */
  #isEnding = false;

  constructor(options: NodeHostOptions) {
    this.#options = options;
    this.#process = options.process ?? process;
  }

  start(events: HostEvents): () => void {
    const onEnd = (signal: NodeJS.Signals): void => {
      this.#isEnding = true;
      this.#leave(events, 'closed', () => {
        if (this.#options.onTerminated) return this.#options.onTerminated(signal);
        this.#process.off(signal, onEnd);
        this.#process.kill(this.#process.pid, signal);
      });
    };
    const onStop = (): void => this.#leave(events, 'frozen', () => this.#process.kill(this.#process.pid, 'SIGSTOP'));
    const onContinue = (): void => {
      if (this.#isEnding) return;
      this.#atRest = undefined;
      this.#tell(events, 'foreground');
    };
    this.#process.on('SIGTERM', onEnd).on('SIGINT', onEnd).on('SIGTSTP', onStop).on('SIGCONT', onContinue);
    const stopWatching = this.#watchSleep(events);
    this.#tell(events, 'foreground');
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

  #leave(events: HostEvents, app: Report['app'], atRest: () => void): void {
    this.#atRest = atRest;
    this.#tell(events, app);
  }

  #tell(events: HostEvents, app: Report['app']): void {
    events.situation({
      platform: 'node', app, screen: 'unlocked', inUse: true, power: 'plugged', saver: false, permission: 'power-optimized',
      network: 'unmetered', settings: this.#options.settings ?? AUTO,
    });
  }

  #watchSleep(events: HostEvents): () => void {
    const { clock } = this.#options;
    let expectedMs = clock.steadyMs() + TICK_MS;
    let cancel = (): void => undefined;
    const tick = (): void => {
      if (clock.steadyMs() - expectedMs > SLEPT_MS && !this.#atRest) this.#leave(events, 'frozen', () => this.#tell(events, 'foreground'));
      expectedMs = clock.steadyMs() + TICK_MS;
      cancel = clock.after(TICK_MS, tick);
    };
    cancel = clock.after(TICK_MS, tick);
    return () => cancel();
  }
}
