import { quoteName, type TableSpec } from '@carryon/protocol';
import { first, type Sqlite } from '../../ports/sqlite.ts';
import { leaveForm } from './form.ts';
import { announce } from './waiting.ts';

/** SQL: names of tables that are not the person's any more, or not yet again. They hold what pending edits show, and nothing else. */
export const LEFT = 'SELECT f.name FROM _carryon_form f WHERE f.current AND NOT EXISTS (SELECT 1 FROM _carryon_table t WHERE t.usable AND t.name = f.name COLLATE NOCASE)';

/** Drops those of these tables that show nothing any more. */
export async function clearLeft(db: Sqlite): Promise<void> {
  for (const { name } of await db.all<{ name: string }>(LEFT)) {
    const table = await first(db, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE", name);
    if (table && await first(db, `SELECT 1 FROM ${quoteName(name)} LIMIT 1`)) continue;
    if (table) await db.exec(`DROP TABLE ${quoteName(name)}`);
    await leaveForm(db, name);
    const coming = await first<{ spec: string }>(db, 'SELECT spec FROM _carryon_table WHERE name = ? COLLATE NOCASE', name);
    if (coming) await announce(db, JSON.parse(coming.spec) as TableSpec);
  }
}
