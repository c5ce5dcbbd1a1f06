import { CarryonError, columnsSql, quoteName, type TableSpec } from '@carryon/protocol';
import { first, type Sqlite } from '../ports/sqlite.ts';
import { EDIT_TABLES } from './outbox/tables.ts';

/** Version of the device's own tables. */
export const STORE_VERSION = 3;

const TABLES = `
  CREATE TABLE IF NOT EXISTS _carryon_meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS _carryon_table(id INTEGER PRIMARY KEY, name TEXT NOT NULL, level INTEGER NOT NULL, spec TEXT NOT NULL,
    usable INTEGER NOT NULL, load TEXT NOT NULL, lost INTEGER NOT NULL, generation INTEGER NOT NULL, rows INTEGER NOT NULL, sum INTEGER NOT NULL,
    load_rows INTEGER NOT NULL, load_sum INTEGER NOT NULL, checkpoint INTEGER NOT NULL, synced_ms INTEGER);
  CREATE TABLE IF NOT EXISTS _carryon_pack(name TEXT PRIMARY KEY, position INTEGER NOT NULL, spec TEXT NOT NULL, applied INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS _carryon_journal(id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL, rule TEXT, next_ms INTEGER);
  CREATE TABLE IF NOT EXISTS _carryon_live(tbl INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY(tbl, first)) WITHOUT ROWID;
  ${EDIT_TABLES}`;

/** What brings a device's own tables from a version to the next. */
const MIGRATIONS: Readonly<Record<number, string>> = {
  1: 'ALTER TABLE _carryon_journal ADD COLUMN rule TEXT; ALTER TABLE _carryon_journal ADD COLUMN next_ms INTEGER',
  2: EDIT_TABLES,
};

/** Prepares a connection: write-ahead log, so that the app reads while the engine writes; a pack's schema can run nothing. */
export async function openConnection(db: Sqlite): Promise<void> {
  await db.exec('PRAGMA trusted_schema = OFF; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA legacy_alter_table = ON; PRAGMA cell_size_check = ON');
}

/** Makes the device's own tables at first, and brings older ones up to date. Throws `device.newer-store` when a newer version wrote them. */
export async function openSchema(db: Sqlite, newId: () => string): Promise<void> {
  const known = await first<{ name: string }>(db, "SELECT name FROM sqlite_schema WHERE name = '_carryon_meta'");
  if (!known) {
    await db.transaction(async () => {
      await db.exec(TABLES);
      await setMeta(db, 'version', STORE_VERSION);
      await setMeta(db, 'device', newId());
    });
    return;
  }
  const version = Number(await getMeta(db, 'version'));
  if (version > STORE_VERSION) throw new CarryonError('device.newer-store', `This folder was written by a newer version of Carryon (${version}, this one knows ${STORE_VERSION}).`);
  if (version < STORE_VERSION) await migrate(db, version);
}

function migrate(db: Sqlite, from: number): Promise<void> {
  return db.transaction(async () => {
    for (let version = from; version < STORE_VERSION; version++) await db.exec(MIGRATIONS[version] ?? '');
    await setMeta(db, 'version', STORE_VERSION);
  });
}

export async function getMeta(db: Sqlite, key: string): Promise<string | number | undefined> {
  return (await first<{ value: string | number }>(db, 'SELECT value FROM _carryon_meta WHERE key = ?', key))?.value;
}

export async function setMeta(db: Sqlite, key: string, value: string | number): Promise<void> {
  await db.run('INSERT INTO _carryon_meta(key, value) VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value', key, value);
}

/** A table's copy while it is loaded, before it takes its name. */
export const loadTable = (table: { readonly id: number }): string => `_carryon_load_${table.id}`;
/** Rows of a round that wait for their commit. */
export const stageTable = (table: { readonly id: number }): string => `_carryon_stage_${table.id}`;
export const keyIndex = (table: { readonly id: number }, generation: number): string => `_carryon_key_${table.id}_${generation}`;

/** Where a table's rows go now: the copy being loaded, or the table itself. */
export const targetTable = (table: { readonly id: number; readonly name: string; readonly load: string }): string =>
  (table.load === 'none' ? quoteName(table.name) : loadTable(table));

export async function createLoadTable(db: Sqlite, table: TableSpec): Promise<void> {
  await db.exec(`DROP TABLE IF EXISTS ${loadTable(table)}; DROP TABLE IF EXISTS ${stageTable(table)};
    DELETE FROM _carryon_live WHERE tbl = ${table.id};
    CREATE TABLE ${loadTable(table)}(${columnsSql(table)});
    CREATE TABLE ${stageTable(table)}(${columnsSql(table)}, _live INTEGER NOT NULL)`);
}
