import { CarryonError, keyColumns, quoteName, type TableSpec } from '@carryon/protocol';
import type { SyncedTable } from '../../core/config.ts';
import type { Source, UniqueIndex } from '../../core/source.ts';
import { ERROR_TABLE } from '../../core/sync-errors.ts';
import type { Database } from './driver.ts';
import { storedColumns } from './schema.ts';
import { createUploadTables, DEVICES, dropUploadTables, hasTable } from './upload/tables.ts';

/** Which rows of the business database were touched, in commit order. */
export const OUTBOX = '_carryon_outbox';
const TRIGGER_PREFIX = '_carryon_';

/** Marker rows of the outbox have table 0 and name the store that reads it. */
const MARKER = 0;
/** Rows of this table say that a device's changesets have come further: person and device. */
const ACK = -1;

/** An entry of the outbox. Its mark is a random number: in another copy of the database the same id has another one. */
export interface OutboxPosition { readonly id: number; readonly mark: number }

const NOTHING_READ: OutboxPosition = { id: 0, mark: 0 };

/**
 * Adds the outbox and the triggers, and names this store as the outbox's reader. In one transaction, so that no
 * change falls between. Returns the position to read from: the given one, or for a new store (id 0) the outbox's end.
 * Throws `source.replaced`, and leaves all as it was, when changes since that position are lost.
 */
export function installCapture(db: Database, tables: readonly SyncedTable[], source: Source, storeId: string, position = NOTHING_READ): OutboxPosition {
  return db.transaction(() => {
    if (position.id > 0) outboxAfter(db, 'main', position, storeId);
    createOutbox(db, Math.max(2, ...tables.map((table) => table.key.length)));
    dropTriggers(db);
    if (tables.some(({ name }) => name === ERROR_TABLE)) createUploadTables(db, storeId);
    for (const table of tables) {
      for (const sql of triggersOf(table, uniquesBeside(table, source))) db.exec(sql);
    }
    if (position.id > 0) return position;
    const marker = lastMarker(db, 'main');
    if (marker?.store === storeId) return marker;
    db.run(`INSERT INTO ${OUTBOX}(t, k0) VALUES(?, ?)`, MARKER, storeId);
    return lastMarker(db, 'main') ?? NOTHING_READ;
  }, 'BEGIN IMMEDIATE');
}

/** Notes that the device's changesets have come further, so that evaluation sees it even when they changed nothing. */
export function noteAck(db: Database, user: string, device: string): void {
  db.run(`INSERT INTO ${OUTBOX}(t, k0, k1) VALUES(${ACK}, ?, ?)`, user, device);
}

/** Copies how far the devices are that the outbox names between the positions; true when any has come further. At first (0) those of all. */
export function copyAcks(db: Database, after: number, upTo: number): boolean {
  if (!hasTable(db, 'app', DEVICES)) return false;
  const named = `(user, device) IN (SELECT k0, k1 FROM app.${OUTBOX} WHERE id > ?1 AND id <= ?2 AND t = ${ACK})`;
  return db.run(`INSERT INTO sync_ack SELECT user, device, last FROM app.${DEVICES} WHERE ?1 = 0 OR ${named}
    ON CONFLICT DO UPDATE SET seq = excluded.seq WHERE seq <> excluded.seq`, after, upTo) > 0;
}

/** Removes triggers and outbox, and what uploads keep; returns how many triggers there were. The database is then as it was before. */
export function removeCapture(db: Database): number {
  return db.transaction(() => {
    const count = dropTriggers(db);
    db.exec(`DROP TABLE IF EXISTS ${OUTBOX}`);
    dropUploadTables(db);
    return count;
  }, 'BEGIN IMMEDIATE');
}

function createOutbox(db: Database, width: number): void {
  // No AUTOINCREMENT: it would leave the table sqlite_sequence behind. The newest row is never trimmed, so ids ascend all the same.
  db.exec(`CREATE TABLE IF NOT EXISTS ${OUTBOX}(id INTEGER PRIMARY KEY, t INTEGER NOT NULL, mark INTEGER NOT NULL DEFAULT (random() >> 12), k0)`);
  const have = db.all('SELECT name FROM pragma_table_info(?)', OUTBOX).length - 3;
  for (let i = have; i < width; i++) db.exec(`ALTER TABLE ${OUTBOX} ADD COLUMN k${i}`);
}

function dropTriggers(db: Database): number {
  const triggers = db.all<{ name: string }>(`SELECT name FROM sqlite_schema WHERE type = 'trigger' AND substr(name, 1, ${TRIGGER_PREFIX.length}) = ?`, TRIGGER_PREFIX);
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${quoteName(name)}`);
  return triggers.length;
}

function lastMarker(db: Database, schema: string): OutboxPosition & { store: string } | undefined {
  return db.get<OutboxPosition & { store: string }>(`SELECT id, mark, k0 AS store FROM ${schema}.${OUTBOX} WHERE t = ${MARKER} ORDER BY id DESC LIMIT 1`);
}

const hasOutbox = (db: Database, schema: string): boolean => db.get(`SELECT 1 FROM ${schema}.sqlite_schema WHERE name = '${OUTBOX}'`) !== undefined;

const replaced = (): CarryonError => new CarryonError('source.replaced',
  'The business database is not the one this data directory has followed: it was replaced, its capture was removed, or another server now reads its changes.');

/** Throws `source.schema-changed` when a table's triggers or columns are gone (dropping a table takes its triggers along), `source.replaced` when all is. */
export function checkCapture(db: Database, schema: string, tables: readonly SyncedTable[]): void {
  if (!hasOutbox(db, schema)) throw replaced();
  checkColumns(db, schema, tables);
  const [lost] = tablesWithoutCapture(db, schema, tables);
  if (lost) throw new CarryonError('source.schema-changed', `The business database's table "${lost.name}" has lost its triggers, so changes of it may be missing.`);
}

/** Throws `source.schema-changed` when a table lacks a column. */
export function checkColumns(db: Database, schema: string, tables: readonly SyncedTable[]): void {
  for (const table of tables) {
    const columns = new Set(db.all<{ name: string }>('SELECT name FROM pragma_table_xinfo(?, ?)', table.name, schema).map(({ name }) => name));
    const lacking = storedColumns(table).find(({ name }) => !columns.has(name));
    if (lacking) throw new CarryonError('source.schema-changed', `The business database's table "${table.name}" lacks the column "${lacking.name}".`);
  }
}

/** Tables of which changes may have been missed. */
export function tablesWithoutCapture(db: Database, schema: string, tables: readonly SyncedTable[]): SyncedTable[] {
  return tables.filter((table) => !hasTriggers(db, schema, table));
}

/** Those of the tables that are there with the columns of their keys. */
export function tablesWithKeys(db: Database, tables: readonly SyncedTable[]): SyncedTable[] {
  return tables.filter((table) => {
    const columns = new Set(db.all<{ name: string }>('SELECT name FROM pragma_table_xinfo(?)', table.name).map(({ name }) => name));
    return keyColumns(table).every(({ name }) => columns.has(name));
  });
}

function hasTriggers(db: Database, schema: string, table: TableSpec): boolean {
  const triggers = ['insert', 'update', 'delete'].map((name) => `${TRIGGER_PREFIX}${name}_${table.id}`);
  const found = db.get<{ n: number }>(`SELECT count(*) AS n FROM ${schema}.sqlite_schema WHERE type = 'trigger' AND tbl_name = ? AND name IN (?, ?, ?)`, table.name, ...triggers);
  return found?.n === triggers.length;
}

/** The unique indexes of a table apart from its key. */
function uniquesBeside(table: TableSpec, source: Source): UniqueIndex[] {
  const found = source.tables.find(({ name }) => name === table.name);
  const key = new Set(keyColumns(table).map((column) => column.name));
  const keys = found?.keys.filter((columns) => columns.length !== key.size || !columns.every((name) => key.has(name))) ?? [];
  return [...keys.map((columns) => ({ columns, terms: columns.map(quoteName), where: '' })), ...found?.uniques ?? []];
}

/** The triggers that write every touched row's key to the outbox; a changed key is written old and new. */
function triggersOf(table: TableSpec, uniques: readonly UniqueIndex[]): string[] {
  const keys = keyColumns(table).map((column) => quoteName(column.name));
  const into = `INSERT INTO ${OUTBOX}(t, ${keys.map((_, i) => `k${i}`).join(', ')})`;
  const key = (row: string): string => keys.map((name) => `${row}.${name}`).join(', ');
  const put = (row: string): string => `${into} VALUES(${table.id}, ${key(row)});`;
  const differs = (names: readonly string[]): string => names.map((name) => `OLD.${name} IS NOT NEW.${name} COLLATE BINARY`).join(' OR ');
  const on = (name: string, when: string, body: string, condition = 'true'): string =>
    `CREATE TRIGGER ${quoteName(`${TRIGGER_PREFIX}${name}_${table.id}`)} ${when} ON ${quoteName(table.name)} FOR EACH ROW WHEN ${condition} BEGIN ${body} END`;
  const replaced = uniques.flatMap((unique, i) => {
    const clashing = `${into} SELECT ${table.id}, ${key('x')} FROM ${quoteName(table.name)} x WHERE ${clashesWith(unique)};`;
    return [on(`replace_${i}`, 'BEFORE INSERT', clashing), on(`replace_update_${i}`, 'BEFORE UPDATE', clashing, differs(unique.columns.map(quoteName)))];
  });
  return [
    on('insert', 'AFTER INSERT', put('NEW')),
    on('update', 'AFTER UPDATE', `${put('OLD')} ${into} SELECT ${table.id}, ${key('NEW')} WHERE ${differs(keys)};`),
    on('delete', 'AFTER DELETE', put('OLD')),
    ...replaced,
  ];
}

/**
 * SQL: row x has a value that the new row wants for itself. REPLACE removes such rows without firing delete triggers
 * (unless recursive_triggers is on: https://www.sqlite.org/lang_conflict.html), so they are noted before the write; a
 * note too many does no harm.
 */
function clashesWith({ columns, terms, where }: UniqueIndex): string {
  const fresh = columns.map((name) => `NEW.${quoteName(name)} AS ${quoteName(name)}`).join(', ');
  const wanted = `SELECT ${terms.join(', ')} FROM (SELECT ${fresh})`;
  return where === '' ? `(${terms.join(', ')}) = (${wanted})` : `(${where}) AND (${terms.join(', ')}) = (${wanted} WHERE ${where})`;
}

export interface OutboxRange { readonly end: OutboxPosition; readonly entries: number }

/** What is in the outbox after the position. Throws `source.replaced` when this is not the outbox that the store has read so far. */
export function outboxAfter(db: Database, schema: string, position: OutboxPosition, storeId: string): OutboxRange {
  if (!hasOutbox(db, schema)) throw replaced();
  const known = db.get<OutboxPosition>(`SELECT id, mark FROM ${schema}.${OUTBOX} WHERE id = ?`, position.id);
  const end = db.get<OutboxPosition>(`SELECT id, mark FROM ${schema}.${OUTBOX} ORDER BY id DESC LIMIT 1`);
  if (!end || known?.mark !== position.mark) throw replaced();
  if (end.id > position.id && lastMarker(db, schema)?.store !== storeId) throw replaced();
  return { end, entries: end.id - position.id };
}

/** Deletes what has been read. Keeps the marker and the newest row. */
export function trimOutbox(db: Database, position: number, most: number): number {
  return db.run(`DELETE FROM ${OUTBOX} WHERE id IN (SELECT id FROM ${OUTBOX} WHERE id < ? AND t <> ${MARKER} ORDER BY id LIMIT ?)`, position, most);
}
