import { Desktop, type SleepNumbers } from './desktop.ts';
import type { MachineParts } from './machine.ts';
import type { Action } from './os.ts';
import { MINUTE_MS, type Range, SECOND_MS, within } from './ports.ts';

export interface NodeNumbers extends SleepNumbers {
  /** When a service manager starts the agent again after a boot or a crash; undefined: never. Ours. */
  readonly restartMs: Range | undefined;
}

export const NODE_NUMBERS: NodeNumbers = { restartMs: [5 * SECOND_MS, MINUTE_MS], hangPercent: 50 };

/**
 * A desktop agent: it always runs, in front or not, locked or not. The machine sleeps without a word to it; a host notices
 * the gap between two timers, and tells `frozen` and then that it runs. It has no transfer service, and wishes are its own timers'.
 */
export class Node extends Desktop {
  readonly #numbers: NodeNumbers;
  protected readonly hearsOfSleep = 'after';

  constructor(parts: MachineParts, numbers: NodeNumbers) {
    super(parts, numbers);
    this.#numbers = numbers;
  }

  protected override appState(): 'foreground' | 'background' | 'frozen' {
    const state = super.appState();
    return state === 'background' ? 'foreground' : state;
  }

  protected override follow(action: Action): void {
    const { restartMs } = this.#numbers;
    const endedItself = action.do === 'kill' || action.do === 'reboot' || action.do === 'power-loss';
    if (action.do === 'quit' || action.do === 'open') this.plans.clear('restart');
    if (!endedItself || restartMs === undefined || this.isQuit) return;
    this.#restartIn(restartMs);
  }

  #restartIn(restartMs: Range): void {
    this.plans.set('restart', within(this.chance, restartMs), () => {
      if (this.isAsleep) this.#restartIn(restartMs);
      else this.run('the service manager started the agent');
    });
  }
}
