import type { DatabaseSync } from 'node:sqlite';
import { keyColumns, quoteName, type SqlValue } from '@carryon/protocol';
import type { SyncedTable } from '../ports/storage.ts';

/** The rows that a person must hold of a table, by one plain query of the business database; no person: the rows of all. */
export function shareOf(business: DatabaseSync, table: SyncedTable, user?: string): SqlValue[][] {
  const columns = table.columns.map((column) => quoteName(column.name)).join(', ');
  const filled = keyColumns(table).map((column) => `${quoteName(column.name)} IS NOT NULL`);
  const own = user !== undefined && table.rule.kind === 'own' ? [`CAST(${quoteName(table.rule.column)} AS TEXT) = ? COLLATE BINARY`] : [];
  const statement = business.prepare(`SELECT ${columns} FROM ${quoteName(table.name)} WHERE ${[...filled, ...own].join(' AND ')}`);
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  return statement.all(...own.map(() => user ?? '')) as unknown as SqlValue[][];
}
