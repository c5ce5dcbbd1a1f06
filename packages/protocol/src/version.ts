/**
 * The ledger of the wire protocol. `hash` is over the forms of all messages: a test compares it, so that no message
 * changes without a line here. `oldest` is the oldest version that this code still speaks.
 */
export const LEDGER = [
  { version: 1, date: '2026-11-21', hash: 'd6511d64f8b8fd08724319ccc9e12169450883a24bdf23a94c08daa7fa79ae41', change: 'First version: plan of packs, feed pages, commits per level, checks by ranges of row ids, edits as changesets, signed pack addresses.' },
] as const;

export const PROTOCOL_VERSION: number = LEDGER[LEDGER.length - 1]?.version ?? 0;
export const OLDEST_VERSION = 1;
