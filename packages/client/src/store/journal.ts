import type { Sqlite } from '../ports/sqlite.ts';

/** So many entries are kept. */
export const JOURNAL_KEPT = 1000;

/** One thing that happened, with its reason. */
export interface JournalEntry {
  readonly atMs: number;
  readonly kind: string;
  readonly detail: string;
}

/** Writes entries and forgets the oldest. */
export async function writeJournal(db: Sqlite, entries: readonly JournalEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await db.transaction(async () => {
    for (const { atMs, kind, detail } of entries) await db.run('INSERT INTO _carryon_journal(at_ms, kind, detail) VALUES(?, ?, ?)', atMs, kind, detail.slice(0, 2000));
    await db.run('DELETE FROM _carryon_journal WHERE id <= (SELECT max(id) FROM _carryon_journal) - ?', JOURNAL_KEPT);
  });
}

/** The newest entries, newest first. */
export async function readJournal(db: Sqlite, most: number): Promise<JournalEntry[]> {
  const rows = await db.all<{ at_ms: number; kind: string; detail: string }>('SELECT at_ms, kind, detail FROM _carryon_journal ORDER BY id DESC LIMIT ?', most);
  return rows.map((row) => ({ atMs: row.at_ms, kind: row.kind, detail: row.detail }));
}
