import { RULE_IDS } from '@carryon/policy';
import { describe, expect, it } from 'vitest';
import { firstDifference } from '../world/trace.ts';
import { SCENARIOS } from './all.ts';
import { play } from './play.ts';
import { nameOf } from './scenario.ts';

describe('the published rules, on virtual time', () => {
  for (const scenario of SCENARIOS) {
    it(nameOf(scenario), async () => {
      // Side by side, so that each is disturbed by the other.
      const [one, other] = await Promise.all([play(scenario), play(scenario)]);
      expect(one.failure).toBeUndefined();
      expect(other.hash, firstDifference(one.entries, other.entries)).toBe(one.hash);
    });
  }

  it('every row has a scenario, by its own name', () => {
    const rows = RULE_IDS.filter((id) => /^[ABC]\d+$/.test(id));
    expect(rows).toHaveLength(16 + 13 + 5);
    expect(rows.filter((id) => !SCENARIOS.some((scenario) => scenario.id === id))).toEqual([]);
    expect(new Set(SCENARIOS.map(nameOf)).size).toBe(SCENARIOS.length);
  });
});
