import { CarryonError } from '@carryon/protocol';
import { first, type Sqlite } from '../ports/sqlite.ts';
import { readJournal, type JournalEntry } from '../store/journal.ts';
import { ERROR_TABLE } from '../store/outbox/dismiss.ts';
import { readOutbox } from '../store/outbox/read.ts';

export interface StoredTable {
  readonly name: string;
  readonly level: number;
  readonly usable: boolean;
  readonly rows: number;
  readonly checkpoint: number;
  /** When it last became equal to the server's share. */
  readonly syncedMs: number | null;
}

/** Edits made on the device. Sync errors that were dismissed are none. */
export interface StoredEdits {
  /** Rows concerned, and changes of them, that the server's data does not show yet. */
  readonly records: number;
  readonly operations: number;
  /** Refused edits that wait for a decision. */
  readonly drafts: number;
  /** The newest transaction that the server has accepted or refused; they are numbered from 1. */
  readonly answered: number;
  /** Rows that the server no longer has, or no longer shows to the person: their pending edits alone keep them visible. */
  readonly gone: number;
  /** Tables that the person no longer has, and that are here until their pending edits have their answer. */
  readonly left: readonly string[];
}

/** What a device's database tells of itself, whether or not an engine runs on it. */
export interface StoredStatus {
  readonly device: string;
  readonly user: string | undefined;
  readonly epoch: string | undefined;
  /** Everything that the person has is here and can be read; also when that is nothing. */
  readonly complete: boolean;
  /** Whether the person has any tables here: `unknown` until the server has said so. */
  readonly share: 'unknown' | 'some' | 'none';
  readonly tables: readonly StoredTable[];
  readonly packs: { readonly applied: number; readonly of: number; readonly bytesLeft: number };
  readonly edits: StoredEdits;
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
  const share = rows.length > 0 ? 'some' : meta.has('token') ? 'none' : 'unknown';
  return {
    device: meta.get('device') ?? '', user: meta.get('user'), epoch: meta.get('epoch'),
    complete: share !== 'unknown' && rows.every((row) => row.usable === 1), share,
    tables: rows.map((row) => ({ name: row.name, level: row.level, usable: row.usable === 1, rows: row.usable ? row.rows : row.load_rows, checkpoint: row.checkpoint, syncedMs: row.synced_ms })),
    packs: { applied: packs?.applied ?? 0, of: packs?.total ?? 0, bytesLeft: packs?.bytesLeft ?? 0 },
    edits: await readEdits(db),
    journal: await readJournal(db, JOURNAL_SHOWN),
  };
}

const IS_EDIT = `op IS NOT NULL AND form NOT IN (SELECT id FROM _carryon_form WHERE name = '${ERROR_TABLE}')`;

async function readEdits(db: Sqlite): Promise<StoredEdits> {
  if (!(await keepsEdits(db))) return { records: 0, operations: 0, drafts: 0, answered: 0, gone: 0, left: [] };
  const { drafts, known, gone, left } = await readOutbox(db);
  const waiting = await first<{ operations: number; records: number }>(db, `SELECT count(*) AS operations, count(DISTINCT form || ' ' || rid) AS records FROM _carryon_log WHERE shown AND ${IS_EDIT}`);
  return { records: waiting?.records ?? 0, operations: waiting?.operations ?? 0, drafts, answered: known, gone, left };
}

/** How many transactions the server has accepted or refused since the one of that number, as far as the device still keeps them: a day, or as drafts. */
export async function countAnswered(db: Sqlite, after: number): Promise<number> {
  if (!(await keepsEdits(db))) return 0;
  const { known } = await readOutbox(db);
  return (await first<{ n: number }>(db, `SELECT count(DISTINCT seq) AS n FROM _carryon_log WHERE seq > ? AND seq <= ? AND ${IS_EDIT}`, after, known))?.n ?? 0;
}

/** A store of an older version has no place for edits, and so none. */
const keepsEdits = async (db: Sqlite): Promise<boolean> => (await first(db, "SELECT 1 FROM sqlite_schema WHERE name = '_carryon_log'")) !== undefined;
