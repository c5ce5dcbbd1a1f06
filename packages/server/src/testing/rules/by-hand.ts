// Worlds written by hand, for histories known to matter.
import type { Change } from './changes.ts';
import type { ProfileTable, Rows, Who, WorldProfile } from './profile.ts';
import type { PeopleTables, Reference, WorldColumn, WorldSchema, WorldTable } from './schema.ts';

/** A table by its columns, each "name type"; the first one is the key. `refers` names a column and the table whose key it holds. */
export function table(name: string, columns: readonly string[], refers: Readonly<Record<string, string>> = {}): WorldTable {
  const specs = columns.map((column): WorldColumn => {
    const [own = '', ...declared] = column.split(' ');
    return { name: own, declared: declared.join(' '), role: { kind: 'value' } };
  });
  const references = Object.entries(refers).map(([column, to]): Reference => ({ columns: [column], table: to, declared: true }));
  return { name, columns: specs, key: [specs[0]?.name ?? ''], references, withoutRowid: false };
}

export const schema = (tables: readonly WorldTable[], people: PeopleTables = {}, start = { timeZone: 'UTC', ms: Date.UTC(2026, 10, 21, 10) }): WorldSchema => ({ tables, people, start });

const byColumn = (column: string, to: string): Reference => ({ columns: [column], table: to, declared: true });
export const childOf = (to: string, column: string): Rows => ({ kind: 'childOf', table: to, by: byColumn(column, to), named: true });
export const parentOf = (of: string, column: string, own: string): Rows => ({ kind: 'parentOf', table: of, by: byColumn(column, own), named: true });
export const own = (column: string): Rows => ({ kind: 'own', column });
export const team = (column: string): Rows => ({ kind: 'team', column });
export const ALL: Rows = { kind: 'all' };

export function profile(name: string, rows: Readonly<Record<string, Rows>>, who?: Partial<Who>): WorldProfile {
  const tables = Object.entries(rows).map(([of, one]): [string, ProfileTable] => [of, { rows: one, columns: undefined, hidden: [], priority: 0, every: undefined, rights: undefined }]);
  return { name, who: who && { users: [], teams: [], units: [], ...who }, tables: Object.fromEntries(tables) };
}

export const sql = (text: string): Change => ({ kind: 'sql', sql: text });

/** Statements as one transaction. */
export const transaction = (...statements: readonly string[]): { readonly op: 'transaction'; readonly changes: readonly Change[]; readonly rolledBack: boolean } =>
  ({ op: 'transaction', changes: statements.map(sql), rolledBack: false });

export const EVALUATE = { op: 'evaluate' } as const;

