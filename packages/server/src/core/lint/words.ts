import { printPredicate } from '../filter/print.ts';
import type { Attribute } from '../attributes.ts';
import type { Config } from '../config.ts';
import type { Rule, RuleNode } from '../rule.ts';

/** What a rule gives a person, in words. */
export function describe(rule: Rule, config: Config): string {
  if (rule.kind === 'every') return 'all rows';
  if (rule.kind === 'filter' && rule.filter.op === 'constant' && !rule.filter.value) return 'no rows';
  return `rows ${clause(rule, config, false)}`;
}

/** For how many people the store keeps one list of a rule's rows, in words. */
export function describeScopes({ uses }: RuleNode): string {
  if (uses.length === 0) return 'once for everybody';
  if (uses.includes('user')) return 'per person';
  const parts = uses.map((attribute) => SHARED_BY[attribute]);
  return `once for all people of the same ${parts.join(' and ')}`;
}

const SHARED_BY: Readonly<Record<Attribute, string>> = { user: 'id', teams: 'teams', unit: 'business unit', units: 'business units', profiles: 'profiles' };
const IS_MINE: Readonly<Record<Attribute, string>> = {
  user: 'is the person', teams: 'is one of the person\'s teams', unit: 'is the person\'s business unit', units: 'is the person\'s business unit or one below it', profiles: 'is one of the person\'s profiles',
};

function clause(rule: Rule, config: Config, isInner: boolean): string {
  const tableOf = (node: number): string => `"${nameOf(config.nodes.find(({ id }) => id === node)?.table)}"`;
  const nameOf = (table: number | undefined): string => config.tables.find(({ id }) => id === table)?.name ?? '?';
  switch (rule.kind) {
    case 'every': return 'of any kind';
    case 'mine': return `whose ${columns([rule.column])} ${IS_MINE[rule.attribute]}`;
    case 'filter': return `where ${printPredicate(rule.filter)}`;
    case 'child': return `whose ${columns(rule.by)} names a row of ${tableOf(rule.node)} that the person gets`;
    case 'parent': return `that a row of ${tableOf(rule.node)} that the person gets names in ${columns(rule.by)}`;
    case 'linked': return `linked by "${nameOf(rule.through)}" to a row of ${tableOf(rule.node)} that the person gets`;
    case 'same': return `among those of rule ${rule.node}`;
    case 'holds': return `for people with the profile "${rule.profile}"`;
    case 'any': case 'all': {
      const text = rule.of.map((part) => clause(part, config, true)).join(rule.kind === 'any' ? ', or ' : ', and ');
      return isInner ? `(${text})` : text;
    }
    default: return rule satisfies never;
  }
}

const columns = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(' and ');
