import { encodeValue, PROTOCOL_VERSION, toRuns, type CommitFrame, type Frame } from '@carryon/protocol';
import type { Entry, Scope, Snapshot, StoreState } from '../ports/storage.ts';
import { LAST_RID } from './cut.ts';
import type { ActiveShare, Entitlement } from './entitle.ts';
import { readingOf, type Reading } from './reading.ts';
import { moveToken, tokenToText, type TablePosition, type Token } from './token.ts';

export interface PullLimits {
  readonly pageRows: number;
  readonly pageBytes: number;
}

export interface PullRequest {
  readonly user: string;
  /** The device's own id. */
  readonly device: string;
  readonly token: Token;
  /** What the person may have in the snapshot that is read. */
  readonly entitlement: Entitlement;
  /** The tables that take part; all of them have a position in the token. */
  readonly shares: readonly ActiveShare[];
  readonly nowMs: number;
  /** Makes a token's text what goes over the wire. */
  readonly seal: (text: string) => string;
}

export interface PullAnswer {
  readonly frames: readonly Frame[];
  /** Rows, removals and live-sets in it. */
  readonly rows: number;
  /** Whether the device should hear it at once. */
  readonly isNews: boolean;
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
  isNews: boolean;
  readonly mostLeavers: number;
  /** Tables that were read to their heads since the last commit. */
  pending: ActiveShare[];
}

export function headerOf(state: StoreState, user: string, nowMs: number): Frame {
  return { header: { v: PROTOCOL_VERSION, epoch: state.epoch, user, checkpoint: state.checkpoint, nowMs } };
}

/** The tables of the person as they are now, where the device was told something else before. */
export const tablesOf = ({ shares, specs }: Entitlement, token: Token): Frame[] =>
  token.specs === specs ? [] : [{ tables: shares.map(({ table }) => table) }];

/** What a commit tells of the device's own edits. */
export const ackOf = (ack: number): { ack?: number } => (ack > 0 ? { ack } : {});

/** Where a table stands that equals the share at the checkpoint. */
export const positionOf = ({ scope, form }: ActiveShare, at: number): TablePosition => ({ at, scope: scope.id, form });

/**
 * What of a device's token counts: tables that the person still has, in the form that they have now, read from a scope that the person
 * has or had. The others are missing, as if the device had never had them.
 */
export function carriedToken(token: Token, { shares, specs, grants }: Entitlement): Token {
  const counts = ([id, position]: readonly [number, TablePosition]): boolean =>
    shares.some(({ table, form }) => table.id === id && form === position.form) && grants.get(position.scope)?.table === id;
  return { epoch: token.epoch, specs, tables: new Map([...token.tables].filter(counts)) };
}

/**
 * One answer to a device that has a position in each table: per level what changed, then a commit; or a page when there is more than
 * fits. Everything is read in one snapshot, so that commits of one answer are of one checkpoint.
 */
export function pull(snapshot: Snapshot, request: PullRequest, limits: PullLimits): PullAnswer {
  const state = snapshot.state();
  const tables = tablesOf(request.entitlement, request.token);
  const round: Round = {
    snapshot, state, request, frames: [headerOf(state, request.user, request.nowMs), ...tables], token: carriedToken(request.token, request.entitlement),
    ack: snapshot.acked(request.user, request.device), rows: 0, rowsLeft: limits.pageRows, bytesLeft: limits.pageBytes, isNews: tables.length > 0,
    mostLeavers: limits.pageRows, pending: [],
  };
  const levels = [...new Set(request.shares.map(({ table }) => table.level))].sort((a, b) => a - b);
  for (const level of levels) {
    let isMoved = false;
    for (const share of request.shares.filter(({ table }) => table.level === level)) {
      const read = readTable(round, share);
      if (read === 'full') return endPage(round);
      if (read === 'moved') isMoved = true;
    }
    if (isMoved) commit(round);
    round.isNews ||= isMoved;
  }
  if (round.pending.length > 0 || levels.length === 0) commit(round);
  return { frames: round.frames, rows: round.rows, isNews: round.isNews, ack: round.ack };
}

/** Reads a table up to its head. Full: the page is, before that. Moved: the device has something to commit. */
function readTable(round: Round, share: ActiveShare): 'full' | 'moved' | 'still' {
  const { state, request } = round;
  const position = round.token.tables.get(share.table.id) ?? positionOf(share, 0);
  const reading = readingOf(state, share, position, request.entitlement.grants);
  const rows = round.rows;
  if (!reading.isIdle && !readFeed(round, share, position, reading)) return 'full';
  round.pending.push(share);
  const isMoved = round.rows > rows || position.page !== undefined || position.scope !== share.scope.id;
  return isMoved ? 'moved' : 'still';
}

/** Sends what follows, and at the head what must go; false when the page is full before. */
function readFeed(round: Round, share: ActiveShare, position: TablePosition, reading: Reading): boolean {
  const { snapshot, state } = round;
  const { scope, table } = share;
  const { after, first, held } = reading;
  const { entries, bytes, atEnd } = snapshot.feed(scope, after, Math.max(0, round.rowsLeft), Math.max(0, round.bytesLeft), held);
  const leavers = atEnd && held && !reading.isSwept ? snapshot.leavers(held, scope, round.mostLeavers) : [];
  const gap = reading.gap || leavers === undefined;
  round.rowsLeft -= entries.length + (leavers?.length ?? 0);
  sendRows(round, table.id, entries.filter(({ seq, values }) => values || seq > reading.goneBy), leavers ?? []);
  round.bytesLeft -= bytes;
  if (gap && atEnd) sendLiveSet(round, scope);
  const last = atEnd ? { seq: state.checkpoint, rid: LAST_RID } : entries.at(-1) ?? after;
  const marks = { ...(gap ? { gap } : {}), ...(reading.isSwept || (atEnd && held) ? { swept: true } : {}) };
  const page = { scope: scope.id, seq: last.seq, rid: last.rid, first, ...marks };
  round.token = moveToken(round.token, [[table.id, { ...position, page }]]);
  return atEnd;
}

function sendRows(round: Round, table: number, entries: readonly Entry[], leavers: readonly number[]): void {
  const sent = entries.length + leavers.length;
  if (sent > 0) round.frames.push({ table });
  for (const { rid, ver, values } of entries) round.frames.push(values ? ['P', rid, ver, ...values.map(encodeValue)] : ['R', rid]);
  for (const rid of leavers) round.frames.push(['R', rid]);
  round.rows += sent;
}

/** Sent again on each page that reaches the head: what comes later is not in the one before. */
function sendLiveSet(round: Round, scope: Scope): void {
  round.frames.push({ live: { table: scope.table, runs: toRuns(round.snapshot.liveRids(scope)) } });
  round.rows++;
}

function endPage(round: Round): PullAnswer {
  round.frames.push({ page: { token: round.request.seal(tokenToText(round.token)) } });
  return { frames: round.frames, rows: round.rows, isNews: true, ack: round.ack };
}

function commit(round: Round): void {
  const { checkpoint } = round.state;
  round.token = moveToken(round.token, round.pending.map((share) => [share.table.id, positionOf(share, checkpoint)]));
  const tables = round.pending.map(({ table, scope: { digest } }) => ({ table: table.id, rows: digest.rows, sum: digest.sum }));
  round.frames.push({ commit: { checkpoint, token: round.request.seal(tokenToText(round.token)), tables, ...ackOf(round.ack) } });
  round.pending = [];
}
