import { quoteName, quoteText, type TableSpec } from '@carryon/protocol';
import { first, type Sqlite } from '../../ports/sqlite.ts';

const said = (name: string): string => `carryon device.not-usable: ${name} is still being downloaded`;

/**
 * Until a table is usable there is a view of its name: whoever reads or writes it is told so. The view itself is valid, for a statement
 * that changes the schema looks at every view; it is its one condition that fails.
 */
export async function announce(db: Sqlite, { name, columns }: TableSpec): Promise<void> {
  const view = quoteName(name);
  await withdraw(db, name);
  // One that is kept for the edits of an earlier copy can be read.
  if (await first(db, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE", name)) return;
  const refusals = ['INSERT', 'UPDATE', 'DELETE'].map((op) =>
    `CREATE TRIGGER ${quoteName(`_carryon_waiting_${op.toLowerCase()}_${name}`)} INSTEAD OF ${op} ON ${view} BEGIN SELECT RAISE(ABORT, ${quoteText(said(name))}); END`);
  await db.exec([`CREATE VIEW ${view} AS SELECT ${columns.map((column) => `NULL AS ${quoteName(column.name)}`).join(', ')} WHERE json_extract('{}', ${quoteText(said(name))})`, ...refusals].join(';\n'));
}

/** Removes the view, if it is there. */
export async function withdraw(db: Sqlite, name: string): Promise<void> {
  const found = await first<{ name: string }>(db, `${ANNOUNCED} AND v.name = ? COLLATE NOCASE`, name);
  if (found) await db.exec(`DROP VIEW ${quoteName(found.name)}`);
}

/** SQL: the views that announce a table. */
export const ANNOUNCED = "SELECT v.name FROM sqlite_schema v JOIN sqlite_schema t ON t.type = 'trigger' AND t.tbl_name = v.name AND t.name = '_carryon_waiting_insert_' || v.name WHERE v.type = 'view'";
