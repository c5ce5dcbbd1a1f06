import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SqlValue } from '@carryon/protocol';
import { predicateSize } from '../../../core/compile/rule-size.ts';
import type { Attribute, Attributes } from '../../../core/attributes.ts';
import type { Comparison, Predicate, When } from '../../../core/filter/predicate.ts';
import { holds, type ModelColumn, type ModelRow } from '../../../testing/predicate-model.ts';
import { Database } from '../driver.ts';
import { predicateSql } from './predicate.ts';
import { bind, join, sql, textOf } from './sql.ts';

const RUNS = 400 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);
const CLOCK = Date.UTC(2026, 9, 25, 0, 30);
const ZONE = 'Europe/Berlin';

const COLUMNS: readonly ModelColumn[] = [
  { name: 'i', affinity: 'number', collation: 'BINARY' }, { name: 'r', affinity: 'number', collation: 'BINARY' }, { name: 's', affinity: 'text', collation: 'BINARY' },
  { name: 'n', affinity: 'text', collation: 'NOCASE' }, { name: 'x', affinity: 'none', collation: 'BINARY' }, { name: 'odd "name"; --', affinity: 'none', collation: 'RTRIM' },
];
const CREATE = 'CREATE TABLE t(i INTEGER, r REAL, s TEXT, n TEXT COLLATE NOCASE, x, "odd ""name""; --" COLLATE RTRIM)';
const MINE: Attributes = { user: ['a'], teams: ['7', 'B', "'"], unit: [], units: ['7.5', 'ü'], profiles: [] };

// ---- random rows and predicates -------------------------------------------------------------------------------------------------

const TEXTS = ['', 'a', 'A', 'ab', 'b ', 'B', '7', '7.5', ' 7 ', '7x', 'ü', 'Ü', "'", "' OR 1=1 --", '"', '%', '_', 'a\u0000b', 'a\u0000', '?', ');', 'now', 'null', '😀'];
const TIMES = ['2026-10-25', '2026-10-25T02:30', '2026-10-25 02:30:00', '2026-10-25T02:30:00+02:00', '2026-10-25T02:30:00+01:00', '2026-10-25T01:30:00Z', '2026-10-25T00:30:00Z', '2026-10-26', '2026-10-24', '2026-13-01', '12:00', '2026-10-25T00:30:00ZZ'];
const NUMBERS = [0, 1, -1, 7, 7.5, 0.1, 1e15, CLOCK / 1000, CLOCK, CLOCK + 3_600_000, 1e11, 99_999_999_999];
const text = fc.constantFrom(...TEXTS, ...TIMES);
const value: fc.Arbitrary<SqlValue> = fc.oneof(fc.constant(null), fc.constantFrom(...NUMBERS), text, fc.constantFrom(...[...TEXTS, ...TIMES].map((one) => new Uint8Array(Buffer.from(one)))));
const literal: fc.Arbitrary<SqlValue> = fc.oneof(fc.constant(null), fc.constantFrom(...NUMBERS), text);
const name = fc.constantFrom(...COLUMNS.map((column) => column.name));
const by = fc.constantFrom<Comparison>('eq', 'ne', 'gt', 'ge', 'lt', 'le');
const when: fc.Arbitrary<When> = fc.oneof(
  fc.record({ kind: fc.constant('at' as const), instant: fc.constantFrom(CLOCK / 1000, CLOCK / 1000 + 3600), wall: fc.constantFrom(CLOCK / 1000 + 7200, CLOCK / 1000) }),
  fc.record({ kind: fc.constant('now' as const), plusSeconds: fc.constantFrom(0, 3600, -3600, 86_400) }),
  fc.record({ kind: fc.constant('today' as const), plusDays: fc.integer({ min: -1, max: 1 }) }));
const { predicate } = fc.letrec<{ predicate: Predicate }>((tie) => ({
  predicate: fc.oneof({ depthSize: 'small', withCrossShrink: true },
    fc.record({ op: fc.constant('compare' as const), column: name, by, value: literal }),
    fc.record({ op: fc.constant('columns' as const), column: name, by, other: name }),
    fc.record({ op: fc.constant('in' as const), column: name, values: fc.array(literal, { maxLength: 4 }) }),
    fc.record({ op: fc.constant('mine' as const), column: name, attribute: fc.constantFrom<Attribute>('user', 'teams', 'unit', 'units') }),
    fc.record({ op: fc.constant('text' as const), function: fc.constantFrom('startswith' as const, 'endswith' as const, 'contains' as const), column: name, value: text }),
    fc.record({ op: fc.constant('time' as const), column: name, by, when }),
    fc.record({ op: fc.constant('constant' as const), value: fc.boolean() }),
    fc.record({ op: fc.constantFrom('and' as const, 'or' as const), of: fc.array(tie('predicate'), { maxLength: 4 }) }),
    fc.record({ op: fc.constant('not' as const), of: tie('predicate') })),
}));

function readRows(db: Database): { rid: number; row: ModelRow }[] {
  const names = COLUMNS.map((column) => `"${column.name.replaceAll('"', '""')}"`);
  const rows = [...db.exact(`SELECT rowid, ${names.join(', ')}, ${names.map((one) => `typeof(${one})`).join(', ')} FROM t`)];
  return rows.map(([rid, ...cells]) => ({ rid: Number(rid), row: Object.fromEntries(COLUMNS.map((column, i) => [column.name, { value: cells[i] ?? null, isReal: cells[COLUMNS.length + i] === 'real' }])) }));
}

describe('a predicate as SQL', () => {
  it('R1 R2 R3 R4 R5 holds for the rows that it holds for in plain JavaScript, and is never NULL', () => {
    const db = new Database(':memory:');
    db.exec(CREATE);
    fc.assert(fc.property(fc.array(fc.tuple(...COLUMNS.map(() => value)), { minLength: 1, maxLength: 12 }), predicate, (rows, one) => {
      db.exec('DELETE FROM t');
      for (const row of rows) db.run(`INSERT INTO t VALUES(${row.map(() => '?').join(', ')})`, ...row);
      const condition = predicateSql(one, {
        alias: 'r', clockMs: CLOCK, timeZone: ZONE,
        mine: (column, attribute) => sql`${textOf(column)} IN (${join(MINE[attribute].map(bind), ', ')})`,
      });
      const given = db.all<{ rid: number; it: unknown }>(`SELECT rowid AS rid, ${condition.sql} AS it FROM t r`, ...condition.values);
      expect(given.map(({ rid, it }) => [rid, it])).toEqual(readRows(db).map(({ rid, row }) => [rid, holds(one, row, { columns: COLUMNS, attributes: MINE, clockMs: CLOCK, timeZone: ZONE }) ? 1 : 0]));
    }), { numRuns: RUNS });
    db.close();
  });

  it('R16 takes no more parameters, and is nested no deeper, than the compiler counts', () => {
    const db = new Database(':memory:');
    db.exec(CREATE);
    fc.assert(fc.property(predicate, (one) => {
      const { sql: condition, values } = predicateSql(one, { alias: 'r', clockMs: CLOCK, timeZone: ZONE, mine: (column) => sql`${textOf(column)} IN (SELECT value FROM json_each(${bind('[]')}))` });
      const size = predicateSize(one);
      expect(values.length).toBeLessThanOrEqual(size.values);
      // SQLite takes a depth of 1,000; what the predicate leaves of it is filled up.
      db.all(`SELECT ${'NOT '.repeat(1000 - size.height - size.below)}${condition} FROM t r`, ...values);
    }), { numRuns: RUNS });
    expect(() => db.all(`SELECT ${'NOT '.repeat(1000)} 1`)).toThrow(/maximum depth 1000/);
    db.close();
  });
});
