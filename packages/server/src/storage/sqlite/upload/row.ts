import { keyColumns, quoteName, RawText, type FeedValue, type TableSpec } from '@carryon/protocol';
import { Real, type Database } from '../driver.ts';
import { bind, columnOf, join, raw, sql, type Sql } from '../rules/sql.ts';

/** The alias of the row that an edit is about. */
export const ROW = 'r';

/** A value as a parameter, exactly: a REAL stays one, and text keeps its bytes. */
export function parameter(value: FeedValue): Sql {
  if (value instanceof RawText) return sql`CAST(${bind(value.bytes)} AS TEXT)`;
  return bind(typeof value === 'number' ? new Real(value) : value);
}

/** The table by its name; with its alias where a query needs one. */
export const tableName = ({ name }: TableSpec): Sql => raw(quoteName(name));
export const tableRow = ({ name }: TableSpec): Sql => raw(`${quoteName(name)} ${ROW}`);

/** The condition that picks the row of that key. */
export function hasKey(table: TableSpec, key: readonly FeedValue[]): Sql {
  return join(keyColumns(table).map(({ name }, i) => sql`${columnOf('', name)} = ${parameter(key[i] ?? null)}`), ' AND ');
}

/** The first row that a query gives, as exact values. */
export function firstRow(db: Database, { sql: text, values }: Sql): unknown[] | undefined {
  const [row] = [...db.exact(text, ...values)];
  return row;
}

/** Whether a row with this key is there, whoever it belongs to. */
export function isThere(db: Database, table: TableSpec, key: readonly FeedValue[]): boolean {
  return firstRow(db, sql`SELECT 1 FROM ${tableName(table)} WHERE ${hasKey(table, key)}`) !== undefined;
}
