import { first, type Sqlite } from '../../ports/sqlite.ts';
import { EMPTY_OUTBOX, type Outbox } from '../../core/state.ts';
import { getMeta } from '../schema.ts';
import { LEFT } from './left.ts';
import { isGone } from './tables.ts';

export interface LocalChanges {
  /** To be given the next time. */
  readonly last: number;
  readonly tables: readonly { readonly id: number; readonly name: string; readonly rids: readonly number[] }[];
}

/** Changesets made; those ever sent; those whose outcome is known; those no longer kept; the last acknowledgement of a commit; up to where it was doubted. */
export type Counter = 'made' | 'sent' | 'known' | 'lost' | 'acked' | 'doubted';

export const readNumber = async (db: Sqlite, key: Counter): Promise<number> => Number(await getMeta(db, key) ?? 0);

/** How the device's edits stand. */
export async function readOutbox(db: Sqlite): Promise<Outbox> {
  const counts = await first<Omit<Outbox, 'tables' | 'left'>>(db, `SELECT
    coalesce((SELECT value FROM _carryon_meta WHERE key = 'made'), 0) AS made, coalesce((SELECT value FROM _carryon_meta WHERE key = 'known'), 0) AS known,
    (SELECT count(*) FROM _carryon_log WHERE seq IS NULL AND op IS NOT NULL) AS loose,
    (SELECT count(*) FROM (SELECT DISTINCT l.form, l.rid FROM _carryon_log l WHERE l.shown AND l.rid < 0 AND l.op IS NOT NULL AND ${isGone('l.rid')})) AS gone,
    r.operations, r.records, (SELECT count(*) FROM _carryon_changeset WHERE state = 'refused') AS drafts
    FROM (SELECT coalesce(sum(n), 0) AS operations, count(*) AS records FROM (SELECT count(*) AS n FROM _carryon_log WHERE shown AND op IS NOT NULL GROUP BY form, rid)) r`);
  const tables = await db.all<{ id: number }>(`SELECT DISTINCT t.id FROM _carryon_form f JOIN _carryon_table t ON t.name = f.name COLLATE NOCASE
    WHERE EXISTS (SELECT 1 FROM _carryon_log l WHERE l.form = f.id AND l.shown AND l.op IS NOT NULL) ORDER BY t.id`);
  const left = await db.all<{ name: string }>(`${LEFT} ORDER BY f.name`);
  return { ...EMPTY_OUTBOX, ...counts, tables: tables.map(({ id }) => id), left: left.map(({ name }) => name) };
}

/** The last entry of the log before those that nobody has looked at. */
export async function lastNumbered(db: Sqlite): Promise<number> {
  const found = await first<{ id: number }>(db, 'SELECT coalesce((SELECT min(id) - 1 FROM _carryon_log WHERE seq IS NULL), (SELECT max(id) FROM _carryon_log), 0) AS id');
  return found?.id ?? 0;
}

/** The rows that the app has written after an entry of the log (0: since the beginning). */
export async function localChangesAfter(db: Sqlite, logId: number): Promise<LocalChanges> {
  const rows = await db.all<{ id: number; name: string; rid: number; last: number }>(`SELECT t.id, t.name, l.rid, max(l.id) AS last FROM _carryon_log l
    JOIN _carryon_form f ON f.id = l.form JOIN _carryon_table t ON t.name = f.name COLLATE NOCASE
    WHERE l.id > ? AND l.op IS NOT NULL GROUP BY t.id, l.rid ORDER BY t.id, l.rid`, logId);
  const tables = new Map<number, { readonly id: number; readonly name: string; readonly rids: number[] }>();
  for (const { id, name, rid } of rows) {
    const table = tables.get(id) ?? { id, name, rids: [] };
    table.rids.push(rid);
    tables.set(id, table);
  }
  return { last: rows.reduce((last, row) => Math.max(last, row.last), logId), tables: [...tables.values()] };
}
