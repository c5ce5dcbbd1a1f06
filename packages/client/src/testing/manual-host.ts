import type { Host, HostEvents, Report, WakeWish } from '../ports/host.ts';
import type { Transfers } from '../ports/transfers.ts';

/** A computer at work, where the policy lets everything run. */
export const AT_WORK: Report = {
  platform: 'node', app: 'foreground', screen: 'unlocked', inUse: true, power: 'plugged', saver: false, permission: 'power-optimized',
  network: 'unmetered', settings: { wifiOnly: false, mode: 'auto' },
};

/** A host that a test is: it tells what it is told to. */
export class ManualHost implements Host {
  #events: HostEvents | undefined;
  #now: Report | undefined;
  readonly transfers?: Transfers;
  /** Times the engine said that it is at rest. */
  rests = 0;
  wished: WakeWish | undefined;

  /** `first`: what is told at the start; null: nothing. */
  constructor(first: Report | null = AT_WORK, transfers?: Transfers) {
    this.#now = first ?? undefined;
    if (transfers) this.transfers = transfers;
  }

  start(events: HostEvents): () => void {
    this.#events = events;
    if (this.#now) events.situation(this.#now);
    return () => { this.#events = undefined; };
  }

  get isStarted(): boolean {
    return this.#events !== undefined;
  }

  rested(): void {
    this.rests++;
  }

  wish(wake: WakeWish | undefined): void {
    this.wished = wake;
  }

  /** Changes the situation. */
  tell(change: Partial<Report>): void {
    this.#now = { ...(this.#now ?? AT_WORK), ...change };
    this.#events?.situation(this.#now);
  }

  /** Everything may run; with `endsMs` only until then, as in a window that iOS grants. */
  grant(endsMs?: number): void {
    this.#now = endsMs === undefined ? AT_WORK : { ...AT_WORK, platform: 'ios', app: 'background', window: { kind: 'processing', endsMs } };
    this.#events?.situation(this.#now);
  }

  /** Nothing may run: the machine sleeps. */
  revoke(): void {
    this.tell({ app: 'frozen' });
  }
}
