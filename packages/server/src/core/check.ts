import { CarryonError, encodeValue, type CheckRequest, type Frame } from '@carryon/protocol';
import type { Entry, RangeDigest, Scope, Snapshot, SyncedTable } from '../ports/storage.ts';
import { LAST_RID, scopeOf } from './cut.ts';
import { ackOf, headerOf, type PullAnswer } from './pull.ts';
import { moveToken, tokenToText, type Token } from './token.ts';

export interface CheckLimits {
  readonly checkRows: number;
  readonly checkBytes: number;
}

export interface CheckQuestion {
  readonly user: string;
  /** The device's own id. */
  readonly device: string;
  readonly token: Token;
  readonly table: SyncedTable;
  /** What the device has, as `readCheck` let it pass. */
  readonly check: CheckRequest;
  readonly nowMs: number;
  /** Makes a token's text what goes over the wire. */
  readonly seal: (text: string) => string;
}

const refuse = (why: string): CarryonError => new CarryonError('protocol.bad-request', `The check could not be read: ${why}.`);

/** The table that a check is about. Throws `protocol.bad-request`. */
export function readCheck(check: CheckRequest, token: Token, tables: readonly SyncedTable[]): SyncedTable {
  const { width, ranges } = check;
  if (width < 1) throw refuse('check.width is less than 1');
  if (ranges.length % 3 !== 0) throw refuse('check.ranges are not triples');
  for (let at = 0; at < ranges.length; at += 3) {
    const [i = 0, rows = 0] = ranges.slice(at, at + 2);
    if (at > 0 && i <= (ranges[at - 3] ?? 0)) throw refuse(`check.ranges[${at}] is not above the one before`);
    if (i > LAST_RID / width) throw refuse(`check.ranges[${at}] is beyond the largest row id`);
    if (rows < 1) throw refuse(`check.ranges[${at + 1}] is less than 1`);
  }
  const table = tables.find(({ id }) => id === check.table);
  if (!table) throw refuse(`there is no table ${check.table}`);
  if (!token.tables.has(table.id)) throw refuse(`the token does not name table ${table.id}`);
  return table;
}

/**
 * All rows of the ranges in which the device's copy of a table differs from the person's share, and a commit of that table alone; or
 * `lost`, when that is too much. Everything is read in one snapshot.
 */
export function check(snapshot: Snapshot, question: CheckQuestion, limits: CheckLimits): PullAnswer {
  const state = snapshot.state();
  const { table, user } = question;
  const scope = snapshot.scope(scopeOf(table, user));
  if (!scope) throw new RangeError(`the scope of table ${table.name} is not active`);
  const header = headerOf(state, user, question.nowMs);
  const differing = differingRanges(snapshot, scope, question.check, limits.checkRows);
  const sent = differing && readRanges(snapshot, scope, differing, question.check.width, limits);
  const ack = snapshot.acked(user, question.device);
  if (!sent) return { frames: [header, { lost: { table: table.id } }], rows: 0, ack };
  const token = question.seal(tokenToText(moveToken(question.token, [[table.id, { at: state.checkpoint }]])));
  const commit = { checkpoint: state.checkpoint, token, tables: [{ table: table.id, ...scope.digest }], ...ackOf(ack) };
  return { frames: [header, ...sent, { commit }], rows: sent.filter((frame) => 0 in frame).length, ack };
}

/** The numbers of the ranges that differ, ascending; undefined when more rows than that are in them. */
function differingRanges(snapshot: Snapshot, scope: Scope, { width, ranges }: CheckRequest, mostRows: number): number[] | undefined {
  const theirs = toDigests(ranges);
  if (isAll(theirs, scope)) return [];
  // Each range beyond those that the device names differs and holds at least one row.
  const most = theirs.size + mostRows;
  const ours = snapshot.rangeDigests(scope, width, most + 1);
  const differing = ours.filter((range) => !isEqual(range, theirs.get(range.i)));
  if (ours.length > most || differing.reduce((sum, range) => sum + range.rows, 0) > mostRows) return undefined;
  const filled = new Set(ours.map(({ i }) => i));
  const emptied = [...theirs.keys()].filter((i) => !filled.has(i));
  return [...differing.map(({ i }) => i), ...emptied].sort((a, b) => a - b);
}

function toDigests(ranges: readonly number[]): Map<number, RangeDigest> {
  const digests = new Map<number, RangeDigest>();
  for (let at = 0; at < ranges.length; at += 3) {
    const [i = 0, rows = 0, sum = 0] = ranges.slice(at, at + 3);
    digests.set(i, { i, rows, sum });
  }
  return digests;
}

const isEqual = (a: RangeDigest, b: RangeDigest | undefined): boolean => b !== undefined && a.rows === b.rows && a.sum === b.sum;

/** Whether all ranges together have the scope's digest: then no row need be read. */
function isAll(ranges: ReadonlyMap<number, RangeDigest>, { digest }: Scope): boolean {
  let [rows, sum] = [0, 0];
  for (const range of ranges.values()) {
    rows += range.rows;
    sum += range.sum;
  }
  return rows === digest.rows && sum === digest.sum;
}

/** Undefined when it would be too many bytes. */
function readRanges(snapshot: Snapshot, scope: Scope, ranges: readonly number[], width: number, limits: CheckLimits): Frame[] | undefined {
  const frames: Frame[] = ranges.length > 0 ? [{ table: scope.table }] : [];
  let bytesLeft = limits.checkBytes;
  for (const i of ranges) {
    const [low, high] = [i * width, Math.min(LAST_RID, (i + 1) * width - 1)];
    const { entries, bytes, atEnd } = snapshot.rowsBetween(scope, low, high, limits.checkRows, bytesLeft);
    if (!atEnd) return undefined;
    bytesLeft -= bytes;
    frames.push({ range: { table: scope.table, low, high } }, ...entries.map(putOf));
  }
  return frames;
}

const putOf = ({ rid, ver, values }: Entry): Frame => ['P', rid, ver, ...(values ?? []).map(encodeValue)];
