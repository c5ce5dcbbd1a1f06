import { isUtf8 } from 'node:buffer';
import { digestSql, RawText, type FeedValue, type SqlValue } from '@carryon/protocol';
import type { Entry, FeedPart, Position, RangeDigest, Scope, ScopeKey, Snapshot, StoreState, SyncedTable } from '../../ports/storage.ts';
import type { Database } from './driver.ts';
import { columnNames, memberTable, rowTable } from './schema.ts';

/** Runs the work in one read transaction. */
export function readSnapshot<T>(db: Database, tables: ReadonlyMap<number, SyncedTable>, use: (snapshot: Snapshot) => T): T {
  return db.transaction(() => use({
    state: () => readState(db),
    scope: (key) => readScope(db, key),
    feed: (scope, after, maxRows, maxBytes) => readFeed(db, tableOf(tables, scope), scope, after, maxRows, maxBytes),
    liveRids: (scope) => readLive(db, tableOf(tables, scope), scope),
    acked: (user, device) => db.get<{ seq: number }>('SELECT seq FROM sync_ack WHERE user = ? AND device = ?', user, device)?.seq ?? 0,
    rangeDigests: (scope, width, most) => readDigests(db, tableOf(tables, scope), scope, width, most),
    rowsBetween: (scope, low, high, maxRows, maxBytes) => readBetween(db, tableOf(tables, scope), scope, low, high, maxRows, maxBytes),
  }));
}

export function tableOf(tables: ReadonlyMap<number, SyncedTable>, key: ScopeKey): SyncedTable {
  const table = tables.get(key.table);
  if (!table) throw new RangeError(`no table ${key.table}`);
  return table;
}

function readState(db: Database): StoreState {
  const state = db.get<{ epoch: string; checkpoint: number; floor: number }>('SELECT epoch, checkpoint, floor FROM sync_state');
  if (!state) throw new Error('the store has no state');
  return { ...state };
}

interface ScopeRow { readonly id: number; readonly head: number; readonly rows: number; readonly sum: number }

function readScope(db: Database, key: ScopeKey): Scope | undefined {
  const row = db.get<ScopeRow>('SELECT id, head, rows, sum FROM sync_scope WHERE tbl = ? AND param = ?', key.table, key.param);
  return row && { ...key, id: row.id, head: row.head, digest: { rows: row.rows, sum: row.sum } };
}

function feedSql(table: SyncedTable): string {
  const columns = columnNames(table).map((name) => `r.${name}`).join(', ');
  const rows = rowTable(table.id);
  if (table.rule.kind === 'all') {
    return `SELECT r._rid, r._ver, r._ver, r._live, ${columns} FROM ${rows} r WHERE ?1 > 0 AND (r._ver, r._rid) > (?2, ?3) ORDER BY r._ver, r._rid LIMIT ?4`;
  }
  return `SELECT m.rid, m.seq, coalesce(r._ver, m.seq), m.live, ${columns} FROM ${memberTable(table.id)} m LEFT JOIN ${rows} r ON r._rid = m.rid
    WHERE m.scope = ?1 AND (m.seq, m.rid) > (?2, ?3) ORDER BY m.seq, m.rid LIMIT ?4`;
}

function readFeed(db: Database, table: SyncedTable, scope: Scope, after: Position, maxRows: number, maxBytes: number): FeedPart {
  return takeEntries(db, table, db.exact(feedSql(table), scope.id, after.seq, after.rid, maxRows + 1), maxRows, maxBytes);
}

/** Rows as `[rid, seq, ver, live, …values]`, up to the limits. */
function takeEntries(db: Database, table: SyncedTable, rows: Iterable<readonly SqlValue[]>, maxRows: number, maxBytes: number): FeedPart {
  const entries: Entry[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (entries.length >= maxRows || bytes >= maxBytes) return { entries, bytes, atEnd: false };
    const [rid, seq, ver, live, ...values] = row;
    entries.push({ rid: Number(rid), seq: Number(seq), ver: Number(ver), values: live === 1n ? withRawText(db, table, Number(rid), values) : undefined });
    bytes += sizeOf(values);
  }
  return { entries, bytes, atEnd: true };
}

/** JavaScript reads bytes that are not UTF-8 as U+FFFD; where one appears, the bytes themselves are looked at. */
function withRawText(db: Database, table: SyncedTable, rid: number, values: readonly SqlValue[]): FeedValue[] {
  return values.map((value, i) => {
    if (typeof value !== 'string' || !value.includes('\ufffd')) return value;
    const bytes = db.get<{ bytes: Uint8Array }>(`SELECT CAST(${columnNames(table)[i]} AS BLOB) AS bytes FROM ${rowTable(table.id)} WHERE _rid = ?`, rid)?.bytes;
    return bytes === undefined || isUtf8(bytes) ? value : new RawText(bytes);
  });
}

function sizeOf(values: readonly SqlValue[]): number {
  let bytes = 16;
  for (const value of values) bytes += typeof value === 'string' ? value.length : value instanceof Uint8Array ? value.length * 1.4 : 8;
  return bytes;
}

function readLive(db: Database, table: SyncedTable, scope: Scope): number[] {
  const sql = table.rule.kind === 'all'
    ? `SELECT _rid AS rid FROM ${rowTable(table.id)} WHERE ? > 0 AND _live ORDER BY _rid`
    : `SELECT rid FROM ${memberTable(table.id)} WHERE scope = ? AND live ORDER BY rid`;
  return db.all<{ rid: number }>(sql, scope.id).map((row) => row.rid);
}

function readDigests(db: Database, table: SyncedTable, scope: Scope, width: number, most: number): RangeDigest[] {
  const [rows, members] = [rowTable(table.id), memberTable(table.id)];
  const live = table.rule.kind === 'all' ? `${rows} r WHERE ?1 > 0 AND r._live` : `${members} m CROSS JOIN ${rows} r ON r._rid = m.rid WHERE m.scope = ?1 AND m.live`;
  const sql = `SELECT r._rid / ?2 AS i, count(*) AS rows, sum(${digestSql('r._rid', 'r._ver')}) AS sum FROM ${live} GROUP BY 1 ORDER BY 1 LIMIT ?3`;
  return db.all<{ i: number; rows: number; sum: number }>(sql, scope.id, width, most).map((row) => ({ ...row }));
}

function readBetween(db: Database, table: SyncedTable, scope: Scope, low: number, high: number, maxRows: number, maxBytes: number): FeedPart {
  const [rows, members] = [rowTable(table.id), memberTable(table.id)];
  const columns = columnNames(table).map((name) => `r.${name}`).join(', ');
  // The plus keeps SQLite from reading the whole scope for each range: members are found by row id.
  const sql = table.rule.kind === 'all'
    ? `SELECT r._rid, r._ver, r._ver, 1, ${columns} FROM ${rows} r WHERE ?1 > 0 AND r._live AND r._rid BETWEEN ?2 AND ?3 ORDER BY r._rid LIMIT ?4`
    : `SELECT m.rid, m.seq, r._ver, 1, ${columns} FROM ${members} m CROSS JOIN ${rows} r ON r._rid = m.rid
      WHERE +m.scope = ?1 AND m.live AND m.rid BETWEEN ?2 AND ?3 ORDER BY m.rid LIMIT ?4`;
  return takeEntries(db, table, db.exact(sql, scope.id, low, high, maxRows + 1), maxRows, maxBytes);
}
