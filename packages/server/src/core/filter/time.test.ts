import { describe, expect, it } from 'vitest';
import { instantIn, momentOf, readDuration, readTime, wallIn, zoneNamed } from './time.ts';

const utc = (iso: string): number => Date.parse(iso.endsWith('Z') ? iso : `${iso}Z`) / 1000;
const iso = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

/** Instant and wall clock as text. */
const shown = ({ instant, wall }: { instant: number; wall: number }): [string, string] => [iso(instant), iso(wall)];
const read = (text: string, zone: string): [string, string] | undefined => {
  const moment = readTime(text, zone);
  return moment && shown(moment);
};
const today = (plusDays: number, clock: string, zone: string): [string, string] => shown(momentOf({ kind: 'today', plusDays }, utc(clock) * 1000, zone));
const now = (plusSeconds: number, clock: string, zone: string): [string, string] => shown(momentOf({ kind: 'now', plusSeconds }, utc(clock) * 1000, zone));

describe('times of filters', () => {
  it('F9 a time with an offset is an instant', () => {
    expect(read('2026-11-21T10:00:00Z', 'Europe/Berlin')).toEqual(['2026-11-21T10:00:00Z', '2026-11-21T11:00:00Z']);
    expect(read('2026-07-21T10:00:00+05:30', 'Europe/Berlin')).toEqual(['2026-07-21T04:30:00Z', '2026-07-21T06:30:00Z']);
    expect(read('2026-11-21T00:00-03:00', 'UTC')).toEqual(['2026-11-21T03:00:00Z', '2026-11-21T03:00:00Z']);
    expect(readTime('2026-11-21T10:00:00.1256Z', 'UTC')?.instant).toBe(utc('2026-11-21T10:00:00.126Z'));
    expect(readTime('2026-11-21T10:00:00.9999Z', 'UTC')?.instant).toBe(utc('2026-11-21T10:00:01Z'));
  });

  it('F9 a time without an offset is what clocks on the wall of the time zone show, and a date the beginning of its day there', () => {
    expect(read('2026-11-21T10:00:00', 'Europe/Berlin')).toEqual(['2026-11-21T09:00:00Z', '2026-11-21T10:00:00Z']);
    expect(read('2026-07-21', 'Europe/Berlin')).toEqual(['2026-07-20T22:00:00Z', '2026-07-21T00:00:00Z']);
    expect(read('2026-07-21', 'Asia/Kolkata')).toEqual(['2026-07-20T18:30:00Z', '2026-07-21T00:00:00Z']);
    expect(read('2026-01-01', 'Asia/Kathmandu')).toEqual(['2025-12-31T18:15:00Z', '2026-01-01T00:00:00Z']);
    expect(read('2026-01-01', 'UTC')).toEqual(['2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z']);
  });

  it('F9 a time that clocks skip is the moment of the skip, and one that they show twice the first of both', () => {
    expect(read('2026-03-29T02:30:00', 'Europe/Berlin')).toEqual(['2026-03-29T01:00:00Z', '2026-03-29T02:30:00Z']);
    expect(read('2026-03-29T01:59:59', 'Europe/Berlin')?.[0]).toBe('2026-03-29T00:59:59Z');
    expect(read('2026-03-29T03:00:00', 'Europe/Berlin')?.[0]).toBe('2026-03-29T01:00:00Z');
    expect(read('2026-10-25T02:30:00', 'Europe/Berlin')?.[0]).toBe('2026-10-25T00:30:00Z');
    expect(read('2026-10-25T03:00:00', 'Europe/Berlin')?.[0]).toBe('2026-10-25T02:00:00Z');
    // Half an hour on Lord Howe; a whole day in Samoa; a day without a midnight in Cairo, and one with two in Havana.
    expect(read('2026-10-04T02:15:00', 'Australia/Lord_Howe')?.[0]).toBe('2026-10-03T15:30:00Z');
    expect(read('2011-12-30T12:00:00', 'Pacific/Apia')?.[0]).toBe('2011-12-30T10:00:00Z');
    expect(read('2026-04-24', 'Africa/Cairo')).toEqual(['2026-04-23T22:00:00Z', '2026-04-24T00:00:00Z']);
    expect(read('2026-11-01', 'America/Havana')).toEqual(['2026-11-01T04:00:00Z', '2026-11-01T00:00:00Z']);
  });

  it('F9 far dates are read too, and dates that there are not are none', () => {
    expect(read('9999-12-31T23:59:59Z', 'Europe/Berlin')?.[0]).toBe('9999-12-31T23:59:59Z');
    expect(read('0001-01-01', 'UTC')).toEqual(['0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z']);
    expect(read('0000-01-01', 'Europe/Berlin')?.[1]).toBe('0000-01-01T00:00:00Z');
    // Before railways Berlin kept its own time.
    expect(read('1850-01-01', 'Europe/Berlin')).toEqual(['1849-12-31T23:06:32Z', '1850-01-01T00:00:00Z']);
    expect(read('2024-02-29', 'UTC')?.[0]).toBe('2024-02-29T00:00:00Z');
    for (const none of ['2026-02-29', '2026-13-01', '2026-00-10', '2026-01-00', '2026-01-01T24:00:00', '2026-01-01T10:60', '2026-01-01T10:00:60Z', '2026-01-01T10:00:00+15:00', '2026-1-1', '']) {
      expect(readTime(none, 'UTC'), none).toBeUndefined();
    }
  });

  it('F10 now is moved by seconds, whatever clocks on the wall do meanwhile', () => {
    expect(now(0, '2026-11-21T10:05:00', 'UTC')).toEqual(['2026-11-21T10:05:00Z', '2026-11-21T10:05:00Z']);
    expect(now(86_400, '2026-03-28T12:00:00', 'Europe/Berlin')).toEqual(['2026-03-29T12:00:00Z', '2026-03-29T14:00:00Z']);
    expect(now(-7200, '2026-10-25T01:30:00', 'Europe/Berlin')).toEqual(['2026-10-24T23:30:00Z', '2026-10-25T01:30:00Z']);
  });

  it('F10 today begins with the day of the time zone, and is moved by its days', () => {
    expect(today(0, '2026-11-21T22:59:59', 'Europe/Berlin')).toEqual(['2026-11-20T23:00:00Z', '2026-11-21T00:00:00Z']);
    expect(today(0, '2026-11-21T23:00:00', 'Europe/Berlin')).toEqual(['2026-11-21T23:00:00Z', '2026-11-22T00:00:00Z']);
    expect(today(1, '2026-03-28T12:00:00', 'Europe/Berlin')).toEqual(['2026-03-28T23:00:00Z', '2026-03-29T00:00:00Z']);
    expect(today(2, '2026-03-28T12:00:00', 'Europe/Berlin')).toEqual(['2026-03-29T22:00:00Z', '2026-03-30T00:00:00Z']);
    expect(today(-7, '2026-10-28T12:00:00', 'Europe/Berlin')).toEqual(['2026-10-20T22:00:00Z', '2026-10-21T00:00:00Z']);
    expect(today(0, '2026-11-21T03:00:00', 'America/St_Johns')).toEqual(['2026-11-20T03:30:00Z', '2026-11-20T00:00:00Z']);
    expect(today(14, '2026-11-21T00:00:00', 'UTC')).toEqual(['2026-12-05T00:00:00Z', '2026-12-05T00:00:00Z']);
    expect(today(1, '2026-04-23T12:00:00', 'Africa/Cairo')).toEqual(['2026-04-23T22:00:00Z', '2026-04-24T00:00:00Z']);
    expect(today(-1, '0001-01-01T12:00:00', 'UTC')[1]).toBe('0000-12-31T00:00:00Z');
  });

  it('F10 the beginning of every day is its first moment: the one before is of the day before', () => {
    for (const zone of ['Europe/Berlin', 'America/Sao_Paulo', 'Africa/Cairo', 'America/Havana', 'Asia/Beirut', 'Pacific/Apia', 'Australia/Lord_Howe', 'America/Scoresbysund']) {
      for (let day = 14_600; day < 15_500; day++) {
        const { instant, wall } = wallIn(day * 86_400, zone);
        expect(instantIn(instant, zone).wall, `${zone} ${iso(wall)}`).toBeGreaterThanOrEqual(wall);
        expect(instantIn(instant - 1, zone).wall, `${zone} ${iso(wall)}`).toBeLessThan(wall);
      }
    }
  });

  it('F10 an instant says itself', () => {
    expect(momentOf({ kind: 'at', instant: 5, wall: 7 }, 123, 'Europe/Berlin')).toEqual({ instant: 5, wall: 7 });
  });

  it('F9 time zones have their names from the IANA database, in any letters', () => {
    expect([zoneNamed('UTC'), zoneNamed('europe/berlin'), zoneNamed('America/Argentina/Buenos_Aires')]).toEqual(['UTC', 'Europe/Berlin', expect.stringContaining('Buenos_Aires')]);
    for (const none of ['', 'Mars/Olympus', '+02:00', 'local', 'Europe/Berlin ']) expect(zoneNamed(none), none).toBeUndefined();
  });

  it('F10 durations are days, hours, minutes and seconds, a hundred years at most', () => {
    const seconds = (text: string): number | undefined => readDuration(text);
    expect(['P7D', 'PT2H', 'P1DT2H3M4S', '-PT30M', 'PT0S', 'P36525D', 'PT3155760000S'].map(seconds)).toEqual([604_800, 7200, 93_784, -1800, 0, 3_155_760_000, 3_155_760_000]);
    for (const none of ['', 'P', 'PT', 'P1DT', 'P1Y', 'P1W', '7D', 'PT1.5H', 'P36525DT1S', 'PT2H ', 'p7d']) expect(seconds(none), none).toBeUndefined();
  });
});
