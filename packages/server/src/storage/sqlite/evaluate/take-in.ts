import { columnSql, digestSql, keyColumns, quoteName } from '@carryon/protocol';
import type { SyncedTable } from '../../../core/config.ts';
import { OUTBOX } from '../capture.ts';
import { businessTable, copySql, differs, keyFilled, sameKey } from '../copy.ts';
import type { Database } from '../driver.ts';
import type { Plan } from '../rules/plan.ts';
import { keyNames, rowTable, storedNames } from '../schema.ts';

/** The keys that are to be looked at. */
const dirtyTable = (id: number): string => `temp.dirty_${id}`;
/** The rows that have changed, as they were before: version, liveness and what rules read. */
export const oldTable = (id: number): string => `temp.old_${id}`;

/** What is taken in of a table: the outbox's entries, or everything there is; `anew` gives all rows a new version. */
export interface Portion { readonly after: number; readonly upTo: number; readonly whole: boolean; readonly anew: boolean }

/** Whether rows changed in what the store keeps, and whether any in what is sent or in being there. */
export interface Changes { readonly rows: boolean; readonly versions: boolean }

const NONE: Changes = { rows: false, versions: false };

/** Makes the tables that taking in needs; they stay with the connection. */
export function createTemporary(db: Database, plan: Plan): void {
  for (const table of plan.config.tables) {
    createDirty(db, table);
    db.exec(`DROP TABLE IF EXISTS ${oldTable(table.id)}; CREATE TEMP TABLE old_${table.id}(${['_rid INTEGER PRIMARY KEY', '_ver INTEGER', '_live INTEGER', ...plan.ruleColumns(table.id).map(columnSql)].join(', ')})`);
  }
}

export function createDirty(db: Database, table: SyncedTable): void {
  // WITHOUT ROWID: a lone INTEGER key would else be the rowid, which refuses the texts that such a key can hold.
  db.exec(`DROP TABLE IF EXISTS ${dirtyTable(table.id)}; CREATE TEMP TABLE dirty_${table.id}(${keyColumns(table).map(columnSql).join(', ')}, PRIMARY KEY(${keyNames(table).join(', ')})) WITHOUT ROWID`);
}

/** Copies what has changed of a table that no rules read yet. */
export function copyChanges(db: Database, table: SyncedTable, checkpoint: number, portion: Portion): void {
  fillDirty(db, table, portion);
  copyDirty(db, table, checkpoint, false);
}

/** Copies what has changed of a table, and leaves in `old_` how the changed rows were before. */
export function takeIn(db: Database, plan: Plan, table: SyncedTable, checkpoint: number, portion: Portion): Changes {
  fillDirty(db, table, portion);
  const [rows, old] = [rowTable(table.id), oldTable(table.id)];
  const rules = plan.ruleColumns(table.id).map(({ name }) => quoteName(name));
  const dirty = `${dirtyTable(table.id)} d CROSS JOIN ${rows} r ON ${sameKey(table, 'r', 'd')}`;
  db.run(`INSERT INTO ${old}(${['_rid', '_ver', '_live', ...rules].join(', ')}) SELECT ${['_rid', '_ver', '_live', ...rules].map((name) => `r.${name}`).join(', ')} FROM ${dirty}`);
  if (copyDirty(db, table, checkpoint, portion.anew) === 0) {
    forgetOld(db, table.id);
    return NONE;
  }
  db.run(`INSERT OR IGNORE INTO ${old}(_rid, _ver, _live) SELECT r._rid, 0, 0 FROM ${dirty} WHERE r._ver = ?`, checkpoint);
  db.run(`DELETE FROM ${old} WHERE EXISTS (SELECT 1 FROM ${rows} r WHERE r._rid = old_${table.id}._rid AND r._ver = old_${table.id}._ver AND r._live = old_${table.id}._live
    AND NOT ${differs(rules, 'r', `old_${table.id}`)})`);
  const changed = db.get(`SELECT 1 FROM ${old} LIMIT 1`) !== undefined;
  return { rows: changed, versions: changed && db.get(`SELECT 1 FROM ${old} o CROSS JOIN ${rows} r ON r._rid = o._rid WHERE r._ver <> o._ver LIMIT 1`) !== undefined };
}

export function forgetOld(db: Database, table: number): void {
  db.run(`DELETE FROM ${oldTable(table)}`);
}

/** By how much the digest of all rows of the table has changed. */
export function digestChange(db: Database, table: number): { rows: number; sum: number } {
  const [was, is] = [digestSql('o._rid', 'o._ver'), digestSql('r._rid', 'r._ver')];
  const found = db.get<{ rows: number; sum: number }>(`SELECT coalesce(sum(r._live - o._live), 0) AS rows, coalesce(sum(r._live * ${is} - o._live * ${was}), 0) AS sum
    FROM ${oldTable(table)} o CROSS JOIN ${rowTable(table)} r ON r._rid = o._rid`);
  return found ?? { rows: 0, sum: 0 };
}

function fillDirty(db: Database, table: SyncedTable, { after, upTo, whole }: Portion): void {
  const into = `INSERT OR IGNORE INTO ${dirtyTable(table.id)}`;
  const keys = keyNames(table);
  db.run(`DELETE FROM ${dirtyTable(table.id)}`);
  if (whole) {
    db.run(`${into} SELECT ${keys.map((name) => `x.${name}`).join(', ')} FROM ${businessTable(table)} x WHERE ${keyFilled(table, 'x')}`);
    db.run(`${into} SELECT ${keys.join(', ')} FROM ${rowTable(table.id)} WHERE _live`);
    return;
  }
  const slots = keys.map((_, i) => `k${i}`);
  db.run(`${into} SELECT ${slots.join(', ')} FROM app.${OUTBOX} WHERE id > ? AND id <= ? AND t = ? AND ${slots.map((slot) => `${slot} IS NOT NULL`).join(' AND ')}`, after, upTo, table.id);
}

/** Copies the dirty rows as they now are, and marks those that are no more; returns how many differ from the copies. */
function copyDirty(db: Database, table: SyncedTable, checkpoint: number, anew: boolean): number {
  const rows = rowTable(table.id);
  const dirty = dirtyTable(table.id);
  const from = `FROM ${dirty} d CROSS JOIN ${businessTable(table)} x LEFT JOIN ${rows} r ON ${sameKey(table, 'r', 'd')} WHERE ${sameKey(table, 'x', 'd')}`;
  const copied = db.run(copySql(table, from, { rid: 'r._rid', anew }), checkpoint);
  return copied + db.run(
    `UPDATE ${rows} SET _ver = ?1, _live = 0, ${clearSql(table)} WHERE _live AND _rid IN (SELECT r._rid FROM ${dirty} d CROSS JOIN ${rows} r WHERE ${sameKey(table, 'r', 'd')})
     AND NOT EXISTS (SELECT 1 FROM ${businessTable(table)} x WHERE ${sameKey(table, 'x', rows)})`, checkpoint);
}

/** A dead row keeps its key, for the day it comes back, and nothing else. */
function clearSql(table: SyncedTable): string {
  const keys = new Set(keyNames(table));
  const rest = storedNames(table).filter((name) => !keys.has(name)).map((name) => `${name} = NULL`);
  return rest.length > 0 ? rest.join(', ') : '_rid = _rid';
}
