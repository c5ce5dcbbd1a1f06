import { inList } from '../filter/in-list.ts';
import type { Predicate } from '../filter/predicate.ts';
import { LIMITS } from '../limits.ts';
import type { Rule, RuleNode } from '../rule.ts';
import { invalid } from './names.ts';

/** What a rule takes at most when it is written out for SQLite, with the rules of all related rows in it. */
export interface RuleSize {
  /** Parameters, and what is compared without one. */
  readonly values: number;
  /** How deep the expression is. */
  readonly height: number;
  /** The heights of the conditions of the queries in it, one within the other: SQLite adds them to the height, though that holds them already. */
  readonly below: number;
}

/** A comparison, with all that makes a time of a text, and a list in it. */
const COMPARISON = { height: 10, below: 2 };

/** Throws when a rule is more than SQLite takes, which would fail only when somebody edits a row. Nodes must come after those that they name. */
export function checkRuleSizes(nodes: readonly RuleNode[], nameOf: (table: number) => string): void {
  const sizes = new Map<number, RuleSize>();
  for (const { id, table, rule } of nodes) {
    const size = sizeOf(rule, sizes);
    const what = `The rules of table "${nameOf(table)}", with those of the rows that they are related to in every way and profile,`;
    if (size.values > LIMITS.ruleValues) throw invalid(`${what} compare with ${size.values} values; not more than ${LIMITS.ruleValues} can be. Mark the rows in a column, or put the values in a table.`);
    if (size.height + size.below > LIMITS.ruleHeight) throw invalid(`${what} are nested too deeply: fewer relations one after another, or fewer "any" and "all" within each other, would do.`);
    sizes.set(id, size);
  }
}

function sizeOf(rule: Rule, sizes: ReadonlyMap<number, RuleSize>): RuleSize {
  switch (rule.kind) {
    case 'every': return { values: 0, height: 1, below: 0 };
    case 'mine': case 'holds': return { ...COMPARISON, values: 2 };
    case 'filter': return predicateSize(rule.filter);
    case 'same': return ofNode(sizes, rule.node);
    case 'child': case 'parent': return queried(ofNode(sizes, rule.node));
    case 'linked': return queried(higher(queried(ofNode(sizes, rule.node))));
    case 'any': case 'all': return together(rule.of.map((part) => sizeOf(part, sizes)));
    default: return rule satisfies never;
  }
}

/** What a predicate takes at most. */
export function predicateSize(predicate: Predicate): RuleSize {
  switch (predicate.op) {
    case 'and': case 'or': return together(predicate.of.map(predicateSize));
    case 'not': return higher(predicateSize(predicate.of));
    case 'constant': return { values: 0, height: 1, below: 0 };
    case 'compare': case 'columns': return { ...COMPARISON, values: 1 };
    case 'in': return { ...COMPARISON, values: 1 + inList(predicate.values).single.length };
    case 'mine': case 'text': case 'time': return { ...COMPARISON, values: 2 };
    default: return predicate satisfies never;
  }
}

/** A row of the node is also asked whether it has a key. */
function ofNode(sizes: ReadonlyMap<number, RuleSize>, node: number): RuleSize {
  const size = sizes.get(node);
  if (!size) throw new RangeError(`node ${node} comes after one that names it`);
  return higher(size);
}

const higher = (size: RuleSize, by = 1): RuleSize => ({ ...size, height: size.height + by });

/** A query for rows that are related, and for which that holds. */
function queried(size: RuleSize): RuleSize {
  const condition = higher(size);
  return higher({ ...condition, values: size.values + 2, below: size.below + condition.height });
}

/** Parts are put together as a balanced tree. */
const together = (parts: readonly RuleSize[]): RuleSize => ({
  values: parts.reduce((sum, { values }) => sum + values, 0),
  height: Math.max(1, ...parts.map(({ height }) => height)) + Math.ceil(Math.log2(Math.max(1, parts.length))),
  below: Math.max(0, ...parts.map(({ below }) => below)),
});
