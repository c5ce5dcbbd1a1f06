import { DatabaseSync } from 'node:sqlite';
import { CarryonError } from '@carryon/protocol';
import { requireDevice } from './folder.ts';
import { sqliteError } from './sqlite.ts';

export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** Runs one reading statement on a device's database. Throws `sql.refused` or `sql.error`; changes nothing. */
export function queryDevice(folder: string, sql: string): QueryResult {
  const file = requireDevice(folder);
  if (!/^\s*(--[^\n]*\n\s*)*(select|with|values|explain|pragma\s+table_info)\b/i.test(sql)) throw refused();
  try {
    const db = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
    try {
      const statement = db.prepare(sql);
      // SQLite compiles the first statement and leaves the rest alone, which nobody would notice.
      if (!isBlank(sql.slice(statement.sourceSQL.length))) throw refused();
      statement.setReadBigInts(true);
      statement.setReturnArrays(true);
      return { columns: statement.columns().map((column) => column.name), rows: statement.all() as unknown as unknown[][] };
    } finally {
      db.close();
    }
  } catch (cause) {
    // A statement that begins like a reading one, such as WITH … DELETE, is stopped by the connection.
    throw (cause as { errcode?: number }).errcode === SQLITE_READONLY ? refused() : sqliteError(cause);
  }
}

const SQLITE_READONLY = 8;

const refused = (): CarryonError => new CarryonError('sql.refused', 'Only one reading SQL statement is allowed here.');

/** Nothing but spaces and comments. */
const isBlank = (sql: string): boolean => sql.replaceAll(/--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|[\s;]/g, '') === '';
