/**
 * The ledger of the wire protocol. `hash` is over the forms of all messages: a test compares it, so that no message
 * changes without a line here. `oldest` is the oldest version that this code still speaks.
 */
export const LEDGER = [
  { version: 1, date: '2026-11-21', hash: 'f10b0f9160cfda28110441f8274c8cc92954fe073c9e40b05e7ff003f82e5749', change: 'First version: plan of packs, feed pages, commits per level, checks by ranges of row ids, signed pack addresses.' },
] as const;

export const PROTOCOL_VERSION: number = LEDGER[LEDGER.length - 1]?.version ?? 0;
export const OLDEST_VERSION = 1;
