import { encodeValue, quoteName, type TableSpec } from '@carryon/protocol';
import type { Database } from '../driver.ts';
import { raw, sql } from '../rules/sql.ts';
import type { Edit } from './edit.ts';
import { firstRow, hasKey, tableName } from './row.ts';
import { LEFT } from './tables.ts';

/**
 * The rows as a device's edits left them. Triggers and defaults of the business database change more than the device knows of when it makes
 * its next edit; where nothing has changed since, that next edit is no conflict. Kept until edits made before the device knew have arrived.
 */
export class LeftRows {
  readonly #db: Database;
  readonly #user: string;
  readonly #device: string;

  constructor(db: Database, user: string, device: string) {
    this.#db = db;
    this.#user = user;
    this.#device = device;
  }

  /** Which of these columns of the edit's row are as the device's last edit of it left them. */
  untouched({ table, key }: Edit, columns: readonly number[]): ReadonlySet<number> {
    const stored = this.#db.get<{ row: string }>(`SELECT row FROM ${LEFT} WHERE user = ? AND device = ? AND tbl = ? AND key = ?`, this.#user, this.#device, table.name, keyText(key));
    const left = stored ? JSON.parse(stored.row) as Record<string, unknown> : {};
    const now = this.#read(table, key, columns) ?? {};
    const isSame = (name: string): boolean => Object.hasOwn(left, name) && left[name] === now[name];
    return new Set(columns.filter((column) => isSame(nameOf(table, column))));
  }

  save({ table, key }: Edit, seq: number): void {
    const row = this.#read(table, key, [...table.columns.keys()]);
    if (!row) return;
    this.#db.run(`INSERT INTO ${LEFT} VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq, row = excluded.row`,
      this.#user, this.#device, table.name, keyText(key), seq, JSON.stringify(row));
  }

  forget(upTo: number): void {
    this.#db.run(`DELETE FROM ${LEFT} WHERE user = ? AND device = ? AND seq <= ?`, this.#user, this.#device, upTo);
  }

  /** Columns of the row by name, each as a text. Undefined: the row is gone. */
  #read(table: TableSpec, key: Edit['key'], columns: readonly number[]): Readonly<Record<string, unknown>> | undefined {
    const texts = raw(columns.map((column) => exactText(table, column)).join(', '));
    const row = firstRow(this.#db, sql`SELECT ${texts} FROM ${tableName(table)} WHERE ${hasKey(table, key)}`);
    return row && Object.fromEntries(columns.map((column, i) => [nameOf(table, column), row[i]]));
  }
}

const nameOf = (table: TableSpec, column: number): string => table.columns[column]?.name ?? '';

const keyText = (key: Edit['key']): string => JSON.stringify(key.map(encodeValue));

/** SQL that gives a column as text: the same text for the same value and type, and another for any other. */
function exactText(table: TableSpec, column: number): string {
  const name = quoteName(nameOf(table, column));
  return `CASE typeof(${name}) WHEN 'text' THEN 't' || hex(${name}) WHEN 'blob' THEN 'x' || hex(${name}) ELSE quote(${name}) END`;
}
