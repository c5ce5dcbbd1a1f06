import { Desktop, type SleepNumbers } from './desktop.ts';
import type { EndedBy, MachineParts } from './machine.ts';
import type { Action } from './os.ts';
import { MINUTE_MS } from './ports.ts';
import type { Surroundings } from './surroundings.ts';

export interface WebNumbers extends SleepNumbers {
  readonly device: 'desktop' | 'phone';
  /** Chrome on Android freezes hidden pages after a minute, since M139. */
  readonly phoneFreezeMs: number;
  /** On a desktop after 5 minutes hidden, only while power is saved (developer.chrome.com/blog/freezing-on-energy-saver). */
  readonly desktopFreezeMs: number;
}

export const WEB_NUMBERS: WebNumbers = { device: 'desktop', phoneFreezeMs: MINUTE_MS, desktopFreezeMs: 5 * MINUTE_MS, hangPercent: 50 };

/**
 * A page in Chromium. Hidden it runs on until it is frozen; that is told synchronously just before, and a body in flight
 * hangs for ever afterwards (measured in Chromium 156). A discarded page, a closed tab and a killed browser are gone.
 * On a desktop the lock hides nothing. A service worker cannot apply packs, so wishes bring no page back.
 */
export class Web extends Desktop {
  readonly #numbers: WebNumbers;
  #hiddenMs = 0;
  protected readonly hearsOfSleep = 'never';

  constructor(parts: MachineParts, numbers: WebNumbers) {
    super(parts, numbers);
    this.#numbers = numbers;
  }

  protected override sleeps(): boolean {
    return this.#numbers.device === 'desktop';
  }

  protected override shows(around: Surroundings): boolean {
    return around.inFront && (this.#numbers.device === 'desktop' || around.screen === 'unlocked');
  }

  protected override appState(): 'foreground' | 'background' | 'frozen' {
    const state = super.appState();
    return state === 'foreground' && !this.isVisible ? 'background' : state;
  }

  protected override mayEnd(how: EndedBy): boolean {
    return super.mayEnd(how) || !this.isVisible;
  }

  protected override shown(): void {
    this.alarms.clear();
    super.shown();
  }

  protected override hidden(): void {
    this.#hiddenMs = this.timeline.nowMs();
    this.#planFreeze();
  }

  protected override follow(action: Action): void {
    if (this.process.isGone || this.isVisible) return;
    if (action.do === 'freeze') this.#freeze();
    if (action.do === 'saver-on') this.#planFreeze();
    if (action.do === 'saver-off' && this.#numbers.device === 'desktop') this.#thaw();
  }

  #planFreeze(): void {
    const { device, phoneFreezeMs, desktopFreezeMs } = this.#numbers;
    if (device === 'desktop' && !this.around.saver) return;
    const afterMs = device === 'phone' ? phoneFreezeMs : desktopFreezeMs;
    this.alarms.set('freeze', this.#hiddenMs + afterMs - this.timeline.nowMs(), () => this.#freeze());
  }

  #freeze(): void {
    this.freeze('the browser froze the page', 'hang');
  }

  #thaw(): void {
    this.alarms.clear('freeze');
    this.isFrozen = false;
    if (!this.isAsleep) this.run('the browser let the page run again');
  }
}
