import { CarryonError, columnSql } from '@carryon/protocol';
import { ERROR_COLUMNS, ERROR_TABLE } from '../../../core/sync-errors.ts';
import type { Database } from '../driver.ts';

/**
 * What uploads keep stands in the business database, in the transaction of the edits themselves: so no crash tears them apart, and a
 * backup that is put back brings them back together.
 */
export const DEVICES = '_carryon_device';
export const OUTCOMES = '_carryon_outcome';
export const KEYS = '_carryon_key';
export const LEFT = '_carryon_left';
export const LEDGER = '_carryon_ledger';

const ERRORS_SQL = `CREATE TABLE IF NOT EXISTS ${ERROR_TABLE}(${ERROR_COLUMNS.map((column) => `${columnSql(column)} NOT NULL`).join(', ')}, PRIMARY KEY(id)) WITHOUT ROWID`;

/** Devices are told apart per person: nobody can use up another's numbers. */
const OWN_SQL = `
  CREATE TABLE IF NOT EXISTS ${LEDGER}(id TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS ${DEVICES}(user TEXT NOT NULL, device TEXT NOT NULL, last INTEGER NOT NULL, push TEXT, PRIMARY KEY(user, device)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS ${OUTCOMES}(user TEXT NOT NULL, device TEXT NOT NULL, seq INTEGER NOT NULL, outcome TEXT NOT NULL, PRIMARY KEY(user, device, seq)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS ${KEYS}(user TEXT NOT NULL, device TEXT NOT NULL, tbl TEXT NOT NULL, temporary INTEGER NOT NULL, key INTEGER NOT NULL,
    PRIMARY KEY(user, device, tbl, temporary)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS ${LEFT}(user TEXT NOT NULL, device TEXT NOT NULL, tbl TEXT NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, row TEXT NOT NULL,
    PRIMARY KEY(user, device, tbl, key)) WITHOUT ROWID;`;

/** `ledger` names the record where it is new. Throws `profile.invalid` when the business database has a table of its own with the name of that of sync errors. */
export function createUploadTables(db: Database, ledger: string): void {
  if (hasTable(db, 'main', ERROR_TABLE) && !isOurs(db)) {
    throw new CarryonError('profile.invalid', `The business database has a table "${ERROR_TABLE}" of its own, so edits that are refused could not be told.`);
  }
  db.exec(OWN_SQL);
  db.run(`INSERT INTO ${LEDGER} SELECT ? WHERE NOT EXISTS (SELECT 1 FROM ${LEDGER})`, ledger);
  db.exec(ERRORS_SQL);
}

/** Whether devices have sent edits before, or somebody may. */
export const hasUploadTables = (db: Database): boolean => hasTable(db, 'main', LEDGER);

export function dropUploadTables(db: Database): void {
  for (const name of [LEDGER, DEVICES, OUTCOMES, KEYS, LEFT]) db.exec(`DROP TABLE IF EXISTS ${name}`);
  if (isOurs(db)) db.exec(`DROP TABLE ${ERROR_TABLE}`);
}

export const hasTable = (db: Database, schema: string, name: string): boolean =>
  db.get(`SELECT 1 FROM ${schema}.sqlite_schema WHERE type = 'table' AND name = ?`, name) !== undefined;

function isOurs(db: Database): boolean {
  const columns = new Set(db.all<{ name: string }>('SELECT name FROM pragma_table_info(?)', ERROR_TABLE).map(({ name }) => name));
  return ERROR_COLUMNS.every(({ name }) => columns.has(name));
}
