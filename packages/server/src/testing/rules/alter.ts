// Changes of a random business database's form.
import type { DatabaseSync } from 'node:sqlite';
import { quoteName } from '@carryon/protocol';
import { columnsOfRows, type Rows, type WorldProfile } from './profile.ts';
import { tableSql, type WorldColumn, type WorldTable } from './schema.ts';

export const ALTERATIONS = ['add', 'drop', 'retype', 'recreate'] as const;
export type Alteration = (typeof ALTERATIONS)[number];

/** Alters the table; gives its new form. Undefined: it cannot be altered so, or a profile would no longer fit it. */
export function alterTable(business: DatabaseSync, table: WorldTable, how: Alteration, sets: readonly (readonly WorldProfile[])[]): WorldTable | undefined {
  const name = quoteName(table.name);
  switch (how) {
    case 'add': {
      if (table.columns.some((column) => column.name === 'later')) return undefined;
      business.exec(`ALTER TABLE ${name} ADD COLUMN later DEFAULT 'x'`);
      return withColumns(table, [...table.columns, { name: 'later', declared: '', role: { kind: 'value' } }]);
    }
    case 'drop': {
      if (!table.columns.some((column) => column.name === 'v') || sets.flat().some((profile) => names(profile, table, 'v'))) return undefined;
      return recreate(business, table, table.columns.filter((column) => column.name !== 'v'));
    }
    case 'retype': return recreate(business, table, table.columns.map((column) => (column.name === 'v' ? { ...column, declared: column.declared === 'TEXT' ? '' : 'TEXT' } : column)));
    case 'recreate': return recreate(business, table, table.columns);
    default: return how satisfies never;
  }
}

const withColumns = (table: WorldTable, columns: readonly WorldColumn[]): WorldTable => ({ ...table, columns });

/** As tools do what ALTER TABLE cannot: another table takes the rows and the name, and triggers are lost. */
function recreate(business: DatabaseSync, table: WorldTable, columns: readonly WorldColumn[]): WorldTable {
  const next = withColumns(table, columns);
  const kept = columns.map((column) => quoteName(column.name)).join(', ');
  const name = quoteName(table.name);
  business.exec(`BEGIN IMMEDIATE; PRAGMA legacy_alter_table = ON; ${tableSql({ ...next, name: '_next' })}; INSERT INTO _next(${kept}) SELECT ${kept} FROM ${name};
    DROP TABLE ${name}; ALTER TABLE _next RENAME TO ${name}; COMMIT; PRAGMA legacy_alter_table = OFF`);
  return next;
}

function names({ tables }: WorldProfile, { name }: WorldTable, column: string): boolean {
  const given = tables[name];
  const own = given ? [...given.columns ?? [], ...given.hidden, ...columnsOfRows(given.rows)] : [];
  return own.includes(column) || Object.values(tables).some(({ rows }) => refersBy(rows, name, column));
}

/** Whether a relation of any table is by that column. */
function refersBy(rows: Rows, table: string, column: string): boolean {
  switch (rows.kind) {
    case 'anyOf': case 'allOf': return rows.of.some((one) => refersBy(one, table, column));
    case 'parentOf': return rows.table === table && rows.by.columns.includes(column);
    case 'linkedTo': return rows.through === table && [...rows.by.columns, ...rows.to.columns].includes(column);
    default: return false;
  }
}
