import type { Report, WakeWish } from '@carryon/client';
import type { Platform, Window, WindowKind } from '@carryon/policy';
import { Alarms } from './alarms.ts';
import { AppProcess } from './app-process.ts';
import type { Action, Os, ProcessHooks } from './os.ts';
import type { Chance, Timeline } from './ports.ts';
import { AT_FIRST, changed, type Surroundings } from './surroundings.ts';
import type { OsTransfers } from './transfers.ts';

/** What every operating system is made with. */
export interface MachineParts {
  readonly platform: Platform;
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly hooks: ProcessHooks;
  readonly transfers: OsTransfers | undefined;
  /** The device's clock, which may be set. */
  readonly wallMs: () => number;
  readonly device: Partial<Surroundings>;
}

/** A window as the OS knows it, on the timeline. Without an end the OS has not said. */
interface Granted {
  readonly kind: WindowKind;
  readonly endsAtMs?: number;
}

/** A wish as the OS keeps it, on the timeline. */
export interface Wished {
  readonly kinds: WakeWish['kinds'];
  readonly dueMs: number;
}

const ENDS = ['quit', 'kill', 'discard', 'reboot', 'power-loss'] as const;
export type EndedBy = (typeof ENDS)[number];

const WHY_ENDED: Record<EndedBy, string> = {
  'quit': 'the person quit the app',
  'kill': 'the OS killed the process',
  'discard': 'the browser discarded the page',
  'reboot': 'the device was restarted',
  'power-loss': 'the device lost power',
};

/** What all operating systems have in common: the surroundings, the process, and when it is told of them. */
export abstract class Machine implements Os {
  readonly transfers: OsTransfers | undefined;
  protected readonly timeline: Timeline;
  protected readonly chance: Chance;
  protected readonly process: AppProcess;
  /** Timers about this process; they end with it. */
  protected readonly alarms: Alarms;
  /** Timers that outlive the process. */
  protected readonly plans: Alarms;
  protected around: Surroundings;
  protected window: Granted | undefined;
  protected wished: Wished | undefined;
  /** The OS lets no code run and the process was warned of it. */
  protected isFrozen = false;
  /** The OS keeps the process from the network. */
  protected isCut = false;
  /** The person ended the app and has not opened it since. */
  protected isQuit = false;
  readonly #platform: Platform;
  readonly #wallMs: () => number;

  constructor(parts: MachineParts) {
    this.#platform = parts.platform;
    this.#wallMs = parts.wallMs;
    this.timeline = parts.timeline;
    this.chance = parts.chance;
    this.transfers = parts.transfers;
    this.alarms = new Alarms(parts.timeline);
    this.plans = new Alarms(parts.timeline);
    this.around = { ...AT_FIRST, ...parts.device };
    this.process = new AppProcess(parts.hooks, () => this.situation());
  }

  get isRunning(): boolean {
    return this.process.isRunning;
  }

  protected get isVisible(): boolean {
    return this.shows(this.around);
  }

  act(action: Action): void {
    const before = this.around;
    this.around = changed(before, action);
    const ending = ENDS.find((one) => one === action.do);
    if (ending !== undefined && this.mayEnd(ending)) this.#end(ending);
    if (before.unlockedSinceBoot !== this.around.unlockedSinceBoot) this.storage(this.around.unlockedSinceBoot);
    if (this.isVisible) this.shown();
    else if (this.shows(before) && !this.process.isGone) this.hidden();
    this.follow(action);
    this.surround();
    this.process.tell();
  }

  rested(): void {}

  wish(wake: WakeWish | undefined): void {
    const dueMs = wake === undefined ? 0 : this.timeline.nowMs() + Math.max(0, wake.notBeforeMs - this.#wallMs());
    this.wished = wake === undefined ? undefined : { kinds: wake.kinds, dueMs };
    this.plan();
  }

  situation(): Report {
    const { screen, inUse, power, saver, network, wifiOnly, mode } = this.around;
    const app = this.process.isGone ? 'closed' : this.appState();
    return {
      platform: this.#platform, app, screen, inUse, power, saver,
      permission: this.#platform.startsWith('windows') ? this.around.permission : 'power-optimized',
      network: this.isCut ? 'none' : network, settings: { wifiOnly, mode },
      ...(this.window === undefined ? {} : { window: this.#told(this.window) }),
      ...(app === 'closed' ? { quitByPerson: this.isQuit } : {}),
    };
  }

  protected appState(): 'foreground' | 'background' | 'frozen' {
    if (this.isFrozen) return 'frozen';
    return this.around.inFront ? 'foreground' : 'background';
  }

  /** Whether the person sees the app. */
  protected shows(around: Surroundings): boolean {
    return around.inFront && around.screen === 'unlocked';
  }

  /** Only browsers discard. */
  protected mayEnd(how: EndedBy): boolean {
    return how !== 'discard';
  }

  /** Called at every action while the person sees the app. */
  protected shown(): void {
    this.window = undefined;
    this.isFrozen = false;
    this.isCut = false;
    this.run('the person opened the app');
  }

  /** The person no longer sees the app; its process lives. */
  protected hidden(): void {}

  /** Called at every action, after `shown` and `hidden`. */
  protected follow(_action: Action): void {}

  /** Called at every wish. */
  protected plan(): void {}

  /** Only phones keep the app's files unreadable until the first unlock. */
  protected storage(_readable: boolean): void {}

  /** The transfer service rests. */
  protected holdsTransfers(): boolean {
    return false;
  }

  protected run(why: string): void {
    const wasGone = this.process.isGone;
    this.isQuit = false;
    this.surround(true);
    if (wasGone) this.transfers?.attach();
    this.process.run(why);
  }

  protected suspend(why: string, sockets: 'drop' | 'hang'): void {
    this.process.suspend(why, sockets);
    this.surround();
  }

  /** Suspends a process that is warned of it. */
  protected freeze(why: string, sockets: 'drop' | 'hang'): void {
    this.isFrozen = true;
    this.process.tell();
    this.suspend(why, sockets);
  }

  /** What the process and the transfer service reach, before either acts on it. */
  protected surround(runs = this.process.isRunning): void {
    this.process.reach(this.around.network !== 'none' && !this.isCut);
    this.transfers?.surround({ network: this.around.network, runs, visible: runs && this.isVisible, held: this.holdsTransfers() });
  }

  #end(how: EndedBy): void {
    this.alarms.clear();
    this.window = undefined;
    this.isFrozen = false;
    this.isCut = false;
    if (how === 'quit') this.isQuit = true;
    if (how === 'quit') this.wish(undefined);
    if (how === 'power-loss') this.process.losePower();
    else this.process.kill(WHY_ENDED[how]);
    this.transfers?.end(how);
  }

  // An ended window keeps its end, and a clock that was set moves it.
  #told({ kind, endsAtMs }: Granted): Window {
    return endsAtMs === undefined ? { kind } : { kind, endsMs: this.#wallMs() + endsAtMs - this.timeline.nowMs() };
  }
}
