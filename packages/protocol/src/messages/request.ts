import { fields, list, nullable, oneOf, optional, text, whole, type TypeOf } from '../shape.ts';
import { push } from './push.ts';

export const codec = oneOf('zstd', 'gzip');
export type Codec = TypeOf<typeof codec>;

/** A check names at most so many ranges. */
export const MOST_CHECK_RANGES = 4096;

/** What a device has of a table: the digests of its rows by ranges of row ids. */
export const checkRequest = fields({
  table: whole,
  /** Range i holds the row ids from i * width to (i + 1) * width - 1. */
  width: whole,
  /** Triples of i, rows and sum, ascending; ranges that are not named are empty. */
  ranges: list(whole, 3 * MOST_CHECK_RANGES),
});
export type CheckRequest = TypeOf<typeof checkRequest>;

/** What a device asks with `POST /v1/sync`. */
export const syncRequest = fields({
  /** Protocol version the device speaks. */
  v: whole,
  /** The device's own id, made by it once. */
  device: text,
  /** What the last answer gave; null: everything from the start. Never trusted by the server. */
  token: nullable(text),
  /** Compressions of packs that the device can undo, best first. */
  accept: list(codec, 8),
  /** Only these tables (ids) take part in the round; absent: all. */
  tables: optional(list(whole, 10_000)),
  /** Tables (ids) that the device has nothing of, whatever the token says. */
  fresh: optional(list(whole, 10_000)),
  /** Names of packs to get fresh addresses for; nothing else is answered then. */
  urls: optional(list(text, 10_000)),
  /** When nothing is new, wait up to so many seconds for a change before answering. Default 0, at most 55. */
  waitSeconds: optional(whole),
  /** Compare a table with the server's rows, and get the ranges that differ. */
  check: optional(checkRequest),
  /** Edits made on the device. They are taken in first; then the answer is read. */
  push: optional(push),
});
export type SyncRequest = TypeOf<typeof syncRequest>;
