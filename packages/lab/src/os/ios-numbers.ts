import { HOUR_MS, MINUTE_MS, type Range, SECOND_MS } from './ports.ts';

/** What iOS grants. Apple documents hardly a number: where no source is named, the figure is ours. */
export interface IosNumbers {
  /** After leaving or locking. About 30 s today (developer.apple.com/forums/thread/85066). */
  readonly graceMs: Range;
  /** From `rested` to the suspension. */
  readonly restMs: number;
  /** From the notice that a window is over before its time to the suspension. 0 is the harshest. */
  readonly noticeMs: number;
  /** How many of 100 windows the OS ends before the time it told ("may be cut earlier"). */
  readonly cutEarlyPercent: number;
  /** BGAppRefreshTask: about 30 s, when the system chooses. */
  readonly refreshMs: Range;
  readonly refreshLateMs: Range;
  /** Between two windows of a kind. */
  readonly windowEveryMs: number;
  /** BGProcessingTask: "minutes", 4 min 55 s in the field (github.com/MobiusSync/MobiusSync/issues/7). */
  readonly processingMs: Range;
  readonly processingLateMs: Range;
  /** `requiresExternalPower`. */
  readonly processingNeedsPower: boolean;
  /** A window that could not be granted is tried again after this. */
  readonly retryMs: number;
  /** The person's setting Background App Refresh; off: no refresh and no processing window. */
  readonly backgroundRefresh: boolean;
  /** A6: "up to 5 minutes at a time". */
  readonly sliceMs: number;
  /** A7, A8: "in 15 minutes". */
  readonly sliceEveryMs: number;
  /** The delegate has about 5 s when the app goes out of sight (onmyway133.com, "background in iOS"). */
  readonly lockNoticeMs: number;
  /** After all of its transfers ended the app is woken, or started, for some seconds. */
  readonly transferWakeMs: number;
  /** Whether windows come before the first unlock after a boot. */
  readonly wakesBeforeUnlock: boolean;
  /** How many of 100 suspended processes iOS ends for their memory, and within what time. */
  readonly killPercent: number;
  readonly killWithinMs: number;
}

export const IOS_NUMBERS: IosNumbers = {
  graceMs: [30 * SECOND_MS, 30 * SECOND_MS],
  restMs: 100,
  noticeMs: 0,
  cutEarlyPercent: 0,
  refreshMs: [30 * SECOND_MS, 30 * SECOND_MS],
  windowEveryMs: 15 * MINUTE_MS,
  refreshLateMs: [0, 30 * MINUTE_MS],
  processingMs: [MINUTE_MS, 295 * SECOND_MS],
  processingLateMs: [0, 2 * HOUR_MS],
  processingNeedsPower: false,
  retryMs: 5 * MINUTE_MS,
  backgroundRefresh: true,
  sliceMs: 5 * MINUTE_MS,
  sliceEveryMs: 15 * MINUTE_MS,
  lockNoticeMs: 5 * SECOND_MS,
  transferWakeMs: 10 * SECOND_MS,
  wakesBeforeUnlock: true,
  killPercent: 0,
  killWithinMs: 30 * MINUTE_MS,
};
