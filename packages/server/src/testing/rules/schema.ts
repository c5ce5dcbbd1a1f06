// Random business databases: tables with keys of all kinds, owners, teams, units, times, and columns that refer to other tables.
import fc from 'fast-check';
import { quoteName, type SqlValue } from '@carryon/protocol';
import type { Claims, Person } from '../../ports/storage.ts';
import { STARTS, timeValue, type Start } from './moments.ts';

/** What a column is for; it decides which values it gets. */
export type Role =
  | { readonly kind: 'key'; readonly values: readonly SqlValue[] }
  | { readonly kind: 'user' | 'team' | 'unit' | 'time' | 'number' | 'text' | 'value' }
  /** A part of a reference to a table's key. */
  | { readonly kind: 'reference'; readonly values: readonly SqlValue[] };

export interface WorldColumn {
  readonly name: string;
  /** Type and collation as declared. */
  readonly declared: string;
  readonly role: Role;
}

export interface Reference {
  readonly columns: readonly string[];
  readonly table: string;
  readonly declared: boolean;
}

export interface WorldTable {
  readonly name: string;
  readonly columns: readonly WorldColumn[];
  readonly key: readonly string[];
  readonly references: readonly Reference[];
  readonly withoutRowid: boolean;
}

export interface PeopleTables {
  readonly users?: { readonly table: string; readonly id: string; readonly unit?: string };
  readonly teams?: { readonly table: string; readonly user: string; readonly team: string };
  readonly units?: { readonly table: string; readonly id: string; readonly parent: string };
  readonly claims?: { readonly teams?: string; readonly unit?: string };
}

export interface WorldSchema {
  readonly tables: readonly WorldTable[];
  readonly people: PeopleTables;
  readonly start: Start;
}

/** What of a person can be asked for, where tables or claims tell it. */
export function knowsOf({ users, teams, units, claims }: PeopleTables): Readonly<Record<'teams' | 'unit' | 'units', boolean>> {
  const unit = users?.unit !== undefined || claims?.unit !== undefined;
  return { teams: teams !== undefined || claims?.teams !== undefined, unit, units: unit && units !== undefined };
}

/** The people of every world; the last one is never in the table of users. */
export const USERS = ['ann', 'Ann', '7', 'nobody'] as const;
export const TEAMS = ['red', 'Red', '3'] as const;
export const UNITS = ['hq', 'north', 'cell', '1'] as const;

const CLAIMS: Readonly<Record<string, Claims>> = { ann: { teams: ['red', 'red'], unit: 'hq' }, Ann: { teams: ['Red', '3'] }, 7: { unit: 'north' }, nobody: { teams: [], unit: '1' } };

/** The person as their token names them; what it claims counts where the profile asks for it. */
export const personOf = (user: string): Person => ({ user, claims: CLAIMS[user] ?? {} });

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const USER_VALUES: readonly SqlValue[] = ['ann', 'Ann', '7', 'ann', 7n, 7, 'ann ', null, 'Ann', bytes('ann')];
const TEAM_VALUES: readonly SqlValue[] = ['red', 'Red', '3', 'red', 3n, 'green', null];
const UNIT_VALUES: readonly SqlValue[] = ['hq', 'north', 'cell', 'hq', '1', 1n, null];
const NUMBER_VALUES: readonly SqlValue[] = [1n, 2n, 5n, 5, 1.5, -3n, '5', 'x', null, 9007199254740993n];
const TEXT_VALUES: readonly SqlValue[] = ['alpha', 'Alpha', 'al', "o'x", '%', '_', 'é', '', '5', 5n, 1.5, null, bytes('alpha')];
const ANY_VALUES: readonly SqlValue[] = [null, 0n, 1n, 1, 1.5, '1', 'a', 'A', 9007199254740993n, new Uint8Array([0, 255])];
/** What a reference may hold that is no key of the other table, or one of another type. */
const ODD_REFERENCES: readonly SqlValue[] = [null, '1', 1, 'A', 'a ', 99n, 'none'];

/** The values that the column is given. */
export function valuesOf(role: Role): readonly SqlValue[] {
  switch (role.kind) {
    case 'key': case 'reference': return role.values;
    case 'user': return USER_VALUES;
    case 'team': return TEAM_VALUES;
    case 'unit': return UNIT_VALUES;
    case 'number': return NUMBER_VALUES;
    case 'text': return TEXT_VALUES;
    case 'time': return [];
    case 'value': return ANY_VALUES;
    default: return role satisfies never;
  }
}

export function valueOf(role: Role, choice: number, start: Start): SqlValue {
  if (role.kind === 'time') return timeValue(choice, start);
  const values = valuesOf(role);
  return values[choice % values.length] ?? null;
}

const key = (name: string, declared: string, values: readonly SqlValue[]): WorldColumn => ({ name, declared, role: { kind: 'key', values } });

const KEYS: readonly (readonly WorldColumn[])[] = [
  [key('id', 'INTEGER', [1n, 2n, 3n, -5n, 9007199254740993n])],
  [key('id', 'TEXT', ['a', 'A', 'b', 'b ', '1', null])],
  [key('id', 'TEXT COLLATE NOCASE', ['a', 'B', 'é', 'É', null])],
  [key('id', '', [1n, '1', 'a', 1.5, null])],
  [key('k1', 'INTEGER', [1n, 2n]), key('k2', 'TEXT', ['x', 'X', ''])],
  [key('id', 'TEXT COLLATE RTRIM', ['a', 'b ', 'A'])],
];

const USER_TYPES = ['TEXT', 'TEXT COLLATE NOCASE', '', 'INTEGER'];
const NUMBER_TYPES = ['INTEGER', 'REAL', 'NUMERIC', ''];
const TEXT_TYPES = ['TEXT', 'TEXT COLLATE NOCASE', 'VARCHAR(20)', ''];
const TIME_TYPES = ['TEXT', '', 'INTEGER', 'TEXT COLLATE NOCASE'];

interface ReferenceGene { readonly to: number; readonly type: number; readonly declared: boolean }
interface TableGene {
  readonly key: number;
  readonly withoutRowid: boolean;
  readonly types: number;
  readonly references: readonly ReferenceGene[];
}
interface SchemaGene {
  readonly tables: readonly TableGene[];
  readonly users: number;
  readonly teams: number;
  readonly units: number;
  readonly claims: number;
  readonly isOdd: boolean;
  readonly start: number;
}

const pick = <T>(from: readonly T[], choice: number): T => from[choice % from.length] as T;

const tableGene: fc.Arbitrary<TableGene> = fc.record({
  key: fc.nat(KEYS.length - 1), withoutRowid: fc.boolean(), types: fc.nat(255),
  references: fc.array(fc.record({ to: fc.nat(9), type: fc.nat(3), declared: fc.boolean() }), { maxLength: 3, size: 'max' }),
});

export const worldSchema: fc.Arbitrary<WorldSchema> = fc.record({
  tables: fc.array(tableGene, { minLength: 1, maxLength: 4, size: 'max' }), users: fc.nat(5), teams: fc.nat(3), units: fc.nat(3), claims: fc.nat(3), isOdd: fc.nat(3).map((n) => n === 3), start: fc.nat(STARTS.length - 1),
}).map(schemaOf);

function schemaOf(gene: SchemaGene): WorldSchema {
  const plain = gene.tables.map((one, i) => plainTable(`t${i}`, one));
  const people = peopleTables(gene);
  const targets = [...plain, ...people.tables];
  const tables = plain.map((table, i) => withReferences(table, gene.tables[i]?.references ?? [], targets));
  return { tables: [...(gene.isOdd ? tables.map(withOddNames) : tables), ...people.tables], people: people.people, start: pick(STARTS, gene.start) };
}

/** Names that stand for something else in SQL, in filters or in the store. */
const ODD_NAMES: Readonly<Record<string, string>> = {
  t0: 't"0;', t1: 'member_1', t2: 'row_1', t3: 'select', owner: 'rid', team: 'scope', unit: "li've", due: 'd ue', n: 'and', s: 'Ünï', f0: 'f-0"', f1: '_live ', f2: 'null',
};
const oddName = (name: string): string => ODD_NAMES[name] ?? name;

function withOddNames(table: WorldTable): WorldTable {
  return {
    ...table, name: oddName(table.name), columns: table.columns.map((column) => ({ ...column, name: oddName(column.name) })),
    references: table.references.map((reference) => ({ ...reference, table: oddName(reference.table), columns: reference.columns.map(oddName) })),
  };
}

function plainTable(name: string, gene: TableGene): WorldTable {
  const columns = pick(KEYS, gene.key);
  const type = (types: readonly string[], shift: number): string => pick(types, gene.types >> shift);
  return {
    name, key: columns.map((column) => column.name), references: [], withoutRowid: gene.withoutRowid,
    columns: [
      ...columns,
      { name: 'owner', declared: type(USER_TYPES, 0), role: { kind: 'user' } },
      { name: 'team', declared: type(USER_TYPES, 1), role: { kind: 'team' } },
      { name: 'unit', declared: type(USER_TYPES, 2), role: { kind: 'unit' } },
      { name: 'due', declared: type(TIME_TYPES, 3), role: { kind: 'time' } },
      { name: 'n', declared: type(NUMBER_TYPES, 4), role: { kind: 'number' } },
      { name: 's', declared: type(TEXT_TYPES, 5), role: { kind: 'text' } },
      { name: 'v', declared: '', role: { kind: 'value' } },
    ],
  };
}

function withReferences(table: WorldTable, genes: readonly ReferenceGene[], targets: readonly WorldTable[]): WorldTable {
  const references: Reference[] = [];
  const columns: WorldColumn[] = [];
  for (const [i, { to, type, declared }] of genes.entries()) {
    const target = pick(targets, to);
    const parts = target.key.map((name, part) => referenceColumn(`f${i}${target.key.length > 1 ? 'ab'[part] : ''}`, target, name, type));
    columns.push(...parts);
    references.push({ columns: parts.map(({ name }) => name), table: target.name, declared });
  }
  return { ...table, columns: [...table.columns, ...columns], references };
}

function referenceColumn(name: string, target: WorldTable, part: string, type: number): WorldColumn {
  const to = target.columns.find((column) => column.name === part) as WorldColumn;
  const declared = type === 0 ? '' : type === 1 ? 'TEXT' : to.declared;
  return { name, declared, role: { kind: 'reference', values: [...valuesOf(to.role), ...valuesOf(to.role), ...ODD_REFERENCES] } };
}

const ofRole = (name: string, declared: string, kind: 'user' | 'team' | 'unit' | 'value'): WorldColumn => ({ name, declared, role: { kind } });

/** Tables of people, some of them or none; with odd keys too. */
function peopleTables({ users, teams, units, claims }: SchemaGene): { tables: WorldTable[]; people: PeopleTables } {
  const tables: WorldTable[] = [];
  const add = (name: string, ownKey: boolean, keyNames: readonly string[], columns: readonly WorldColumn[]): string => {
    const all = ownKey ? [key('id', 'INTEGER', [1n, 2n, 3n, 4n, 5n, 6n]), ...columns] : columns;
    tables.push({ name, columns: all, key: ownKey ? ['id'] : keyNames, references: [], withoutRowid: false });
    return name;
  };
  const userType = pick(['TEXT', 'TEXT COLLATE NOCASE'], users);
  const people = {
    ...(users < 4 ? { users: { table: add('users', users === 3, ['user'], [ofRole('user', userType, 'user'), ofRole('home', '', 'unit'), ofRole('v', '', 'value')]), id: 'user', ...(users === 2 ? {} : { unit: 'home' }) } } : {}),
    ...(teams < 3 ? { teams: { table: add('team_members', teams === 1, ['member', 'team'], [ofRole('member', pick(USER_TYPES, teams), 'user'), ofRole('team', '', 'team'), ofRole('v', '', 'value')]), user: 'member', team: 'team' } } : {}),
    ...(units < 3 ? { units: { table: add('units', units === 1, ['unit'], [ofRole('unit', units === 2 ? '' : 'TEXT', 'unit'), ofRole('above', '', 'unit'), ofRole('v', '', 'value')]), id: 'unit', parent: 'above' } } : {}),
    ...(claims > 0 ? { claims: { ...(claims % 2 === 1 ? { teams: 'groups' } : {}), ...(claims > 1 ? { unit: 'home' } : {}) } } : {}),
  };
  return { tables, people };
}

/** The statements that make the database. */
export const sqlOf = (schema: WorldSchema): string => schema.tables.map((table) => `${tableSql(table)};`).join('\n');

export function tableSql(table: WorldTable): string {
  const columns = table.columns.map(({ name, declared }) => `${quoteName(name)} ${declared}`);
  const foreign = table.references.filter(({ declared }) => declared).map(({ columns: own, table: to }) => `FOREIGN KEY(${own.map(quoteName).join(', ')}) REFERENCES ${quoteName(to)}`);
  return `CREATE TABLE ${quoteName(table.name)}(${[...columns, `PRIMARY KEY(${table.key.map(quoteName).join(', ')})`, ...foreign].join(', ')})${table.withoutRowid ? ' WITHOUT ROWID' : ''}`;
}
