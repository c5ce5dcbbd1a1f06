import type { Report, WakeWish } from '@carryon/client';
import type { Mode, Network, Permission } from '@carryon/policy';
import type { OsTransfers } from './transfers.ts';

/** What the person and the surroundings do. */
export type Action =
  /** `open` unlocks the device too. `leave`: to another app, the window minimized, the page hidden. */
  | { readonly do: 'open' | 'leave' | 'lock' | 'unlock' }
  /** `use-other`: the person uses the device in another app, or, while it is locked, in a call. `put-down`: nobody uses it. */
  | { readonly do: 'use-other' | 'put-down' }
  /** `quit`: swiped away (iOS), force stop (Android), window or tab closed. `kill`: the OS or a crash ends the process. */
  | { readonly do: 'quit' | 'kill' }
  /** `freeze`: a hidden page, or Android's freezer for cached processes. `discard`: a hidden page only. */
  | { readonly do: 'freeze' | 'discard' }
  /** Off and on: the device is locked, and was not unlocked since. `power-loss` is that without a warning. */
  | { readonly do: 'reboot' | 'power-loss' }
  | { readonly do: 'plug' | 'unplug' | 'saver-on' | 'saver-off' }
  /** The Windows setting *Let this app run in the background*. */
  | { readonly do: 'permission'; readonly to: Permission }
  | { readonly do: 'network'; readonly to: Network }
  | { readonly do: 'wifi-only'; readonly on: boolean }
  | { readonly do: 'mode'; readonly to: Mode }
  /** A desktop machine sleeps; phones ignore it. The person wakes it earlier by using it. */
  | { readonly do: 'sleep'; readonly forMs: number }
  /** The world sets the clock, then tells it here: the OS tells the ends of its windows on the new clock. */
  | { readonly do: 'clock'; readonly byMs: number };

/** What the OS does to the app's process; the device carries it out. Any of these may be called from within any call to the OS. */
export interface ProcessHooks {
  /** A new process: the app was opened, or woken in the background. */
  start(report: Report, why: string): void;
  /** Only while the process runs. */
  report(report: Report): void;
  /** No code runs: timers and requests stop. `hang`: a request in flight never goes on and never fails, unless aborted. */
  suspend(why: string, sockets: 'drop' | 'hang'): void;
  /** Code runs again; `report` follows at once. */
  resume(): void;
  /** The process is gone, without a word to it. Called only while there is one. */
  kill(why: string): void;
  /** As `kill`, and what was not flushed may be lost; also called without a process, for what an earlier one wrote. */
  powerLoss(): void;
  /** Not readable: before the first unlock after a boot nothing of the app can be read. Readable until told otherwise. */
  storage(readable: boolean): void;
  /** Whether the process itself reaches the network. Up until told otherwise. */
  network(to: 'up' | 'cut'): void;
}

/** The operating system of one device with one app. */
export interface Os {
  act(action: Action): void;
  readonly transfers: OsTransfers | undefined;
  /** `Host.rested` of the process. */
  rested(): void;
  /** `Host.wish` of the process; the OS keeps it when the process ends. */
  wish(wake: WakeWish | undefined): void;
  /** The app's process runs code. */
  readonly isRunning: boolean;
  /** What a host would report now, if it could; `closed` without a process. */
  situation(): Report;
}
