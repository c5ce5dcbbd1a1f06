import { quoteName } from '@carryon/protocol';
import type { SyncedTable } from '../../core/config.ts';
import { columnNames, keyNames, rowTable, storedNames } from './schema.ts';

/** Whether any of the columns differs between two rows in value or type: 1 and 1.0, or 'a' and 'A', are different. */
export function differs(names: readonly string[], a: string, b: string): string {
  if (names.length === 0) return '0';
  return `(${names.map((name) => `${a}.${name} IS NOT ${b}.${name} COLLATE BINARY OR typeof(${a}.${name}) <> typeof(${b}.${name})`).join(' OR ')})`;
}

/**
 * SQL that copies business rows (alias x) into the store; rows that are there unchanged stay untouched, and one in which only hidden columns
 * have changed keeps its version. `rid` gives the row id of those that are there: an upsert that had to find out by conflict would use up a
 * row id each time. `anew`: all of them get the new version.
 */
export function copySql(table: SyncedTable, from: string, { rid = 'NULL', anew = false } = {}): string {
  const [rows, names] = [rowTable(table.id), storedNames(table)];
  const assign = names.map((name) => `${name} = excluded.${name}`).join(', ');
  const isNew = `NOT ${rows}._live OR ${differs(columnNames(table), rows, 'excluded')}`;
  const version = table.hidden.length === 0 || anew ? 'excluded._ver' : `CASE WHEN ${isNew} THEN excluded._ver ELSE ${rows}._ver END`;
  return `INSERT INTO ${rows}(_rid, _ver, _live, ${names.join(', ')})
    SELECT ${rid}, ?1, 1, ${names.map((name) => `x.${name}`).join(', ')} ${from}
    ON CONFLICT DO UPDATE SET _ver = ${version}, _live = 1, ${assign} WHERE ${anew ? 'true' : `NOT ${rows}._live OR ${differs(names, rows, 'excluded')}`}`;
}

/** SQL fragment: the key columns of the two aliases are equal. */
export function sameKey(table: SyncedTable, a: string, b: string): string {
  return keyNames(table).map((name) => `${a}.${name} = ${b}.${name}`).join(' AND ');
}

export const businessTable = (table: SyncedTable): string => `app.${quoteName(table.name)}`;
export const keyFilled = (table: SyncedTable, alias: string): string => keyNames(table).map((name) => `${alias}.${name} IS NOT NULL`).join(' AND ');
