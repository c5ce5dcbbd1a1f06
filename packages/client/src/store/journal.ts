import { first, type Sqlite } from '../ports/sqlite.ts';

/** So many entries are kept. */
export const JOURNAL_KEPT = 1000;

/** One thing that happened, with its reason. */
export interface JournalEntry {
  readonly atMs: number;
  readonly kind: string;
  readonly detail: string;
  /** The rule of the policy that decided it. */
  readonly rule?: string;
  /** When it goes on, in milliseconds since 1970. */
  readonly nextMs?: number;
}

/** Writes entries and forgets the oldest. */
export async function writeJournal(db: Sqlite, entries: readonly JournalEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await db.transaction(async () => {
    for (const { atMs, kind, detail, rule, nextMs } of entries) {
      await db.run('INSERT INTO _carryon_journal(at_ms, kind, detail, rule, next_ms) VALUES(?, ?, ?, ?, ?)', atMs, kind, detail.slice(0, 2000), rule ?? null, nextMs ?? null);
    }
    await db.run('DELETE FROM _carryon_journal WHERE id <= (SELECT max(id) FROM _carryon_journal) - ?', JOURNAL_KEPT);
  });
}

interface JournalRow { readonly at_ms: number; readonly kind: string; readonly detail: string; readonly rule?: string | null; readonly next_ms?: number | null }

/** The newest entries, newest first. An older version's journal has no column for the rule: it can be read too. */
export async function readJournal(db: Sqlite, most: number): Promise<JournalEntry[]> {
  const rows = await db.all<JournalRow>('SELECT * FROM _carryon_journal ORDER BY id DESC LIMIT ?', most);
  return rows.map((row) => ({
    atMs: row.at_ms, kind: row.kind, detail: row.detail, ...(row.rule ? { rule: row.rule } : {}), ...(typeof row.next_ms === 'number' ? { nextMs: row.next_ms } : {}),
  }));
}

/** Whether the last process began to work and did not say that it had come to rest. */
export async function endedSilently(db: Sqlite): Promise<boolean> {
  const last = await first<{ kind: string }>(db, "SELECT kind FROM _carryon_journal WHERE kind IN ('start', 'stop') ORDER BY id DESC LIMIT 1");
  return last?.kind === 'start';
}
