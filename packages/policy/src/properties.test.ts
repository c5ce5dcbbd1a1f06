import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.ts';
import { explain } from './explain.ts';
import { factsOf, matches } from './facts.ts';
import { type History, lastedMs, observe } from './history.ts';
import { holds } from './limit.ts';
import { RULE_IDS } from './rule-id.ts';
import { RULE_SET_NAMES } from './rule-set.ts';
import { RULE_SETS, rowOf } from './rule-sets.ts';
import { APP_STATES, MODES, NETWORKS, PERMISSIONS, POWERS, SCREENS, type Situation, type Sync } from './situation.ts';
import { LANGUAGES } from './texts.ts';
import { anyHistory, anyRuleSet, anySituation, anySituationWithoutWindow, anySync } from './testing/arbitraries.ts';
import type { EndEvent, Verdict } from './verdict.ts';

const RUNS = { numRuns: 5_000 };
const engineRank = ({ engine, network }: Verdict): number => (engine !== 'run' ? 0 : network === 'leave' ? 1 : 2);
const untilOf = ({ untilMs = Infinity }: Verdict): number => untilMs;
const hasDenial = (verdict: Verdict): boolean => engineRank(verdict) < 2 || verdict.transfers === 'hold';

describe('decide', () => {
  it('is total: never throws, always names its row, and speaks every language', () => {
    fc.assert(fc.property(anyRuleSet, anySituation, anySync, anyHistory, (ruleSet, situation, sync, history) => {
      const verdict = decide(ruleSet, situation, sync, history);
      expect(verdict.reasons[0]).toBe(verdict.rule);
      for (const id of verdict.reasons) expect(rowOf(ruleSet, id)?.id).toBe(id);
      for (const language of LANGUAGES) {
        const { now, why, youCan } = explain(verdict, language);
        for (const text of [now, why, ...youCan]) expect(text).not.toMatch(/[{}]|undefined|NaN/);
      }
    }), RUNS);
  });

  it('exactly one case of a rule set speaks for each question', () => {
    fc.assert(fc.property(anyRuleSet, anySituation, anySync, anyHistory, (ruleSet, situation, sync, history) => {
      const facts = factsOf(situation, sync);
      const past = observe(history, situation);
      const speaking = RULE_SETS[ruleSet].rows.flatMap(({ cases = [] }) => cases)
        .filter((one) => (sync.state === 'none' ? one.fresh : one.active) && matches(one.when, facts) && (one.time === undefined || holds(one.time, past, situation.nowMs)));
      expect(speaking).toHaveLength(1);
    }), RUNS);
  });

  it('gives the same answer to the same question, and changes nothing it is given', () => {
    fc.assert(fc.property(anyRuleSet, anySituation, anySync, anyHistory, (ruleSet, situation, sync, history) => {
      const question = JSON.stringify([situation, sync, history]);
      const verdict = decide(ruleSet, situation, sync, history);
      expect(decide(ruleSet, structuredClone(situation), structuredClone(sync), structuredClone(history))).toEqual(verdict);
      expect(JSON.stringify([situation, sync, history])).toBe(question);
      const seen = observe(history, situation);
      expect(observe(seen, situation)).toEqual(seen);
      expect(decide(ruleSet, situation, sync, seen)).toEqual(verdict);
    }), RUNS);
  });

  it('every ID is a row of some rule set, with a citation', () => {
    for (const id of RULE_IDS) expect(RULE_SET_NAMES.map((name) => rowOf(name, id)?.cite.page).join(), id).toMatch(/Sync data|SPEC/);
  });

  it('refuses what is outside of its types, in words', () => {
    const situation = fc.sample(anySituation, 1)[0] as Situation;
    expect(() => decide('carry-on', { ...situation, platform: 'tizen' as 'web' }, { kind: 'first', state: 'none' }, undefined)).toThrow(/tizen/);
    expect(() => decide('latest' as 'carry-on', situation, { kind: 'first', state: 'none' }, undefined)).toThrow(/latest/);
  });

  it('every denial says when or by what it ends', () => {
    fc.assert(fc.property(anyRuleSet, anySituation, anySync, anyHistory, (ruleSet, situation, sync, history) => {
      const verdict = decide(ruleSet, situation, sync, history);
      if (!hasDenial(verdict)) return;
      expect(verdict.endsBy.length).toBeGreaterThan(0);
      if (verdict.nextMs !== undefined) expect(verdict.nextMs).toBeGreaterThan(situation.nowMs);
      for (const language of LANGUAGES) expect(explain(verdict, language).youCan.length).toBeGreaterThan(0);
    }), RUNS);
  });

  it('whoever follows the advice ends the denial', () => {
    fc.assert(fc.property(anyRuleSet, anySituation, anySync, anyHistory, (ruleSet, situation, sync, history) => {
      const verdict = decide(ruleSet, situation, sync, history);
      if (!hasDenial(verdict)) return;
      const [better, asked] = verdict.endsBy.reduce(follow, [situation, sync] as const);
      const then = decide(ruleSet, better, asked, observe(history, situation));
      expect(hasDenial(then), `${verdict.rule}: ${verdict.endsBy.join()} gives ${then.rule}`).toBe(false);
    }), RUNS);
  });

  it('a deadline is what it says: it runs until then, and no longer', () => {
    fc.assert(fc.property(anyRuleSet, anySituation, anySync, anyHistory, (ruleSet, situation, sync, history) => {
      const { engine, untilMs, nextMs, rule } = decide(ruleSet, situation, sync, history);
      const past = observe(history, situation);
      const at = (nowMs: number): Verdict => decide(ruleSet, { ...situation, nowMs }, sync, past);
      if (untilMs !== undefined) {
        expect(engine).toBe('run');
        expect(untilMs).toBeGreaterThan(situation.nowMs);
        expect(at(untilMs - 1).engine).toBe('run');
        if (situation.platform !== 'android') expect(at(untilMs).engine).not.toBe('run');
      }
      if (nextMs === undefined) return;
      expect(at(nextMs - 1)).toMatchObject({ engine: 'suspend', rule });
      expect(['A6', 'N1', 'N2']).toContain(at(nextMs).rule);
    }), RUNS);
  });
});

/** Each list from lax to strict. */
const STRICTER: readonly (readonly Partial<Situation>[])[] = [
  SCREENS.map((screen) => ({ screen })),
  APP_STATES.map((app) => ({ app })),
  POWERS.map((power) => ({ power })),
  [{ saver: false }, { saver: true }],
  PERMISSIONS.map((permission) => ({ permission })),
  NETWORKS.map((network) => ({ network })),
];
const STRICTER_SETTINGS: readonly (readonly Partial<Situation['settings']>[])[] = [[{ wifiOnly: false }, { wifiOnly: true }], MODES.map((mode) => ({ mode }))];

describe('a stricter situation', () => {
  const never = (lax: Verdict, strict: Verdict): void => {
    // The page itself gives a locked device slices that an unlocked one in other use has not.
    if (strict.engine === 'run' && strict.reasons.includes('A6')) return;
    expect(engineRank(lax)).toBeGreaterThanOrEqual(engineRank(strict));
    if (engineRank(strict) > 0) expect(untilOf(lax)).toBeGreaterThanOrEqual(untilOf(strict));
    if (strict.transfers === 'go-on') expect(lax.transfers).toBe('go-on');
  };

  it('never gets more than a laxer one', () => {
    fc.assert(fc.property(anyRuleSet, anySituation, anySync, anyHistory, (ruleSet, situation, sync, history) => {
      const ask = (changes: Partial<Situation>): Verdict => decide(ruleSet, { ...situation, ...changes }, sync, history);
      const lists = [...STRICTER, ...STRICTER_SETTINGS.map((list) => list.map((one) => ({ settings: { ...situation.settings, ...one } })))];
      for (const list of lists) list.slice(1).forEach((strict, i) => never(ask(list[i] ?? {}), ask(strict)));
    }), RUNS);
  });
});

describe('carry-on', () => {
  // 2024-05 does not speak of power; there our A15 of Windows holds.
  const counts = (situation: Situation, history: History): boolean =>
    factsOf(situation, { kind: 'first', state: 'none' }).thrift || lastedMs(history, 'thrift', situation.nowMs) > 0;

  it('never allows less than 2024-05 where that page speaks', () => {
    fc.assert(fc.property(anySituationWithoutWindow, anySync, anyHistory, (situation, sync, history) => {
      const past = observe(history, situation);
      if (situation.platform.startsWith('windows') && counts(situation, past)) return;
      const page = decide('2024-05', situation, sync, history);
      const ours = decide('carry-on', situation, sync, history);
      expect(engineRank(ours)).toBeGreaterThanOrEqual(engineRank(page));
      if (page.engine === 'run') expect(untilOf(ours)).toBeGreaterThanOrEqual(untilOf(page));
    }), RUNS);
  });
});

/** What each event makes of a situation. */
function follow([situation, sync]: readonly [Situation, Sync], event: EndEvent): readonly [Situation, Sync] {
  switch (event) {
    case 'open-app': case 'unlock': case 'maximize': return [{ ...situation, app: 'foreground', screen: 'unlocked', inUse: true }, sync];
    case 'wake': return [{ ...situation, window: { kind: 'job' } }, sync];
    case 'network': case 'unmetered': return [{ ...situation, network: 'unmetered' }, sync];
    case 'plug-in': return [{ ...situation, power: 'plugged', saver: false }, sync];
    case 'sync-now': return [situation, { ...sync, byPerson: true }];
    case 'setting-background': return [{ ...situation, permission: 'always' }, sync];
    case 'setting-wifi-only': return [{ ...situation, settings: { ...situation.settings, wifiOnly: false } }, sync];
    case 'setting-mode': return [{ ...situation, settings: { ...situation.settings, mode: 'auto' } }, sync];
    default: return event satisfies never;
  }
}
