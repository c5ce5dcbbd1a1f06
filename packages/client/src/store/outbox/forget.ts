import type { Sqlite } from '../../ports/sqlite.ts';
import { editTable } from './form.ts';

/** What the server has accepted is kept for so long: a server that is restored from a backup gets it again. */
const KEPT_MS = 24 * 3_600_000;

/** Forgets accepted changesets that are in the server's rows here and old enough. */
export async function forgetOld(db: Sqlite, nowMs: number): Promise<void> {
  const old = await db.all<{ seq: number }>(`SELECT seq FROM _carryon_changeset c WHERE state = 'accepted' AND at_ms < ?
    AND NOT EXISTS (SELECT 1 FROM _carryon_log l WHERE l.seq = c.seq AND l.shown)`, nowMs - KEPT_MS);
  if (old.length === 0) return;
  const seqs = JSON.stringify(old.map(({ seq }) => seq));
  await forgetChanges(db, 'seq IN (SELECT value FROM json_each(?))', seqs);
  await db.run('DELETE FROM _carryon_changeset WHERE seq IN (SELECT value FROM json_each(?))', seqs);
}

/** Forgets entries of the log with their values. Of the newest one a mark stays: ids are never used twice. */
export async function forgetChanges(db: Sqlite, where: string, ...values: readonly (number | string)[]): Promise<void> {
  for (const { form } of await db.all<{ form: number }>(`SELECT DISTINCT form FROM _carryon_log WHERE form > 0 AND (${where})`, ...values)) {
    await db.run(`DELETE FROM ${editTable({ id: form })} WHERE id IN (SELECT id FROM _carryon_log WHERE ${where})`, ...values);
  }
  await db.run(`UPDATE _carryon_log SET form = 0, rid = NULL, op = NULL, seq = 0, shown = 0 WHERE id = (SELECT max(id) FROM _carryon_log) AND (${where})`, ...values);
  await db.run(`DELETE FROM _carryon_log WHERE ${where}`, ...values);
  await db.run('DELETE FROM _carryon_log WHERE seq = 0 AND id < (SELECT max(id) FROM _carryon_log)');
}
