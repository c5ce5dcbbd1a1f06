import type { Attribute } from '../attributes.ts';
import { attributesIn, columnsOf, isTimed, join, predicateText } from '../filter/simplify.ts';
import type { Predicate } from '../filter/predicate.ts';
import type { Rule } from '../rule.ts';

const NEVER: Rule = { kind: 'filter', filter: { op: 'constant', value: false } };

/** The same rule in a form that is equal for rules that differ only in order, repetition and nesting. `textOf` is equal for equal rules. */
export function canonical(rule: Rule, textOf: (rule: Rule) => string): Rule {
  if (rule.kind === 'filter') return fromFilter(rule.filter);
  if (rule.kind !== 'any' && rule.kind !== 'all') return rule;
  const flat = rule.of.map((part) => canonical(part, textOf)).flatMap((part) => (part.kind === rule.kind ? part.of : [part]));
  // `every` decides an any alone, and adds nothing to an all; a filter that never holds does the opposite.
  const [decides, adds] = rule.kind === 'any' ? [isEvery, isNever] : [isNever, isEvery];
  const decisive = flat.find(decides);
  if (decisive) return decisive;
  const filters = flat.flatMap((part) => (part.kind === 'filter' && !adds(part) ? [part.filter] : []));
  const filter = filters.length > 0 ? fromFilter(join(rule.kind === 'any' ? 'or' : 'and', filters)) : undefined;
  if (filter && decides(filter)) return filter;
  const parts = [...flat.filter((part) => part.kind !== 'filter' && !adds(part)), ...(filter && !adds(filter) ? [filter] : [])];
  const of = [...new Map(parts.map((part) => [textOf(part), part]))].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, part]) => part);
  const [first, ...others] = of;
  if (!first) return rule.kind === 'any' ? NEVER : { kind: 'every' };
  return others.length === 0 ? first : { kind: rule.kind, of };
}

function fromFilter(filter: Predicate): Rule {
  return filter.op === 'constant' && filter.value ? { kind: 'every' } : { kind: 'filter', filter };
}

const isEvery = (rule: Rule): boolean => rule.kind === 'every';
const isNever = (rule: Rule): boolean => rule.kind === 'filter' && rule.filter.op === 'constant' && !rule.filter.value;

/** The rule as text, with tables as `tableText` names them and other nodes by their ids. */
export function ruleText(rule: Rule, timeZone: string, tableText: (id: number) => string): string {
  const list = JSON.stringify;
  switch (rule.kind) {
    case 'every': return 'every';
    case 'mine': return `mine ${list(rule.column)} ${rule.attribute}`;
    // Days begin elsewhere in another time zone, and so do other rows.
    case 'filter': return `filter ${predicateText(rule.filter)}${isTimed(rule.filter) ? ` ${timeZone}` : ''}`;
    case 'child': case 'parent': return `${rule.kind} node ${rule.node} by ${list(rule.by)}`;
    case 'linked': return `linked node ${rule.node} through ${tableText(rule.through)} by ${list(rule.by)} to ${list(rule.to)}`;
    case 'same': return `same node ${rule.node}`;
    case 'holds': return `holds ${list(rule.profile)}`;
    case 'any': case 'all': return `${rule.kind}(${rule.of.map((part) => ruleText(part, timeZone, tableText)).join('; ')})`;
    default: return rule satisfies never;
  }
}

/** The rule and all that is nested in it by `any` and `all`. */
export function* rulesIn(rule: Rule): Generator<Rule> {
  yield rule;
  if (rule.kind === 'any' || rule.kind === 'all') for (const part of rule.of) yield* rulesIn(part);
}

/** The nodes that a rule names. */
export function nodesIn(rule: Rule): number[] {
  return [...new Set([...rulesIn(rule)].flatMap((part) => ('node' in part ? [part.node] : [])))];
}

/** The columns of the rule's own table that it reads. */
export function ownColumns(rule: Rule): string[] {
  return [...rulesIn(rule)].flatMap((part) => {
    if (part.kind === 'mine') return [part.column];
    if (part.kind === 'filter') return columnsOf(part.filter);
    return part.kind === 'child' ? part.by : [];
  });
}

/** What of a person the rule itself asks, without the nodes that it names. */
export function ownAttributes(rule: Rule): Attribute[] {
  return [...rulesIn(rule)].flatMap((part): Attribute[] => {
    if (part.kind === 'mine') return [part.attribute];
    if (part.kind === 'filter') return attributesIn(part.filter);
    return part.kind === 'holds' ? ['profiles'] : [];
  });
}
