import { describe, expect, it } from 'vitest';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from './ports.ts';
import { OsRig } from './testing/rig.ts';

const NEVER = { do: 'permission', to: 'never' } as const;
const SLEEP = { do: 'sleep', forMs: HOUR_MS } as const;

describe('Windows', () => {
  it('A13, A14, A15: minimized or locked it runs on, whatever the power', () => {
    const rig = new OsRig('windows11').act('open', 'saver-on', 'leave', 'lock').pass(24 * HOUR_MS);
    expect(rig.os.isRunning).toBe(true);
    expect(rig.os.situation()).toMatchObject({ app: 'background', screen: 'locked', power: 'battery', saver: true, permission: 'power-optimized' });
  });

  it('A16, C3: with Never it is suspended some seconds later, until it is seen again', () => {
    const rig = new OsRig('windows10', { windows: { suspendAfterMs: [5 * SECOND_MS, 5 * SECOND_MS] } }).act('open', 'leave', NEVER).pass(HOUR_MS);
    expect(rig.log.slice(-2)).toEqual(['5000 report frozen', '5000 suspend drop']);
    expect(rig.act({ do: 'permission', to: 'always' }, 'open').log).toEqual([`${HOUR_MS} resume`, `${HOUR_MS} report foreground`]);
    const seen = new OsRig('windows10').act(NEVER, 'open', 'leave').pass(SECOND_MS).act('open').pass(HOUR_MS);
    expect(seen.os.isRunning).toBe(true);
    expect(new OsRig('windows10', { windows: { packaged: false } }).act(NEVER, 'open', 'leave').pass(HOUR_MS).os.isRunning).toBe(true);
  });

  it('C3: it is told of a sleep before, and wakes by time or by the person', () => {
    const rig = new OsRig('windows11', { windows: { hangPercent: 0 } }).act('open', 'leave', SLEEP).pass(2 * HOUR_MS);
    expect(rig.log.slice(2)).toEqual(['0 report frozen', '0 suspend drop', '3600000 resume', '3600000 report background']);
    const woken = new OsRig('windows11').act('open', 'lock', SLEEP).pass(MINUTE_MS).act('unlock');
    expect(woken.log).toEqual(['60000 resume', '60000 report foreground locked idle', '60000 report foreground']);
    expect(new OsRig('windows11').act('open', 'leave', NEVER, SLEEP).pass(2 * HOUR_MS).os.isRunning).toBe(false);
  });
});

describe('web', () => {
  it('C4: a hidden page runs on; on a phone it is frozen after a minute, is told just before, and its requests hang', () => {
    const rig = new OsRig('web', { web: { device: 'phone' } }).act('open', 'leave').pass(HOUR_MS);
    expect(rig.log).toEqual(['0 start foreground', '0 report background', '60000 report frozen', '60000 suspend hang']);
    expect(rig.act('open').log).toEqual([`${HOUR_MS} resume`, `${HOUR_MS} report foreground`]);
    expect(new OsRig('web', { web: { device: 'phone' } }).act('open', 'lock').pass(MINUTE_MS).os.isRunning).toBe(false);
  });

  it('C4: on a desktop it is frozen only while power is saved, 5 minutes after it was hidden', () => {
    const rig = new OsRig('web').act('open', 'lock', 'leave').pass(HOUR_MS);
    expect(rig.os.isRunning).toBe(true);
    expect(rig.act('saver-on').pass(0).log.at(-1)).toBe(`${HOUR_MS} suspend hang`);
    expect(rig.act('saver-off').log).toEqual([`${HOUR_MS} resume`, `${HOUR_MS} report background locked idle`]);
  });

  it('C4: discarded or closed it is gone; a page in sight is not frozen or discarded', () => {
    const rig = new OsRig('web').act('open', 'freeze', 'discard');
    expect(rig.log).toEqual(['0 start foreground']);
    expect(rig.act('leave', 'freeze', 'discard', 'open').log).toEqual(['0 report background', '0 report frozen', '0 suspend hang', '0 kill', '0 start foreground']);
    expect(rig.act('quit').log).toEqual(['0 kill']);
  });

  it('C4: frozen before the machine slept, it is frozen after', () => {
    const rig = new OsRig('web').act('open', 'leave', 'freeze', SLEEP).pass(2 * HOUR_MS);
    expect(rig.log.at(-1)).toBe('0 suspend hang');
    expect(rig.act(SLEEP).pass(1).act('open').log).toEqual(['7200001 resume', '7200001 report foreground']);
  });
});

describe('every OS', () => {
  it('ignores what it does not have', () => {
    for (const platform of ['ios', 'android', 'windows11', 'node'] as const) expect(new OsRig(platform).act('open', 'discard').os.isRunning).toBe(true);
    for (const platform of ['ios', 'android'] as const) expect(new OsRig(platform).act('open', SLEEP, NEVER).os.situation()).toMatchObject({ app: 'foreground', permission: 'power-optimized' });
  });

  it('tells the end of a window on the device\'s clock, set or not', () => {
    let offsetMs = 1_000;
    const rig = new OsRig('ios', {}, 1, () => offsetMs);
    rig.act('open', 'leave');
    offsetMs = -5_000;
    rig.act({ do: 'clock', byMs: -6_000 });
    expect(rig.reports.map(({ window }) => window?.endsMs)).toEqual([undefined, 31_000, 25_000]);
  });
});

describe('Node', () => {
  it('C5: always runs', () => {
    const rig = new OsRig('node').act('open', 'leave', 'lock', 'saver-on', NEVER).pass(24 * HOUR_MS);
    expect(rig.os.isRunning).toBe(true);
    expect(rig.os.situation()).toMatchObject({ app: 'foreground', permission: 'power-optimized' });
    expect(rig.os.transfers).toBeUndefined();
  });

  it('C5: hears of a sleep only after it', () => {
    const rig = new OsRig('node', { node: { hangPercent: 100 } }).act('open', SLEEP).pass(2 * HOUR_MS);
    expect(rig.log).toEqual(['0 start foreground', '0 suspend hang', '3600000 resume', '3600000 report frozen', '3600000 report foreground']);
  });

  it('C5: a service manager starts it again after a crash or a boot, not after it was quit', () => {
    const restarts = (action: 'kill' | 'reboot' | 'power-loss' | 'quit'): boolean => new OsRig('node').act('open', action).pass(HOUR_MS).os.isRunning;
    expect((['kill', 'reboot', 'power-loss', 'quit'] as const).map(restarts)).toEqual([true, true, true, false]);
  });
});
