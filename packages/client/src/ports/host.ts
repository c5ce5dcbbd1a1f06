import type { Situation, WakeUp } from '@carryon/policy';
import type { Transfers } from './transfers.ts';

/** What a host knows of the device and the app: a policy's situation without the times, which the engine's clock gives. */
export type Report = Omit<Situation, 'nowMs' | 'steadyMs'>;

/** What the host tells the engine. */
export interface HostEvents {
  /**
   * The whole situation as it is now; first from within `start`, then at every change. A host whose process is about to be
   * suspended tells it synchronously: when the call returns, requests are aborted and no further step begins.
   */
  situation(report: Report): void;
}

/**
 * The engine has work that waits: when it may go on (0: as soon as the OS lets it), and the ways in which the rules let the
 * OS bring the app back. The published pages name none; where their rules speak of slices, the OS grants those by itself.
 */
export interface WakeWish {
  /** Milliseconds since 1970. */
  readonly notBeforeMs: number;
  readonly kinds: readonly WakeUp['kind'][];
}

/** The surroundings. They say what is so; the policy decides what may run; the engine keeps to it. */
export interface Host {
  /** Starts telling; returns how to stop. */
  start(events: HostEvents): () => void;
  /**
   * The engine is at rest: nothing in flight, no transaction open. A grace or window of the OS can end. Comes once after permission to
   * work has ended, and after the app was told to be closed or frozen.
   */
  rested(): void;
  /** The OS's own transfer service; absent where there is none. */
  readonly transfers?: Transfers;
  /** The wish replaces the one before; undefined: nothing waits. Absent where the OS cannot bring the app back. */
  wish?(wake: WakeWish | undefined): void;
}
