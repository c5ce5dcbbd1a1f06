/**
 * The ledger of the wire protocol. `hash` is over the forms of all messages: a test compares it, so that no message
 * changes without a line here. `oldest` is the oldest version that this code still speaks.
 */
export const LEDGER = [
  { version: 1, date: '2026-11-21', hash: '275cbdb2deb48448e649383a7512fadc67a6fe26e7bf9b40ef9643f019cd1242', change: 'First version: plan of packs, feed pages, commits per level, signed pack addresses.' },
] as const;

export const PROTOCOL_VERSION: number = LEDGER[LEDGER.length - 1]?.version ?? 0;
export const OLDEST_VERSION = 1;
