import { CarryonError, columnsSql, quoteName, type TableSpec } from '@carryon/protocol';
import { first, type Sqlite } from '../ports/sqlite.ts';
import type { Table } from '../core/state.ts';
import { EDIT_TABLES, STATE_VIEW } from './outbox/tables.ts';
import { ANNOUNCED } from './outbox/waiting.ts';

/** Version of the device's own tables. */
export const STORE_VERSION = 4;

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
  3: `DROP VIEW carryon_state; ${STATE_VIEW}`,
};

/** Prepares a connection: write-ahead log, so that the app reads while the engine writes; a pack's schema can run nothing. */
export async function openConnection(db: Sqlite): Promise<void> {
  await db.exec('PRAGMA trusted_schema = OFF; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA legacy_alter_table = ON; PRAGMA cell_size_check = ON');
}

/** Makes the device's own tables at first, and brings older ones up to date. Throws `device.newer-store` when a newer version wrote them. */
export async function openSchema(db: Sqlite, newId: () => string): Promise<void> {
  const version = await readVersion(db);
  if (version === 0) {
    await db.transaction(async () => {
      await db.exec(TABLES);
      await setMeta(db, 'version', STORE_VERSION);
      await setMeta(db, 'device', newId());
    });
    return;
  }
  if (version > STORE_VERSION) throw new CarryonError('device.newer-store', `This folder was written by a newer version of Carryon (${version}, this one knows ${STORE_VERSION}).`);
  if (version < STORE_VERSION) await migrate(db, version);
}

/** The version of the device's own tables in a database; 0: there are none yet. */
export async function readVersion(db: Sqlite): Promise<number> {
  const known = await first<{ name: string }>(db, "SELECT name FROM sqlite_schema WHERE name = '_carryon_meta'");
  return known ? Number(await getMeta(db, 'version') ?? 0) : 0;
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

interface TableRow { readonly spec: string; readonly usable: number; readonly load: Table['load']; readonly lost: number; readonly rows: number; readonly load_rows: number; readonly synced_ms: number | null }

/** The device's tables as they are stored, in the order of their levels. */
export async function readTables(db: Sqlite): Promise<Table[]> {
  const rows = await db.all<TableRow>('SELECT spec, usable, load, lost, rows, load_rows, synced_ms FROM _carryon_table ORDER BY level, id');
  return rows.map((row) => ({
    ...(JSON.parse(row.spec) as TableSpec), usable: row.usable === 1, load: row.load, lost: row.lost === 1, fresh: false,
    rows: row.load === 'none' ? row.rows : row.load_rows, syncedMs: row.synced_ms ?? undefined,
  }));
}

/** A table's description, without what the device knows of its copy. */
export function specOf({ usable: _usable, load: _load, lost: _lost, fresh: _fresh, rows: _rows, syncedMs: _syncedMs, ...spec }: Table): TableSpec {
  return spec;
}

/** A table of the app's own is never replaced: its name must be free, or that of a usable table that is downloaded anew, or of one kept for its edits. */
export async function refuseTakenNames(db: Sqlite, tables: readonly TableSpec[]): Promise<void> {
  for (const { name } of tables) {
    const own = await first(db, `SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE
      AND NOT EXISTS (SELECT 1 FROM _carryon_table WHERE usable AND name = ?1 COLLATE NOCASE)
      AND NOT EXISTS (SELECT 1 FROM _carryon_form WHERE current AND name = ?1)
      AND NOT EXISTS (${ANNOUNCED} AND v.name = ?1 COLLATE NOCASE)`, name);
    if (own) throw new CarryonError('device.name-taken', `The device's database already has a table ${name} of the app's own.`);
  }
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
