// Random transactions on a random business database.
import type { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { quoteName, type SqlValue } from '@carryon/protocol';
import { valueOf, type WorldSchema, type WorldTable } from './schema.ts';

const KINDS = ['insert', 'insert', 'insert', 'replace', 'update', 'update', 'update', 'delete', 'move', 'move-replace', 'touch', 'clear'] as const;

/** Written by hand, or made of numbers that choose among what the database has. */
export type Change = { readonly kind: 'sql'; readonly sql: string } | RandomChange;

interface RandomChange {
  readonly kind: (typeof KINDS)[number];
  /** Negative: from the end, where the tables of people stand. */
  readonly table: number;
  readonly key: number;
  readonly toKey: number;
  /** Values of the columns, in order and over again. */
  readonly values: readonly number[];
  /** The column that an update changes, and whether it changes the one after it too. */
  readonly column: number;
  readonly two: boolean;
}

const values = fc.array(fc.nat(1700), { minLength: 1, maxLength: 14, size: 'max' });

export const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom(...KINDS), table: fc.integer({ min: -3, max: 7 }), key: fc.nat(11), toKey: fc.nat(11),
  values, column: fc.nat(19), two: fc.boolean(),
});

/** Rows that are there from the beginning. */
export const filling: fc.Arbitrary<Change[]> = fc.array(
  fc.record({ kind: fc.constant('insert' as const), table: fc.nat(7), key: fc.nat(6), toKey: fc.constant(0), values, column: fc.constant(0), two: fc.constant(false) }),
  { maxLength: 70, size: 'max' },
);

/** Runs the changes as one transaction; one that breaks a constraint is left out, as an app would. */
export function runChanges(business: DatabaseSync, schema: WorldSchema, changes: readonly Change[], rolledBack = false): void {
  business.exec('BEGIN IMMEDIATE');
  for (const one of changes) {
    const { sql, values } = statementOf(one, schema);
    try {
      business.prepare(sql).run(...values);
    } catch (error) {
      if (!/constraint failed|datatype mismatch/.test(String(error))) throw error;
    }
  }
  business.exec(rolledBack ? 'ROLLBACK' : 'COMMIT');
}

/** A change as a person would write it. */
export function printChange(one: Change, schema: WorldSchema): string {
  const { sql, values } = statementOf(one, schema);
  return `${sql}: ${values.map((value) => fc.stringify(value)).join(', ')}`;
}

function statementOf(one: Change, schema: WorldSchema): { sql: string; values: SqlValue[] } {
  if (one.kind === 'sql') return { sql: one.sql, values: [] };
  const table = schema.tables.at(one.table % schema.tables.length) as WorldTable;
  const name = quoteName(table.name);
  const where = table.key.map((part) => `${quoteName(part)} IS ?`).join(' AND ');
  const setKey = table.key.map((part) => `${quoteName(part)} = ?`).join(', ');
  const key = keyOf(table, one.key, schema);
  switch (one.kind) {
    case 'insert': case 'replace': {
      const rest = table.columns.filter((column) => !table.key.includes(column.name));
      const names = [...table.key, ...rest.map((column) => column.name)];
      const values = rest.map(({ role }, i) => valueOf(role, one.values[i % one.values.length] ?? 0, schema.start));
      return { sql: `${one.kind} INTO ${name}(${names.map(quoteName).join(', ')}) VALUES(${names.map(() => '?').join(', ')})`, values: [...key, ...values] };
    }
    case 'update': {
      const changed = [one.column, ...(one.two ? [one.column + 1] : [])].map((at) => table.columns[at % table.columns.length]).filter((column) => column !== undefined && !table.key.includes(column.name));
      if (changed.length === 0) return { sql: 'SELECT 1', values: [] };
      const set = changed.map((column) => `${quoteName(column?.name ?? '')} = ?`).join(', ');
      const values = changed.map((column, i) => (column ? valueOf(column.role, one.values[i % one.values.length] ?? 0, schema.start) : null));
      return { sql: `UPDATE ${name} SET ${set} WHERE ${where}`, values: [...values, ...key] };
    }
    case 'delete': return { sql: `DELETE FROM ${name} WHERE ${where}`, values: key };
    case 'move': return { sql: `UPDATE ${name} SET ${setKey} WHERE ${where}`, values: [...keyOf(table, one.toKey, schema), ...key] };
    case 'move-replace': return { sql: `UPDATE OR REPLACE ${name} SET ${setKey} WHERE ${where}`, values: [...keyOf(table, one.toKey, schema), ...key] };
    case 'touch': return { sql: `UPDATE ${name} SET ${quoteName(table.columns.at(-1)?.name ?? '')} = ${quoteName(table.columns.at(-1)?.name ?? '')} WHERE ${where}`, values: key };
    case 'clear': return { sql: one.key > 8 ? `DELETE FROM ${name}` : `DELETE FROM ${name} WHERE ${where}`, values: one.key > 8 ? [] : key };
    default: return one satisfies never;
  }
}

/** A key of the table's pool; the parts of a composite one are chosen apart. */
function keyOf(table: WorldTable, choice: number, { start }: WorldSchema): SqlValue[] {
  return table.key.map((part, i) => {
    const role = table.columns.find(({ name }) => name === part)?.role ?? { kind: 'value' };
    return valueOf(role, i === 0 ? choice : Math.floor(choice / 2) + choice, start);
  });
}
