import { DatabaseSync } from 'node:sqlite';
import type { SqlValue } from '@carryon/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitFilter } from '../../core/filter/fit.ts';
import { parseFilter } from '../../core/filter/parse.ts';
import type { Predicate } from '../../core/filter/predicate.ts';
import { filling, runChanges, type Change } from '../../testing/rules/changes.ts';
import { Facts, type PersonFacts } from '../../testing/rules/facts.ts';
import { filterGene, filterOf, printFilter, type FilterGene } from '../../testing/rules/filter-tree.ts';
import { sqlOf, USERS, worldSchema, type WorldSchema, type WorldTable } from '../../testing/rules/schema.ts';
import { ShareOracle } from '../../testing/rules/share-oracle.ts';
import { same } from '../../testing/store-audit.ts';
import { predicateSql } from './rules/predicate.ts';
import { bind, sql, textOf } from './rules/sql.ts';

const RUNS = 150 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);

interface Case {
  readonly schema: WorldSchema;
  readonly rows: readonly Change[];
  readonly filters: readonly FilterGene[];
  /** From the start to the clock. */
  readonly minutes: number;
}

const cases: fc.Arbitrary<Case> = fc.record({ schema: worldSchema, rows: filling, filters: fc.array(filterGene, { minLength: 1, maxLength: 6 }), minutes: fc.integer({ min: -5000, max: 20_000 }) });

type Mutant = (predicate: Predicate) => Predicate;

/** Every filter on every table for every person: the rows that the server's SQL finds must be those that the tree gives. */
function play({ schema, rows, filters, minutes }: Case, mutant: Mutant = (predicate) => predicate): void {
  const db = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false });
  try {
    db.exec(sqlOf(schema));
    runChanges(db, schema, rows);
    const facts = new Facts(db, schema);
    for (const table of schema.tables) {
      for (const gene of filters) comparePeople(facts, table, gene, schema.start.ms + minutes * 60_000, mutant);
    }
  } finally {
    db.close();
  }
}

function comparePeople(facts: Facts, table: WorldTable, gene: FilterGene, clockMs: number, mutant: Mutant): void {
  const { timeZone } = facts.schema.start;
  const filter = filterOf(gene, table, facts.schema);
  const oracle = new ShareOracle(facts, [{ name: 'p', who: undefined, tables: { [table.name]: { rows: { kind: 'filter', filter }, columns: undefined, hidden: [], priority: 0, every: undefined, rights: undefined } } }], clockMs);
  const read = fitFilter(parseFilter(printFilter(filter)), { table: table.name, columns: table.columns.map(({ name }) => name), timeZone });
  for (const user of USERS) {
    const person = facts.person(user);
    if (!person) continue;
    const wanted = oracle.keysOf(table.name, ['p'], person);
    same(`R1 rows of ${table.name} where ${printFilter(filter)} for ${user} at ${new Date(clockMs).toISOString()}`, found(facts, table, mutant(read), person, clockMs), [...wanted].sort());
  }
}

/** The keys of the rows for which the predicate holds; its negation must hold for all others. */
function found(facts: Facts, table: WorldTable, predicate: Predicate, person: PersonFacts, clockMs: number): string[] {
  const keys = (asked: Predicate): string[] => {
    const where = predicateSql(asked, {
      alias: 'x', clockMs, timeZone: facts.schema.start.timeZone,
      mine: (column, attribute) => sql`${textOf(column)} IN (SELECT value FROM json_each(${bind(JSON.stringify(attribute === 'profiles' ? [] : person[attribute]))}))`,
    });
    return facts.keysWhere(table.name, where.sql, where.values as readonly SqlValue[]);
  };
  const [held, not] = [keys(predicate), keys({ op: 'not', of: predicate })];
  same(`R1 rows of ${table.name} for which a filter holds or does not`, [...held, ...not].sort(), facts.rows(table.name).map(({ key }) => key).sort());
  return held.sort();
}

describe('filters against the oracle', () => {
  it('R1 F1 a filter, printed and read, holds for the rows for which its tree does, and its negation for all others', () => {
    fc.assert(fc.property(cases, (one) => play(one)), { numRuns: RUNS });
  });
});

describe('the property has teeth', () => {
  const every = (change: (predicate: Predicate) => Predicate): Mutant => function mutate(predicate): Predicate {
    if (predicate.op === 'and' || predicate.op === 'or') return { ...predicate, of: predicate.of.map(mutate) };
    return predicate.op === 'not' ? { op: 'not', of: mutate(predicate.of) } : change(predicate);
  };
  const mutants: Record<string, Mutant> = {
    'unequal as with three values': every((one) => (one.op === 'compare' && one.by === 'ne' && one.value !== null ? { op: 'and', of: [one, { ...one, value: null }] } : one)),
    'not after or equal is after': every((one) => (one.op === 'time' && one.by === 'ge' ? { ...one, by: 'gt' } : one)),
    'days as hours': every((one) => (one.op === 'time' && one.when.kind === 'today' ? { ...one, when: { kind: 'now', plusSeconds: one.when.plusDays * 86_400 } } : one)),
    'wall-clock times as of UTC': every((one) => (one.op === 'time' && one.when.kind === 'at' ? { ...one, when: { ...one.when, wall: one.when.instant } } : one)),
    'own and all units': every((one) => (one.op === 'mine' && one.attribute === 'units' ? { ...one, attribute: 'unit' } : one)),
    'numbers as texts': every((one) => (one.op === 'compare' && typeof one.value === 'bigint' ? { ...one, value: String(one.value) } : one)),
  };
  for (const [name, mutant] of Object.entries(mutants)) {
    it(`R1 ${name}: caught`, () => {
      const result = fc.check(fc.property(cases, (one) => play(one, mutant)), { seed: 20261123, numRuns: 400, endOnFailure: true });
      expect(String(result.errorInstance)).toMatch(/R1/);
    });
  }
});
