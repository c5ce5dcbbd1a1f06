import type { DatabaseSync } from 'node:sqlite';
import { keyColumns, quoteName, type SqlValue } from '@carryon/protocol';
import type { SyncedTable } from '../core/config.ts';

/** The rows whose column, as text, is the person's id. */
export interface Own {
  readonly column: string;
  readonly user: string;
}

/** The rows of a table that a person must hold, by one plain query of the business database; without `own`: all rows. */
export function shareOf(business: DatabaseSync, table: SyncedTable, own?: Own): SqlValue[][] {
  const columns = table.columns.map((column) => quoteName(column.name)).join(', ');
  const filled = keyColumns(table).map((column) => `${quoteName(column.name)} IS NOT NULL`);
  const mine = own ? [`CAST(${quoteName(own.column)} AS TEXT) = ? COLLATE BINARY`] : [];
  const statement = business.prepare(`SELECT ${columns} FROM ${quoteName(table.name)} WHERE ${[...filled, ...mine].join(' AND ')}`);
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  return statement.all(...(own ? [own.user] : [])) as unknown as SqlValue[][];
}
