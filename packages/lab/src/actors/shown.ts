import type { DatabaseSync } from 'node:sqlite';
import { rowLines } from './row-lines.ts';

/** Whether there is a table or view of that name. */
export const has = (db: DatabaseSync, name: string): boolean => db.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(name) !== undefined;

/** The columns of a table on a device that its app knows of. */
export const shownColumns = (db: DatabaseSync, table: string): string[] =>
  db.prepare("SELECT name FROM pragma_table_info(?) WHERE name NOT IN ('_rid', '_ver') ORDER BY cid").all(table).map(({ name }) => String(name));

/** The rows of a table on a device without those that only an edit still keeps visible; undefined: there is no such table. */
export function shownLines(db: DatabaseSync, table: string): string[] | undefined {
  if (!db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(table)) return undefined;
  const where = has(db, 'carryon_state') ? '_rid NOT IN (SELECT rid FROM carryon_state WHERE table_name = :table COLLATE NOCASE AND gone)' : 'true';
  return rowLines(db, table, shownColumns(db, table), where, { table });
}
