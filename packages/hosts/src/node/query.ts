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
  if (!/^\s*(--[^\n]*\n\s*)*(select|with|values|explain|pragma\s+table_info)\b/i.test(sql)) throw new CarryonError('sql.refused', 'Only one reading SQL statement is allowed here.');
  try {
    const db = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
    try {
      const statement = db.prepare(sql);
      statement.setReadBigInts(true);
      statement.setReturnArrays(true);
      return { columns: statement.columns().map((column) => column.name), rows: statement.all() as unknown as unknown[][] };
    } finally {
      db.close();
    }
  } catch (cause) {
    throw sqliteError(cause);
  }
}
