import { fields, list, nullable, oneOf, optional, text, whole, type TypeOf } from '../shape.ts';

export const codec = oneOf('zstd', 'gzip');
export type Codec = TypeOf<typeof codec>;

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
});
export type SyncRequest = TypeOf<typeof syncRequest>;
