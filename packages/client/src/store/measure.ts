import { digestSql, MOST_CHECK_RANGES, quoteName, type CheckRequest } from '@carryon/protocol';
import { first, type Sqlite } from '../ports/sqlite.ts';
import { baseTable, readForms } from './outbox/form.ts';

/** About so many rows fall into a range: few enough to be sent for one that differs. */
const ROWS_PER_RANGE = 1000;

/** The largest row id that a server gives. */
const LAST_RID = Number.MAX_SAFE_INTEGER;

/** The digests of a usable table's rows as the server gave them, by ranges of row ids, to be compared with the server's. */
export async function measure(db: Sqlite, table: { readonly name: string }): Promise<Pick<CheckRequest, 'width' | 'ranges'>> {
  const width = await chooseWidth(db, quoteName(table.name));
  const sum = `CAST(max(0, coalesce(sum(${digestSql('_rid', '_ver')}), 0)) AS INTEGER)`;
  const ranges = await db.all<{ i: number; rows: number; sum: number }>(
    `SELECT _rid / ?1 AS i, count(*) AS rows, ${sum} AS sum FROM ${await serverRows(db, table.name)} WHERE _rid BETWEEN 1 AND ?2 GROUP BY 1 ORDER BY 1`, width, LAST_RID);
  return { width, ranges: ranges.flatMap(({ i, rows, sum }) => [i, rows, sum]) };
}

/** Edits leave row ids and versions of the server's rows alone; rows deleted by the app are kept aside. */
async function serverRows(db: Sqlite, table: string): Promise<string> {
  const name = quoteName(table);
  const form = (await readForms(db, [table])).find(({ isCurrent }) => isCurrent);
  if (!form || !(await first(db, `SELECT 1 FROM ${baseTable(form)} b WHERE NOT EXISTS (SELECT 1 FROM ${name} t WHERE t._rid = b._rid) LIMIT 1`))) return name;
  return `(SELECT _rid, _ver FROM ${name} UNION ALL SELECT b._rid, b._ver FROM ${baseTable(form)} b WHERE NOT EXISTS (SELECT 1 FROM ${name} t WHERE t._rid = b._rid))`;
}

/** Wide enough that the row ids at hand fall into as many ranges as a check may name. */
async function chooseWidth(db: Sqlite, name: string): Promise<number> {
  const found = await first<{ rows: number; low: number | null; high: number | null }>(db,
    `SELECT (SELECT count(*) FROM ${name}) AS rows, (SELECT min(_rid) FROM ${name} WHERE _rid >= 1) AS low, (SELECT max(_rid) FROM ${name} WHERE _rid <= ?) AS high`, LAST_RID);
  const span = (found?.high ?? 0) - (found?.low ?? 0) + 1;
  const dense = Math.ceil((ROWS_PER_RANGE * span) / Math.max(1, found?.rows ?? 0));
  // Where the lowest row id falls into the middle of a range there is one range more.
  return Math.min(LAST_RID, Math.max(ROWS_PER_RANGE, dense, Math.ceil(span / (MOST_CHECK_RANGES - 1))));
}
