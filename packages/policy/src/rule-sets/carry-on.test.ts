import { describe, expect, it } from 'vitest';
import { wakeUps } from '../rule-sets.ts';
import { PLATFORMS, type Situation, type Sync, WINDOW_KINDS } from '../situation.ts';
import { ACTIVE, after, Device, FIRST, MINUTE, NEW } from '../testing/situations.ts';
import type { Verdict } from '../verdict.ts';

const RULES = 'carry-on';
const UPLOAD: Sync = { kind: 'upload', state: 'none' };
const ask = (changes: Partial<Situation>, sync: Sync = FIRST, ms = 60 * MINUTE): Verdict => after(RULES, ms, sync, changes);
const kinds = (platform: Situation['platform']): readonly string[] => wakeUps(RULES, platform).map(({ kind }) => kind);

describe('rule set carry-on', () => {
  it('C1: iOS leaves 30 seconds of grace; transfers go on', () => {
    for (const changes of [{ app: 'background' }, { screen: 'locked' }] as const) {
      expect(ask(changes, FIRST, 0)).toMatchObject({ engine: 'run', rule: 'C1', untilMs: 30_000, transfers: 'go-on' });
      expect(ask(changes, FIRST, 29_999)).toMatchObject({ engine: 'run', untilMs: 30_000 });
      expect(ask(changes, FIRST, 30_000)).toMatchObject({ engine: 'suspend', rule: 'C1', transfers: 'go-on' });
      expect(ask(changes, FIRST).endsBy).toContain('wake');
    }
    // Locking after leaving is no second grace.
    expect(new Device().change({ app: 'background' }).pass(40_000).change({ screen: 'locked' }).ask(RULES).engine).toBe('suspend');
  });

  it('C1: in the grace time uploads may start, other syncs may not', () => {
    expect(ask({ app: 'background' }, UPLOAD, 5_000)).toMatchObject({ engine: 'run', untilMs: 30_000 });
    expect(ask({ app: 'background' }, UPLOAD, 30_000).engine).toBe('wait');
    expect(ask({ app: 'background' }, NEW, 5_000)).toMatchObject({ engine: 'wait', endsBy: ['open-app', 'wake'] });
  });

  it('C1: the grace that the OS tells counts instead of the usual one', () => {
    const window = { kind: 'grace', endsMs: 12_000 } as const;
    expect(ask({ app: 'background', window }, FIRST, 11_999)).toMatchObject({ engine: 'run', untilMs: 12_000 });
    expect(ask({ app: 'background', window }, UPLOAD, 11_999)).toMatchObject({ engine: 'run', untilMs: 12_000 });
    expect(ask({ app: 'background', window }, NEW, 11_999).engine).toBe('wait');
    expect(ask({ app: 'background', window }, FIRST, 12_000).engine).toBe('suspend');
  });

  it('C1: in the windows that iOS grants the engine runs to their deadline', () => {
    expect(kinds('ios')).toEqual(['refresh', 'processing', 'user-initiated']);
    const device = new Device().change({ app: 'background', inUse: false }).pass(60 * MINUTE);
    expect(device.ask(RULES).engine).toBe('suspend');
    for (const kind of ['refresh', 'processing', 'user-initiated'] as const) {
      const endsMs = device.now.nowMs + 2 * MINUTE;
      device.change({ window: { kind, endsMs } });
      expect(device.ask(RULES)).toMatchObject({ engine: 'run', rule: 'C1', untilMs: endsMs });
      expect(device.ask(RULES, NEW)).toMatchObject({ engine: 'run', rule: 'C1', untilMs: endsMs });
      expect(device.pass(2 * MINUTE).ask(RULES).engine).toBe('suspend');
      expect(device.ask(RULES, NEW).engine).toBe('wait');
    }
  });

  it('C1: swiping the app away ends the transfers, the OS ending it does not', () => {
    expect(ask({ app: 'closed' })).toMatchObject({ engine: 'stop', rule: 'C1', transfers: 'go-on' });
    expect(ask({ app: 'closed', quitByPerson: true })).toMatchObject({ engine: 'stop', rule: 'C1', transfers: 'none' });
  });

  it('C2: Android goes on while the process lives, and transfers with it', () => {
    for (const changes of [{ app: 'background' }, { screen: 'locked' }] as const) {
      const verdict = ask({ platform: 'android', ...changes });
      expect(verdict).toMatchObject({ engine: 'run', rule: 'C2', transfers: 'go-on' });
      expect(verdict.untilMs).toBeUndefined();
      expect(ask({ platform: 'android', ...changes }, NEW)).toMatchObject({ engine: 'wait', rule: 'C2' });
    }
    expect(ask({ platform: 'android', app: 'frozen' })).toMatchObject({ engine: 'suspend', transfers: 'go-on' });
    expect(ask({ platform: 'android', app: 'closed' })).toMatchObject({ engine: 'stop', transfers: 'go-on' });
    expect(ask({ platform: 'android', app: 'closed', quitByPerson: true }).transfers).toBe('none');
  });

  it('C2: jobs: 15 minutes at the soonest, with a deadline; a long first sync asks for a user-initiated one', () => {
    expect(wakeUps(RULES, 'android')).toEqual([{ kind: 'job', soonestMs: 15 * MINUTE, aboutMs: 10 * MINUTE }, { kind: 'user-initiated' }]);
    const window = { kind: 'job', endsMs: 70 * MINUTE } as const;
    expect(ask({ platform: 'android', app: 'background', window }, NEW)).toMatchObject({ engine: 'run', untilMs: 70 * MINUTE });
    expect(ask({ platform: 'android', app: 'background', window: { kind: 'user-initiated' } })).not.toHaveProperty('untilMs');
  });

  it('C3: Windows goes on unless Never, and for 10 minutes while it saves battery power', () => {
    const away = { platform: 'windows11', app: 'background' } as const;
    const thrifty = { ...away, power: 'battery', saver: true } as const;
    expect(ask(away)).toMatchObject({ engine: 'run', rule: 'C3', transfers: 'go-on' });
    expect(ask(away, NEW)).toMatchObject({ engine: 'run', rule: 'C3' });
    expect(ask({ ...away, permission: 'never' })).toMatchObject({ engine: 'suspend', rule: 'C3', transfers: 'go-on', reasons: ['C3', 'B1', 'B13'] });
    expect(ask(thrifty, FIRST, 0)).toMatchObject({ engine: 'run', untilMs: 10 * MINUTE });
    expect(ask(thrifty, FIRST, 10 * MINUTE)).toMatchObject({ engine: 'suspend', transfers: 'go-on', endsBy: ['maximize'] });
    expect(ask({ ...thrifty, permission: 'always' }).engine).toBe('run');
    expect(kinds('windows10')).toEqual(['resume', 'unlock', 'power-change']);
  });

  it('C4: a hidden page goes on until frozen; closed it ends', () => {
    expect(ask({ platform: 'web', app: 'background' })).toMatchObject({ engine: 'run', rule: 'C4', transfers: 'go-on' });
    expect(ask({ platform: 'web', app: 'background' }, NEW)).toMatchObject({ engine: 'run', rule: 'C4' });
    expect(ask({ platform: 'web', app: 'frozen' })).toMatchObject({ engine: 'suspend', rule: 'C4', transfers: 'go-on' });
    expect(ask({ platform: 'web', app: 'closed' })).toMatchObject({ engine: 'stop', rule: 'C4', endsBy: ['open-app'] });
    expect(kinds('web')).toEqual(['background-sync', 'periodic-sync']);
  });

  it('C5: Node always runs and rests while the machine sleeps', () => {
    for (const changes of [{}, { app: 'background' }, { screen: 'locked', power: 'battery', saver: true, permission: 'never' }] as const) {
      expect(ask({ platform: 'node', ...changes })).toMatchObject({ engine: 'run', rule: 'C5', transfers: 'none' });
      expect(ask({ platform: 'node', ...changes }, NEW)).toMatchObject({ engine: 'run', rule: 'C5' });
    }
    expect(ask({ platform: 'node', app: 'frozen' })).toMatchObject({ engine: 'suspend', rule: 'C5' });
    expect(kinds('node')).toEqual(['timer', 'resume']);
  });

  it('only a first sync has transfers, and a new one has none before it starts', () => {
    expect(ask({ app: 'background' }, ACTIVE).transfers).toBe('none');
    expect(ask({}, { kind: 'first', state: 'none' }).transfers).toBe('go-on');
    expect(ask({ app: 'background' }, { kind: 'first', state: 'none' }).transfers).toBe('none');
  });

  it('windows mean nothing where code runs anyway, or cannot', () => {
    for (const kind of WINDOW_KINDS) {
      for (const platform of PLATFORMS) {
        expect(ask({ platform, window: { kind, endsMs: 1 } }).engine).toBe('run');
        expect(ask({ platform, app: 'closed', window: { kind, endsMs: 1e9 } }).engine).toBe('stop');
      }
    }
  });
});
