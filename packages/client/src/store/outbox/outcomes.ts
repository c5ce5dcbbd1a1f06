import type { PushedFrame } from '@carryon/protocol';
import { first, type Sqlite } from '../../ports/sqlite.ts';
import { getMeta, setMeta } from '../schema.ts';
import { forgetChanges } from './forget.ts';
import { replaceKeys } from './keys.ts';
import { relay } from './overlay.ts';
import { quietly } from './quiet.ts';
import { readNumber } from './read.ts';
import { sendAgain } from './send-again.ts';

type Pushed = PushedFrame['pushed'];

/** What taking in outcomes has brought, for the journal. */
export interface Taken {
  readonly accepted: number;
  readonly refused: number;
  /** Changesets that a restored server gets again. */
  readonly again: number;
  /** Changesets that a restored server lacks and that this device no longer has. */
  readonly lost: number;
  /** The device's new id, where its folder was put back from an older copy. */
  readonly device?: string;
}

/** Takes in what became of changesets, all in one transaction. `newId` is asked for a device's id where the device needs another one. */
export async function takeOutcomes(db: Sqlite, pushed: Pushed, nowMs: number, newId: () => string): Promise<Taken> {
  return db.transaction(() => quietly(db, async () => {
    const [made, known] = [await readNumber(db, 'made'), await readNumber(db, 'known')];
    if (pushed.diverged || pushed.last > made || await isOtherLedger(db, pushed.ledger)) return startOver(db, newId(), pushed.ledger);
    if (pushed.ledger !== undefined) await setMeta(db, 'ledger', pushed.ledger);
    if (pushed.last < known) {
      const again = await relay(db, () => sendAgain(db, pushed.last));
      return { accepted: 0, refused: 0, ...again };
    }
    return take(db, pushed, known, nowMs);
  }));
}

async function take(db: Sqlite, { last, outcomes }: Pushed, known: number, nowMs: number): Promise<Taken> {
  const news = outcomes.filter(({ seq }) => seq > known && seq <= last);
  let refused = 0;
  for (const { seq, refused: why } of news) {
    if (!why) continue;
    refused++;
    // What was thrown away meanwhile is no draft.
    await db.run("UPDATE _carryon_changeset SET state = 'refused', at_ms = ?, code = ?, message = ?, change = ?, error = ? WHERE seq = ? AND state <> 'refused' AND EXISTS (SELECT 1 FROM _carryon_log l WHERE l.seq = _carryon_changeset.seq AND l.op IS NOT NULL)",
      nowMs, why.code, why.message, why.change, why.error, seq);
  }
  await db.run("UPDATE _carryon_changeset SET state = 'accepted', at_ms = ? WHERE seq <= ? AND state = 'pending'", nowMs, last);
  await setMeta(db, 'known', last);
  const keys = news.flatMap((outcome) => outcome.keys ?? []);
  if (keys.length > 0) await relay(db, () => replaceKeys(db, keys));
  // No commit will tell of a table that the profile no longer has.
  const settled = await db.run('UPDATE _carryon_log SET shown = 0 WHERE shown AND seq <= ? AND form NOT IN (SELECT f.id FROM _carryon_form f JOIN _carryon_table t ON f.name = t.name)', last);
  if (settled > 0) await relay(db, async () => undefined);
  return { accepted: last - known - refused, refused, again: 0, lost: 0 };
}

/** The server's record of changesets was made anew, on data that has what it had accepted. */
async function isOtherLedger(db: Sqlite, ledger: string | undefined): Promise<boolean> {
  const known = await getMeta(db, 'ledger');
  return ledger !== undefined && known !== undefined && known !== ledger;
}

/**
 * The server knows more of this device than it does itself, for its folder was put back from an older copy, or nothing at all. It becomes another device, whose
 * changesets count from 1; better twice, which the server finds, than not at all. Drafts keep a number that no changeset has.
 */
async function startOver(db: Sqlite, device: string, ledger: string | undefined): Promise<Taken> {
  const known = await readNumber(db, 'known');
  await relay(db, async () => {
    await forgetChanges(db, "seq <= ? AND seq IN (SELECT seq FROM _carryon_changeset WHERE state <> 'refused')", known);
    await db.run("DELETE FROM _carryon_changeset WHERE seq <= ? AND state <> 'refused'", known);
    await db.run('UPDATE _carryon_log SET shown = 0 WHERE seq <= ?', known);
    const low = (await first<{ seq: number }>(db, 'SELECT min(0, coalesce(min(seq), 0)) AS seq FROM _carryon_changeset'))?.seq ?? 0;
    for (const table of ['_carryon_log', '_carryon_changeset']) {
      await db.run(`UPDATE ${table} SET seq = ?2 - seq WHERE seq BETWEEN 1 AND ?1`, known, low);
      await db.run(`UPDATE ${table} SET seq = seq - ?1 WHERE seq > ?1`, known);
    }
  });
  const made = await readNumber(db, 'made') - known;
  for (const [key, value] of [['device', device], ['made', made], ['known', 0], ['sent', 0], ['lost', 0], ['acked', 0], ['doubted', 0]] as const) await setMeta(db, key, value);
  if (ledger !== undefined) await setMeta(db, 'ledger', ledger);
  return { accepted: 0, refused: 0, again: made, lost: 0, device };
}
