import { ERROR_COLUMNS, ERROR_TABLE } from '../../../core/sync-errors.ts';
import type { SyncedTable, SyncErrorRow } from '../../../ports/storage.ts';
import type { Database } from '../driver.ts';
import { columnOf, textOf } from '../rules/sql.ts';
import { rowTable } from '../schema.ts';

const COLUMNS = ERROR_COLUMNS.map(({ name }) => name).join(', ');

/** The sync errors as they were last taken in, newest first. */
export function readErrors(db: Database, tables: readonly SyncedTable[], user: string | undefined, most: number): SyncErrorRow[] {
  const rows = rowsOf(tables);
  if (rows === undefined) return [];
  const [whose, ...person] = user === undefined ? ['true'] : [`${textOf(columnOf('', 'owner')).sql} = ?`, user];
  return db.all<SyncErrorRow>(`SELECT ${COLUMNS} FROM ${rows} WHERE _live AND ${whose} ORDER BY error_time DESC, seq DESC, id LIMIT ?`, ...person, most).map((row) => ({ ...row }));
}

/** Undefined: nobody may write, so there are none. */
function rowsOf(tables: readonly SyncedTable[]): string | undefined {
  const table = tables.find(({ name }) => name === ERROR_TABLE);
  return table && rowTable(table.id);
}
