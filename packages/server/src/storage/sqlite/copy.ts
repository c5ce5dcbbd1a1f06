import { quoteName } from '@carryon/protocol';
import type { SyncedTable } from '../../ports/storage.ts';
import { columnNames, keyNames, rowTable } from './schema.ts';

/** Whether a stored row differs from the incoming one in any value or type: 1 and 1.0, or 'a' and 'A', are different. */
function changed(table: SyncedTable): string {
  const rows = rowTable(table.id);
  const differs = columnNames(table).map((name) =>
    `${rows}.${name} IS NOT excluded.${name} COLLATE BINARY OR typeof(${rows}.${name}) <> typeof(excluded.${name})`);
  return `NOT ${rows}._live OR ${differs.join(' OR ')}`;
}

/**
 * SQL that copies business rows (alias x) into the store; rows that are there unchanged stay untouched. `rid` gives the row id of those that
 * are there: an upsert that had to find out by conflict would use up a row id each time.
 */
export function copySql(table: SyncedTable, from: string, rid = 'NULL'): string {
  const names = columnNames(table);
  const assign = names.map((name) => `${name} = excluded.${name}`).join(', ');
  return `INSERT INTO ${rowTable(table.id)}(_rid, _ver, _live, ${names.join(', ')})
    SELECT ${rid}, ?1, 1, ${names.map((name) => `x.${name}`).join(', ')} ${from}
    ON CONFLICT DO UPDATE SET _ver = excluded._ver, _live = 1, ${assign} WHERE ${changed(table)}`;
}

/** SQL fragment: the key columns of the two aliases are equal. */
export function sameKey(table: SyncedTable, a: string, b: string): string {
  return keyNames(table).map((name) => `${a}.${name} = ${b}.${name}`).join(' AND ');
}

export const businessTable = (table: SyncedTable): string => `app.${quoteName(table.name)}`;
export const keyFilled = (table: SyncedTable, alias: string): string => keyNames(table).map((name) => `${alias}.${name} IS NOT NULL`).join(' AND ');
