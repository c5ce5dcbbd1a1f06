import { CarryonError, keyColumns, quoteName, type TableSpec } from '@carryon/protocol';
import type { Source } from '../../core/source.ts';
import type { Database } from './driver.ts';

/** The one table added to the business database: which rows were touched, in commit order. */
export const OUTBOX = '_carryon_outbox';
const TRIGGER_PREFIX = '_carryon_';

/** Marker rows of the outbox have table 0 and name the store that reads it. */
const MARKER = 0;

/**
 * Adds the outbox and the triggers, and names this store as the outbox's reader. In one transaction, so that no
 * change falls between. Returns the outbox position to read from.
 */
export function installCapture(db: Database, tables: readonly TableSpec[], source: Source, storeId: string): number {
  return db.transaction(() => {
    const width = Math.max(1, ...tables.map((table) => table.key.length));
    createOutbox(db, width);
    dropTriggers(db);
    for (const table of tables) {
      const uniques = source.tables.find((found) => found.name === table.name)?.uniques ?? [];
      for (const sql of triggersOf(table, uniques)) db.exec(sql);
    }
    const marker = lastMarker(db);
    if (marker?.store === storeId) return marker.id;
    db.run(`INSERT INTO ${OUTBOX}(t, k0) VALUES(?, ?)`, MARKER, storeId);
    return lastMarker(db)?.id ?? 0;
  }, 'BEGIN IMMEDIATE');
}

/** Removes triggers and outbox; returns how many triggers there were. The database is then as it was before. */
export function removeCapture(db: Database): number {
  return db.transaction(() => {
    const count = dropTriggers(db);
    db.exec(`DROP TABLE IF EXISTS ${OUTBOX}`);
    return count;
  }, 'BEGIN IMMEDIATE');
}

function createOutbox(db: Database, width: number): void {
  // No AUTOINCREMENT: it would leave the table sqlite_sequence behind. The newest row is never trimmed, so ids ascend all the same.
  db.exec(`CREATE TABLE IF NOT EXISTS ${OUTBOX}(id INTEGER PRIMARY KEY, t INTEGER NOT NULL, k0)`);
  const have = db.all('SELECT name FROM pragma_table_info(?)', OUTBOX).length - 2;
  for (let i = have; i < width; i++) db.exec(`ALTER TABLE ${OUTBOX} ADD COLUMN k${i}`);
}

function dropTriggers(db: Database): number {
  const triggers = db.all<{ name: string }>(`SELECT name FROM sqlite_schema WHERE type = 'trigger' AND substr(name, 1, ${TRIGGER_PREFIX.length}) = ?`, TRIGGER_PREFIX);
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${quoteName(name)}`);
  return triggers.length;
}

function lastMarker(db: Database, schema = 'main'): { id: number; store: string } | undefined {
  return db.get<{ id: number; store: string }>(`SELECT id, k0 AS store FROM ${schema}.${OUTBOX} WHERE t = ${MARKER} ORDER BY id DESC LIMIT 1`);
}

/** The triggers that write every touched row's key to the outbox; a changed key is written old and new. */
function triggersOf(table: TableSpec, uniques: readonly (readonly string[])[]): string[] {
  const keys = keyColumns(table).map((column) => quoteName(column.name));
  const into = `INSERT INTO ${OUTBOX}(t, ${keys.map((_, i) => `k${i}`).join(', ')})`;
  const key = (row: string): string => keys.map((name) => `${row}.${name}`).join(', ');
  const put = (row: string): string => `${into} VALUES(${table.id}, ${key(row)});`;
  const keyChanged = keys.map((name) => `OLD.${name} IS NOT NEW.${name} COLLATE BINARY`).join(' OR ');
  const on = (name: string, when: string, body: string): string =>
    `CREATE TRIGGER ${quoteName(`${TRIGGER_PREFIX}${name}_${table.id}`)} ${when} ON ${quoteName(table.name)} FOR EACH ROW BEGIN ${body} END`;
  const triggers = [
    on('insert', 'AFTER INSERT', put('NEW')),
    on('update', 'AFTER UPDATE', `${put('OLD')} ${into} SELECT ${table.id}, ${key('NEW')} WHERE ${keyChanged};`),
    on('delete', 'AFTER DELETE', put('OLD')),
  ];
  const replaced = replacedRows(table, uniques, (where) => `${into} SELECT ${table.id}, ${key('x')} FROM ${quoteName(table.name)} x WHERE ${where};`);
  if (replaced !== '') triggers.push(on('replace', 'BEFORE INSERT', replaced), on('replace_update', 'BEFORE UPDATE', replaced));
  return triggers;
}

/**
 * REPLACE removes rows that clash on another unique index without firing delete triggers (unless recursive_triggers is
 * on: https://www.sqlite.org/lang_conflict.html). So rows that share a unique value are noted before the write; a
 * note too many does no harm.
 */
function replacedRows(table: TableSpec, uniques: readonly (readonly string[])[], select: (where: string) => string): string {
  const key = new Set(keyColumns(table).map((column) => column.name));
  const others = uniques.filter((columns) => columns.length > 0 && !(columns.length === key.size && columns.every((name) => key.has(name))));
  return others.map((columns) => select(columns.map((name) => `x.${quoteName(name)} = NEW.${quoteName(name)}`).join(' AND '))).join(' ');
}

export interface OutboxRange { readonly upTo: number; readonly entries: number }

/** What is in the outbox after the position. Throws `source.replaced` when this is not the outbox that the store has read so far. */
export function outboxAfter(db: Database, schema: string, position: number, storeId: string): OutboxRange {
  const { upTo } = db.get<{ upTo: number | null }>(`SELECT max(id) AS upTo FROM ${schema}.${OUTBOX}`) ?? { upTo: null };
  if (upTo === null || upTo < position || (upTo > position && lastMarker(db, schema)?.store !== storeId)) {
    throw new CarryonError('source.replaced', 'The business database is not the one this data directory has followed: its outbox was reset, replaced or is now read by another server.');
  }
  return { upTo, entries: upTo - position };
}

/** Deletes what has been read. Keeps the marker and the newest row. */
export function trimOutbox(db: Database, position: number, most: number): number {
  return db.run(`DELETE FROM ${OUTBOX} WHERE id IN (SELECT id FROM ${OUTBOX} WHERE id < ? AND t <> ${MARKER} ORDER BY id LIMIT ?)`, position, most);
}
