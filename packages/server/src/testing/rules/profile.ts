// Random profiles on a random database: rules as trees, and the profile's JSON that says the same.
import fc from 'fast-check';
import { columnsOfFilter, filterGene, filterOf, printFilter, type FilterGene, type FilterTree } from './filter-tree.ts';
import { knowsOf, TEAMS, UNITS, USERS, type Reference, type WorldSchema, type WorldTable } from './schema.ts';

export type Rows =
  | { readonly kind: 'all' }
  | { readonly kind: 'own' | 'team' | 'unit' | 'units'; readonly column: string }
  | { readonly kind: 'filter'; readonly filter: FilterTree }
  | { readonly kind: 'childOf'; readonly table: string; readonly by: Reference; readonly named: boolean }
  | { readonly kind: 'parentOf'; readonly table: string; readonly by: Reference; readonly named: boolean }
  | { readonly kind: 'linkedTo'; readonly table: string; readonly through: string; readonly by: Reference; readonly to: Reference; readonly named: boolean }
  | { readonly kind: 'anyOf' | 'allOf'; readonly of: readonly Rows[] };

export interface ProfileTable {
  readonly rows: Rows;
  readonly columns: readonly string[] | undefined;
  readonly hidden: readonly string[];
  readonly priority: number;
  readonly every: number | undefined;
  readonly rights: readonly string[] | undefined;
}

export interface Who { readonly users: readonly string[]; readonly teams: readonly string[]; readonly units: readonly string[] }

export interface WorldProfile {
  readonly name: string;
  readonly who: Who | undefined;
  readonly tables: Readonly<Record<string, ProfileTable>>;
}

export interface RowsGene {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  readonly filter: FilterGene;
  readonly of: readonly RowsGene[];
}

interface TableGene {
  readonly table: number;
  readonly rows: RowsGene;
  /** Bits: which columns are chosen, or hidden; 0: all, none. */
  readonly columns: number;
  readonly hidden: number;
  readonly priority: number;
  readonly every: number;
  readonly rights: number;
}

export interface ProfileGene {
  readonly who: number;
  readonly tables: readonly TableGene[];
}

const rowsGene: fc.Arbitrary<RowsGene> = fc.letrec<{ rows: RowsGene }>((tie) => ({
  rows: fc.record({
    kind: fc.nat(13), a: fc.nat(9), b: fc.nat(9), filter: filterGene,
    of: fc.oneof({ maxDepth: 2 }, { weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(tie('rows'), { maxLength: 3 }) }),
  }),
})).rows;

const bits = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(0xffff) });

export const profileGene: fc.Arbitrary<ProfileGene> = fc.record({
  who: fc.nat(9), tables: fc.array(fc.record({ table: fc.nat(9), rows: rowsGene, columns: bits, hidden: bits, priority: fc.nat(2), every: fc.nat(5), rights: fc.nat(5) }), { minLength: 1, maxLength: 6, size: 'max' }),
});

/** The profiles of the genes on a database. Tables may be related to those that came before them, so that there are no cycles. */
export function profilesOf(genes: readonly ProfileGene[], schema: WorldSchema): WorldProfile[] {
  return genes.map((gene, i) => {
    const tables: Record<string, ProfileTable> = {};
    for (const one of gene.tables) {
      const table = schema.tables[one.table % schema.tables.length] as WorldTable;
      if (tables[table.name]) continue;
      const rows = rowsOf(one.rows, table, Object.keys(tables), schema);
      const chosen = table.columns.filter((_, bit) => (one.columns >> bit) % 2 === 1).map(({ name }) => name);
      const hidden = table.columns.filter(({ name }, bit) => (one.hidden >> bit) % 2 === 1 && !table.key.includes(name)).map(({ name }) => name);
      tables[table.name] = { rows, columns: chosen.length > 0 ? chosen : undefined, hidden, priority: one.priority, every: [5, 10][one.every - 4], rights: [['read', 'update'], ['read']][one.rights - 4] };
    }
    return { name: `p${i}`, who: whoOf(gene.who, schema), tables };
  });
}

function whoOf(choice: number, { people }: WorldSchema): Who | undefined {
  if (choice < 5) return undefined;
  const knows = knowsOf(people);
  const [teams, units] = [knows.teams ? TEAMS : [], knows.unit ? UNITS : []];
  const all = [
    { users: USERS.slice(0, 2), teams: [], units: [] }, { users: ['7'], teams: teams.slice(0, 1), units: [] }, { users: ['nobody'], teams: teams.slice(1), units: [] },
    { users: units.length > 0 ? [] : ['Ann'], teams: [], units: units.slice(0, 2) }, { users: teams.length > 0 ? [] : ['7'], teams: teams.slice(0, 1), units: units.slice(2) },
  ];
  return all[choice - 5];
}

const at = <T>(from: readonly T[], choice: number): T | undefined => from[choice % from.length];

function rowsOf(gene: RowsGene, table: WorldTable, related: readonly string[], schema: WorldSchema): Rows {
  if (gene.of.length > 1) return { kind: gene.kind % 2 === 0 ? 'anyOf' : 'allOf', of: gene.of.map((one) => rowsOf(one, table, related, schema)) };
  const knows = knowsOf(schema.people);
  const mine = (kind: 'own' | 'team' | 'unit' | 'units', role: string): Rows => {
    const fit = table.columns.filter((column) => column.role.kind === role);
    return { kind, column: at(gene.a === 9 || fit.length === 0 ? table.columns : fit, gene.b)?.name ?? '' };
  };
  switch (gene.kind) {
    case 0: return { kind: 'all' };
    case 1: case 2: return mine('own', 'user');
    case 3: return knows.teams ? mine('team', 'team') : mine('own', 'user');
    case 4: return knows.unit ? mine('unit', 'unit') : mine('own', 'user');
    case 5: return knows.units ? mine('units', 'unit') : mine('own', 'user');
    case 6: case 7: return { kind: 'filter', filter: filterOf(gene.filter, table, schema) };
    default: return relation(gene, table, related, schema) ?? rowsOf({ ...gene, kind: gene.a % 8 }, table, related, schema);
  }
}

const referencesTo = (table: WorldTable, to: string): Reference[] => table.references.filter((reference) => reference.table === to);

/** One of the relations that the table has to those tables. */
function relation(gene: RowsGene, table: WorldTable, related: readonly string[], schema: WorldSchema): Rows | undefined {
  const others = schema.tables.filter(({ name }) => related.includes(name) && name !== table.name);
  const children = others.flatMap((other): Rows[] => referencesTo(table, other.name).map((by) => ({ kind: 'childOf', table: other.name, by, named: !isOnly(by, table) || gene.b % 2 === 0 })));
  const parents = others.flatMap((other): Rows[] => referencesTo(other, table.name).map((by) => ({ kind: 'parentOf', table: other.name, by, named: !isOnly(by, other) || gene.b % 2 === 0 })));
  const linked = others.flatMap((other) => schema.tables.flatMap((link) => links(link, table, other, gene.b % 2 === 0)));
  const kinds = [children, parents, linked, children].filter((kind) => kind.length > 0);
  return at(at(kinds, gene.kind) ?? [], gene.a);
}

function links(link: WorldTable, table: WorldTable, other: WorldTable, wantNames: boolean): Rows[] {
  return referencesTo(link, table.name).flatMap((by) => referencesTo(link, other.name).map((to): Rows =>
    ({ kind: 'linkedTo', table: other.name, through: link.name, by, to, named: wantNames || !isOnly(by, link) || !isOnly(to, link) })));
}

/** Whether the database tells which columns are meant. */
const isOnly = (reference: Reference, table: WorldTable): boolean => reference.declared && referencesTo(table, reference.table).filter(({ declared }) => declared).length === 1;

/** The columns of the table's own rows that a rule reads. */
export function columnsOfRows(rows: Rows): string[] {
  switch (rows.kind) {
    case 'all': case 'parentOf': case 'linkedTo': return [];
    case 'own': case 'team': case 'unit': case 'units': return [rows.column];
    case 'filter': return columnsOfFilter(rows.filter);
    case 'childOf': return [...rows.by.columns];
    case 'anyOf': case 'allOf': return rows.of.flatMap(columnsOfRows);
    default: return rows satisfies never;
  }
}

/** The columns of another table by which a rule finds the table's rows. */
export function columnsReadOf(rows: Rows, other: string): string[] {
  if (rows.kind === 'anyOf' || rows.kind === 'allOf') return rows.of.flatMap((one) => columnsReadOf(one, other));
  return rows.kind === 'parentOf' && rows.table === other ? [...rows.by.columns] : [];
}

function rowsJson(rows: Rows): unknown {
  switch (rows.kind) {
    case 'all': return 'all';
    case 'own': case 'team': return { [rows.kind]: rows.column };
    case 'unit': return { unit: rows.column };
    case 'units': return { unit: rows.column, children: true };
    case 'filter': return { filter: printFilter(rows.filter) };
    case 'childOf': case 'parentOf': return { [rows.kind]: rows.table, ...(rows.named ? { by: by(rows.by) } : {}) };
    case 'linkedTo': return { linkedTo: rows.table, through: rows.through, ...(rows.named ? { by: by(rows.by), to: by(rows.to) } : {}) };
    case 'anyOf': return { any: rows.of.map(rowsJson) };
    case 'allOf': return { all: rows.of.map(rowsJson) };
    default: return rows satisfies never;
  }
}

const by = ({ columns }: Reference): unknown => (columns.length === 1 ? columns[0] : columns);

/** The profile as a person would write it. */
export function profileJson(profile: WorldProfile, schema: WorldSchema): unknown {
  const tables = Object.entries(profile.tables).map(([name, { rows, columns, hidden, ...soft }]) => [name, {
    rows: rowsJson(rows), ...soft, ...(columns ? { columns } : {}), ...(hidden.length > 0 ? { hidden } : {}),
  }]);
  return { version: 1, name: profile.name, timeZone: schema.start.timeZone, people: schema.people, ...(profile.who ? { who: profile.who } : {}), tables: Object.fromEntries(tables) };
}
