import { CarryonError } from '@carryon/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFilter } from './parse.ts';
import { COMPARISONS, type Operand, printFilter, type Syntax, TEXT_FUNCTIONS } from './syntax.ts';

const RUNS = Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);
const at = 0;
const anyText = fc.string({ unit: 'binary', maxLength: 12 });
const column = fc.oneof(fc.constantFrom('a', 'Owner', 'and', 'two words', 'say "so"', 'null', '1st', '; --'), anyText.filter((name) => name !== '')).map((name) => ({ kind: 'column' as const, name, at }));
const value = fc.oneof(
  fc.constant(null), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.double({ noNaN: true, noDefaultInfinity: true }), anyText,
  fc.constantFrom('\'; DROP TABLE t; --', '\' OR 1=1', '%_\\', '\u0000'),
).map((of) => ({ kind: 'value' as const, value: of, at }));
const time = fc.constantFrom('2026-11-21', '0001-01-01', '2026-11-21T10:00:00Z', '2026-03-29T02:30', '2026-11-21T10:00:00.125-05:30').map((text) => ({ kind: 'time' as const, text, at }));
const list = fc.constantFrom('teams' as const, 'units' as const).map((attribute) => ({ kind: 'person' as const, attribute, at }));
const operand: fc.Arbitrary<Operand> = fc.oneof(
  column, value, time, list,
  fc.constantFrom('user' as const, 'unit' as const).map((attribute) => ({ kind: 'person' as const, attribute, at })),
  fc.integer({ min: -3_155_760_000, max: 3_155_760_000 }).map((plusSeconds) => ({ kind: 'now' as const, plusSeconds, at })),
  fc.integer({ min: -36_525, max: 36_525 }).map((plusDays) => ({ kind: 'today' as const, plusDays, at })),
);
const test: fc.Arbitrary<Syntax> = fc.oneof(
  fc.record({ kind: fc.constant('compare' as const), left: operand, by: fc.constantFrom(...COMPARISONS), right: operand, at: fc.constant(at) }),
  fc.record({ kind: fc.constant('in' as const), column, values: fc.oneof(list, fc.array(fc.oneof(value, time), { minLength: 1, maxLength: 4 })), at: fc.constant(at) }),
  fc.record({ kind: fc.constant('text' as const), function: fc.constantFrom(...TEXT_FUNCTIONS), column, value: anyText, at: fc.constant(at) }),
  fc.record({ kind: fc.constant('constant' as const), value: fc.boolean(), at: fc.constant(at) }),
);
const { filter } = fc.letrec<{ filter: Syntax }>((tie) => ({
  filter: fc.oneof({ depthSize: 'small', withCrossShrink: true }, test,
    fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), of: fc.array(tie('filter'), { minLength: 2, maxLength: 4 }), at: fc.constant(at) }),
    tie('filter').map((of) => ({ kind: 'not' as const, of, at }))),
}));

/** The same without the places of characters; a chain within a chain of its kind needs its parentheses, so it stays one. */
const bare = (syntax: Syntax): unknown => JSON.parse(JSON.stringify(syntax, (key, inner: unknown) => {
  if (key === 'at') return undefined;
  if (typeof inner === 'bigint') return { integer: String(inner) };
  return Object.is(inner, -0) ? 'minus zero' : inner;
}));

describe('filter', () => {
  it('F4 a filter that is printed and read again is the same', () => {
    fc.assert(fc.property(filter, (syntax) => {
      expect(bare(parseFilter(printFilter(syntax)).says)).toEqual(bare(syntax));
    }), { numRuns: 2000 * RUNS });
  });

  const words = fc.constantFrom('a', 'eq', 'and', 'or', 'not', 'in', '(', ')', ',', '\'x\'', '"y"', '5', '-', '2026-11-21', 'user()', 'now()', 'add', 'duration\'P1D\'', 'contains', 'null', 'true', '\'', '"', ';', '--', '\u0000', '🦆');

  it('F4 whatever is given as a filter is read or refused with profile.invalid', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.array(words, { maxLength: 30 }).map((all) => all.join(' ')), fc.array(words, { maxLength: 30 }).map((all) => all.join('')));
    fc.assert(fc.property(texts, (text) => {
      try {
        parseFilter(text);
      } catch (error) {
        expect(error).toBeInstanceOf(CarryonError);
        expect((error as CarryonError).code).toBe('profile.invalid');
        expect((error as CarryonError).message).toMatch(/^filter: .* here:\n {2}.*\n {2,}\^$/su);
      }
    }), { numRuns: 3000 * RUNS });
  });
});
