import type { Predicate } from '../../../core/filter/predicate.ts';
import type { Rule } from '../../../core/rule.ts';

export type Leaf = Exclude<Rule, { readonly of: readonly Rule[] }>;

/** What a rule is put together from. */
export function leavesOf(rule: Rule): Leaf[] {
  return 'of' in rule ? rule.of.flatMap(leavesOf) : [rule];
}

/** The columns that a filter reads. */
export function filterColumns(filter: Predicate): string[] {
  switch (filter.op) {
    case 'and': case 'or': return filter.of.flatMap(filterColumns);
    case 'not': return filterColumns(filter.of);
    case 'columns': return [filter.column, filter.other];
    case 'compare': case 'in': case 'mine': case 'text': case 'time': return [filter.column];
    case 'constant': return [];
    default: return filter satisfies never;
  }
}
