import { keyColumns, quoteName, RawText, type FeedValue } from '@carryon/protocol';
import type { SyncedTable } from '../../../ports/storage.ts';
import { Real, type Bound, type Database } from '../driver.ts';
import { ownText } from '../schema.ts';

/** A piece of SQL and the values of its parameters. */
export interface Sql { readonly sql: string; readonly values: readonly Bound[] }

/** A value as a parameter, exactly: a REAL stays one, and text keeps its bytes. */
export function parameter(value: FeedValue): { readonly sql: string; readonly value: Bound } {
  if (value instanceof RawText) return { sql: 'CAST(? AS TEXT)', value: value.bytes };
  return { sql: '?', value: typeof value === 'number' ? new Real(value) : value };
}

/** The condition that picks the row of that key. */
export function hasKey(table: SyncedTable, key: readonly FeedValue[]): Sql {
  const values = key.map(parameter);
  return { sql: keyColumns(table).map(({ name }, i) => `${quoteName(name)} = ${values[i]?.sql}`).join(' AND '), values: values.map(({ value }) => value) };
}

/** Whether a row with this key is there, whoever it belongs to. */
export function isThere(db: Database, table: SyncedTable, key: readonly FeedValue[]): boolean {
  const where = hasKey(table, key);
  return db.get(`SELECT 1 FROM ${quoteName(table.name)} WHERE ${where.sql}`, ...where.values) !== undefined;
}

/** The condition that a row is in the person's share. */
export function inShare({ rule }: SyncedTable, user: string): Sql {
  return rule.kind === 'all' ? { sql: '1', values: [] } : { sql: `coalesce(${ownText(rule.column)} = ?, 0)`, values: [user] };
}
