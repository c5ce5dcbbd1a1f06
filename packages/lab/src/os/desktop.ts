import { Machine, type MachineParts } from './machine.ts';
import type { Action } from './os.ts';

export interface SleepNumbers {
  /** In how many of 100 sleeps requests in flight hang afterwards, where the others are dropped. Ours. */
  readonly hangPercent: number;
}

const WAKE: ReadonlySet<Action['do']> = new Set(['open', 'unlock', 'use-other', 'reboot', 'power-loss']);

/** A machine that sleeps as a whole. The person wakes it early by using it. */
export abstract class Desktop extends Machine {
  protected isAsleep = false;
  readonly #sleep: SleepNumbers;

  constructor(parts: MachineParts, sleep: SleepNumbers) {
    super(parts);
    this.#sleep = sleep;
  }

  override act(action: Action): void {
    if (WAKE.has(action.do)) this.#wake();
    if (action.do === 'sleep') this.#fallAsleep(action.forMs);
    super.act(action);
  }

  /** How the process hears of the sleep. */
  protected abstract readonly hearsOfSleep: 'before' | 'after' | 'never';

  protected sleeps(): boolean {
    return true;
  }

  protected override appState(): 'foreground' | 'background' | 'frozen' {
    return this.isAsleep ? 'frozen' : super.appState();
  }

  protected override shown(): void {
    if (!this.isAsleep) super.shown();
  }

  protected override holdsTransfers(): boolean {
    return this.isAsleep;
  }

  #fallAsleep(forMs: number): void {
    if (this.isAsleep || !this.sleeps()) return;
    this.isAsleep = true;
    this.plans.set('wake', forMs, () => this.#wake());
    if (this.hearsOfSleep === 'before') this.process.tell();
    this.suspend('the machine sleeps', this.chance.chance(this.#sleep.hangPercent, 100) ? 'hang' : 'drop');
  }

  #wake(): void {
    if (!this.isAsleep) return;
    this.plans.clear('wake');
    const runs = this.process.isSuspended && !this.isFrozen;
    // Told late, it hears first that it was frozen.
    if (runs && this.hearsOfSleep === 'after') this.process.run('the machine woke');
    this.isAsleep = false;
    if (runs) this.run('the machine woke');
    else this.surround();
  }
}
