import { anything, fields, list, oneOf, optional, text, whole, type TypeOf } from '../shape.ts';

/** A changeset has at most so many changes, and a request at most so many changesets. */
export const MOST_CHANGES = 100_000;
export const MOST_CHANGESETS = 10_000;

/** A table as the changes name it: by names, so that they outlive a change of the server's numbers. */
export const pushedTable = fields({
  name: text,
  columns: list(text, 2000),
  /** Positions in `columns` of the key's columns, in the key's order. */
  key: list(whole, 100),
});
export type PushedTable = TypeOf<typeof pushedTable>;

/**
 * One change of one row. `set` and `base` are lists of lists of a column's position and wire values: `[column, old, new]` in an update,
 * `[column, new]` in an insert. `base`, `[column, old]`, is what else the device saw of the row, where conflicts are detected by the whole
 * row (and of a row deleted).
 */
export const change = fields({
  op: oneOf('insert', 'update', 'delete'),
  /** Position in the push's tables. */
  table: whole,
  /** Wire values of the key. A temporary key is a negative number. */
  key: list(anything, 100),
  set: optional(list(list(anything, 3), 2000)),
  base: optional(list(list(anything, 2), 2000)),
});
export type Change = TypeOf<typeof change>;

/** What one transaction on the device did: all of it is accepted or none. */
export const changeset = fields({
  /** 1, 2, 3 … for each device, without gaps. */
  seq: whole,
  changes: list(change, MOST_CHANGES),
});
export type Changeset = TypeOf<typeof changeset>;

/** Edits made on the device, as part of a request. */
export const push = fields({
  /** The device has taken in the outcomes of all changesets up to this one. */
  known: whole,
  /** Names this push: the same request delivered twice is the same push. */
  id: optional(text),
  /** Whose edits they are; a request with another person's token is refused. */
  user: optional(text),
  /** The highest changeset that the device has sent before this push. A server that has more of this device takes in nothing. */
  sent: optional(whole),
  /** The device no longer has the changesets up to this one, whatever became of them. */
  lost: optional(whole),
  tables: list(pushedTable, 10_000),
  /** Ascending, each one more than the one before. */
  changesets: list(changeset, MOST_CHANGESETS),
});
export type Push = TypeOf<typeof push>;

/** What a temporary key has become; both as wire values. */
export const replacedKey = fields({ table: text, temporary: anything, key: anything });

/** Why a changeset was refused. */
export const refusedChange = fields({
  /** An error code; `write.*`. */
  code: text,
  message: text,
  /** Position in the changeset of the change that was refused; the others were undone with it. */
  change: whole,
  /** The row of the table of sync errors that tells it. */
  error: text,
});

/** What became of a changeset, where that is more than that it was accepted. */
export const outcome = fields({
  seq: whole,
  /** Real keys of new rows. */
  keys: optional(list(replacedKey, MOST_CHANGES)),
  refused: optional(refusedChange),
});
export type Outcome = TypeOf<typeof outcome>;

/** In every answer to a request with `push`, and after the header of any other where the device does not know all outcomes. */
export const pushedFrame = fields({
  pushed: fields({
    /** All changesets up to this one have their outcome; the next to be sent is the one after it. */
    last: whole,
    /** Names the server's own record of changesets. Another one than before: that record was made anew, and the data was not put back. */
    ledger: optional(text),
    /** 1: the server has changesets that this device never sent, so its folder was put back from an older copy. Nothing was taken in. */
    diverged: optional(whole),
    /** Those after `known`, ascending; where none is told the changeset was accepted. */
    outcomes: list(outcome, 1_000_000),
  }),
});
export type PushedFrame = TypeOf<typeof pushedFrame>;
