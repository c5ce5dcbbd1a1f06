import type { Row, RuleSet, RuleSetName } from './rule-set.ts';
import { RULES_2022_11 } from './rule-sets/2022-11.ts';
import { RULES_2024_05 } from './rule-sets/2024-05.ts';
import { RULES_CARRY_ON } from './rule-sets/carry-on.ts';
import { NETWORK_ROWS } from './rule-sets/network.ts';
import type { RuleId } from './rule-id.ts';
import type { Platform } from './situation.ts';
import type { WakeUp } from './rule-set.ts';

export const RULE_SETS: Readonly<Record<RuleSetName, RuleSet>> = {
  '2022-11': RULES_2022_11,
  '2024-05': RULES_2024_05,
  'carry-on': RULES_CARRY_ON,
};

export const DEFAULT_RULE_SET: RuleSetName = 'carry-on';

/** A row with its citation and note; undefined when the rule set has no such row. */
export function rowOf(ruleSet: RuleSetName, id: RuleId): Row | undefined {
  return [...RULE_SETS[ruleSet].rows, ...NETWORK_ROWS].find((row) => row.id === id);
}

/** The ways in which the OS brings the app back, for a host to ask for. The two pages name none. */
export function wakeUps(ruleSet: RuleSetName, platform: Platform): readonly WakeUp[] {
  return RULE_SETS[ruleSet].rows.flatMap((row) => (row.wakeUps?.platform.includes(platform) ? row.wakeUps.ways : []));
}

export interface OnDevice {
  readonly app: boolean;
  readonly data: boolean;
}

/** A1, B1: whether the person can begin to work offline, and what is missing on the device. */
export function mayUseOffline(ruleSet: RuleSetName, onDevice: OnDevice): { readonly allowed: boolean; readonly rule: RuleId; readonly missing: readonly ('app' | 'data')[] } {
  const row = RULE_SETS[ruleSet].rows.find(({ requires }) => requires !== undefined);
  const missing = (row?.requires ?? []).filter((part) => !onDevice[part]);
  return { allowed: missing.length === 0, rule: row?.id ?? 'B1', missing };
}
