import { describe, expect, it } from 'vitest';
import { RULE_SET_NAMES } from '../rule-set.ts';
import { type Situation, type Sync, SYNC_KINDS } from '../situation.ts';
import { ACTIVE, after, FIRST, MINUTE, NEW } from '../testing/situations.ts';
import type { Verdict } from '../verdict.ts';

const ask = (changes: Partial<Situation>, sync: Sync = ACTIVE, ms = 0): Verdict => after('carry-on', ms, sync, changes);
const wifiOnly = { network: 'metered', settings: { wifiOnly: true, mode: 'auto' } } as const;
const manual = { settings: { wifiOnly: false, mode: 'manual' } } as const;

describe('network and settings', () => {
  it('N1: without a network nothing is requested; a first sync applies what is stored', () => {
    expect(ask({ network: 'none' }, FIRST)).toMatchObject({ engine: 'run', network: 'leave', transfers: 'hold', rule: 'N1', reasons: ['N1', 'B2', 'B1'], endsBy: ['network'] });
    for (const kind of SYNC_KINDS) {
      const begun = kind === 'first' ? 'run' : 'suspend';
      expect(ask({ network: 'none' }, { kind, state: 'active' })).toMatchObject({ engine: begun, network: 'leave', rule: 'N1' });
      expect(ask({ network: 'none' }, { kind, state: 'none' })).toMatchObject({ engine: 'wait', network: 'leave', rule: 'N1', endsBy: ['network'] });
    }
  });

  it('N1: a new first sync has handed the OS nothing', () => {
    expect(ask({ network: 'none' }, { kind: 'first', state: 'none' }).transfers).toBe('none');
  });

  it('N1: a denial by the situation stays first, and both ends are named', () => {
    const verdict = after('2022-11', 0, FIRST, { screen: 'locked', inUse: false, network: 'none' });
    expect(verdict).toMatchObject({ engine: 'suspend', rule: 'A7', nextMs: 15 * MINUTE, endsBy: ['unlock', 'network'] });
    expect(verdict.reasons).toContain('N1');
  });

  it('N1: a deadline holds for what is applied meanwhile', () => {
    expect(ask({ network: 'none', app: 'background' }, FIRST)).toMatchObject({ engine: 'run', network: 'leave', untilMs: 30_000, endsBy: ['network'] });
    expect(ask({ network: 'none', app: 'background' }, ACTIVE)).not.toHaveProperty('untilMs');
  });

  it('N2: Wi-Fi only keeps everything off a metered network', () => {
    expect(ask(wifiOnly, FIRST)).toMatchObject({ engine: 'run', network: 'leave', transfers: 'hold', rule: 'N2' });
    expect(ask(wifiOnly)).toMatchObject({ engine: 'suspend', rule: 'N2', endsBy: ['unmetered', 'setting-wifi-only'] });
    expect(ask(wifiOnly, { kind: 'upload', state: 'none' })).toMatchObject({ engine: 'wait', rule: 'N2' });
    expect(ask(wifiOnly, { ...NEW, byPerson: true })).toMatchObject({ engine: 'wait', rule: 'N2' });
    expect(ask({ ...wifiOnly, network: 'unmetered' })).toMatchObject({ engine: 'run', rule: 'B2' });
    expect(ask({ network: 'metered' })).toMatchObject({ engine: 'run', rule: 'B2' });
  });

  it('N3: in manual mode only what the person asks for starts', () => {
    for (const kind of ['delta', 'full-delta', 'table'] as const) {
      expect(ask(manual, { kind, state: 'none' })).toMatchObject({ engine: 'wait', rule: 'N3', endsBy: ['sync-now', 'setting-mode'] });
      expect(ask(manual, { kind, state: 'none', byPerson: true })).toMatchObject({ engine: 'run', rule: 'B2' });
      expect(ask(manual, { kind, state: 'suspended' })).toMatchObject({ engine: 'run', rule: 'B2' });
    }
    for (const kind of ['first', 'upload'] as const) expect(ask(manual, { kind, state: 'none' }).engine).toBe('run');
    expect(ask({ settings: { wifiOnly: false, mode: 'interval' } }, NEW).engine).toBe('run');
  });

  it('N3: several reasons stand side by side', () => {
    expect(ask({ ...manual, network: 'none' }, NEW)).toMatchObject({ engine: 'wait', rule: 'N1', reasons: ['N1', 'B2', 'N3'], endsBy: ['network', 'sync-now', 'setting-mode'] });
  });

  it('N1, N2, N3: hold under every rule set', () => {
    for (const ruleSet of RULE_SET_NAMES) {
      expect(after(ruleSet, 0, NEW, { network: 'none' }).rule).toBe('N1');
      expect(after(ruleSet, 0, NEW, wifiOnly).rule).toBe('N2');
      expect(after(ruleSet, 0, NEW, manual).rule).toBe('N3');
    }
  });
});
