import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteName, type SqlValue } from '@carryon/protocol';
import type { Attributes } from '../../../core/attributes.ts';
import type { Config, SyncedTable } from '../../../core/config.ts';
import type { Rule, RuleNode } from '../../../core/rule.ts';
import { comparesColumns, holds, isOneOf, type ModelColumn, type ModelRow } from '../../../testing/predicate-model.ts';
import { Database } from '../driver.ts';
import { ShareSql } from './share.ts';

const RUNS = 250 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);
const CLOCK = 0;

const column = (name: string, affinity: ModelColumn['affinity'], collation: ModelColumn['collation'] = 'BINARY'): ModelColumn => ({ name, affinity, collation });
interface Table { readonly name: string; readonly columns: readonly ModelColumn[]; readonly key: readonly string[] }
const TABLES: readonly Table[] = [
  { name: 'p', columns: [column('id', 'number'), column('owner', 'text'), column('v', 'none'), column('c', 'none', 'NOCASE'), column('cn', 'number')], key: ['id'] },
  { name: 'c "x"', columns: [column('id', 'text', 'NOCASE'), column('n', 'number'), column('p', 'none'), column('q', 'text'), column('owner', 'text', 'NOCASE')], key: ['id', 'n'] },
  { name: 'l', columns: [column('id', 'text', 'NOCASE'), column('a', 'number'), column('b', 'text', 'RTRIM'), column('d', 'none'), column('e', 'text')], key: ['id'] },
];
const TYPES = { number: 'NUMERIC', text: 'TEXT', none: '' } as const;
const ATTRIBUTES: Attributes = { user: ['a'], teams: ['1', 'B'], unit: [], units: ["'", '2'], profiles: ['one'] };

const CONFIG_TABLES: readonly SyncedTable[] = TABLES.map(({ name, columns, key }, i) => ({
  id: i + 1, name, columns: columns.map((one) => ({ name: one.name, type: TYPES[one.affinity], collation: one.collation })),
  key: key.map((part) => columns.findIndex((one) => one.name === part)), level: 5, hidden: [],
}));
const CREATE = TABLES.map(({ name, columns, key }) =>
  `CREATE TABLE ${quoteName(name)}(${columns.map((one) => `${quoteName(one.name)} ${TYPES[one.affinity]} COLLATE ${one.collation}`).join(', ')}, UNIQUE(${key.map(quoteName).join(', ')}))`).join('; ');

/** A rule in which other nodes are told by any number: the nodes before it are what it can name. */
type Wild = { readonly kind: Rule['kind']; readonly table: number; readonly numbers: readonly number[]; readonly of: readonly Wild[] };
const KINDS = ['every', 'mine', 'filter', 'child', 'child', 'parent', 'parent', 'linked', 'linked', 'linked', 'same', 'holds', 'any', 'all'] as const;
const { wild } = fc.letrec<{ wild: Wild }>((tie) => ({
  wild: fc.record({ kind: fc.constantFrom(...KINDS), table: fc.nat(2), numbers: fc.array(fc.nat(30), { minLength: 8, maxLength: 8 }), of: fc.oneof({ depthSize: 'small' }, fc.constant([]), fc.array(tie('wild'), { maxLength: 3 })) }),
}));

function tame(one: Wild, table: Table, before: readonly RuleNode[]): Rule {
  const [first = 0, ...others] = one.numbers;
  const names = (of: Table, count: number): string[] => others.slice(0, count).map((at) => of.columns[at % of.columns.length]?.name ?? '');
  const at = <T>(all: readonly T[]): T | undefined => all[first % Math.max(1, all.length)];
  const tableOf = (node: RuleNode): Table => TABLES[node.table - 1] ?? expect.fail('no table');
  const anyBefore = at(before);
  const sameTable = at(before.filter((node) => tableOf(node) === table));
  const leaf: Rule = { kind: 'mine', column: names(table, 1)[0] ?? '', attribute: (['user', 'teams', 'units', 'unit'] as const)[first % 4] ?? 'user' };
  switch (one.kind) {
    case 'every': return { kind: 'every' };
    case 'mine': return leaf;
    case 'filter': return { kind: 'filter', filter: { op: 'or', of: [{ op: 'compare', column: names(table, 1)[0] ?? '', by: first % 2 ? 'ge' : 'eq', value: first % 3 }, { op: 'mine', column: 'owner' === table.columns[4]?.name ? 'owner' : 'id', attribute: 'teams' }] } };
    case 'holds': return { kind: 'holds', profile: first % 2 ? 'one' : 'two' };
    case 'same': return sameTable ? { kind: 'same', node: sameTable.id } : leaf;
    case 'any': case 'all': return { kind: one.kind, of: one.of.map((part) => tame(part, table, before)) };
    case 'child': return anyBefore ? { kind: 'child', node: anyBefore.id, by: names(table, tableOf(anyBefore).key.length) } : leaf;
    case 'parent': return anyBefore ? { kind: 'parent', node: anyBefore.id, by: names(tableOf(anyBefore), table.key.length) } : leaf;
    case 'linked': {
      const through = TABLES[(others[6] ?? 0) % 3] ?? TABLES[2] ?? expect.fail('no table');
      if (!anyBefore) return leaf;
      return { kind: 'linked', node: anyBefore.id, through: TABLES.indexOf(through) + 1, by: names(through, table.key.length), to: names(through, tableOf(anyBefore).key.length).reverse() };
    }
    default: return one.kind satisfies never;
  }
}

function configOf(wilds: readonly Wild[]): Config {
  const nodes: RuleNode[] = [];
  for (const one of wilds) nodes.push({ id: 10 + nodes.length, table: one.table + 1, text: '', uses: [], rule: tame(one, TABLES[one.table] ?? expect.fail('no table'), nodes) });
  return { tables: CONFIG_TABLES, nodes, profiles: [], unions: {}, people: {}, timeZone: 'UTC' };
}

// ---- which rows these are, by going through all of them -------------------------------------------------------------------------

type Rows = readonly (readonly ModelRow[])[];

class Model {
  readonly #config: Config;
  readonly #rows: Rows;
  readonly #found = new Map<number, readonly ModelRow[]>();

  constructor(config: Config, rows: Rows) {
    this.#config = config;
    this.#rows = rows;
  }

  of(id: number): readonly ModelRow[] {
    const known = this.#found.get(id);
    if (known) return known;
    const { table, rule } = this.#config.nodes.find((node) => node.id === id) ?? expect.fail('no node');
    const rows = this.filled(table).filter((row) => this.#isIn(row, rule, table));
    this.#found.set(id, rows);
    return rows;
  }

  filled(table: number): readonly ModelRow[] {
    const { key = [] } = TABLES[table - 1] ?? {};
    return (this.#rows[table - 1] ?? []).filter((row) => key.every((name) => row[name]?.value !== null));
  }

  #isIn(row: ModelRow, rule: Rule, table: number): boolean {
    const world = { columns: TABLES[table - 1]?.columns ?? [], attributes: ATTRIBUTES, clockMs: CLOCK, timeZone: 'UTC' };
    const tableOf = (node: number): number => this.#config.nodes.find(({ id }) => id === node)?.table ?? 0;
    switch (rule.kind) {
      case 'every': return true;
      case 'mine': return isOneOf(row[rule.column] ?? expect.fail('no column'), ATTRIBUTES[rule.attribute]);
      case 'filter': return holds(rule.filter, row, world);
      case 'holds': return ATTRIBUTES.profiles.includes(rule.profile);
      case 'same': return this.of(rule.node).includes(row);
      case 'any': return rule.of.some((one) => this.#isIn(row, one, table));
      case 'all': return rule.of.every((one) => this.#isIn(row, one, table));
      case 'child': return this.of(rule.node).some((parent) => equals(tableOf(rule.node), parent, keyOf(tableOf(rule.node)), table, row, rule.by));
      case 'parent': return this.of(rule.node).some((child) => equals(table, row, keyOf(table), tableOf(rule.node), child, rule.by));
      case 'linked': return this.filled(rule.through).some((link) => equals(table, row, keyOf(table), rule.through, link, rule.by)
        && this.of(rule.node).some((other) => equals(tableOf(rule.node), other, keyOf(tableOf(rule.node)), rule.through, link, rule.to)));
      default: return rule satisfies never;
    }
  }
}

const keyOf = (table: number): readonly string[] => TABLES[table - 1]?.key ?? [];

function equals(leftTable: number, left: ModelRow, leftNames: readonly string[], rightTable: number, right: ModelRow, rightNames: readonly string[]): boolean {
  const columnOf = (table: number, name: string): ModelColumn => TABLES[table - 1]?.columns.find((one) => one.name === name) ?? expect.fail(name);
  return leftNames.every((name, i) => {
    const other = rightNames[i] ?? '';
    const [a, b] = [left[name]?.value ?? null, right[other]?.value ?? null];
    return a !== null && b !== null && comparesColumns(columnOf(leftTable, name), a, 'eq', columnOf(rightTable, other), b);
  });
}

const value: fc.Arbitrary<SqlValue> = fc.constantFrom(null, null, 1, 2, 2.5, '1', 'a', 'A', 'a', 'A ', 'B', "'", new Uint8Array([97]));
const rows = fc.tuple(...TABLES.map(({ columns }) => fc.array(fc.tuple(...columns.map(() => value)), { maxLength: 6 })));

/** Rows as the database holds them, in the order of their row ids. */
function fill(db: Database, inserted: readonly (readonly (readonly SqlValue[])[])[]): Rows {
  return TABLES.map(({ name, columns }, i) => {
    db.exec(`DELETE FROM ${quoteName(name)}`);
    for (const row of inserted[i] ?? []) db.run(`INSERT OR IGNORE INTO ${quoteName(name)} VALUES(${row.map(() => '?').join(', ')})`, ...row);
    const names = columns.map((one) => quoteName(one.name));
    const stored = [...db.exact(`SELECT ${names.join(', ')}, ${names.map((one) => `typeof(${one})`).join(', ')} FROM ${quoteName(name)} ORDER BY rowid`)];
    return stored.map((cells) => Object.fromEntries(columns.map((one, at) => [one.name, { value: cells[at] ?? null, isReal: cells[columns.length + at] === 'real' }])));
  });
}

describe('rules as SQL over the business tables', () => {
  it('R6 R7 R8 I12 give the rows that going through all of them gives, one row at a time and for whole tables', () => {
    const db = new Database(':memory:');
    db.exec(CREATE);
    fc.assert(fc.property(rows, fc.array(wild, { minLength: 1, maxLength: 6 }), (inserted, wilds) => {
      const config = configOf(wilds);
      const model = new Model(config, fill(db, inserted));
      for (const { id, table } of config.nodes) {
        const wanted = model.filled(table);
        const all = model.of(id);
        for (const forMany of [false, true]) {
          const condition = new ShareSql(config, ATTRIBUTES, CLOCK, forMany).of(id, 'r');
          const name = quoteName(TABLES[table - 1]?.name ?? '');
          const given = db.all<{ it: unknown; filled: number }>(`SELECT ${condition.sql} AS it, ${keyOf(table).map((one) => `r.${quoteName(one)} IS NOT NULL`).join(' AND ')} AS filled FROM ${name} r ORDER BY rowid`, ...condition.values);
          expect(given.every(({ it, filled }) => it === 0 || (it === 1 && filled === 1)), 'is 1 or 0, and 0 where the key is NULL').toBe(true);
          expect(given.filter(({ filled }) => filled === 1).map(({ it }) => it), `${forMany ? 'many' : 'one'} ${JSON.stringify(config.nodes)}`).toEqual(wanted.map((row) => (all.includes(row) ? 1 : 0)));
        }
      }
    }), { numRuns: RUNS });
    db.close();
  });
});
