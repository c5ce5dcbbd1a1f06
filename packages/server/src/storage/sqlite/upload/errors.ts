import type { Change, Changeset, PushedTable } from '@carryon/protocol';
import { ERROR_COLUMNS, ERROR_TABLE } from '../../../core/sync-errors.ts';
import type { SyncErrorRow, Upload } from '../../../ports/storage.ts';
import type { Database } from '../driver.ts';
import { errorType, type Refusal } from './refusal.ts';

const ACTIONS = { insert: 'create', update: 'update', delete: 'delete' } as const;

/** Of what was asked for, so many characters are kept with a sync error. */
const MOST_CHARS = 65_536;

/** Writes a refused changeset into the table of sync errors; returns the row's id. */
export function saveError(db: Database, upload: Upload, changeset: Changeset, refusal: Refusal): string {
  const row = errorRow(upload, changeset, refusal, freeId(db, `${upload.device}:${changeset.seq}`));
  const values = ERROR_COLUMNS.map(({ name }) => row[name as keyof SyncErrorRow]);
  db.run(`INSERT INTO ${ERROR_TABLE}(${ERROR_COLUMNS.map(({ name }) => name).join(', ')}) VALUES(${values.map(() => '?').join(', ')})`, ...values);
  return row.id;
}

/** Two people's devices may call themselves the same. */
function freeId(db: Database, wanted: string): string {
  let id = wanted;
  while (db.get(`SELECT 1 FROM ${ERROR_TABLE} WHERE id = ?`, id)) id += '+';
  return id;
}

function errorRow({ user, device, push, nowMs }: Upload, changeset: Changeset, refusal: Refusal, id: string): SyncErrorRow {
  const change = changeset.changes[refusal.change];
  const table = change && push.tables[change.table];
  return {
    id, error_time: new Date(nowMs).toISOString(), message: refusal.message, type: errorType(refusal.code),
    record_table: table?.name ?? '', record_key: JSON.stringify(change?.key ?? []), owner: user, action: ACTIONS[change?.op ?? 'update'],
    action_data: bounded(change ? intended(change, table) : {}),
    request_data: bounded({ seq: changeset.seq, changes: changeset.changes.map((one) => named(one, push.tables[one.table])) }),
    error_code: refusal.code, device, seq: changeset.seq,
  };
}

/** The whole edit is on the device that made it; here it is told as long as it is not out of all proportion. */
function bounded(data: object): string {
  const json = JSON.stringify(data);
  return json.length <= MOST_CHARS ? json : JSON.stringify({ tooLong: json.length, beginning: json.slice(0, MOST_CHARS / 2) });
}

const columnName = (table: PushedTable | undefined, position: unknown): string => table?.columns[position as number] ?? String(position);

/** Per column what it was and what it was to be; of a row deleted, what the device saw of it. */
function intended({ op, set = [], base = [] }: Change, table: PushedTable | undefined): Record<string, { from: unknown; to: unknown }> {
  const fromTo = op === 'delete'
    ? base.map(([column, old]) => [column, old, null])
    : set.map(([column, first, second]) => (op === 'insert' ? [column, null, first] : [column, first, second]));
  return Object.fromEntries(fromTo.map(([column, from, to]) => [columnName(table, column), { from, to }]));
}

/** A change as it was sent, with names in the place of positions. */
function named(change: Change, table: PushedTable | undefined): object {
  const withNames = (list: readonly (readonly unknown[])[]): unknown[] => list.map(([column, ...values]) => [columnName(table, column), ...values]);
  return { ...change, table: table?.name ?? change.table, ...(change.set ? { set: withNames(change.set) } : {}), ...(change.base ? { base: withNames(change.base) } : {}) };
}
