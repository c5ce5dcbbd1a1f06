import { describe, expect, it } from 'vitest';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from './ports.ts';
import { OsRig } from './testing/rig.ts';

const PROMPT = { refreshLateMs: [0, 0], processingLateMs: [0, 0], processingMs: [MINUTE_MS, MINUTE_MS] } as const;

describe('iOS', () => {
  it('A4, C1: left for another app, it is told, runs on for the grace, and is suspended', () => {
    const rig = new OsRig('ios').act('open', 'leave').pass(HOUR_MS);
    expect(rig.log).toEqual(['0 start foreground', '0 report background grace<30000', '30000 suspend drop']);
    expect(rig.os.isRunning).toBe(false);
    expect(rig.act('open').log).toEqual([`${HOUR_MS} resume`, `${HOUR_MS} report foreground`]);
  });

  it('A5, C1: locked, too; at rest it is suspended before the grace ends', () => {
    const rig = new OsRig('ios').act('open', 'lock');
    rig.os.rested();
    expect(rig.pass(MINUTE_MS).log).toEqual(['0 start foreground', '0 report foreground locked idle grace<30000', '100 suspend drop']);
  });

  it('C1: what happens in the grace is told and gives no new grace; opening ends it', () => {
    const rig = new OsRig('ios').act('open', 'leave').pass(10 * SECOND_MS).act('lock').pass(10 * SECOND_MS);
    expect(rig.log).toEqual(['10000 report background locked idle grace<30000']);
    rig.act('open').pass(HOUR_MS);
    expect(rig.log).toEqual(['20000 report foreground']);
  });

  it('C1: a grace cut short is told as ended', () => {
    const rig = new OsRig('ios', { ios: { cutEarlyPercent: 100 } }).act('open', 'leave').pass(HOUR_MS);
    const [atMs] = (rig.log.at(-1) ?? '').split(' ');
    expect(rig.log.slice(2)).toEqual([`${atMs} report background grace<${atMs}`, `${atMs} suspend drop`]);
  });

  it('A6, A7: asked for slices, a locked device runs the app at the wished time, 5 minutes at most, and every 15 minutes', () => {
    const rig = new OsRig('ios').act('open', 'lock').wish(15 * MINUTE_MS).pass(MINUTE_MS);
    rig.log.length = 0;
    rig.pass(34 * MINUTE_MS);
    const slice = (fromMin: number): string[] => [`${fromMin * MINUTE_MS} resume`, `${fromMin * MINUTE_MS} report foreground locked idle`, `${(fromMin + 5) * MINUTE_MS} suspend drop`];
    expect(rig.log).toEqual([...slice(15), ...slice(30)]);
  });

  it('A8: left, and locked later: the app is told of the lock, and gets its slice 15 minutes after', () => {
    const rig = new OsRig('ios').act('open', 'leave').wish(0).pass(7 * MINUTE_MS);
    rig.onReport = ({ screen }) => {
      if (screen === 'locked') rig.wish(22 * MINUTE_MS);
    };
    rig.act('lock').pass(16 * MINUTE_MS);
    expect(rig.log).toEqual([
      '420000 resume', '420000 report background locked idle', '425000 suspend drop',
      `${22 * MINUTE_MS} resume`, `${22 * MINUTE_MS} report background locked idle`,
    ]);
  });

  it('A10: a person who uses another app ends a slice at once, and there is none while the device is in use', () => {
    const rig = new OsRig('ios').act('open', 'leave', 'lock').wish(15 * MINUTE_MS).pass(16 * MINUTE_MS);
    rig.act('unlock').pass(HOUR_MS);
    expect(rig.log).toEqual([`${16 * MINUTE_MS} report background`, `${16 * MINUTE_MS} suspend drop`]);
  });

  it('A3, A6: a process that is gone gets no slice', () => {
    const rig = new OsRig('ios').act('open', 'lock').wish(15 * MINUTE_MS).pass(MINUTE_MS).act('kill').pass(HOUR_MS);
    expect(rig.log).toEqual(['60000 kill']);
    expect(rig.os.situation()).toMatchObject({ app: 'closed', quitByPerson: false });
  });

  it('B8: without a wish it is never run out of sight', () => {
    const rig = new OsRig('ios').act('open', 'leave', 'lock').pass(24 * HOUR_MS);
    expect(rig.log.at(-1)).toBe('30000 suspend drop');
  });

  it('C1: refresh windows have about 30 seconds, and 15 minutes between them', () => {
    const rig = new OsRig('ios', { ios: PROMPT }).act('open', 'leave').wish(2 * MINUTE_MS, 'refresh').pass(MINUTE_MS).act().pass(17 * MINUTE_MS);
    expect(rig.log).toEqual([
      '120000 resume', '120000 report background refresh<150000', '150000 suspend drop',
      '1020000 resume', '1020000 report background refresh<1050000', '1050000 suspend drop',
    ]);
  });

  it('C1: processing windows wait for a device at rest, and end when the person uses it', () => {
    const rig = new OsRig('ios', { ios: PROMPT }).act('open', 'leave').wish(MINUTE_MS, 'processing').pass(20 * MINUTE_MS).act('lock').pass(5 * MINUTE_MS);
    expect(rig.log).toEqual([`${21 * MINUTE_MS} resume`, `${21 * MINUTE_MS} report background locked idle processing<${22 * MINUTE_MS}`, `${22 * MINUTE_MS} suspend drop`]);
    rig.pass(11 * MINUTE_MS + SECOND_MS).act('unlock');
    const atMs = rig.timeline.nowMs();
    expect(rig.log).toEqual([`${atMs} report background processing<${atMs}`, `${atMs} suspend drop`]);
  });

  it('C1: low power mode and a denied background refresh grant no window', () => {
    for (const ios of [PROMPT, { ...PROMPT, backgroundRefresh: false }]) {
      const rig = new OsRig('ios', { ios }).act('open', 'leave', 'lock').wish(0, 'refresh', 'processing').pass(MINUTE_MS);
      rig.act(...('backgroundRefresh' in ios ? [] : ['saver-on'] as const)).pass(HOUR_MS);
      expect(rig.log.filter((line) => line.includes('resume') && !line.startsWith('0'))).toEqual([]);
    }
  });

  it('A3, C1: iOS starts an app that it ended itself, and none that the person swiped away', () => {
    const killed = new OsRig('ios', { ios: PROMPT }).act('open', 'leave').wish(MINUTE_MS, 'refresh').act('kill').pass(MINUTE_MS);
    expect(killed.log).toEqual(['0 kill', '60000 start background refresh<90000']);
    const quit = new OsRig('ios', { ios: PROMPT }).act('open', 'leave').wish(MINUTE_MS, 'refresh').act('quit').pass(HOUR_MS);
    expect(quit.log).toEqual(['0 kill']);
    expect(quit.os.situation()).toMatchObject({ app: 'closed', quitByPerson: true });
  });

  it('C1: a suspended process may be ended for its memory', () => {
    const rig = new OsRig('ios', { ios: { killPercent: 100 } }).act('open', 'lock').pass(HOUR_MS);
    expect(rig.log.at(-1)).toMatch(/^\d+ kill$/);
    expect(rig.act('unlock').log).toEqual([]);
    expect(rig.act('open').log).toEqual([`${HOUR_MS} start foreground`]);
  });

  it('C1: before the first unlock after a boot nothing is readable', () => {
    const rig = new OsRig('ios', { ios: PROMPT }).act('open').wish(MINUTE_MS, 'refresh').act('reboot').pass(MINUTE_MS).pass(MINUTE_MS);
    rig.os.act({ do: 'unlock' });
    expect(rig.log).toEqual(['0 kill', '0 storage false', '60000 start background locked idle refresh<90000', '90000 suspend drop', '120000 storage true']);
    expect(new OsRig('ios').act('open', 'power-loss').log.slice(1)).toEqual(['0 power-loss', '0 storage false']);
  });

  it('C1: when all transfers ended, it wakes the app for some seconds', () => {
    const rig = new OsRig('ios').act('open');
    void rig.enqueue(2);
    rig.act('leave').pass(MINUTE_MS).act();
    rig.end('/p0', { ok: true, bytes: new Uint8Array(3) });
    expect(rig.log).toEqual([]);
    rig.end('/p1', { ok: true, bytes: new Uint8Array(3) });
    expect(rig.pass(MINUTE_MS).log).toEqual(['60000 resume', '60000 report background refresh<70000', '70000 suspend drop']);
  });
});
