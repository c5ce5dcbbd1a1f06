import type { Rule } from '../rule.ts';
import type { Predicate } from './predicate.ts';

/** A filter as a rule: what it asks of the person comes out of it as far as `and` and `or` reach, so that indexes can find the rows. */
export function liftFilter(predicate: Predicate): Rule {
  if (predicate.op === 'mine') return { kind: 'mine', column: predicate.column, attribute: predicate.attribute };
  if ((predicate.op !== 'and' && predicate.op !== 'or') || !holdsMine(predicate)) return { kind: 'filter', filter: predicate };
  return { kind: predicate.op === 'and' ? 'all' : 'any', of: predicate.of.map(liftFilter) };
}

function holdsMine(predicate: Predicate): boolean {
  if (predicate.op === 'and' || predicate.op === 'or') return predicate.of.some(holdsMine);
  return predicate.op === 'mine';
}
