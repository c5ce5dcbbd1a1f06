import type { ColumnSpec } from '@carryon/protocol';
import type { SyncErrorRow } from '../ports/storage.ts';
import type { SyncedTable } from './config.ts';
import type { Rule } from './rule.ts';

/** The table of refused edits. It stands in the business database and is synced like any other, to those whose edits they were. */
export const ERROR_TABLE = 'carryon_sync_error';

const TYPES: Readonly<Record<keyof SyncErrorRow, 'TEXT' | 'INTEGER'>> = {
  id: 'TEXT', error_time: 'TEXT', message: 'TEXT', type: 'INTEGER', record_table: 'TEXT', record_key: 'TEXT', owner: 'TEXT', action: 'TEXT',
  action_data: 'TEXT', request_data: 'TEXT', error_code: 'TEXT', device: 'TEXT', seq: 'INTEGER',
};

export const ERROR_COLUMNS: readonly ColumnSpec[] = Object.entries(TYPES).map(([name, type]) => ({ name, type, collation: 'BINARY' }));

/** Everybody gets the errors of their own edits. */
export const ERROR_RULE: Rule = { kind: 'mine', column: 'owner', attribute: 'user' };

/** The table as devices get it: first of all, and a person dismisses an error by deleting its row. */
export function errorTable(id: number): SyncedTable {
  return { id, name: ERROR_TABLE, columns: ERROR_COLUMNS, key: [0], level: 0, rights: ['delete'], hidden: [] };
}
