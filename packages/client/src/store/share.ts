import type { Table, ToldTables } from '../core/state.ts';
import { byName, formOf, retold } from '../core/tables.ts';
import type { Sqlite } from '../ports/sqlite.ts';
import { captureAgain } from './outbox/capture.ts';
import { giveUp } from './outbox/give-up.ts';
import { quietly } from './outbox/quiet.ts';
import { announce } from './outbox/waiting.ts';
import { forgetLoad, RESET } from './reset.ts';
import { loadTable, readTables, refuseTakenNames, setMeta, specOf, stageTable } from './schema.ts';

/** Takes over which tables the person has now. In the transaction that stores a token; done twice it changes nothing more. */
export async function takeTables(db: Sqlite, told: ToldTables): Promise<void> {
  await quietly(db, async () => {
    for (const id of told.forget) await forgetLoad(db, id);
    for (const name of told.packs) await db.run('DELETE FROM _carryon_pack WHERE name = ?', name);
    const before = await readTables(db);
    const isTold = byName(told.tables);
    for (const table of before) if (!isTold(table)) await giveUp(db, table);
    await refuseTakenNames(db, told.tables);
    await save(db, before, retold(before, told));
    await setMeta(db, 'epoch', told.epoch);
    await setMeta(db, 'user', told.user);
    // A reset is followed by this.
    await db.run('DELETE FROM _carryon_meta WHERE key = ?', RESET);
  });
}

async function save(db: Sqlite, before: readonly Table[], tables: readonly Table[]): Promise<void> {
  const wasOf = byName(before);
  for (const table of tables) {
    const was = wasOf(table);
    if (was && was.id !== table.id) await move(db, was.id, table.id);
  }
  await db.run('UPDATE _carryon_table SET id = -1 - id WHERE id < 0');
  for (const table of tables) await saveTable(db, table);
  // When all of them have their names and numbers: they refer to each other.
  for (const table of tables) await present(db, table, wasOf(table));
}

async function move(db: Sqlite, from: number, to: number): Promise<void> {
  await db.exec(`DROP TABLE IF EXISTS ${loadTable({ id: from })}; DROP TABLE IF EXISTS ${stageTable({ id: from })}`);
  await db.run('DELETE FROM _carryon_live WHERE tbl = ?', from);
  // Below zero, as long as another table may still have the number.
  await db.run('UPDATE _carryon_table SET id = ? WHERE id = ?', -1 - to, from);
}

async function saveTable(db: Sqlite, table: Table): Promise<void> {
  const lost = table.lost ? 1 : 0;
  await db.run(`INSERT INTO _carryon_table(id, name, level, spec, usable, load, lost, generation, rows, sum, load_rows, load_sum, checkpoint)
    VALUES(?1, ?2, ?3, ?4, 0, 'none', 0, 0, 0, 0, 0, 0, 0) ON CONFLICT(id) DO UPDATE SET name = ?2, level = ?3, spec = ?4, load = ?5, lost = ?6`,
  table.id, table.name, table.level, JSON.stringify(specOf(table)), table.load, lost);
}

/** What an app sees of a table is made to fit its description. */
async function present(db: Sqlite, table: Table, was: Table | undefined): Promise<void> {
  if (!table.usable) {
    if (!was || formOf(was) !== formOf(table)) await announce(db, table);
  } else if (was && capturedBy(was) !== capturedBy(table)) await captureAgain(db, specOf(table));
}

/** What the triggers of a table depend on, besides its form. */
const capturedBy = ({ rights, conflicts, newKeys, computed, references }: Table): string => JSON.stringify([rights, conflicts, newKeys, computed, references]);
