import type { Report } from '@carryon/client';
import type { ProcessHooks } from './os.ts';

/** The app's process as its OS sees it. Each method does nothing where it does not apply. */
export class AppProcess {
  readonly #hooks: ProcessHooks;
  readonly #describe: () => Report;
  #state: 'gone' | 'running' | 'suspended' = 'gone';
  #told: string | undefined;
  #reaches = true;

  constructor(hooks: ProcessHooks, describe: () => Report) {
    this.#hooks = hooks;
    this.#describe = describe;
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  get isSuspended(): boolean {
    return this.#state === 'suspended';
  }

  get isGone(): boolean {
    return this.#state === 'gone';
  }

  /** Starts or resumes it; one that runs already is told what changed. */
  run(why: string): void {
    if (this.isRunning) return this.tell();
    const wasGone = this.isGone;
    this.#state = 'running';
    const report = this.#describe();
    this.#told = JSON.stringify(report);
    if (wasGone) return this.#hooks.start(report, why);
    this.#hooks.resume();
    this.#hooks.report(report);
  }

  /** Only what differs from what it was told last. */
  tell(): void {
    const report = this.#describe();
    const text = JSON.stringify(report);
    if (!this.isRunning || text === this.#told) return;
    this.#told = text;
    this.#hooks.report(report);
  }

  suspend(why: string, sockets: 'drop' | 'hang'): void {
    if (!this.isRunning) return;
    this.#state = 'suspended';
    this.#hooks.suspend(why, sockets);
  }

  kill(why: string): void {
    if (this.isGone) return;
    this.#state = 'gone';
    this.#hooks.kill(why);
  }

  losePower(): void {
    this.#state = 'gone';
    this.#hooks.powerLoss();
  }

  reach(network: boolean): void {
    if (network === this.#reaches) return;
    this.#reaches = network;
    this.#hooks.network(network ? 'up' : 'cut');
  }

  storage(readable: boolean): void {
    this.#hooks.storage(readable);
  }
}
