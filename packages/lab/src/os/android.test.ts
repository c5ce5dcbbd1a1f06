import { describe, expect, it } from 'vitest';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from './ports.ts';
import { OsRig } from './testing/rig.ts';

const STEADY = { networkCutMs: [20 * SECOND_MS, 20 * SECOND_MS], freezePercent: 0, jobLateMs: [0, 0], userJobMs: [HOUR_MS, HOUR_MS] } as const;

describe('Android', () => {
  it('C2: out of sight the process lives on, and loses its network', () => {
    const rig = new OsRig('android', { android: STEADY }).act('open', 'leave').pass(HOUR_MS);
    expect(rig.log).toEqual(['0 start foreground', '0 report background', '20000 network cut', '20000 report background none']);
    expect(rig.os.isRunning).toBe(true);
    expect(rig.act('open').log).toEqual([`${HOUR_MS} network up`, `${HOUR_MS} report foreground`]);
  });

  it('A11, A12: before Android 15 it goes on with its network', () => {
    const rig = new OsRig('android', { android: { ...STEADY, networkCutMs: undefined } }).act('open', 'leave', 'lock').pass(HOUR_MS);
    expect(rig.log).toEqual(['0 start foreground', '0 report background', '0 report background locked idle']);
  });

  it('C2: the freezer suspends without a word', () => {
    const rig = new OsRig('android', { android: { ...STEADY, networkCutMs: undefined, freezePercent: 100, freezeMs: [MINUTE_MS, MINUTE_MS] } }).act('open', 'leave').pass(HOUR_MS);
    expect(rig.log.slice(2)).toEqual(['60000 suspend drop']);
    expect(rig.act('open').log).toEqual([`${HOUR_MS} resume`, `${HOUR_MS} report foreground`]);
    expect(rig.act('freeze').log).toEqual([]);
    expect(rig.act('leave', 'freeze').log.at(-1)).toBe(`${HOUR_MS} suspend drop`);
  });

  it('C2: a job comes every 15 minutes at the soonest, with the network and for 10 minutes', () => {
    const rig = new OsRig('android', { android: STEADY }).act('open', 'leave').wish(MINUTE_MS, 'job').pass(30 * SECOND_MS).act().pass(16 * MINUTE_MS);
    expect(rig.log).toEqual([
      '60000 network up', '60000 report background job<660000',
      '680000 network cut', '680000 report background none job<660000', '960000 network up', '960000 report background job<1560000',
    ]);
  });

  it('C2: rested, a job ends', () => {
    const rig = new OsRig('android', { android: STEADY }).act('open', 'leave').wish(MINUTE_MS, 'job').pass(2 * MINUTE_MS).act();
    rig.os.rested();
    expect(rig.pass(SECOND_MS).log).toEqual(['120100 report background job<120100']);
  });

  it('C2: a job starts a process that the OS ended, but none that was forced to stop or before the first unlock', () => {
    const of = (...actions: readonly ('kill' | 'quit' | 'reboot')[]): OsRig => new OsRig('android', { android: STEADY }).act('open', 'leave').wish(MINUTE_MS, 'job').act(...actions).pass(10 * MINUTE_MS);
    expect(of('kill').log).toEqual(['0 kill', '60000 start background job<660000']);
    expect(of('quit').log).toEqual(['0 kill']);
    expect(of('reboot').log).toEqual(['0 kill', '0 storage false']);
    expect(of('reboot').act('unlock').pass(10 * MINUTE_MS).log[1]).toMatch(/start background job/);
  });

  it('C2: an app that is rarely used has 10 minutes of jobs in a day, but any number while charging', () => {
    const rig = new OsRig('android', { android: { ...STEADY, bucket: 'rare' } }).act('open', 'leave').wish(0, 'job').act().pass(20 * HOUR_MS);
    const windows = (): number => new Set(rig.reports.map(({ window }) => window?.endsMs)).size;
    const before = windows();
    expect(rig.reports.filter(({ window }) => window !== undefined).every(({ window }) => (window?.endsMs ?? 0) <= 10 * MINUTE_MS)).toBe(true);
    rig.act('plug').pass(2 * HOUR_MS);
    expect(windows()).toBeGreaterThan(before + 6);
  });

  it('C2: a user-initiated job, wished for while visible, keeps process and network from the moment of leaving', () => {
    const rig = new OsRig('android', { android: STEADY }).act('open').wish(0, 'user-initiated').act('leave').pass(59 * MINUTE_MS);
    expect(rig.log).toEqual(['0 report background user-initiated<?']);
    expect(rig.act().pass(2 * MINUTE_MS).log).toEqual(['3600000 report background user-initiated<3600000', '3620000 network cut', '3620000 report background none user-initiated<3600000']);
  });

  it('C2: a job that died counts for as long as it lived', () => {
    const rig = new OsRig('android', { android: { ...STEADY, bucket: 'rare' } }).act('open', 'leave').wish(0, 'job').pass(2 * MINUTE_MS).act('kill').pass(HOUR_MS);
    expect(rig.log).toEqual(['120000 kill', '900000 start background job<1380000', '1400000 network cut', '1400000 report background none job<1380000']);
  });

  it('C2: left without a network, a user-initiated job begins with it', () => {
    const rig = new OsRig('android', { android: STEADY }).act('open', { do: 'network', to: 'none' }).wish(0, 'user-initiated').act('leave').pass(MINUTE_MS).act({ do: 'network', to: 'metered' });
    expect(rig.log.at(-1)).toBe('60000 report background metered user-initiated<?');
  });

  it('C2: a user-initiated job may be wished for in the moment of leaving, not later', () => {
    const atLeaving = new OsRig('android', { android: STEADY }).act('open', 'leave').wish(0, 'user-initiated');
    expect(atLeaving.reports.at(-1)?.window).toEqual({ kind: 'user-initiated' });
    const later = new OsRig('android', { android: STEADY }).act('open', 'leave').pass(1).wish(0, 'user-initiated').pass(HOUR_MS);
    expect(later.reports.every(({ window }) => window === undefined)).toBe(true);
  });

  it('C2: a user-initiated job without a network stops, and goes on with it', () => {
    const rig = new OsRig('android', { android: STEADY }).act('open').wish(0, 'user-initiated').act('leave', { do: 'network', to: 'none' });
    expect(rig.os.situation()).toMatchObject({ network: 'none', window: { kind: 'user-initiated', endsMs: 0 } });
    rig.pass(MINUTE_MS).act({ do: 'network', to: 'metered' });
    expect(rig.log).toEqual(['60000 network up', '60000 report background metered user-initiated<?']);
  });
});
