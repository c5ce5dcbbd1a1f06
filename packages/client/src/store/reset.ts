import type { TableSpec } from '@carryon/protocol';
import { foldName } from '../core/tables.ts';
import { first, type Sqlite } from '../ports/sqlite.ts';
import { giveUp } from './outbox/give-up.ts';
import { quietly } from './outbox/quiet.ts';
import { getMeta, loadTable, setMeta, stageTable } from './schema.ts';

/** Set from a reset to the plan that follows it. */
export const RESET = 'reset';

/** Throws away what was loaded of a table and what was staged for it; a usable copy stays, and is to be downloaded again. */
export async function forgetLoad(db: Sqlite, id: number): Promise<void> {
  await db.exec(`DROP TABLE IF EXISTS ${loadTable({ id })}`);
  // A table that was never planned has none.
  if (await first(db, "SELECT 1 FROM sqlite_schema WHERE name = ?", stageTable({ id }))) await db.exec(`DELETE FROM ${stageTable({ id })}`);
  await db.run('DELETE FROM _carryon_live WHERE tbl = ?', id);
  await db.run("UPDATE _carryon_table SET load = 'none', lost = usable, load_rows = 0, load_sum = 0 WHERE id = ?", id);
}

/** Forgets the server's epoch, the token and the plan: every table is downloaded anew. Usable tables stay readable, and all else stays. */
export async function resetStore(db: Sqlite): Promise<{}> {
  return db.transaction(async () => {
    for (const { id } of await db.all<{ id: number }>('SELECT id FROM _carryon_table')) await forgetLoad(db, id);
    await db.run('DELETE FROM _carryon_pack');
    await db.run("DELETE FROM _carryon_meta WHERE key IN ('epoch', 'token')");
    await setMeta(db, RESET, 1);
    return {};
  });
}

interface Known { readonly id: number; readonly name: string; readonly usable: number }

/**
 * After a reset a plan may leave out tables, or give them other ids: known tables follow by their names, those without a place in the
 * plan are dropped; edits of those are kept, to be refused by the server. Belongs into the transaction that saves the plan.
 */
export async function followReset(db: Sqlite, tables: readonly TableSpec[]): Promise<void> {
  if (await getMeta(db, RESET) === undefined) return;
  const ids = new Map(tables.map((table) => [foldName(table.name), table.id]));
  const knownTables = await db.all<Known>('SELECT id, name, usable FROM _carryon_table WHERE lost OR NOT usable');
  await quietly(db, async () => {
    for (const known of knownTables) {
      const next = ids.get(foldName(known.name));
      if (next !== known.id) await moveTable(db, known, next);
    }
  });
  await db.run('UPDATE _carryon_table SET id = -1 - id WHERE id < 0');
  await db.run('DELETE FROM _carryon_meta WHERE key = ?', RESET);
}

async function moveTable(db: Sqlite, { id, name, usable }: Known, next: number | undefined): Promise<void> {
  if (next === undefined) return giveUp(db, { id, name, usable: usable === 1 });
  await db.exec(`DROP TABLE IF EXISTS ${loadTable({ id })}; DROP TABLE IF EXISTS ${stageTable({ id })}`);
  // Below zero, as long as another table may still have the id.
  await db.run('UPDATE _carryon_table SET id = ? WHERE id = ?', -1 - next, id);
}
