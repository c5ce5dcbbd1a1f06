import { quoteName } from '@carryon/protocol';
import { first, type Sqlite } from '../../ports/sqlite.ts';
import { collectAsOne } from './collect.ts';
import { editTable, readForms } from './form.ts';

/** The synced table that tells people of refused edits. */
export const ERROR_TABLE = 'carryon_sync_error';

/** Deletes a row of the sync errors, as a changeset of its own. One that has not come yet is deleted all the same when it comes. */
export async function dismissError(db: Sqlite, error: string): Promise<void> {
  const form = (await readForms(db, [ERROR_TABLE])).find(({ isCurrent }) => isCurrent);
  const key = form?.spec.key[0];
  if (error === '' || !form || key === undefined || form.spec.key.length > 1 || !form.spec.rights?.includes('delete')) return;
  const rows = await db.run(`DELETE FROM ${quoteName(form.name)} WHERE ${quoteName(form.spec.columns[key]?.name ?? '')} = ?`, error);
  if (rows === 0) {
    await db.run("INSERT INTO _carryon_log(form, op, at_ms, total) SELECT ?, 'delete', coalesce(max(at_ms), 0), 0 FROM _carryon_log", form.id);
    const { id } = await first<{ id: number }>(db, 'SELECT max(id) AS id FROM _carryon_log') ?? { id: 0 };
    await db.run('UPDATE _carryon_log SET rid = -id WHERE id = ?', id);
    await db.run(`INSERT INTO ${editTable(form)}(id, o${key}) VALUES(?, ?)`, id, error);
  }
  await collectAsOne(db);
}
