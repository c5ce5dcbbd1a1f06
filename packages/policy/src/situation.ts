// What a host reports about the device, the app and the person's settings. Each list stands beside its type, so that
// tests and tables can walk over every value.

export const PLATFORMS = ['ios', 'android', 'windows10', 'windows11', 'web', 'node'] as const;
export type Platform = (typeof PLATFORMS)[number];

/** `background`: another app is in front, the window is minimized, the page is hidden. `frozen`: alive, but no code runs. */
export const APP_STATES = ['foreground', 'background', 'frozen', 'closed'] as const;
export type AppState = (typeof APP_STATES)[number];

export const SCREENS = ['unlocked', 'locked'] as const;
export type Screen = (typeof SCREENS)[number];

export const POWERS = ['plugged', 'battery'] as const;
export type Power = (typeof POWERS)[number];

/** The Windows setting *Let this app run in the background*. Other platforms report `power-optimized`; nothing reads it there. */
export const PERMISSIONS = ['always', 'power-optimized', 'never'] as const;
export type Permission = (typeof PERMISSIONS)[number];

export const NETWORKS = ['unmetered', 'metered', 'none'] as const;
export type Network = (typeof NETWORKS)[number];

/** `interval` only makes the scheduler wait longer; for the policy it is `auto`. */
export const MODES = ['auto', 'interval', 'manual'] as const;
export type Mode = (typeof MODES)[number];

export interface Settings {
  readonly wifiOnly: boolean;
  readonly mode: Mode;
}

/**
 * Time that the OS granted beyond its ordinary rules: the `grace` after leaving, a short `refresh`, a longer `processing`
 * run, a periodic `job`, or a `user-initiated` task with a notification (Android's transfer job, iOS's continued task).
 */
export const WINDOW_KINDS = ['grace', 'refresh', 'processing', 'job', 'user-initiated'] as const;
export type WindowKind = (typeof WINDOW_KINDS)[number];

export interface Window {
  readonly kind: WindowKind;
  /** When it ends, on the clock of `nowMs`; undefined: the OS has not said. */
  readonly endsMs?: number;
}

/** A full snapshot, never a difference. */
export interface Situation {
  /** Milliseconds since 1970, on a clock that may be set. Times in a verdict are on it too. */
  readonly nowMs: number;
  /** A clock that nobody sets and that counts sleep, from any origin. With it a set clock moves no time limit. */
  readonly steadyMs?: number;
  readonly platform: Platform;
  readonly app: AppState;
  readonly screen: Screen;
  /** A person is using the device, in any app. */
  readonly inUse: boolean;
  readonly power: Power;
  readonly saver: boolean;
  readonly permission: Permission;
  readonly network: Network;
  readonly settings: Settings;
  /** Leave an ended one in place until the OS grants another or the app is in front again. */
  readonly window?: Window;
  /** With `closed`: the person quit the app (iOS: swiped it away; Android: force stop), and the OS dropped its transfers. */
  readonly quitByPerson?: boolean;
}

export const SYNC_KINDS = ['first', 'delta', 'full-delta', 'table', 'upload'] as const;
export type SyncKind = (typeof SYNC_KINDS)[number];

/** `none`: the question is whether a new one may start. A sync that an earlier process began is `suspended`. */
export const SYNC_STATES = ['none', 'active', 'suspended'] as const;
export type SyncState = (typeof SYNC_STATES)[number];

export interface Sync {
  readonly kind: SyncKind;
  readonly state: SyncState;
  /** The person asked for it, now. Default: no. */
  readonly byPerson?: boolean;
}
