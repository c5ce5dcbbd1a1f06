import { CarryonError, quoteName } from '@carryon/protocol';
import { configText, type Config, type SyncedTable } from '../../core/config.ts';
import { ERROR_TABLE } from '../../core/sync-errors.ts';
import { checkColumns, tablesWithoutCapture } from './capture.ts';
import { whatIsAnother } from './compile-for.ts';
import { businessTable, sameKey } from './copy.ts';
import type { Database } from './driver.ts';
import { Evaluator } from './evaluate/evaluate.ts';
import { addNode, countNode, forgetNode, retireNode } from './nodes.ts';
import { createTable, dropIndexes, dropTable, fitColumns, fitIndexes, formText } from './row-tables.ts';
import { readState, rowTable, storedColumns } from './schema.ts';

/** Throws `internal` when the rules were compiled for another store: their ids stand for something else here. */
export function checkIds(db: Database, before: Config, now: Config): void {
  const renewed = whatIsAnother(before, now);
  const given = (sql: string, ids: readonly number[]): boolean => ids.some((id) => db.get(sql, id) !== undefined);
  const freshTables = now.tables.map(({ id }) => id).filter((id) => !before.tables.some((table) => table.id === id));
  const freshNodes = now.nodes.map(({ id }) => id).filter((id) => !before.nodes.some((node) => node.id === id));
  const isTaken = given("SELECT 1 FROM sync_table WHERE id = ? AND state <> 'pending'", freshTables) || given('SELECT 1 FROM sync_node WHERE id = ?', freshNodes);
  if (renewed.tables.size + renewed.nodes.size > 0 || isTaken) throw new CarryonError('internal', 'The rules were compiled for another store: their ids stand for something else in this one.');
}

/**
 * Notes which tables have to be read again, since changes of them may have been missed: their triggers are gone, or they were altered.
 * Throws `source.schema-changed` when a table lacks what the rules need.
 */
export function noteAltered(db: Database, business: Database, before: Config, now: Config): void {
  checkColumns(business, 'main', now.tables.filter(({ name }) => name !== ERROR_TABLE));
  db.transaction(() => {
    for (const { id } of tablesWithoutCapture(business, 'main', before.tables)) db.run('UPDATE sync_table SET again = 1 WHERE id = ?', id);
    noteSql(db, business, now.tables);
  }, 'BEGIN IMMEDIATE');
}

/** A table whose text is another than when it was last read has been altered. */
function noteSql(db: Database, business: Database, tables: readonly SyncedTable[]): void {
  for (const { id, name } of tables) {
    const sql = business.get<{ sql: string }>("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", name)?.sql ?? '';
    db.run("UPDATE sync_table SET again = again OR sql <> '', sql = ?1 WHERE id = ?2 AND sql <> ?1", sql, id);
  }
}

/** Makes the tables that the rules to come need, and drops those that were begun for others; returns them. */
export function beginTables(db: Database, business: Database, before: Config, now: Config): SyncedTable[] {
  const pending = now.tables.filter(({ id }) => !before.tables.some((table) => table.id === id));
  db.transaction(() => {
    const begun = db.all<{ id: number; form: string }>("SELECT id, form FROM sync_table WHERE state = 'pending'");
    const kept = new Set(begun.filter(({ id, form }) => pending.some((table) => table.id === id && formText(table) === form)).map(({ id }) => id));
    for (const { id } of begun) if (!kept.has(id)) dropTable(db, id);
    for (const table of pending) if (!kept.has(table.id)) createTable(db, table, 'pending');
    noteSql(db, business, pending);
  }, 'BEGIN IMMEDIATE');
  return pending;
}

/** Goes over to the rules, within a transaction, and takes in what has changed meanwhile. Returns what evaluates from now on. */
export function switchRules(db: Database, before: Config, now: Config, nowMs: number): Evaluator {
  // The store is written first, so that it is locked before the business database is looked at.
  db.run('UPDATE sync_state SET config = ?, config_ver = config_ver + 1', configText(now));
  for (const { id } of before.nodes) if (!now.nodes.some((node) => node.id === id)) retireNode(db, id);
  for (const { id } of before.tables) if (!now.tables.some((table) => table.id === id)) dropWithNodes(db, id);
  dropIndexes(db, now);
  const anew = new Set<number>();
  for (const table of now.tables) {
    const was = before.tables.find(({ id }) => id === table.id);
    if (was && fitTable(db, was, table)) anew.add(table.id);
    db.run("UPDATE sync_table SET state = 'used', form = ? WHERE id = ?", formText(table), table.id);
  }
  fitIndexes(db, now);
  const checkpoint = readState(db).checkpoint + 1;
  for (const node of now.nodes) {
    if (before.nodes.some(({ id }) => id === node.id)) continue;
    addNode(db, node);
    if (node.rule.kind === 'every') countNode(db, node, checkpoint);
  }
  const evaluator = new Evaluator(db, now);
  const again = new Set(db.all<{ id: number }>("SELECT id FROM sync_table WHERE again AND state = 'used'").map(({ id }) => id));
  evaluator.drain(nowMs, { again, anew }, true);
  return evaluator;
}

function dropWithNodes(db: Database, table: number): void {
  for (const { id } of db.all<{ id: number }>('SELECT id FROM sync_node WHERE tbl = ? AND retired < 2', table)) forgetNode(db, id);
  dropTable(db, table);
}

/**
 * Brings the copy of a table into its new form. True when all of its rows are to be news: a column is sent again that was sent before, and
 * nobody has watched it in between.
 */
function fitTable(db: Database, was: SyncedTable, now: SyncedTable): boolean {
  if (formText(was) === formText(now)) return false;
  fitColumns(db, was, now);
  const sent = new Set(JSON.parse(db.get<{ sent: string }>('SELECT sent FROM sync_table WHERE id = ?', now.id)?.sent ?? '[]') as string[]);
  const isSent = (table: SyncedTable, name: string): boolean => table.columns.some((column) => column.name === name);
  const back = now.columns.some(({ name }) => sent.has(name) && !isSent(was, name));
  for (const { name } of now.columns) sent.add(name);
  db.run('UPDATE sync_table SET sent = ? WHERE id = ?', JSON.stringify([...sent]), now.id);
  if (!back) fill(db, now, storedColumns(now).map(({ name }) => name).filter((name) => !storedColumns(was).some((column) => column.name === name)));
  return back;
}

/** Fills new columns. Rows keep their versions: whoever gets the columns gets the table anew. */
function fill(db: Database, table: SyncedTable, columns: readonly string[]): void {
  if (columns.length === 0) return;
  const rows = rowTable(table.id);
  const assign = columns.map(quoteName).map((name) => `${name} = x.${name}`).join(', ');
  db.run(`UPDATE ${rows} SET ${assign} FROM ${businessTable(table)} x WHERE ${rows}._live AND ${sameKey(table, rows, 'x')}`);
}
