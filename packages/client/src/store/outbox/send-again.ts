import type { Sqlite } from '../../ports/sqlite.ts';
import { setMeta } from '../schema.ts';
import { takeBackKeys } from './keys.ts';
import { readNumber } from './read.ts';

/**
 * The server was restored from a backup, and has taken in changesets up to `last` only: what it had accepted and the device still has is
 * sent again, and seen again. Drafts stay drafts. The edits are lifted meanwhile.
 */
export async function sendAgain(db: Sqlite, last: number): Promise<{ readonly again: number; readonly lost: number }> {
  const known = await readNumber(db, 'known');
  if (last >= known) return { again: 0, lost: 0 };
  const kept = new Set((await db.all<{ seq: number }>('SELECT seq FROM _carryon_changeset WHERE seq > ? AND seq <= ?', last, known)).map(({ seq }) => seq));
  let lost = known;
  while (lost > last && kept.has(lost)) lost--;
  const isAgain = "seq > ?1 AND seq <= ?2 AND state = 'accepted'";
  await takeBackKeys(db, lost, known);
  await db.run(`UPDATE _carryon_log SET shown = 1 WHERE op IS NOT NULL AND seq IN (SELECT seq FROM _carryon_changeset WHERE ${isAgain})`, lost, known);
  await db.run(`UPDATE _carryon_changeset SET state = 'pending' WHERE ${isAgain}`, lost, known);
  await setMeta(db, 'known', last);
  await setMeta(db, 'lost', lost);
  await setMeta(db, 'acked', Math.min(last, await readNumber(db, 'acked')));
  return { again: known - lost, lost: lost - last };
}

/**
 * A commit without what the server has accepted: it lags behind, or it was restored before a commit had told of it. Once for each such state
 * the device asks again, by sending what it has: what the server has it leaves out.
 */
export async function doubt(db: Sqlite, ack: number): Promise<void> {
  const known = await readNumber(db, 'known');
  if (await readNumber(db, 'doubted') === known) return;
  await setMeta(db, 'doubted', known);
  await setMeta(db, 'known', ack);
}
