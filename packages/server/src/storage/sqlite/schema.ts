import { CarryonError, keyColumns, quoteName, type ColumnSpec, type TableSpec } from '@carryon/protocol';
import type { SyncedTable } from '../../core/config.ts';
import type { Database } from './driver.ts';

export const rowTable = (id: number): string => `row_${id}`;
/** The members of a node's scopes. */
export const memberTable = (node: number): string => `member_${node}`;
export const columnNames = (table: TableSpec): string[] => table.columns.map((column) => quoteName(column.name));
export const keyNames = (table: TableSpec): string[] => keyColumns(table).map((column) => quoteName(column.name));
/** Everything that the store keeps of a row: what is sent, and what rules read. */
export const storedColumns = (table: SyncedTable): ColumnSpec[] => [...table.columns, ...table.hidden];
export const storedNames = (table: SyncedTable): string[] => storedColumns(table).map((column) => quoteName(column.name));

export interface State {
  readonly store: string;
  readonly epoch: string;
  readonly checkpoint: number;
  readonly floor: number;
  readonly outbox_pos: number;
  readonly outbox_mark: number;
  /** The time that rules know, a full minute. */
  readonly clock_ms: number;
  readonly config_ver: number;
  /** Another one than before: rows of the tables of people may have changed. */
  readonly people_ver: number;
  /** Another one than before: what people were granted may have changed. */
  readonly grant_ver: number;
}

export function readState(db: Database): State {
  const state = db.get<State>('SELECT store, epoch, checkpoint, floor, outbox_pos, outbox_mark, clock_ms, config_ver, people_ver, grant_ver FROM sync_state');
  if (!state) throw new CarryonError('internal', 'The store has no state.');
  return state;
}

export const isStore = (db: Database): boolean => db.get("SELECT 1 FROM main.sqlite_schema WHERE name = 'sync_state'") !== undefined;
