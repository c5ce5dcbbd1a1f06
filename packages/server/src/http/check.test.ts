import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { CheckRequest } from '@carryon/protocol';
import { LAST_RID } from '../core/cut.ts';
import { LIMITS } from '../core/limits.ts';
import { ModelDevice } from '../testing/model-device.ts';
import { commitsOf, openToken, tokenOf, withApp, type Answer, type TempApp } from '../testing/temp-app.ts';

const EPOCH = 'id-2';
const EMPTY: CheckRequest = { table: 1, width: 1000, ranges: [] };

const kinds = (answer: Answer): string[] => answer.frames.map((frame) => (0 in frame ? frame[0] : Object.keys(frame)[0] ?? ''));
const rangesOf = (answer: Answer): number[][] => answer.frames.flatMap((frame) => ('range' in frame ? [[frame.range.low, frame.range.high]] : []));
const ridsOf = (answer: Answer): number[] => answer.frames.flatMap((frame) => (0 in frame ? [frame[1]] : []));

/** A device that has read everything. */
async function synced(bench: TempApp, user: string): Promise<ModelDevice> {
  const device = new ModelDevice(user, bench.tables);
  for (const frame of (await bench.ask(user, { token: await bench.tokenAt(user, 0) })).frames) device.take(frame);
  return device;
}

const checkOf = (device: ModelDevice, table: number, width: number): CheckRequest => ({ table, width, ranges: device.measure(table, width) });

describe('checks over HTTP', () => {
  it('S36 S37 P17 bring what differs, and nothing else', async () => {
    await withApp(async (bench) => {
      const device = await synced(bench, 'ann');
      device.damage(1, (rows) => {
        rows.delete(15);
        rows.set(5000, { rid: 5000, ver: 1, values: [5000n, 'ghost'] });
      });
      const answer = await bench.ask('ann', { token: device.token, check: checkOf(device, 1, 10) });
      expect([kinds(answer).slice(0, 3), rangesOf(answer)]).toEqual([['header', 'table', 'range'], [[10, 19], [5000, 5009]]]);
      expect(ridsOf(answer)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
      expect(commitsOf(answer)).toMatchObject([{ checkpoint: 2, tables: [{ table: 1, rows: 100 }] }]);
      device.beginCheck(1);
      for (const frame of answer.frames) device.take(frame);
      const again = await bench.ask('ann', { token: device.token, check: checkOf(device, 1, 10) });
      expect(kinds(again)).toEqual(['header', 'commit']);
      expect((await bench.context.metrics.rows.get()).values[0]?.value).toBe(102 + 10);
    });
  });

  it('S37 move the token of their table alone, whatever it said', async () => {
    await withApp(async ({ ask, publish, business, tokenAt }) => {
      const { specs, tables } = openToken(await tokenAt('ann', 1));
      const [items, jobs] = [tables.get(1), tables.get(2)];
      business.exec("UPDATE item SET v = 'new' WHERE id = 3");
      await publish();
      const odd = [items?.form ?? '', 1, 9e15, items?.scope ?? 0, 77, 5, 5, 5, 1];
      const other = [jobs?.form ?? '', 2, 1, jobs?.scope ?? 0, jobs?.scope ?? 0, 1, 7, 1, 0];
      const answer = await ask('ann', { token: tokenOf(EPOCH, specs, odd, other), check: EMPTY });
      const [commit] = commitsOf(answer);
      expect([kinds(answer).filter((kind) => kind === 'P').length, commit?.token]).toEqual([100, tokenOf(EPOCH, specs, [items?.form ?? '', 1, commit?.checkpoint ?? 0, items?.scope ?? 0], other)]);
    });
  });

  it('S36 I12 P9 bring a person\'s own rows alone', async () => {
    await withApp(async ({ ask, tokenAt }) => {
      const answer = await ask('bob', { token: await tokenAt('bob', 1), check: { table: 2, width: 2, ranges: [0, 1, 5] } });
      expect([rangesOf(answer), ridsOf(answer), commitsOf(answer)[0]?.tables]).toEqual([[[0, 1], [2, 3]], [2], [expect.objectContaining({ table: 2, rows: 1 })]]);
      expect(answer.text).not.toContain('of ann');
      expect(answer.frames[0]).toMatchObject({ header: { user: 'bob' } });
    });
  });

  it('S96 S88 of what is not the person\'s, or not as they have it now, are lost: nothing of it is told', async () => {
    await withApp(async ({ ask, tokenAt }) => {
      const { specs, tables } = openToken(await tokenAt('ann', 1));
      const own = tables.get(2) ?? expect.fail('no table 2');
      const ofBob = openToken(await tokenAt('bob', 1)).tables.get(2)?.scope ?? 0;
      const jobs = { ...EMPTY, table: 2 };
      for (const entry of [[own.form, 2, 1, ofBob], ['other', 2, 1, own.scope], [own.form, 2, 1, 9999], [own.form, 2, 1, tables.get(1)?.scope ?? 0]]) {
        expect((await ask('ann', { token: tokenOf(EPOCH, specs, entry), check: jobs })).frames.slice(1), String(entry)).toEqual([{ lost: { table: 2 } }]);
      }
      const unknown = await ask('ann', { token: tokenOf(EPOCH, specs, [own.form, 3, 1, own.scope]), check: { ...EMPTY, table: 3 } });
      expect(unknown.frames.slice(1)).toEqual([{ lost: { table: 3 } }]);
    });
  });

  it('S36 V1 bring values exactly, text that is not UTF-8 too', async () => {
    await withApp(async ({ ask, publish, business, tokenAt }) => {
      const token = await tokenAt('ann', 0);
      business.exec("UPDATE item SET v = CAST(x'61ff' AS TEXT) WHERE id = 1; UPDATE item SET v = 1.0 WHERE id = 2; UPDATE item SET v = char(65533) WHERE id = 3; INSERT INTO job VALUES(9, 'ann', CAST(x'ff' AS TEXT))");
      await publish();
      const items = await ask('ann', { token, check: EMPTY });
      expect(items.frames.filter((frame) => 0 in frame).slice(0, 3)).toEqual([['P', 1, 3, 1, { x: 'Yf8=' }], ['P', 2, 3, 2, { r: '1' }], ['P', 3, 3, 3, '\ufffd']]);
      const jobs = await ask('ann', { token, check: { ...EMPTY, table: 2 } });
      expect(jobs.frames.filter((frame) => 0 in frame).at(-1)).toEqual(['P', 4, 3, 9, 'ann', { x: '/w==' }]);
    });
  });

  it('S36 name the largest row id where a range would go beyond it', async () => {
    await withApp(async ({ ask, tokenAt }) => {
      const token = await tokenAt('ann', 0);
      const last = Math.floor(LAST_RID / 1000);
      expect(rangesOf(await ask('ann', { token, check: { table: 1, width: 1000, ranges: [last, 1, 1] } }))).toEqual([[0, 999], [last * 1000, LAST_RID]]);
      expect(rangesOf(await ask('ann', { token, check: { table: 1, width: LAST_RID, ranges: [1, 1, 1] } }))).toEqual([[0, LAST_RID - 1], [LAST_RID, LAST_RID]]);
    });
  });

  it('S35 that are not as they must be are refused with what is wrong', async () => {
    await withApp(async ({ ask, tokenAt }) => {
      const token = await tokenAt('ann', 0);
      const wrong: [object, string][] = [
        [{ width: 0 }, 'check.width'], [{ width: -1 }, 'check.width'], [{ width: 1.5 }, 'check.width'], [{ width: undefined }, 'check.width'], [{ table: 'item' }, 'check.table'],
        [{ ranges: [0, 1] }, 'triples'], [{ ranges: [0, 1, 1, 2] }, 'triples'], [{ ranges: undefined }, 'check.ranges'], [{ ranges: [0, 1, -1] }, 'check.ranges[2]'], [{ ranges: [0, 1, '1'] }, 'check.ranges[2]'],
        [{ ranges: [1, 1, 1, 1, 1, 1] }, 'check.ranges[3]'], [{ ranges: [2, 1, 1, 1, 1, 1] }, 'check.ranges[3]'], [{ ranges: [0, 0, 0] }, 'check.ranges[1]'],
        [{ ranges: [LAST_RID, 1, 1] }, 'check.ranges[0]'], [{ ranges: Array.from({ length: 3 * 4096 + 3 }, () => 1) }, 'check.ranges'], [{ table: 3 }, 'does not name table 3'],
      ];
      for (const [part, place] of wrong) {
        const answer = await ask('ann', { token, check: { ...EMPTY, ...part } });
        expect(answer, JSON.stringify(part)).toMatchObject({ status: 400, code: 'protocol.bad-request' });
        expect(answer.text).toContain(place);
      }
      for (const body of [{ token: null }, { token: tokenOf(EPOCH, '', ['f', 2, 0, 1]) }, { token, fresh: [1] }]) {
        const answer = await ask('ann', { ...body, check: EMPTY });
        expect(answer, JSON.stringify(body)).toMatchObject({ status: 400, code: 'protocol.bad-request' });
        expect(answer.text).toContain('does not name table 1');
      }
      expect(await ask('ann', { token: tokenOf('another', '', ['f', 1, 0, 1]), check: EMPTY })).toMatchObject({ status: 409, code: 'epoch.changed' });
      expect(await ask('ann', { token, check: null })).toMatchObject({ status: 400, code: 'protocol.bad-request' });
    });
  });

  it('S38 P17 are answered with lost when too many rows or bytes differ', async () => {
    await withApp(async ({ ask, publish, business, tokenAt }) => {
      const token = await tokenAt('ann', 0);
      const isLost = async (check = EMPTY): Promise<boolean> => {
        const answer = await ask('ann', { token, check });
        if (kinds(answer).at(-1) === 'commit') return false;
        expect(answer.frames.slice(1)).toEqual([{ lost: { table: 1 } }]);
        return true;
      };
      business.exec(`INSERT INTO item WITH RECURSIVE n(i) AS (SELECT 101 UNION ALL SELECT i + 1 FROM n WHERE i < ${LIMITS.checkRows}) SELECT i, 'x' FROM n`);
      await publish();
      expect([await isLost(), await isLost({ ...EMPTY, width: 1 })]).toEqual([false, false]);
      business.exec("INSERT INTO item(v) VALUES('one more')");
      await publish();
      expect([await isLost(), await isLost({ ...EMPTY, width: 1 }), await isLost({ table: 1, width: 1, ranges: [7, 1, 1] })]).toEqual([true, true, true]);
      business.exec(`DELETE FROM item WHERE id > 20; UPDATE item SET v = printf('%.*c', 1000000, 'x')`);
      await publish();
      expect(await isLost()).toBe(true);
    });
  }, 30_000);

  it('S39 are bounded in number per person', async () => {
    await withApp(async ({ ask, tokenAt }) => {
      const token = await tokenAt('ann', 0);
      for (let i = 0; i < LIMITS.checksPerMinute; i++) await ask('ann', { token, check: { ...EMPTY, table: 2 } });
      expect(await ask('ann', { token, check: EMPTY })).toMatchObject({ status: 429, code: 'server.busy' });
      expect([(await ask('ann', { token })).status, (await ask('bob', { token: await tokenAt('bob', 0), check: EMPTY })).status]).toEqual([200, 200]);
    });
  });

  it('S36 are read in one snapshot: what comes meanwhile is in the next answer', async () => {
    let meanwhile = (): void => undefined;
    await withApp(async (bench) => {
      const device = await synced(bench, 'ann');
      device.damage(1, (rows) => rows.clear());
      const other = new DatabaseSync(bench.files.store);
      meanwhile = () => other.exec('UPDATE row_1 SET _ver = 99; UPDATE sync_state SET checkpoint = 99');
      const answer = await bench.ask('ann', { token: device.token, check: checkOf(device, 1, 7) });
      expect(commitsOf(answer)[0]?.checkpoint).toBe(2);
      device.beginCheck(1);
      for (const frame of answer.frames) device.take(frame);
      expect(device.rows(1)?.every(({ ver }) => ver === 1)).toBe(true);
      other.close();
    }, {
      storage: (storage) => ({ ...storage, read: (use) => storage.read((snapshot) => use({ ...snapshot, rangeDigests: (...args) => {
        const found = snapshot.rangeDigests(...args);
        meanwhile();
        return found;
      } })) }),
    });
  });
});
