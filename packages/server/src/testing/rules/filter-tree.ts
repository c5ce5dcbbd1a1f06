// Filters as trees, which random worlds make and print; nothing here reads a filter's text.
import fc from 'fast-check';
import type { SqlValue } from '@carryon/protocol';
import { DAY_MS, OFFSETS, type Start } from './moments.ts';
import { knowsOf, type WorldSchema, type WorldTable } from './schema.ts';

export type By = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le';
export const BY: readonly By[] = ['eq', 'ne', 'gt', 'ge', 'lt', 'le'];

export type TimePoint =
  | { readonly kind: 'now'; readonly plusMinutes: number }
  | { readonly kind: 'today'; readonly plusDays: number }
  /** As milliseconds. */
  | { readonly kind: 'instant'; readonly ms: number }
  /** A calendar day as midnight UTC, in milliseconds. */
  | { readonly kind: 'day'; readonly ms: number };

export type Mine = 'user' | 'teams' | 'unit' | 'units';

export type FilterTree =
  | { readonly kind: 'and' | 'or'; readonly of: readonly FilterTree[] }
  | { readonly kind: 'not'; readonly of: FilterTree }
  | { readonly kind: 'compare'; readonly column: string; readonly by: By; readonly value: SqlValue }
  | { readonly kind: 'columns'; readonly column: string; readonly by: By; readonly other: string }
  | { readonly kind: 'in'; readonly column: string; readonly values: readonly SqlValue[] }
  | { readonly kind: 'mine'; readonly column: string; readonly mine: Mine; readonly isNot: boolean }
  | { readonly kind: 'text'; readonly function: 'startswith' | 'endswith' | 'contains'; readonly column: string; readonly value: string }
  | { readonly kind: 'time'; readonly column: string; readonly by: By; readonly point: TimePoint };

/** The columns that a filter reads. */
export function columnsOfFilter(tree: FilterTree): string[] {
  switch (tree.kind) {
    case 'and': case 'or': return tree.of.flatMap(columnsOfFilter);
    case 'not': return columnsOfFilter(tree.of);
    case 'columns': return [tree.column, tree.other];
    default: return [tree.column];
  }
}

/** A column's name as a filter writes it. */
const named = (name: string): string => (/^[a-z]\w*$/.test(name) && !['and', 'null'].includes(name) ? name : `"${name.replaceAll('"', '""')}"`);

export function printFilter(tree: FilterTree): string {
  switch (tree.kind) {
    case 'and': case 'or': return `(${tree.of.map(printFilter).join(` ${tree.kind} `)})`;
    case 'not': return `not (${printFilter(tree.of)})`;
    case 'compare': return `${named(tree.column)} ${tree.by} ${printValue(tree.value)}`;
    case 'columns': return `${named(tree.column)} ${tree.by} ${named(tree.other)}`;
    case 'in': return `${named(tree.column)} in (${tree.values.map(printValue).join(', ')})`;
    case 'mine': return printMine(named(tree.column), tree.mine, tree.isNot);
    case 'text': return `${tree.function}(${named(tree.column)}, ${printValue(tree.value)})`;
    case 'time': return `${named(tree.column)} ${tree.by} ${printPoint(tree.point)}`;
    default: return tree satisfies never;
  }
}

const FUNCTIONS: Readonly<Record<Mine, string>> = { user: 'user()', teams: 'userTeams()', unit: 'userBusinessUnit()', units: 'userBusinessUnits()' };

function printMine(column: string, mine: Mine, isNot: boolean): string {
  const isOne = mine === 'user' || mine === 'unit';
  if (isOne) return `${column} ${isNot ? 'ne' : 'eq'} ${FUNCTIONS[mine]}`;
  return isNot ? `not (${column} in ${FUNCTIONS[mine]})` : `${column} in ${FUNCTIONS[mine]}`;
}

function printValue(value: SqlValue): string {
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  return value === null ? 'null' : String(value);
}

function printPoint(point: TimePoint): string {
  switch (point.kind) {
    case 'now': return `now()${printDuration(point.plusMinutes, (minutes) => (minutes % 60 === 0 ? `PT${minutes / 60}H` : `PT${minutes}M`))}`;
    case 'today': return `today()${printDuration(point.plusDays, (days) => `P${days}D`)}`;
    case 'instant': return `${new Date(point.ms).toISOString().slice(0, 19)}Z`;
    case 'day': return new Date(point.ms).toISOString().slice(0, 10);
    default: return point satisfies never;
  }
}

const printDuration = (amount: number, print: (amount: number) => string): string =>
  amount === 0 ? '' : ` ${amount < 0 ? 'sub' : 'add'} duration'${print(Math.abs(amount))}'`;

/** What a tree is made from, whatever the table: numbers that choose among what there is. */
export interface FilterGene {
  readonly kind: number;
  readonly column: number;
  readonly by: number;
  readonly value: number;
  readonly of: readonly FilterGene[];
}

export const filterGene: fc.Arbitrary<FilterGene> = fc.letrec<{ tree: FilterGene }>((tie) => ({
  tree: fc.record({
    kind: fc.nat(11), column: fc.nat(99), by: fc.nat(5), value: fc.nat(999),
    of: fc.oneof({ maxDepth: 3 }, fc.constant([]), fc.array(tie('tree'), { maxLength: 3 })),
  }),
})).tree;

const COMPARED: readonly SqlValue[] = [1n, 5n, '5', 'alpha', 'Alpha', null, 1.5, -3n, "o'x", 'a', 'x', 9007199254740993n, '', '%'];
const PARTS = ['al', 'Al', 'a', 'a', "'", '%', '', 'é', '5', 'ha'];
const at = <T>(from: readonly T[], choice: number): T => from[choice % from.length] as T;

export function filterOf(gene: FilterGene, table: WorldTable, schema: WorldSchema): FilterTree {
  const knows = knowsOf(schema.people);
  const names = table.columns.map(({ name }) => name);
  const ofKind = (kind: string): string => at([...table.columns.filter(({ role }) => role.kind === kind).map(({ name }) => name), ...names], gene.column % 4 === 0 ? gene.column : 0);
  const by = at(BY, gene.by);
  const of = gene.of.map((one) => filterOf(one, table, schema));
  if (gene.of.length > 1) return { kind: gene.kind % 2 === 0 ? 'and' : 'or', of };
  if (of[0]) return gene.kind % 2 === 0 ? { kind: 'not', of: of[0] } : of[0];
  switch (gene.kind) {
    case 0: case 1: return comparison(at(names, gene.column), by, at(COMPARED, gene.value));
    case 2: return { kind: 'columns', column: at(names, gene.column), by, other: at(names, gene.value) };
    case 3: return { kind: 'in', column: at(names, gene.column), values: [...new Set([gene.value, gene.value + gene.by, gene.by])].map((n) => at(COMPARED.filter((value) => value !== null), n)) };
    case 4: case 5: case 6: return mineOf(gene, ofKind, knows);
    case 7: return { kind: 'text', function: at(['startswith', 'endswith', 'contains'] as const, gene.by), column: ofKind('text'), value: at(PARTS, gene.value) };
    default: return { kind: 'time', column: ofKind('time'), by, point: pointOf(gene.value, schema.start) };
  }
}

function mineOf(gene: FilterGene, ofKind: (kind: string) => string, knows: ReturnType<typeof knowsOf>): FilterTree {
  const isNot = gene.by === 0;
  const unit = gene.value % 2 === 0 ? 'unit' : 'units';
  if (gene.kind === 5 && knows.teams) return { kind: 'mine', column: ofKind('team'), mine: 'teams', isNot };
  if (gene.kind === 6 && knows[unit]) return { kind: 'mine', column: ofKind('unit'), mine: unit, isNot };
  return { kind: 'mine', column: ofKind('user'), mine: 'user', isNot };
}

/** Only equality has a meaning with null. */
const comparison = (column: string, by: By, value: SqlValue): FilterTree =>
  ({ kind: 'compare', column, by: value === null ? (by === 'eq' || by === 'gt' || by === 'lt' ? 'eq' : 'ne') : by, value });

function pointOf(choice: number, { ms }: Start): TimePoint {
  const offset = at(OFFSETS, choice >> 3);
  switch (choice % 8) {
    case 0: case 1: case 2: return { kind: 'now', plusMinutes: offset };
    case 3: case 4: case 5: return { kind: 'today', plusDays: (choice >> 3) % 9 - 4 };
    case 6: return { kind: 'instant', ms: ms + offset * 60_000 };
    default: return { kind: 'day', ms: Math.floor((ms + offset * 60_000) / DAY_MS) * DAY_MS };
  }
}
