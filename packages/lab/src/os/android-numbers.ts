import type { QuotaRule } from './job-quota.ts';
import { HOUR_MS, MINUTE_MS, type Range, SECOND_MS } from './ports.ts';

export type Bucket = 'active' | 'working-set' | 'frequent' | 'rare' | 'restricted';

/** What Android grants. Where no source is named, the figure is ours. */
export interface AndroidNumbers {
  /** Android 15: out of sight the network is cut after about 5 s (forpes.ru/post/198624) to a minute. Undefined: before Android 15. */
  readonly networkCutMs: Range | undefined;
  /** How many of 100 processes out of sight are frozen (cached-process freezer, Doze), and when. */
  readonly freezePercent: number;
  readonly freezeMs: Range;
  /** How many of 100 are ended for their memory or by the maker's own power manager (dontkillmyapp.com), and within what time. */
  readonly killPercent: number;
  readonly killWithinMs: number;
  /** WorkManager: 10 minutes for a run, 15 minutes between runs at the least. */
  readonly jobMs: number;
  readonly jobEveryMs: number;
  readonly jobLateMs: Range;
  /** With less of its quota left a job does not begin. */
  readonly jobLeastMs: number;
  /** A job that could not begin is tried again after this. */
  readonly retryMs: number;
  readonly bucket: Bucket;
  /** developer.android.com, "Power management resource limits", as of Android 16; none while charging. `restricted` is "less". */
  readonly quota: Readonly<Record<Bucket, QuotaRule>>;
  /** User-initiated data transfer job: "an extended period" (developer.android.com, "uidt"); its end is not told. */
  readonly userJobMs: Range;
  /** From `rested` to the end of a window. */
  readonly restMs: number;
}

export const ANDROID_NUMBERS: AndroidNumbers = {
  networkCutMs: [5 * SECOND_MS, MINUTE_MS],
  freezePercent: 50,
  freezeMs: [2 * MINUTE_MS, 20 * MINUTE_MS],
  killPercent: 0,
  killWithinMs: HOUR_MS,
  jobMs: 10 * MINUTE_MS,
  jobEveryMs: 15 * MINUTE_MS,
  jobLateMs: [0, 15 * MINUTE_MS],
  jobLeastMs: MINUTE_MS,
  retryMs: 5 * MINUTE_MS,
  bucket: 'active',
  quota: {
    'active': { mayRunMs: 20 * MINUTE_MS, everyMs: HOUR_MS },
    'working-set': { mayRunMs: 10 * MINUTE_MS, everyMs: 4 * HOUR_MS },
    'frequent': { mayRunMs: 10 * MINUTE_MS, everyMs: 12 * HOUR_MS },
    'rare': { mayRunMs: 10 * MINUTE_MS, everyMs: 24 * HOUR_MS },
    'restricted': { mayRunMs: 5 * MINUTE_MS, everyMs: 24 * HOUR_MS },
  },
  userJobMs: [30 * MINUTE_MS, 2 * HOUR_MS],
  restMs: 100,
};
