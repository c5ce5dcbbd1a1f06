import { CarryonError } from '@carryon/protocol';
import { first, type Sqlite } from '../ports/sqlite.ts';
import { readJournal, type JournalEntry } from '../store/journal.ts';

export interface StoredTable {
  readonly name: string;
  readonly level: number;
  readonly usable: boolean;
  readonly rows: number;
  readonly checkpoint: number;
  /** When it last became equal to the server's share. */
  readonly syncedMs: number | null;
}

/** What a device's database tells of itself, whether or not an engine runs on it. */
export interface StoredStatus {
  readonly device: string;
  readonly user: string | undefined;
  readonly epoch: string | undefined;
  readonly complete: boolean;
  readonly tables: readonly StoredTable[];
  readonly packs: { readonly applied: number; readonly of: number; readonly bytesLeft: number };
  readonly journal: readonly JournalEntry[];
}

const JOURNAL_SHOWN = 20;

/** Reads a device's status. Throws `device.not-a-device` when the database is not one. */
export async function readStoredStatus(db: Sqlite): Promise<StoredStatus> {
  if (!(await first(db, "SELECT 1 FROM sqlite_schema WHERE name = '_carryon_meta'"))) {
    throw new CarryonError('device.not-a-device', 'This database is not a Carryon device\'s.');
  }
  const meta = new Map((await db.all<{ key: string; value: string | number }>('SELECT key, value FROM _carryon_meta')).map(({ key, value }) => [key, String(value)]));
  const rows = await db.all<{ name: string; level: number; usable: number; rows: number; load_rows: number; load: string; checkpoint: number; synced_ms: number | null }>(
    'SELECT name, level, usable, rows, load_rows, load, checkpoint, synced_ms FROM _carryon_table ORDER BY level, name');
  const packs = await first<{ applied: number | null; total: number; bytesLeft: number | null }>(db,
    "SELECT sum(applied) AS applied, count(*) AS total, sum(CASE applied WHEN 0 THEN spec ->> '$.bytes' ELSE 0 END) AS bytesLeft FROM _carryon_pack");
  return {
    device: meta.get('device') ?? '', user: meta.get('user'), epoch: meta.get('epoch'),
    complete: rows.length > 0 && rows.every((row) => row.usable === 1),
    tables: rows.map((row) => ({ name: row.name, level: row.level, usable: row.usable === 1, rows: row.usable ? row.rows : row.load_rows, checkpoint: row.checkpoint, syncedMs: row.synced_ms })),
    packs: { applied: packs?.applied ?? 0, of: packs?.total ?? 0, bytesLeft: packs?.bytesLeft ?? 0 },
    journal: await readJournal(db, JOURNAL_SHOWN),
  };
}
