import { fields, list, optional, text, whole, type TypeOf } from '../shape.ts';

/** The rows that follow belong to this table. */
export const tableFrame = fields({ table: whole });
export type TableFrame = TypeOf<typeof tableFrame>;

/** A row as it now is: ["P", rid, ver, ...values]. Checked by hand: there are many. */
export type PutFrame = readonly ['P', number, number, ...unknown[]];
/** A row that is no longer in the person's share. */
export type RemoveFrame = readonly ['R', number];

/** All row ids of the table that are alive; the device removes every other row. Sent when tombstones have expired. */
export const liveFrame = fields({ live: fields({ table: whole, runs: list(whole, 100_000_000) }) });
export type LiveFrame = TypeOf<typeof liveFrame>;

/** In an answer to a check: the rows that follow are all that the table has with these row ids. */
export const rangeFrame = fields({ range: fields({ table: whole, low: whole, high: whole }) });
export type RangeFrame = TypeOf<typeof rangeFrame>;

/** In an answer to a check: so much differs that the device should download the table anew. No commit follows. */
export const lostFrame = fields({ lost: fields({ table: whole }) });
export type LostFrame = TypeOf<typeof lostFrame>;

/** The rows so far are a part; keep them aside and ask again with this token. */
export const pageFrame = fields({ page: fields({ token: text }) });
export type PageFrame = TypeOf<typeof pageFrame>;

/** The rows so far make these tables equal to the person's share at the checkpoint. */
export const commitFrame = fields({
  commit: fields({
    checkpoint: whole,
    token: text,
    tables: list(fields({ table: whole, rows: optional(whole), sum: optional(whole) }), 10_000),
    /** More commits follow in this answer, or the device should ask again at once. */
    more: optional(whole),
    /** What this device's changesets up to this one have done is in the tables. Absent: 0. */
    ack: optional(whole),
  }),
});
export type CommitFrame = TypeOf<typeof commitFrame>;

/** The answer ends here with an error; what was committed before it counts. */
export const errorFrame = fields({
  error: fields({ code: text, message: text, retryAfterMs: optional(whole) }),
});
export type ErrorFrame = TypeOf<typeof errorFrame>;
