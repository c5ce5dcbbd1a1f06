import { fields, list, text, whole, type TypeOf } from '../shape.ts';
import { tableSpec } from '../table.ts';
import { codec } from './request.ts';

export const packPart = fields({ table: whole, rows: whole, sum: whole });

export const packSpec = fields({
  /** SHA-256 of the bytes as sent, in hex. */
  name: text,
  /** Size as sent and size after decompression, in bytes. */
  bytes: whole,
  rawBytes: whole,
  codec,
  level: whole,
  parts: list(packPart, 1000),
  /** Checkpoint that the pack's rows are from. */
  asOf: whole,
  /** Where it is, relative to the server's address; signed, valid for a day or more. */
  url: text,
});
export type PackSpec = TypeOf<typeof packSpec>;

/** While packs are being built: the plan follows in the same answer. */
export const buildingFrame = fields({ building: fields({ done: whole, of: whole }) });
export type BuildingFrame = TypeOf<typeof buildingFrame>;

/** Everything the tables without a position need: the packs, and the token to follow up with. */
export const planFrame = fields({
  plan: fields({ tables: list(tableSpec, 10_000), packs: list(packSpec, 10_000), token: text }),
});
export type PlanFrame = TypeOf<typeof planFrame>;

/**
 * All tables of the person as they are now, after the header of an answer (and `pushed`) whenever they are not what the token stands for; the
 * answer's own token stands for these. A table that is not named is not the person's any more. None: the person has no data here.
 */
export const tablesFrame = fields({ tables: list(tableSpec, 10_000) });
export type TablesFrame = TypeOf<typeof tablesFrame>;

/** Fresh addresses, in the order asked; empty text: that pack is gone. */
export const urlsFrame = fields({ urls: list(text, 10_000) });
export type UrlsFrame = TypeOf<typeof urlsFrame>;
