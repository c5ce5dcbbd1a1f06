import { describe, expect, it } from 'vitest';
import { explain } from '../explain.ts';
import { mayUseOffline, wakeUps } from '../rule-sets.ts';
import { PLATFORMS, type Situation, type Sync, SYNC_KINDS } from '../situation.ts';
import { ACTIVE, after, FIRST, MINUTE, NEW } from '../testing/situations.ts';
import type { Verdict } from '../verdict.ts';

const RULES = '2024-05';
const ask = (changes: Partial<Situation>, sync: Sync = ACTIVE, ms = 60 * MINUTE): Verdict => after(RULES, ms, sync, changes);

describe('rule set 2024-05', () => {
  it('B1: offline use needs app and data first', () => {
    expect(mayUseOffline(RULES, { app: true, data: false })).toEqual({ allowed: false, rule: 'B1', missing: ['data'] });
    expect(ask({}, FIRST).reasons).toEqual(['B7', 'B2', 'B1']);
  });

  it('B2: in front and unlocked every sync runs and starts', () => {
    for (const platform of PLATFORMS) {
      for (const kind of SYNC_KINDS) {
        for (const state of ['none', 'active', 'suspended'] as const) {
          const verdict = ask({ platform }, { kind, state });
          expect(verdict.engine).toBe('run');
          expect(verdict.reasons).toContain('B2');
          expect(verdict.untilMs).toBeUndefined();
        }
      }
    }
  });

  it('B3: in the background or locked as far as the OS can', () => {
    for (const platform of ['web', 'node'] as const) {
      expect(ask({ platform, app: 'background' })).toMatchObject({ engine: 'run', rule: 'B3' });
      expect(ask({ platform, screen: 'locked' }, NEW)).toMatchObject({ engine: 'run', rule: 'B3' });
    }
  });

  it('B4: Android runs in front, and starts only there', () => {
    expect(ask({ platform: 'android' })).toMatchObject({ engine: 'run', rule: 'B4' });
    expect(ask({ platform: 'android' }, NEW)).toMatchObject({ engine: 'run', rule: 'B4' });
    expect(ask({ platform: 'android', app: 'background' }, { ...NEW, byPerson: true })).toMatchObject({ engine: 'wait', reasons: ['B6', 'B4'] });
  });

  it('B5: Android goes on in the background, and locked', () => {
    for (const changes of [{ app: 'background' }, { screen: 'locked' }, { app: 'background', screen: 'locked' }] as const) {
      expect(ask({ platform: 'android', ...changes })).toMatchObject({ engine: 'run', rule: 'B5' });
      expect(ask({ platform: 'android', ...changes }, { kind: 'first', state: 'suspended' })).toMatchObject({ engine: 'run', rule: 'B5' });
    }
  });

  it('B6: on Android none starts in the background', () => {
    expect(ask({ platform: 'android', app: 'background' }, NEW)).toMatchObject({ engine: 'wait', rule: 'B6', endsBy: ['open-app'] });
    expect(ask({ platform: 'android', screen: 'locked' }, NEW)).toMatchObject({ engine: 'wait', rule: 'B6', endsBy: ['unlock'] });
  });

  it('B7: iOS runs in front, and starts only there', () => {
    expect(ask({})).toMatchObject({ engine: 'run', rule: 'B7' });
    expect(ask({}, NEW)).toMatchObject({ engine: 'run', rule: 'B7' });
    expect(ask({ app: 'background' }, NEW).reasons).toContain('B7');
  });

  it('B8: iOS pauses in the background and locked, without slices', () => {
    for (const inUse of [true, false]) {
      for (const ms of [0, 15 * MINUTE, 16 * MINUTE]) {
        expect(ask({ app: 'background', inUse }, ACTIVE, ms)).toMatchObject({ engine: 'suspend', rule: 'B8', endsBy: ['open-app'] });
        expect(ask({ screen: 'locked', inUse }, ACTIVE, ms)).toMatchObject({ engine: 'suspend', rule: 'B8', endsBy: ['unlock'] });
        expect(ask({ app: 'background', inUse }, NEW, ms)).toMatchObject({ engine: 'wait', rule: 'B8' });
      }
    }
  });

  it('B9: Windows goes on while minimized, whatever the power', () => {
    for (const platform of ['windows10', 'windows11'] as const) {
      const verdict = ask({ platform, app: 'background', power: 'battery', saver: true });
      expect(verdict).toMatchObject({ engine: 'run', rule: 'B9' });
      expect(verdict.untilMs).toBeUndefined();
      expect(ask({ platform, app: 'background' }, NEW)).toMatchObject({ engine: 'run', rule: 'B9' });
    }
  });

  it('B10: Windows goes on while locked', () => {
    for (const app of ['foreground', 'background'] as const) expect(ask({ platform: 'windows11', app, screen: 'locked' })).toMatchObject({ engine: 'run', rule: 'B10' });
  });

  it('B11: the setting governs the background', () => {
    expect(ask({ platform: 'windows11', app: 'background', permission: 'never' })).toMatchObject({ engine: 'suspend', rule: 'B11', endsBy: ['maximize', 'setting-background'] });
    expect(ask({ platform: 'windows11', screen: 'locked', permission: 'never' }, NEW)).toMatchObject({ engine: 'wait', rule: 'B11' });
    expect(ask({ platform: 'windows11', permission: 'never' }).rule).toBe('B2');
    expect(ask({ platform: 'windows11', app: 'background' }).reasons).toContain('B11');
  });

  it('B12: on Windows 10 the person is told where the setting is', () => {
    const verdict = ask({ platform: 'windows10', app: 'background', permission: 'never' });
    expect(verdict.reasons).toEqual(['B11', 'B12']);
    expect(explain(verdict, 'en').youCan.join(' ')).toContain('Settings > Privacy > Background apps');
    expect(explain(verdict, 'de').youCan.join(' ')).toContain('(B12)');
  });

  it('B13: on Windows 11 the person is told where the setting is', () => {
    const verdict = ask({ platform: 'windows11', app: 'background', permission: 'never' });
    expect(verdict.reasons).toEqual(['B11', 'B13']);
    expect(explain(verdict, 'en').youCan.join(' ')).toContain('Settings > Apps > Installed apps >');
    expect(explain(verdict, 'en').youCan.join(' ')).toContain('Advanced options > Background apps permissions > Power optimized (recommended)');
  });

  it('A3: a closed app is as on the earlier page', () => {
    for (const platform of PLATFORMS) expect(ask({ platform, app: 'closed' })).toMatchObject({ engine: 'stop', rule: 'A3' });
  });

  it('the published pages name no transfers and no wake-ups', () => {
    for (const platform of PLATFORMS) {
      expect(ask({ platform, app: 'background' }, FIRST).transfers).toBe('none');
      expect(wakeUps(RULES, platform)).toEqual([]);
    }
  });
});
