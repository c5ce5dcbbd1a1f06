import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitFilter } from './fit.ts';
import { parseFilter } from './parse.ts';
import type { Predicate, When } from './predicate.ts';
import { printPredicate } from './print.ts';
import { predicateText, simplify } from './simplify.ts';

const RUNS = 2000 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);
const TARGET = { table: 't', columns: ['a', 'B b', 'null', 'x"y', 'ü'], timeZone: 'UTC' };

const column = fc.constantFrom(...TARGET.columns);
const equality = fc.constantFrom('eq' as const, 'ne' as const);
const comparison = fc.constantFrom('eq' as const, 'ne' as const, 'gt' as const, 'ge' as const, 'lt' as const, 'le' as const);
const filled = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string({ unit: 'binary', maxLength: 8 }));
const when: fc.Arbitrary<When> = fc.oneof(
  fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }).map((instant) => ({ kind: 'at' as const, instant, wall: instant })),
  fc.integer({ min: -3_155_760_000, max: 3_155_760_000 }).map((plusSeconds) => ({ kind: 'now' as const, plusSeconds })),
  fc.integer({ min: -36_525, max: 36_525 }).map((plusDays) => ({ kind: 'today' as const, plusDays })),
);
const leaf: fc.Arbitrary<Predicate> = fc.oneof(
  fc.record({ op: fc.constant('compare' as const), column, by: comparison, value: filled }),
  fc.record({ op: fc.constant('compare' as const), column, by: equality, value: fc.constant(null) }),
  fc.record({ op: fc.constant('columns' as const), column, by: comparison, other: column }),
  fc.record({ op: fc.constant('in' as const), column, values: fc.array(filled, { minLength: 1, maxLength: 4 }) }),
  fc.record({ op: fc.constant('mine' as const), column, attribute: fc.constantFrom('user' as const, 'teams' as const, 'unit' as const, 'units' as const) }),
  fc.record({ op: fc.constant('text' as const), function: fc.constantFrom('startswith' as const, 'endswith' as const, 'contains' as const), column, value: fc.string({ unit: 'binary', maxLength: 8 }) }),
  fc.record({ op: fc.constant('time' as const), column, by: comparison, when }),
  fc.record({ op: fc.constant('constant' as const), value: fc.boolean() }),
);
const { predicate } = fc.letrec<{ predicate: Predicate }>((tie) => ({
  predicate: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf,
    fc.record({ op: fc.constantFrom('and' as const, 'or' as const), of: fc.array(tie('predicate'), { minLength: 2, maxLength: 4 }) }),
    tie('predicate').map((of): Predicate => ({ op: 'not', of }))),
}));

describe('a filter over a table', () => {
  it('F4 what is printed for people reads back as the same', () => {
    fc.assert(fc.property(predicate, (one) => {
      const again = fitFilter(parseFilter(printPredicate(one)), TARGET);
      expect(predicateText(simplify(again))).toBe(predicateText(simplify(one)));
    }), { numRuns: RUNS });
  });
});
