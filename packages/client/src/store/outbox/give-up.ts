import { columnsSql, quoteName } from '@carryon/protocol';
import type { Sqlite } from '../../ports/sqlite.ts';
import { loadTable, stageTable } from '../schema.ts';
import { closeTable } from './capture.ts';
import { baseTable, hasEdits, leaveForm, readForms, type Form } from './form.ts';
import { clearLeft } from './left.ts';
import { lay } from './overlay.ts';
import { withdraw } from './waiting.ts';

/**
 * The table is not the person's any more: its rows go at once. What pending edits of it show stays, to be read only, until they have
 * their answer. In a transaction in which the triggers are quiet.
 */
export async function giveUp(db: Sqlite, { id, name, usable }: { readonly id: number; readonly name: string; readonly usable: boolean }): Promise<void> {
  await db.exec(`DROP TABLE IF EXISTS ${loadTable({ id })}; DROP TABLE IF EXISTS ${stageTable({ id })}`);
  await db.run('DELETE FROM _carryon_live WHERE tbl = ?', id);
  await db.run('DELETE FROM _carryon_table WHERE id = ?', id);
  // What has not become usable has not taken its name: a table that is called so is not the device's, or holds edits of an earlier one.
  if (!usable) return withdraw(db, name);
  await db.exec(`DROP TABLE IF EXISTS ${quoteName(name)}`);
  const form = (await readForms(db, [name])).find(({ isCurrent }) => isCurrent);
  if (form) await keepEdits(db, form);
}

async function keepEdits(db: Sqlite, form: Form): Promise<void> {
  const ofTable = 'form IN (SELECT id FROM _carryon_form WHERE name = ?)';
  await db.run(`DELETE FROM ${baseTable(form)}`);
  // No commit will tell of these any more.
  await db.run(`UPDATE _carryon_log SET shown = 0 WHERE shown AND ${ofTable} AND seq IN (SELECT seq FROM _carryon_changeset WHERE state <> 'pending')`, form.name);
  if (!(await hasEdits(db, form.name))) return leaveForm(db, form.name);
  await db.exec(`CREATE TABLE ${quoteName(form.name)}(${columnsSql(form.spec)})`);
  await closeTable(db, form.spec);
  await lay(db, [form.name]);
  await clearLeft(db);
}
