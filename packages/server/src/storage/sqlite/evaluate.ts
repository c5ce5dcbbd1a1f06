import { CarryonError, columnSql, digestSql, keyColumns } from '@carryon/protocol';
import type { SyncedTable } from '../../ports/storage.ts';
import { copyAcks, OUTBOX, outboxAfter } from './capture.ts';
import { businessTable, copySql, sameKey } from './copy.ts';
import type { Database } from './driver.ts';
import { columnNames, keyNames, memberTable, ownText, rowTable } from './schema.ts';

interface State { readonly store: string; readonly checkpoint: number; readonly outbox_pos: number; readonly outbox_mark: number }

/**
 * Takes in everything that the business database has committed since the last time, as one checkpoint: the rows as
 * they are in one snapshot of it. The transaction is deferred and writes the store alone, so that writers of the
 * business database go on. Returns true when devices have something new to hear: a checkpoint was published, or changesets have come further.
 */
export function evaluate(db: Database, tables: readonly SyncedTable[], nowMs: number): boolean {
  for (const table of tables) createDirty(db, table);
  return db.transaction(() => {
    db.run('UPDATE sync_state SET outbox_pos = outbox_pos');
    const state = db.get<State>('SELECT store, checkpoint, outbox_pos, outbox_mark FROM sync_state');
    if (!state) return false;
    const { end, entries } = outboxAfter(db, 'app', { id: state.outbox_pos, mark: state.outbox_mark }, state.store);
    if (entries === 0 && state.checkpoint > 0) return false;
    // Nothing is published before everything was read once.
    if (state.checkpoint === 0 && db.get('SELECT 1 FROM sync_ingest WHERE done = 0')) return false;
    const cp = state.checkpoint + 1;
    const touched = new Set(db.all<{ t: number }>(`SELECT DISTINCT t FROM app.${OUTBOX} WHERE id > ? AND id <= ?`, state.outbox_pos, end.id).map((row) => row.t));
    let published = state.checkpoint === 0;
    for (const table of tables) {
      if (touched.has(table.id) && evaluateTable(db, table, cp, state.outbox_pos, end.id)) published = true;
    }
    // Before the first checkpoint the outbox tells nothing of the devices of an earlier data directory.
    const acked = copyAcks(db, state.checkpoint === 0 ? 0 : state.outbox_pos, end.id);
    db.run('UPDATE sync_state SET outbox_pos = ?, outbox_mark = ?', end.id, end.mark);
    if (!published) return acked;
    if (state.checkpoint === 0) countAll(db, tables);
    publish(db, cp, nowMs);
    return true;
  });
}

export function publish(db: Database, checkpoint: number, nowMs: number): void {
  db.run('UPDATE sync_state SET checkpoint = ?', checkpoint);
  db.run('INSERT INTO sync_checkpoint VALUES(?, max(?, coalesce((SELECT max(at_ms) FROM sync_checkpoint), 0)))', checkpoint, nowMs);
}

const dirtyTable = (table: SyncedTable): string => `temp.dirty_${table.id}`;

function createDirty(db: Database, table: SyncedTable): void {
  // WITHOUT ROWID: a lone INTEGER key would else be the rowid, which refuses the texts that such a key can hold.
  db.exec(`CREATE TEMP TABLE IF NOT EXISTS dirty_${table.id}(${keyColumns(table).map(columnSql).join(', ')}, PRIMARY KEY(${keyNames(table).join(', ')})) WITHOUT ROWID`);
}

/** One table's part of a checkpoint; true when any of its rows changed. */
function evaluateTable(db: Database, table: SyncedTable, cp: number, after: number, upTo: number): boolean {
  fillDirty(db, table, after, upTo);
  const before = digests(db, table);
  const rows = rowTable(table.id);
  const from = `FROM ${dirtyTable(table)} d CROSS JOIN ${businessTable(table)} x LEFT JOIN ${rows} r ON ${sameKey(table, 'r', 'd')} WHERE ${sameKey(table, 'x', 'd')}`;
  const copied = db.run(copySql(table, from, 'r._rid'), cp);
  const removed = db.run(
    `UPDATE ${rows} SET _ver = ?1, _live = 0, ${clearSql(table)} WHERE _live AND _rid IN (SELECT r._rid FROM ${dirtyTable(table)} d CROSS JOIN ${rows} r WHERE ${sameKey(table, 'r', 'd')})
     AND NOT EXISTS (SELECT 1 FROM ${businessTable(table)} x WHERE ${sameKey(table, 'x', rows)})`, cp);
  if (copied + removed === 0) return false;
  if (table.rule.kind === 'own') moveMembers(db, table, table.rule.column, cp);
  else db.run("UPDATE sync_scope SET head = ? WHERE tbl = ? AND param = ''", cp, table.id);
  updateDigests(db, table, before, digests(db, table));
  return true;
}

function fillDirty(db: Database, table: SyncedTable, after: number, upTo: number): void {
  const slots = keyNames(table).map((_, i) => `k${i}`);
  db.run(`DELETE FROM ${dirtyTable(table)}`);
  db.run(`INSERT OR IGNORE INTO ${dirtyTable(table)} SELECT ${slots.join(', ')} FROM app.${OUTBOX} WHERE id > ? AND id <= ? AND t = ? AND ${slots.map((slot) => `${slot} IS NOT NULL`).join(' AND ')}`, after, upTo, table.id);
}

/** A dead row keeps its key, for the day it comes back, and nothing else. */
function clearSql(table: SyncedTable): string {
  const keys = new Set(keyNames(table));
  const rest = columnNames(table).filter((name) => !keys.has(name)).map((name) => `${name} = NULL`);
  return rest.length > 0 ? rest.join(', ') : '_rid = _rid';
}

/** Brings the membership of changed rows in line with their present values. */
function moveMembers(db: Database, table: SyncedTable, column: string, cp: number): void {
  const rows = rowTable(table.id);
  const members = memberTable(table.id);
  const wanted = `SELECT r._rid, s.id FROM ${rows} r JOIN sync_scope s ON s.tbl = ${table.id} AND s.param = ${ownText(column, 'r.')} WHERE r._ver = ?1 AND r._live`;
  db.run(`UPDATE ${members} SET live = 0, seq = ?1 WHERE live AND rid IN (SELECT _rid FROM ${rows} WHERE _ver = ?1) AND (rid, scope) NOT IN (${wanted})`, cp);
  db.run(`INSERT INTO ${members}(rid, scope, seq, live) SELECT w._rid, w.id, ?1, 1 FROM (${wanted}) w WHERE true
    ON CONFLICT(rid, scope) DO UPDATE SET live = 1, seq = excluded.seq`, cp);
  db.run(`UPDATE sync_scope SET head = ?1 WHERE tbl = ${table.id} AND id IN (SELECT m.scope FROM ${rows} r JOIN ${members} m ON m.rid = r._rid WHERE r._ver = ?1 AND m.seq = ?1)`, cp);
}

type ScopeDigests = ReadonlyMap<number, { readonly rows: number; readonly sum: number }>;

/** The digests of the dirty rows, by scope. */
function digests(db: Database, table: SyncedTable): ScopeDigests {
  const from = `${dirtyTable(table)} d CROSS JOIN ${rowTable(table.id)} r ON ${sameKey(table, 'r', 'd')}`;
  const sql = table.rule.kind === 'all'
    ? `SELECT (SELECT id FROM sync_scope WHERE tbl = ${table.id} AND param = '') AS scope, count(*) AS rows, coalesce(sum(${digestSql('r._rid', 'r._ver')}), 0) AS sum FROM ${from} WHERE r._live`
    : `SELECT m.scope, count(*) AS rows, sum(${digestSql('r._rid', 'r._ver')}) AS sum FROM ${from} JOIN ${memberTable(table.id)} m ON m.rid = r._rid AND m.live GROUP BY m.scope`;
  return new Map(db.all<{ scope: number; rows: number; sum: number }>(sql).map((row) => [row.scope, row]));
}

function updateDigests(db: Database, table: SyncedTable, before: ScopeDigests, after: ScopeDigests): void {
  for (const scope of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(scope) ?? { rows: 0, sum: 0 };
    const now = after.get(scope) ?? { rows: 0, sum: 0 };
    db.run('UPDATE sync_scope SET rows = rows + ?, sum = sum + ? WHERE id = ? AND tbl = ?', now.rows - old.rows, now.sum - old.sum, scope, table.id);
  }
}

/** At the first checkpoint the scopes of all rows are counted from nothing. */
function countAll(db: Database, tables: readonly SyncedTable[]): void {
  for (const table of tables.filter(({ rule }) => rule.kind === 'all')) {
    db.run(`UPDATE sync_scope SET head = 1, (rows, sum) = (SELECT count(*), coalesce(sum(${digestSql('_rid', '_ver')}), 0) FROM ${rowTable(table.id)} WHERE _live) WHERE tbl = ? AND param = ''`, table.id);
  }
}

/** Makes a scope of one person's rows, as a checkpoint of its own. */
export function activateScope(db: Database, table: SyncedTable, param: string, nowMs: number): void {
  if (table.rule.kind !== 'own') return;
  const { column } = table.rule;
  db.transaction(() => {
    if (db.get('SELECT 1 FROM sync_scope WHERE tbl = ? AND param = ?', table.id, param)) return;
    const { checkpoint } = db.get<State>('SELECT checkpoint FROM sync_state') ?? { checkpoint: 0 };
    if (checkpoint === 0) throw new CarryonError('server.preparing', 'The server is still reading the business database.');
    const cp = checkpoint + 1;
    db.run('INSERT INTO sync_scope(tbl, param, head, rows, sum) VALUES(?, ?, ?, 0, 0)', table.id, param, cp);
    const scope = db.get<{ id: number }>('SELECT id FROM sync_scope WHERE tbl = ? AND param = ?', table.id, param)?.id ?? 0;
    const rows = rowTable(table.id);
    db.run(`INSERT INTO ${memberTable(table.id)}(rid, scope, seq, live) SELECT _rid, ?, ?, 1 FROM ${rows} WHERE ${ownText(column)} = ? AND _live`, scope, cp, param);
    db.run(`UPDATE sync_scope SET (rows, sum) = (SELECT count(*), coalesce(sum(${digestSql('r._rid', 'r._ver')}), 0) FROM ${memberTable(table.id)} m JOIN ${rows} r ON r._rid = m.rid WHERE m.scope = ?1) WHERE id = ?1`, scope);
    publish(db, cp, nowMs);
  }, 'BEGIN IMMEDIATE');
}

/** Moves the floor to the last checkpoint before that time and forgets the tombstones up to it. */
export function expire(db: Database, tables: readonly SyncedTable[], beforeMs: number): void {
  db.transaction(() => {
    const floor = db.get<{ cp: number | null }>('SELECT max(checkpoint) AS cp FROM sync_checkpoint WHERE at_ms < ?', beforeMs)?.cp ?? 0;
    const state = db.get<{ floor: number }>('SELECT floor FROM sync_state');
    if (floor <= (state?.floor ?? 0)) return;
    db.run('UPDATE sync_state SET floor = ?', floor);
    for (const table of tables) {
      db.run(`DELETE FROM ${rowTable(table.id)} WHERE _ver <= ? AND NOT _live`, floor);
      if (table.rule.kind === 'own') db.run(`DELETE FROM ${memberTable(table.id)} WHERE seq <= ? AND NOT live`, floor);
    }
    db.run('DELETE FROM sync_checkpoint WHERE checkpoint < ?', floor);
  }, 'BEGIN IMMEDIATE');
}
