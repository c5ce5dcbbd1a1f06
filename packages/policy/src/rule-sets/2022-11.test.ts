import { describe, expect, it } from 'vitest';
import { decide } from '../decide.ts';
import { mayUseOffline, rowOf } from '../rule-sets.ts';
import { PLATFORMS, type Situation, type Sync } from '../situation.ts';
import { ACTIVE, after, Device, FIRST, MINUTE, NEW, situation } from '../testing/situations.ts';
import type { Verdict } from '../verdict.ts';

const RULES = '2022-11';
const ask = (changes: Partial<Situation>, sync: Sync = FIRST, ms = 0): Verdict => after(RULES, ms, sync, changes);

describe('rule set 2022-11', () => {
  it('A1: a first sync brings app and data before offline use', () => {
    expect(mayUseOffline(RULES, { app: true, data: false })).toEqual({ allowed: false, rule: 'A1', missing: ['data'] });
    expect(mayUseOffline(RULES, { app: false, data: false }).missing).toEqual(['app', 'data']);
    expect(mayUseOffline(RULES, { app: true, data: true }).allowed).toBe(true);
    expect(ask({}).reasons).toEqual(['A9', 'A1']);
    expect(ask({}, ACTIVE).reasons).toEqual(['A9']);
  });

  it('A2: in the background a sync may go on; browsers and Node have this row alone', () => {
    for (const platform of ['web', 'node'] as const) {
      expect(ask({ platform, app: 'background' })).toMatchObject({ engine: 'run', rule: 'A2' });
      expect(ask({ platform, screen: 'locked' }, NEW)).toMatchObject({ engine: 'run', rule: 'A2' });
    }
    for (const platform of ['android', 'windows10', 'windows11'] as const) expect(ask({ platform, app: 'background' }).reasons).toContain('A2');
  });

  it('A3: closing ends the sync, and the next open lets it go on', () => {
    for (const platform of PLATFORMS) {
      expect(ask({ platform, app: 'closed' })).toMatchObject({ engine: 'stop', rule: 'A3', endsBy: ['open-app'] });
      expect(ask({ platform, app: 'closed' }, NEW)).toMatchObject({ engine: 'wait', rule: 'A3' });
      const device = new Device({ platform, app: 'closed' }).pass(MINUTE).change({ app: 'foreground' });
      expect(device.ask(RULES, { kind: 'first', state: 'suspended' }).engine).toBe('run');
    }
  });

  it('A4: iOS suspends at once in the background', () => {
    const verdict = ask({ app: 'background', inUse: false });
    expect(verdict).toMatchObject({ engine: 'suspend', rule: 'A4', endsBy: ['open-app'], transfers: 'none' });
    expect(verdict.untilMs).toBeUndefined();
    expect(ask({ app: 'background', inUse: false }, FIRST, 60 * MINUTE)).toMatchObject({ engine: 'suspend', rule: 'A4' });
    expect(ask({ app: 'background', inUse: false }, NEW)).toMatchObject({ engine: 'wait', rule: 'A4' });
  });

  it('A5: iOS suspends at once when locked', () => {
    for (const app of ['foreground', 'background'] as const) {
      expect(ask({ app, screen: 'locked', inUse: false })).toMatchObject({ engine: 'suspend' });
      expect(ask({ app, screen: 'locked', inUse: false }).reasons).toContain('A5');
      expect(ask({ app, screen: 'locked' }, FIRST, 16 * MINUTE)).toMatchObject({ engine: 'suspend', rule: 'A5' });
    }
  });

  it('A6: up to 5 minutes at a time, at 15, 30, 45 minutes after the lock', () => {
    const locked = { app: 'background', screen: 'locked', inUse: false } as const;
    for (const slice of [15, 30, 45, 600]) {
      expect(ask(locked, FIRST, slice * MINUTE - 1).engine).toBe('suspend');
      expect(ask(locked, FIRST, slice * MINUTE)).toMatchObject({ engine: 'run', rule: 'A6', untilMs: (slice + 5) * MINUTE });
      expect(ask(locked, FIRST, (slice + 5) * MINUTE - 1)).toMatchObject({ engine: 'run', untilMs: (slice + 5) * MINUTE });
      expect(ask(locked, FIRST, (slice + 5) * MINUTE)).toMatchObject({ engine: 'suspend', nextMs: (slice + 15) * MINUTE });
      expect(ask(locked, NEW, slice * MINUTE).engine).toBe('wait');
    }
  });

  it('A6: the person ends a slice by using the device, and the suspension by opening the app', () => {
    const device = new Device().change({ app: 'background' }).change({ screen: 'locked', inUse: false }).pass(16 * MINUTE);
    expect(device.ask(RULES).rule).toBe('A6');
    expect(device.change({ screen: 'unlocked', inUse: true }).ask(RULES)).toMatchObject({ engine: 'suspend', rule: 'A10' });
    expect(device.change({ app: 'foreground' }).ask(RULES)).toMatchObject({ engine: 'run', rule: 'A9' });
    // A later lock begins anew.
    device.change({ screen: 'locked', inUse: false });
    expect(device.ask(RULES)).toMatchObject({ engine: 'suspend', rule: 'A7', nextMs: device.now.nowMs + 15 * MINUTE });
  });

  it('A7: left open and locked: suspended, resumes in 15 minutes', () => {
    expect(ask({ screen: 'locked', inUse: false })).toMatchObject({ engine: 'suspend', rule: 'A7', nextMs: 15 * MINUTE, endsBy: ['unlock'] });
    expect(ask({ screen: 'locked', inUse: false }, NEW)).toMatchObject({ engine: 'wait', rule: 'A7', endsBy: ['unlock'] });
  });

  it('A8: left for another app, then locked: suspended, resumes in 15 minutes', () => {
    const device = new Device().change({ app: 'background' }).pass(7 * MINUTE).change({ screen: 'locked', inUse: false });
    expect(device.ask(RULES)).toMatchObject({ engine: 'suspend', rule: 'A8', nextMs: 22 * MINUTE, endsBy: ['open-app'] });
    expect(device.pass(15 * MINUTE).ask(RULES)).toMatchObject({ engine: 'run', rule: 'A6' });
  });

  it('A9: in use and unlocked: runs to completion', () => {
    const verdict = ask({}, FIRST, 600 * MINUTE);
    expect(verdict).toMatchObject({ engine: 'run', network: 'use', rule: 'A9', endsBy: [] });
    expect(verdict.untilMs).toBeUndefined();
    expect(ask({}, NEW)).toMatchObject({ engine: 'run', rule: 'A9' });
  });

  it('A10: another app is in use: paused, and none starts', () => {
    expect(ask({ app: 'background' }, FIRST, 60 * MINUTE)).toMatchObject({ engine: 'suspend', rule: 'A10', endsBy: ['open-app'] });
    expect(ask({ app: 'background' }, NEW)).toMatchObject({ engine: 'wait', rule: 'A10' });
  });

  it('A11: Android goes on in the background', () => {
    expect(ask({ platform: 'android', app: 'background' }, FIRST, 600 * MINUTE)).toMatchObject({ engine: 'run', rule: 'A11' });
    expect(ask({ platform: 'android', app: 'background' }, NEW)).toMatchObject({ engine: 'wait', rule: 'A11' });
  });

  it('A12: Android goes on while locked', () => {
    for (const app of ['foreground', 'background'] as const) expect(ask({ platform: 'android', app, screen: 'locked' })).toMatchObject({ engine: 'run', rule: 'A12' });
  });

  it('A13: Windows goes on while minimized', () => {
    const verdict = ask({ platform: 'windows11', app: 'background' }, FIRST, 600 * MINUTE);
    expect(verdict).toMatchObject({ engine: 'run', rule: 'A13', reasons: ['A13', 'A2', 'A16', 'A1'] });
    expect(ask({ platform: 'windows10', app: 'background', power: 'battery' }).rule).toBe('A13');
    expect(ask({ platform: 'windows10', app: 'background', saver: true }).rule).toBe('A13');
    expect(ask({ platform: 'windows10', app: 'background' }, NEW)).toMatchObject({ engine: 'run', rule: 'A13' });
  });

  it('A14: Windows goes on while locked', () => {
    for (const app of ['foreground', 'background'] as const) {
      expect(ask({ platform: 'windows10', app, screen: 'locked' }, FIRST, 600 * MINUTE)).toMatchObject({ engine: 'run', rule: 'A14' });
    }
  });

  const thrifty = { platform: 'windows11', power: 'battery', saver: true } as const;

  it('A15: on battery with power saving 10 minutes only, until maximized', () => {
    for (const away of [{ app: 'background' }, { screen: 'locked' }] as const) {
      const device = new Device(thrifty).pass(3 * MINUTE).change(away);
      expect(device.ask(RULES)).toMatchObject({ engine: 'run', rule: 'A15', untilMs: 13 * MINUTE });
      expect(device.pass(10 * MINUTE - 1).ask(RULES)).toMatchObject({ engine: 'run', untilMs: 13 * MINUTE });
      expect(device.pass(1).ask(RULES)).toMatchObject({ engine: 'suspend', rule: 'A15' });
      expect(device.ask(RULES, NEW)).toMatchObject({ engine: 'wait', rule: 'A15' });
      expect(device.ask(RULES).nextMs).toBeUndefined();
      expect(device.change({ app: 'foreground', screen: 'unlocked' }).ask(RULES)).toMatchObject({ engine: 'run', rule: 'S1' });
      expect(device.change(away).ask(RULES)).toMatchObject({ engine: 'run', untilMs: device.now.nowMs + 10 * MINUTE });
    }
  });

  it('A15: once suspended, neither plugging in, nor the lock, nor the setting ends it', () => {
    const device = new Device(thrifty).change({ app: 'background' }).pass(10 * MINUTE);
    for (const change of [{ power: 'plugged' }, { saver: false }, { screen: 'locked' }, { permission: 'always' }, { screen: 'unlocked' }] as const) {
      expect(device.change(change).pass(MINUTE).ask(RULES)).toMatchObject({ engine: 'suspend', rule: 'A15', endsBy: ['maximize'] });
    }
  });

  it('A15: plugged in before the end, the next stretch has 10 minutes of its own', () => {
    const device = new Device(thrifty).change({ app: 'background' }).pass(9 * MINUTE).change({ power: 'plugged' });
    expect(device.pass(60 * MINUTE).ask(RULES)).toMatchObject({ engine: 'run', rule: 'A13' });
    device.change({ power: 'battery' });
    expect(device.pass(10 * MINUTE - 1).ask(RULES)).toMatchObject({ engine: 'run', rule: 'A15' });
    expect(device.pass(1).ask(RULES).engine).toBe('suspend');
  });

  it('A16: the setting governs the background', () => {
    const away = { platform: 'windows10', app: 'background' } as const;
    expect(ask({ ...away, permission: 'never' })).toMatchObject({ engine: 'suspend', rule: 'A16', endsBy: ['maximize', 'setting-background'] });
    expect(ask({ ...away, permission: 'never' }, NEW)).toMatchObject({ engine: 'wait', rule: 'A16' });
    expect(ask({ ...thrifty, app: 'background', permission: 'always' }, FIRST, 60 * MINUTE)).toMatchObject({ engine: 'run', rule: 'A13' });
    expect(ask({ ...thrifty, app: 'background', permission: 'never' }).rule).toBe('A16');
    expect(ask({ platform: 'windows10', permission: 'never' }).rule).toBe('S1');
    expect(rowOf(RULES, 'A16')?.says).toContain('Power optimized is recommended and the default');
  });

  it('S1: in front and unlocked every platform runs', () => {
    for (const platform of PLATFORMS) expect(decide(RULES, situation({ platform }), NEW, undefined)).toMatchObject({ engine: 'run', rule: platform === 'ios' ? 'A9' : 'S1' });
  });

  it('S2: frozen is suspended', () => {
    for (const platform of PLATFORMS) expect(ask({ platform, app: 'frozen' })).toMatchObject({ engine: 'suspend', rule: 'S2', endsBy: ['open-app', 'wake'] });
  });
});
