import { CarryonError, columnSql, keyColumns, quoteName, type TableSpec } from '@carryon/protocol';
import { ERROR_TABLE } from '../../core/sync-errors.ts';
import type { SyncedTable } from '../../ports/storage.ts';
import type { Database } from './driver.ts';

/** Version of the store's own tables. A store of another version is refused. */
const STORE_VERSION = 1;

export const rowTable = (id: number): string => `row_${id}`;
export const memberTable = (id: number): string => `member_${id}`;
export const columnNames = (table: TableSpec): string[] => table.columns.map((column) => quoteName(column.name));
export const keyNames = (table: TableSpec): string[] => keyColumns(table).map((column) => quoteName(column.name));

/** The column an `own` rule compares, as the text that a person's id is. Letter by letter, whatever the column's collation: "Ann" is not "ann". */
export const ownText = (column: string, alias = ''): string => `CAST(${alias}${quoteName(column)} AS TEXT) COLLATE BINARY`;

const COMMON = `
  CREATE TABLE sync_state(one INTEGER PRIMARY KEY CHECK(one = 1), version INTEGER NOT NULL, store TEXT NOT NULL, epoch TEXT NOT NULL,
    checkpoint INTEGER NOT NULL, floor INTEGER NOT NULL, outbox_pos INTEGER NOT NULL, outbox_mark INTEGER NOT NULL, profile TEXT NOT NULL);
  CREATE TABLE sync_checkpoint(checkpoint INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL);
  CREATE TABLE sync_scope(id INTEGER PRIMARY KEY, tbl INTEGER NOT NULL, param TEXT NOT NULL, head INTEGER NOT NULL,
    rows INTEGER NOT NULL, sum INTEGER NOT NULL, width INTEGER, UNIQUE(tbl, param));
  CREATE TABLE sync_pack(id INTEGER PRIMARY KEY, key TEXT NOT NULL, codec TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL,
    raw_bytes INTEGER NOT NULL, as_of INTEGER NOT NULL, level INTEGER NOT NULL, parts TEXT NOT NULL, scopes TEXT NOT NULL,
    used_ms INTEGER NOT NULL, current INTEGER NOT NULL);
  CREATE INDEX sync_pack_key ON sync_pack(key, codec, current);
  CREATE INDEX sync_pack_name ON sync_pack(name);`;

/** How far the changesets of devices are in the rows above: exactly as old as they. */
const ACKS = 'CREATE TABLE IF NOT EXISTS sync_ack(user TEXT NOT NULL, device TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(user, device)) WITHOUT ROWID';

/** Opens the store's tables, making them at first. Throws `profile.changed` or `server.data-foreign` when they are not for this profile. */
export function openSchema(db: Database, tables: readonly SyncedTable[], newId: () => string): void {
  const stored = tables.map(storedForm);
  const profile = JSON.stringify(stored);
  if (db.get("SELECT 1 FROM sqlite_schema WHERE name = 'sync_state'") === undefined) {
    db.transaction(() => createSchema(db, tables, profile, newId));
    return;
  }
  const state = db.get<{ version: number; profile: string }>('SELECT version, profile FROM sync_state');
  if (state?.version !== STORE_VERSION) throw new CarryonError('server.data-foreign', `The data directory was made by another version of Carryon (${state?.version}, not ${STORE_VERSION}).`);
  if (!isSameBut(state.profile, stored)) throw new CarryonError('profile.changed', 'The profile, or a synced table of the business database, differs from the one this data directory was made with.');
  db.transaction(() => extend(db, stored, profile));
}

/** What of a table the store depends on: not how often devices ask for it, nor what they may write. */
const storedForm = ({ id, name, columns, key, level, rule }: SyncedTable): SyncedTable => ({ id, name, columns, key, level, rule });

/** Whether one is the other but for the table of sync errors, which comes and goes with the right to write. */
function isSameBut(profile: string, tables: readonly SyncedTable[]): boolean {
  const withoutErrors = (all: readonly SyncedTable[]): string => JSON.stringify(all.filter(({ name }) => name !== ERROR_TABLE));
  return withoutErrors(JSON.parse(profile) as SyncedTable[]) === withoutErrors(tables);
}

/** Gives a store of a profile without rights what it needs for edits. */
function extend(db: Database, tables: readonly SyncedTable[], profile: string): void {
  db.exec(ACKS);
  const errors = tables.find(({ name }) => name === ERROR_TABLE);
  if (errors && db.get('SELECT 1 FROM sqlite_schema WHERE name = ?', rowTable(errors.id)) === undefined) {
    db.run('INSERT INTO sync_ingest(tbl, done, rows) VALUES(?, 1, 0)', errors.id);
    createTable(db, errors);
  }
  db.run('UPDATE sync_state SET profile = ?', profile);
}

function createSchema(db: Database, tables: readonly SyncedTable[], profile: string, newId: () => string): void {
  db.exec(COMMON);
  db.exec(ACKS);
  db.run('INSERT INTO sync_state VALUES(1, ?, ?, ?, 0, 0, 0, 0, ?)', STORE_VERSION, newId(), newId(), profile);
  const width = Math.max(1, ...tables.map((table) => table.key.length));
  const keys = Array.from({ length: width }, (_, i) => `k${i}`).join(', ');
  db.exec(`CREATE TABLE sync_ingest(tbl INTEGER PRIMARY KEY, done INTEGER NOT NULL, rows INTEGER NOT NULL, ${keys})`);
  for (const table of tables) {
    db.run('INSERT INTO sync_ingest(tbl, done, rows) VALUES(?, 0, 0)', table.id);
    createTable(db, table);
  }
}

/**
 * Per table a copy of each synced row, typed as on devices and exact at the checkpoint, and for `own` rules the
 * membership. `_rid` is never used twice.
 */
function createTable(db: Database, table: SyncedTable): void {
  const rows = rowTable(table.id);
  db.exec(`CREATE TABLE ${rows}(_rid INTEGER PRIMARY KEY AUTOINCREMENT, _ver INTEGER NOT NULL, _live INTEGER NOT NULL, ${table.columns.map(columnSql).join(', ')})`);
  db.exec(`CREATE UNIQUE INDEX ${rows}_key ON ${rows}(${keyNames(table).join(', ')})`);
  db.exec(`CREATE INDEX ${rows}_feed ON ${rows}(_ver, _rid, _live)`);
  if (table.rule.kind === 'all') {
    db.run("INSERT INTO sync_scope(tbl, param, head, rows, sum) VALUES(?, '', 0, 0, 0)", table.id);
    return;
  }
  db.exec(`CREATE INDEX ${rows}_own ON ${rows}(${ownText(table.rule.column)}) WHERE _live`);
  db.exec(`CREATE TABLE ${memberTable(table.id)}(rid INTEGER NOT NULL, scope INTEGER NOT NULL, seq INTEGER NOT NULL, live INTEGER NOT NULL, PRIMARY KEY(rid, scope)) WITHOUT ROWID`);
  db.exec(`CREATE INDEX ${memberTable(table.id)}_feed ON ${memberTable(table.id)}(scope, seq, rid, live)`);
}
