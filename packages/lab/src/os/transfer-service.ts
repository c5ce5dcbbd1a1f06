import type { Platform } from '@carryon/policy';
import { HOUR_MS, MINUTE_MS, type Range, SECOND_MS } from './ports.ts';

/** `on-start`: they rest until the app's next process begins. */
export type AfterEnd = 'goes-on' | 'on-start' | 'lost';

/** One OS's transfer service. Numbers without a source are ours. */
export interface TransferService {
  readonly parallel: number;
  /** Items not yet stored or failed; more are refused. */
  readonly maxQueued: number;
  /** A broken or paused download goes on where it was; else from byte 0. */
  readonly resumes: boolean;
  readonly afterKill: AfterEnd;
  readonly afterQuit: AfterEnd;
  readonly afterReboot: AfterEnd;
  /** Items enqueued together are one registration: one after another, handed over at the end, one bad status fails the rest. */
  readonly batches: boolean;
  /** What an item enqueued out of sight waits; it doubles with each time that the OS brings the app back meanwhile. 0: no wait. */
  readonly limiterMs: number;
  /** Rests on battery with power saving on. */
  readonly holdsInSaver: boolean;
  /** A broken connection is tried again after this, doubling up to `retryMostMs`. */
  readonly retryMs: number;
  readonly retryMostMs: number;
  /** An item that is not there after this has failed. */
  readonly giveUpMs: number;
}

const USUAL = { resumes: true, batches: false, limiterMs: 0, holdsInSaver: false, retryMs: 5 * SECOND_MS, retryMostMs: 5 * MINUTE_MS, giveUpMs: 24 * HOUR_MS } as const;

/**
 * iOS, background URLSession: goes on while suspended and after the OS ended the app; a swipe cancels all
 * (developer.apple.com, "Downloading files in the background"); the rate limiter 60, 120, 240 s
 * (developer.apple.com/forums/thread/14854). No limit of items is documented, "thousands are too many".
 */
const IOS: TransferService = { ...USUAL, parallel: 4, maxQueued: 1_000, afterKill: 'goes-on', afterQuit: 'lost', afterReboot: 'goes-on', limiterMs: 60 * SECOND_MS };

/** Android, user-initiated transfer job or DownloadManager: a system process of its own, resumes over reboots; a force stop ends it. */
const ANDROID: TransferService = { ...USUAL, parallel: 5, maxQueued: 1_000, afterKill: 'goes-on', afterQuit: 'lost', afterReboot: 'goes-on' };

/**
 * Windows, BackgroundTransfer: a process of its own, at most 200 transfers per app, pauses by network and battery, goes on
 * after a restart when the app attaches to it (learn.microsoft.com, windows.networking.backgroundtransfer).
 */
const WINDOWS: TransferService = { ...USUAL, parallel: 5, maxQueued: 200, afterKill: 'goes-on', afterQuit: 'goes-on', afterReboot: 'on-start', holdsInSaver: true };

/**
 * Web, Background Fetch as measured in Chromium 156: two at a time per registration, registrations one after another;
 * hiding, freezing or closing the page changes nothing; after a kill of the browser it goes on at its next launch, with
 * the files in flight from byte 0.
 */
const WEB: TransferService = { ...USUAL, parallel: 2, maxQueued: 1_000, afterKill: 'on-start', afterQuit: 'goes-on', afterReboot: 'on-start', batches: true };

export const SERVICES: Record<Platform, TransferService | undefined> = {
  ios: IOS, android: ANDROID, windows10: WINDOWS, windows11: WINDOWS, web: WEB, node: undefined,
};

/** What goes wrong, of 100 items each. An item has at most one of these, once. */
export interface TransferFaults {
  /** Ends as `failed`, with 503 or without a status. */
  readonly failPercent: number;
  /** Drops out of the list without a word. */
  readonly vanishPercent: number;
  /** Is `running` for ever. */
  readonly stallPercent: number;
  /** Stores the page of a captive portal in place of the file: OS services take any 200 for a success. */
  readonly portalPercent: number;
  /** How long after its beginning. */
  readonly faultAfterMs: Range;
}

export const NO_FAULTS: TransferFaults = { failPercent: 0, vanishPercent: 0, stallPercent: 0, portalPercent: 0, faultAfterMs: [0, MINUTE_MS] };
