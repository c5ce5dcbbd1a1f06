import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Comparison, Predicate, When } from '../../../core/filter/predicate.ts';
import { Database, type Bound } from '../driver.ts';
import { predicateSql } from './predicate.ts';
import { columnOf, NEVER } from './sql.ts';
import { movingTimes, passedSql, timeSql } from './time.ts';

const RUNS = 300 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);
const BERLIN = 'Europe/Berlin';
const MINUTE = 60_000;
const at = (text: string): number => Date.parse(text);

let db: Database;
beforeEach(() => {
  db = new Database(':memory:');
  db.exec('CREATE TABLE t(due)');
  db.exec(`CREATE INDEX t_due ON t(${timeSql(columnOf('', 'due')).sql})`);
});
afterEach(() => db.close());

const insert = (...dues: readonly Bound[]): void => { for (const due of dues) db.run('INSERT INTO t VALUES(?)', due); };
const condition = (by: Comparison, when: When, clockMs: number, timeZone = BERLIN): ReturnType<typeof predicateSql> =>
  predicateSql({ op: 'time', column: 'due', by, when }, { alias: 'r', clockMs, timeZone, mine: () => NEVER });
function those(by: Comparison, when: When, clockMs: number, timeZone?: string): unknown[] {
  const { sql, values } = condition(by, when, clockMs, timeZone);
  return db.all<{ due: unknown }>(`SELECT due FROM t r WHERE ${sql} ORDER BY rowid`, ...values).map(({ due }) => due);
}
const NOW: When = { kind: 'now', plusSeconds: 0 };

describe('a column as a time', () => {
  const seconds = (due: Bound): unknown => {
    db.exec('DELETE FROM t');
    insert(due);
    return db.get<{ s: unknown }>(`SELECT ${timeSql(columnOf('r', 'due')).sql} AS s FROM t r`)?.s;
  };

  it('R5 is read from ISO 8601 texts and from numbers, and from nothing else', () => {
    const noon = at('2026-11-21T12:00:00Z') / 1000;
    for (const due of ['2026-11-21T12:00:00Z', '2026-11-21T12:00', '2026-11-21 12:00:00.000', '2026-11-21T13:30:00+01:30', noon, noon * 1000, '2026-11-21T12:00Z']) expect(seconds(due), String(due)).toBe(noon);
    expect(seconds('2026-11-21')).toBe(noon - 43_200);
    expect(seconds('2026-11-21T12:00:00.25Z')).toBe(noon + 0.25);
    for (const due of [null, '', 'now', 'NOW', '12:00', '2461000.5', String(noon), 'tomorrow', '2026-11-21T12', '2026-11-21T25:00', '2026-13-01', '-2026-11-21', ' 2026-11-21', new Uint8Array(Buffer.from('2026-11-21'))]) expect(seconds(due), String(due)).toBeNull();
  });

  it('R5 takes numbers for milliseconds from the year 5138 on, if they were seconds', () => {
    expect([seconds(99_999_999_999), seconds(100_000_000_000), seconds(-1), seconds(0.5)]).toEqual([99_999_999_999, 100_000_000, -1, 0.5]);
  });

  it('R5 can be indexed, whatever texts the rows have, and ranges of it use the index', () => {
    insert('now', 'localtime', 'utc', '2026-11-21 now', 'auto', '2026-11-21');
    const moment = passedSql('r', { column: 'due', when: NOW }, 0, MINUTE, BERLIN);
    const plan = db.all<{ detail: string }>(`EXPLAIN QUERY PLAN SELECT 1 FROM t r WHERE ${moment?.sql}`, ...moment?.values ?? []).map(({ detail }) => detail).join('; ');
    expect(plan).toMatch(/SEARCH r USING (COVERING )?INDEX t_due .*SEARCH r USING (COVERING )?INDEX t_due/s);
  });
});

describe('comparisons with a moment', () => {
  it('R5 compare what has an offset as an instant, and what has none with the wall\'s clock in the profile\'s zone', () => {
    insert('2026-11-21T12:00:00Z', '2026-11-21T13:00:00+01:00', '2026-11-21T12:00:00', '2026-11-21T13:00:00', at('2026-11-21T12:00:00Z'));
    const clock = at('2026-11-21T12:00:00Z');
    expect(those('eq', NOW, clock)).toEqual(['2026-11-21T12:00:00Z', '2026-11-21T13:00:00+01:00', '2026-11-21T13:00:00', clock]);
    expect(those('lt', NOW, clock)).toEqual(['2026-11-21T12:00:00']);
    expect(those('eq', NOW, clock, 'UTC')).toEqual(['2026-11-21T12:00:00Z', '2026-11-21T13:00:00+01:00', '2026-11-21T12:00:00', clock]);
  });

  it('R5 do not hold for what is no time, nor does any other than `ne`, which does not either', () => {
    insert(null, 'soon', '', new Uint8Array([50]));
    for (const by of ['eq', 'ne', 'gt', 'ge', 'lt', 'le'] as const) expect(those(by, NOW, 0), by).toEqual([]);
  });

  it('R5 I17 on the day that clocks go back an hour is shown twice, and a window of days is as long as its days are', () => {
    // 2026-10-25: 03:00 summer time becomes 02:00. Today has 25 hours.
    insert('2026-10-25T00:00', '2026-10-25T02:30', '2026-10-25T23:59', '2026-10-26T00:00', '2026-10-24T22:00:00Z', '2026-10-25T22:59:00Z', '2026-10-25T23:00:00Z');
    const window = (clockMs: number): unknown[] => {
      const [from, to] = [those('ge', { kind: 'today', plusDays: 0 }, clockMs), those('lt', { kind: 'today', plusDays: 1 }, clockMs)];
      return from.filter((due) => to.includes(due));
    };
    const day = ['2026-10-25T00:00', '2026-10-25T02:30', '2026-10-25T23:59', '2026-10-24T22:00:00Z', '2026-10-25T22:59:00Z'];
    for (const clock of ['2026-10-24T22:00:00Z', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-10-25T22:59:00Z']) expect(window(at(clock)), clock).toEqual(day);
    const shown = (clock: string): boolean => those('le', NOW, at(clock)).includes('2026-10-25T02:30');
    expect(['2026-10-25T00:29:00Z', '2026-10-25T00:30:00Z', '2026-10-25T01:00:00Z', '2026-10-25T01:30:00Z'].map(shown)).toEqual([false, true, false, true]);
  });

  it('R5 I17 on the day that clocks go forward nothing lies in the hour that is left out, and the day is 23 hours long', () => {
    // 2026-03-29: 02:00 becomes 03:00.
    insert('2026-03-29T02:30', '2026-03-29T00:00:00+01:00', '2026-03-30T00:00:00+02:00');
    expect(those('lt', NOW, at('2026-03-29T00:59:00Z'))).toEqual(['2026-03-29T00:00:00+01:00']);
    expect(those('lt', NOW, at('2026-03-29T01:00:00Z'))).toEqual(['2026-03-29T02:30', '2026-03-29T00:00:00+01:00']);
    expect(those('ge', { kind: 'today', plusDays: 1 }, at('2026-03-29T12:00:00Z'))).toEqual(['2026-03-30T00:00:00+02:00']);
  });
});

describe('times that the clock moves', () => {
  const time = (when: When): Predicate => ({ op: 'time', column: 'due', by: 'lt', when });
  const AT: When = { kind: 'at', instant: 1, wall: 1 };

  it('R10 are found wherever they stand, each once', () => {
    const today: When = { kind: 'today', plusDays: 7 };
    const found = movingTimes({ op: 'and', of: [time(NOW), time(AT), { op: 'not', of: { op: 'or', of: [time(NOW), { ...time(today), column: 'other' } as Predicate] } }, { op: 'constant', value: true }] });
    expect(found).toEqual([{ column: 'due', when: NOW }, { column: 'other', when: today }]);
    expect(movingTimes(time(AT))).toEqual([]);
  });

  it('R10 that do not move between two clocks pass no row', () => {
    expect(passedSql('r', { column: 'due', when: { kind: 'today', plusDays: 0 } }, at('2026-11-21T00:00:00+01:00'), at('2026-11-21T23:59:00+01:00'), BERLIN)).toBeUndefined();
    expect(passedSql('r', { column: 'due', when: NOW }, 5, 5, BERLIN)).toBeUndefined();
  });

  it('R10 I17 pass every row whose comparison the clock changes, also where the wall\'s clock goes back', () => {
    const minute = fc.integer({ min: at('2026-10-24T20:00:00Z') / MINUTE, max: at('2026-10-26T02:00:00Z') / MINUTE });
    const when: fc.Arbitrary<When> = fc.oneof(
      fc.record({ kind: fc.constant('now' as const), plusSeconds: fc.constantFrom(0, 3600, -3600, 86_400) }), fc.record({ kind: fc.constant('today' as const), plusDays: fc.integer({ min: -1, max: 1 }) }));
    const due = fc.tuple(minute, fc.nat(3)).map(([minutes, form]): Bound => {
      const iso = new Date(minutes * MINUTE).toISOString();
      return [iso, iso.slice(0, 19), minutes * MINUTE, minutes * 60][form] ?? null;
    });
    fc.assert(fc.property(fc.array(due, { minLength: 1, maxLength: 20 }), when, minute, minute, (dues, moment, before, after) => {
      db.exec('DELETE FROM t');
      insert(...dues);
      const passed = passedSql('r', { column: 'due', when: moment }, before * MINUTE, after * MINUTE, BERLIN) ?? NEVER;
      for (const by of ['eq', 'ne', 'gt', 'ge', 'lt', 'le'] as const) {
        const [then, now] = [condition(by, moment, before * MINUTE), condition(by, moment, after * MINUTE)];
        const missed = db.all(`SELECT due FROM t r WHERE ${then.sql} <> ${now.sql} AND NOT ${passed.sql}`, ...then.values, ...now.values, ...passed.values);
        expect(missed, by).toEqual([]);
      }
    }), { numRuns: RUNS });
  });
});
