import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { predicateText, simplify } from '../filter/simplify.ts';
import type { Predicate } from '../filter/predicate.ts';
import type { Rule } from '../rule.ts';
import { canonical, ruleText, rulesIn } from './rules.ts';

const RUNS = 2000 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);
const textOf = (rule: Rule): string => ruleText(rule, 'UTC', String);

/** What holds of a row: a set of columns that are 1, and of nodes and attributes. */
type Facts = ReadonlySet<string>;

function holds(predicate: Predicate, facts: Facts): boolean {
  if (predicate.op === 'and') return predicate.of.every((part) => holds(part, facts));
  if (predicate.op === 'or') return predicate.of.some((part) => holds(part, facts));
  if (predicate.op === 'not') return !holds(predicate.of, facts);
  return predicate.op === 'constant' ? predicate.value : 'column' in predicate && facts.has(predicate.column);
}

function gives(rule: Rule, facts: Facts): boolean {
  if (rule.kind === 'any') return rule.of.some((part) => gives(part, facts));
  if (rule.kind === 'all') return rule.of.every((part) => gives(part, facts));
  if (rule.kind === 'filter') return holds(rule.filter, facts);
  return rule.kind === 'every' || facts.has(rule.kind === 'mine' ? rule.attribute : String('node' in rule ? rule.node : ''));
}

const NAMES = ['a', 'b', 'c', 'user', 'teams', '1', '2'];
const facts = fc.subarray(NAMES).map((names): Facts => new Set(names));
const { predicate } = fc.letrec<{ predicate: Predicate }>((tie) => ({
  predicate: fc.oneof({ depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('a', 'b', 'c').map((column): Predicate => ({ op: 'compare', column, by: 'eq', value: 1n })), fc.boolean().map((value): Predicate => ({ op: 'constant', value })),
    fc.record({ op: fc.constantFrom('and' as const, 'or' as const), of: fc.array(tie('predicate'), { minLength: 1, maxLength: 4 }) }), tie('predicate').map((of): Predicate => ({ op: 'not', of }))),
}));
const { rule } = fc.letrec<{ rule: Rule }>((tie) => ({
  rule: fc.oneof({ depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('user' as const, 'teams' as const).map((attribute): Rule => ({ kind: 'mine', column: 'c', attribute })), fc.constantFrom(1, 2).map((node): Rule => ({ kind: 'child', node, by: ['c'] })),
    predicate.map((filter): Rule => ({ kind: 'filter', filter: simplify(filter) })), fc.constant<Rule>({ kind: 'every' }),
    fc.record({ kind: fc.constantFrom('any' as const, 'all' as const), of: fc.array(tie('rule'), { minLength: 1, maxLength: 4 }) })),
}));

/** The same in another order, with repetitions and needless nesting. */
function jumbled(of: Rule, random: () => number): Rule {
  if (of.kind !== 'any' && of.kind !== 'all') return random() < 0.3 ? { kind: random() < 0.5 ? 'any' : 'all', of: [of] } : of;
  const parts = of.of.map((part) => jumbled(part, random)).sort(() => random() - 0.5);
  return { kind: of.kind, of: random() < 0.5 ? [...parts, { kind: of.kind, of: parts }] : parts };
}

describe('rules', () => {
  it('F7 a simplified filter holds for the same rows, and simplifying it again changes nothing', () => {
    fc.assert(fc.property(predicate, facts, (one, given) => {
      const simple = simplify(one);
      expect(holds(simple, given)).toBe(holds(one, given));
      expect(predicateText(simplify(simple))).toBe(predicateText(simple));
    }), { numRuns: RUNS });
  });

  it('S58 a rule in its one form gives the same rows', () => {
    fc.assert(fc.property(rule, facts, (one, given) => {
      const form = canonical(one, textOf);
      expect(gives(form, given)).toBe(gives(one, given));
      expect(canonical(form, textOf)).toEqual(form);
      for (const part of rulesIn(form)) {
        if (part.kind !== 'any' && part.kind !== 'all') continue;
        expect(part.of.length).toBeGreaterThan(1);
        expect(part.of.filter(({ kind }) => kind === 'filter').length).toBeLessThan(2);
        expect(part.of.some(({ kind }) => kind === part.kind || kind === 'every')).toBe(false);
      }
    }), { numRuns: RUNS });
  });

  it('S58 order, repetition and nesting do not change the form', () => {
    fc.assert(fc.property(rule, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (one, numbers) => {
      const other = jumbled(one, () => numbers.next().value as number);
      expect(textOf(canonical(other, textOf))).toBe(textOf(canonical(one, textOf)));
    }), { numRuns: RUNS });
  });
});
