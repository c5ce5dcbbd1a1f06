import { CarryonError, quoteName } from '@carryon/protocol';
import type { Sqlite } from '../../ports/sqlite.ts';

/**
 * Writes to synced tables without being taken for the app, in the caller's transaction: it undoes all of this when the work fails. Triggers of
 * the app's own that write to synced tables are put away meanwhile: they answer to what the app does, and have done so when it did it.
 * Others, as those that keep an index, see what comes.
 */
export async function quietly<T>(db: Sqlite, work: () => Promise<T>): Promise<T> {
  const triggers = await writingTriggers(db);
  for (const { name } of triggers) await db.exec(`DROP TRIGGER ${quoteName(name)}`);
  await db.run('INSERT INTO _carryon_quiet VALUES(1)');
  const result = await work();
  await db.run('DELETE FROM _carryon_quiet');
  for (const { sql, table } of triggers) if (await isThere(db, table)) await db.exec(sql);
  return result;
}

interface Trigger { readonly name: string; readonly table: string; readonly sql: string }

async function writingTriggers(db: Sqlite): Promise<Trigger[]> {
  await unlockIndexes(db);
  const triggers = await db.all<Trigger>(`SELECT name, tbl_name AS "table", sql FROM sqlite_schema WHERE type = 'trigger' AND name NOT LIKE '\\_carryon\\_%' ESCAPE '\\'
    AND tbl_name COLLATE NOCASE IN (SELECT name FROM _carryon_table) ORDER BY rowid`);
  if (triggers.length === 0) return [];
  const tables = await db.all<{ name: string }>('SELECT name FROM _carryon_table');
  const foreign = new Set<string>();
  for (const table of new Set(triggers.map((trigger) => trigger.table))) if (!(await compiles(db, table))) foreign.add(table);
  return triggers.filter(({ sql, table }) => foreign.has(table) || tables.some(({ name }) => writes(sql, name)));
}

/** Whether the table's triggers need nothing that only the app's connection has, as functions of its own. */
async function compiles(db: Sqlite, table: string): Promise<boolean> {
  const name = quoteName(table);
  try {
    for (const sql of [`INSERT INTO ${name} DEFAULT VALUES`, `UPDATE ${name} SET _ver = _ver`, `DELETE FROM ${name}`]) await db.all(`EXPLAIN ${sql}`);
    return true;
  } catch (thrown) {
    if (thrown instanceof CarryonError && thrown.code === 'sql.error') return false;
    throw thrown;
  }
}

/** An app's own index cannot be UNIQUE: what is unique is the server's to say, and its rows come in any order. It becomes an ordinary one. */
async function unlockIndexes(db: Sqlite): Promise<void> {
  const indexes = await db.all<{ name: string; sql: string }>(`SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql LIKE 'CREATE UNIQUE INDEX%' AND name NOT LIKE '\\_carryon\\_%' ESCAPE '\\'
    AND tbl_name COLLATE NOCASE IN (SELECT name FROM _carryon_table WHERE usable)`);
  for (const { name, sql } of indexes) await db.exec(`DROP INDEX ${quoteName(name)}; ${sql.replace(/UNIQUE /i, '')}`);
}

/** Whether a trigger's text has a statement that writes to the table; seen in a comment too, which does no harm. */
function writes(sql: string, table: string): boolean {
  const escaped = table.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('"', '"{1,2}');
  return new RegExp(`\\b(into|delete\\s+from|update(\\s+or\\s+\\w+)?)\\s+(\\w+\\.)?["\`[]?${escaped}(?![\\w$])`, 'i').test(sql);
}

const isThere = async (db: Sqlite, table: string): Promise<boolean> => (await db.all("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", table)).length > 0;
