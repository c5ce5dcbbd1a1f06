import { CarryonError, encodeValue, type CheckRequest, type Frame } from '@carryon/protocol';
import type { Entry, RangeDigest, Scope, Snapshot } from '../ports/storage.ts';
import { LAST_RID } from './cut.ts';
import type { Entitlement } from './entitle.ts';
import { ackOf, carriedToken, headerOf, positionOf, tablesOf, type PullAnswer } from './pull.ts';
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
  /** What the person may have in the snapshot that is read. */
  readonly entitlement: Entitlement;
  /** What the device has, as `readCheck` let it pass. */
  readonly check: CheckRequest;
  readonly nowMs: number;
  /** Makes a token's text what goes over the wire. */
  readonly seal: (text: string) => string;
}

const refuse = (why: string): CarryonError => new CarryonError('protocol.bad-request', `The check could not be read: ${why}.`);

/** Whether a check can be read, and is about a table that the token names. Throws `protocol.bad-request`. */
export function readCheck({ table, width, ranges }: CheckRequest, token: Token): void {
  if (width < 1) throw refuse('check.width is less than 1');
  if (ranges.length % 3 !== 0) throw refuse('check.ranges are not triples');
  for (let at = 0; at < ranges.length; at += 3) {
    const [i = 0, rows = 0] = ranges.slice(at, at + 2);
    if (at > 0 && i <= (ranges[at - 3] ?? 0)) throw refuse(`check.ranges[${at}] is not above the one before`);
    if (i > LAST_RID / width) throw refuse(`check.ranges[${at}] is beyond the largest row id`);
    if (rows < 1) throw refuse(`check.ranges[${at + 1}] is less than 1`);
  }
  if (!token.tables.has(table)) throw refuse(`the token does not name table ${table}`);
}

/**
 * All rows of the ranges in which the device's copy of a table differs from the person's share, and a commit of that table alone. `lost`
 * when that is too much, or when the device has another scope or form of the table. Everything is read in one snapshot.
 */
export function check(snapshot: Snapshot, question: CheckQuestion, limits: CheckLimits): PullAnswer {
  const state = snapshot.state();
  const { user, entitlement } = question;
  const { table: id, width } = question.check;
  const tables = tablesOf(entitlement, question.token);
  const header = [headerOf(state, user, question.nowMs), ...tables];
  const ack = snapshot.acked(user, question.device);
  const token = carriedToken(question.token, entitlement);
  const share = entitlement.shares.find(({ table, scope }) => table.id === id && token.tables.get(id)?.scope === scope.id);
  const differing = share && differingRanges(snapshot, share.scope, question.check, limits.checkRows);
  const sent = differing && readRanges(snapshot, share.scope, differing, width, limits);
  if (!sent) return { frames: [...header, { lost: { table: id } }], rows: 0, isNews: true, ack };
  const moved = question.seal(tokenToText(moveToken(token, [[id, positionOf(share, state.checkpoint)]])));
  const commit = { checkpoint: state.checkpoint, token: moved, tables: [{ table: id, ...share.scope.digest }], ...ackOf(ack) };
  return { frames: [...header, ...sent, { commit }], rows: sent.filter((frame) => 0 in frame).length, isNews: true, ack };
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
