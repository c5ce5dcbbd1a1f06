import { encodeValue, PROTOCOL_VERSION, toRuns, type CommitFrame, type Frame } from '@carryon/protocol';
import type { Scope, Snapshot, StoreState, SyncedTable } from '../ports/storage.ts';
import { LAST_RID, scopeOf } from './cut.ts';
import { lowerBound, moveToken, tokenToText, type TablePosition, type Token } from './token.ts';

export interface PullLimits {
  readonly pageRows: number;
  readonly pageBytes: number;
}

export interface PullRequest {
  readonly user: string;
  /** The device's own id. */
  readonly device: string;
  readonly token: Token;
  /** The tables that take part; all of them have a position in the token. */
  readonly tables: readonly SyncedTable[];
  readonly nowMs: number;
  /** Makes a token's text what goes over the wire. */
  readonly seal: (text: string) => string;
}

export interface PullAnswer {
  readonly frames: readonly Frame[];
  /** Rows, removals and live-sets in it. */
  readonly rows: number;
  /** The last changeset of the device whose effects are in it. */
  readonly ack: number;
}

interface Round {
  readonly snapshot: Snapshot;
  readonly state: StoreState;
  readonly request: PullRequest;
  readonly frames: Frame[];
  token: Token;
  readonly ack: number;
  rows: number;
  rowsLeft: number;
  bytesLeft: number;
  pending: CommitFrame['commit']['tables'][number][];
}

export function headerOf(state: StoreState, user: string, nowMs: number): Frame {
  return { header: { v: PROTOCOL_VERSION, epoch: state.epoch, user, checkpoint: state.checkpoint, nowMs } };
}

/** What a commit tells of the device's own edits. */
export const ackOf = (ack: number): { ack?: number } => (ack > 0 ? { ack } : {});

/**
 * One answer to a device that has a position in each table: per level what changed, then a commit; or a page when there is more than
 * fits. Everything is read in one snapshot, so that commits of one answer are of one checkpoint.
 */
export function pull(snapshot: Snapshot, request: PullRequest, limits: PullLimits): PullAnswer {
  const state = snapshot.state();
  const round: Round = {
    snapshot, state, request, frames: [headerOf(state, request.user, request.nowMs)], token: request.token,
    ack: snapshot.acked(request.user, request.device), rows: 0, rowsLeft: limits.pageRows, bytesLeft: limits.pageBytes, pending: [],
  };
  const levels = [...new Set(request.tables.map((table) => table.level))].sort((a, b) => a - b);
  for (const level of levels) {
    const before = round.rows;
    for (const table of request.tables.filter((candidate) => candidate.level === level)) {
      if (!readTable(round, table)) return endPage(round);
    }
    if (round.rows > before || hasPages(round, level)) commit(round);
  }
  if (round.pending.length > 0) commit(round);
  return { frames: round.frames, rows: round.rows, ack: round.ack };
}

const hasPages = (round: Round, level: number): boolean =>
  round.request.tables.some((table) => table.level === level && round.request.token.tables.get(table.id)?.page !== undefined);

/** Reads a table up to its head; false when the page is full before. */
function readTable(round: Round, table: SyncedTable): boolean {
  const position = round.token.tables.get(table.id) ?? { at: 0 };
  const scope = round.snapshot.scope(scopeOf(table, round.request.user));
  if (!scope) throw new RangeError(`the scope of table ${table.name} is not active`);
  const gap = needsLiveSet(round, position, scope);
  if (scope.head > (position.page?.seq ?? position.at) || position.page !== undefined) {
    const reached = readFeed(round, table, scope, position, gap);
    if (!reached) return false;
  }
  if (gap) sendLiveSet(round, scope);
  round.pending.push({ table: table.id, rows: scope.digest.rows, sum: scope.digest.sum });
  return true;
}

/** True when tombstones that the device has not read yet may have expired; remembered over the pages of a round. */
function needsLiveSet(round: Round, position: TablePosition, scope: Scope): boolean {
  if (position.page?.gap === true) return true;
  if (position.at === 0 && position.page === undefined) return false;
  return lowerBound(position) < Math.min(round.state.floor, scope.head);
}

function readFeed(round: Round, table: SyncedTable, scope: Scope, position: TablePosition, gap: boolean): boolean {
  const after = position.page ?? { seq: position.at, rid: LAST_RID };
  const { entries, bytes, atEnd } = round.snapshot.feed(scope, after, Math.max(0, round.rowsLeft), Math.max(0, round.bytesLeft));
  if (entries.length > 0) round.frames.push({ table: table.id });
  for (const entry of entries) {
    round.frames.push(entry.values ? ['P', entry.rid, entry.ver, ...entry.values.map(encodeValue)] : ['R', entry.rid]);
  }
  round.rows += entries.length;
  round.rowsLeft -= entries.length;
  round.bytesLeft -= bytes;
  const last = entries.at(-1) ?? after;
  const page = {
    seq: atEnd ? round.state.checkpoint : last.seq,
    rid: atEnd ? LAST_RID : last.rid,
    first: position.page?.first ?? round.state.checkpoint,
    ...(gap ? { gap } : {}),
  };
  round.token = moveToken(round.token, [[table.id, { at: position.at, page }]]);
  return atEnd;
}

function sendLiveSet(round: Round, scope: Scope): void {
  round.frames.push({ live: { table: scope.table, runs: toRuns(round.snapshot.liveRids(scope)) } });
  round.rows++;
}

function endPage(round: Round): PullAnswer {
  round.frames.push({ page: { token: round.request.seal(tokenToText(round.token)) } });
  return { frames: round.frames, rows: round.rows, ack: round.ack };
}

function commit(round: Round): void {
  const { checkpoint } = round.state;
  round.token = moveToken(round.token, round.pending.map(({ table }) => [table, { at: checkpoint }]));
  round.frames.push({ commit: { checkpoint, token: round.request.seal(tokenToText(round.token)), tables: round.pending, ...ackOf(round.ack) } });
  round.pending = [];
}
