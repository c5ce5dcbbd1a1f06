import { Desktop, type SleepNumbers } from './desktop.ts';
import type { MachineParts } from './machine.ts';
import { type Range, SECOND_MS, within } from './ports.ts';

/** Where no source is named, the figure is ours. */
export interface WindowsNumbers extends SleepNumbers {
  /**
   * The app has a package identity: only then does the setting *Let this app run in the background* hold for it
   * (learn.microsoft.com, "background-execution").
   */
  readonly packaged: boolean;
  /** With *Never*: from minimizing or locking to the suspension. */
  readonly suspendAfterMs: Range;
}

export const WINDOWS_NUMBERS: WindowsNumbers = { packaged: true, suspendAfterMs: [5 * SECOND_MS, 10 * SECOND_MS], hangPercent: 50 };

/**
 * Windows. A minimized or locked app runs on (A13, A14), whatever the power: keeping to A15 is the policy's. With *Never* a
 * packaged app is suspended some seconds after the person last saw it. In Modern Standby the Desktop Activity Moderator
 * pauses desktop apps; both are told before. Windows brings no closed app back: wishes are ignored.
 */
export class Windows extends Desktop {
  readonly #numbers: WindowsNumbers;
  protected readonly hearsOfSleep = 'before';

  constructor(parts: MachineParts, numbers: WindowsNumbers) {
    super(parts, numbers);
    this.#numbers = numbers;
  }

  protected override shown(): void {
    this.alarms.clear('suspend');
    super.shown();
  }

  protected override follow(): void {
    const isDenied = this.#numbers.packaged && this.around.permission === 'never' && !this.isVisible;
    if (!isDenied) this.alarms.clear('suspend');
    else if (this.isRunning && !this.alarms.has('suspend')) this.alarms.set('suspend', within(this.chance, this.#numbers.suspendAfterMs), () => this.#deny());
  }

  // Asleep, it stays suspended after waking.
  #deny(): void {
    this.freeze('Windows: the app may not run in the background', 'drop');
  }

  protected override holdsTransfers(): boolean {
    return super.holdsTransfers() || (this.around.saver && this.around.power === 'battery');
  }
}
