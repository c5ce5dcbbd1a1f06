import { describe, expect, it } from 'vitest';
import type { CommitFrame, Frame } from '@carryon/protocol';
import { readEntitled } from '../entitled.ts';
import { ModelDevice, rowText } from '../testing/model-device.ts';
import { TEAMS_PROFILE, TEAMS_SQL, teamShare } from '../testing/teams.ts';
import { withStore, type TempStore } from '../testing/temp-store.ts';
import { pull, type PullAnswer } from './pull.ts';
import { tokenFromText, type Token } from './token.ts';

const MANY = 1000;

interface Bench extends TempStore {
  readonly device: ModelDevice;
  /** Lets the server see what the application has written. */
  write(sql: string): Promise<void>;
  ask(pageRows?: number): Promise<PullAnswer>;
  /** Takes answers until the next commit and sees that the device holds its share then; gives the frames taken. */
  round(pageRows?: number): Promise<readonly Frame[]>;
  /** One answer, which ends with a page. */
  page(pageRows: number): Promise<readonly Frame[]>;
}

/** Ann's device, which has read everything. */
const withDevice = (work: (bench: Bench) => Promise<void>, user = 'ann'): Promise<void> => withStore(TEAMS_SQL, [TEAMS_PROFILE], async (store) => {
  const { storage, business } = store;
  let nowMs = 1000;
  await storage.prepare(() => undefined);
  await storage.evaluate(nowMs);
  const device = new ModelDevice(user, []);
  const tokenOf = (epoch: string): Token => (device.token === null ? { epoch, specs: '', tables: new Map() } : tokenFromText(device.token) ?? expect.fail('no token'));
  const ask: Bench['ask'] = (pageRows = MANY) => readEntitled(storage, { personOf: () => ({ user, claims: {} }), nowMs: () => nowMs }, (snapshot, entitlement) => {
    const request = { user, device: 'phone', token: tokenOf(snapshot.state().epoch), entitlement, shares: entitlement.shares, nowMs, seal: (text: string) => text };
    return pull(snapshot, request, { pageRows, pageBytes: 1_000_000 });
  });
  const take = (frames: readonly Frame[]): CommitFrame['commit'][] => frames.flatMap((frame) => device.take(frame) ?? []);
  const round: Bench['round'] = async (pageRows) => {
    const taken: Frame[] = [];
    for (let answers = 0; answers < 200; answers++) {
      const { frames } = await ask(pageRows);
      taken.push(...frames);
      take(frames);
      if ('page' in (frames.at(-1) ?? {})) continue;
      expectShare(store, device);
      return taken;
    }
    return expect.fail('the round does not end');
  };
  const page: Bench['page'] = async (pageRows) => {
    const { frames } = await ask(pageRows);
    expect(frames.at(-1)).toHaveProperty('page');
    take(frames);
    return frames;
  };
  const write: Bench['write'] = async (sql) => {
    business.exec(sql);
    nowMs += 1000;
    await storage.evaluate(nowMs);
  };
  const bench = { ...store, device, ask, round, page, write };
  await round();
  await work(bench);
});

function expectShare({ business }: TempStore, device: ModelDevice): void {
  for (const { id, name } of device.specs) {
    expect((device.rows(id) ?? []).map(({ values }) => rowText(values)).sort(), `${name} of ${device.user}`).toEqual(teamShare(business, name, device.user));
  }
}

const kinds = (frames: readonly Frame[]): string[] => frames.map((frame) => (0 in frame ? frame[0] : Object.keys(frame)[0] ?? ''));
const count = (frames: readonly Frame[], kind: string): number => kinds(frames).filter((one) => one === kind).length;

const JOIN = "INSERT INTO member VALUES('ann', 'south')";
const LEAVE = "DELETE FROM member WHERE person = 'ann' AND team = 'north'";
/** Moves the floor up to now. */
const expire = async ({ storage }: Bench): Promise<void> => storage.expire(1e12);

describe('a person whose share changes', () => {
  it('S86 I1 gets what a team joined brings, and nothing that was there', () => withDevice(async ({ write, round }) => {
    await write(JOIN);
    const frames = await round();
    expect([count(frames, 'P'), count(frames, 'R'), count(frames, 'live'), count(frames, 'tables')]).toEqual([12, 0, 0, 0]);
    expect(kinds(await round())).toEqual(['header', 'commit']);
  }));

  it('S86 I7 loses with the next commit what a team left had', () => withDevice(async ({ write, round }) => {
    await write(LEAVE);
    const frames = await round();
    expect([count(frames, 'P'), count(frames, 'R'), count(frames, 'live')]).toEqual([0, 12, 0]);
  }));

  it('S86 I1 may change teams, rows and their versions all at once', () => withDevice(async ({ write, round }) => {
    await write(`${JOIN}; ${LEAVE}; UPDATE job SET v = 'new' WHERE id IN (1, 2, 8); UPDATE job SET team = 'south' WHERE id = 5; UPDATE job SET team = 'north' WHERE id = 6;
      DELETE FROM job WHERE id = 9; INSERT INTO job VALUES(90, NULL, 'south', 'x'), (91, NULL, 'north', 'x'); DELETE FROM note WHERE id = 10`);
    const frames = await round();
    expect(count(frames, 'live'), 'rows of north that have changed may never have been hers').toBe(2);
    const sent = frames.flatMap((frame) => (0 in frame && frame[0] === 'P' ? [frame[3]] : []));
    expect(sent.filter((id) => id === 16 || id === 24), 'own jobs that have not changed are not sent').toEqual([]);
  }));

  it('S86 S88 I12 comes back to a team: what had changed there meanwhile is exact', () => withDevice(async ({ write, round }) => {
    await write(LEAVE);
    await round();
    await write("UPDATE job SET v = 'meanwhile' WHERE team = 'north'; DELETE FROM job WHERE id = 1; INSERT INTO job VALUES(92, NULL, 'north', 'x')");
    expect(kinds(await round()), 'nothing of it is news').toEqual(['header', 'commit']);
    await write("INSERT INTO member VALUES('ann', 'north')");
    await round();
    await write("UPDATE job SET v = 'after' WHERE id = 5");
    expect(count(await round(), 'P')).toBe(1);
  }));

  it('S86 left and came back between two rounds: only what changed is sent', () => withDevice(async ({ write, round }) => {
    await write(LEAVE);
    await write("INSERT INTO member VALUES('ann', 'north'); UPDATE job SET v = 'new' WHERE id = 5");
    const frames = await round();
    expect([count(frames, 'P'), count(frames, 'R'), count(frames, 'live')]).toEqual([1, 0, 0]);
  }));

  it('S86 I9 in pages of any size', () => withDevice(async ({ write, round }) => {
    for (const [i, pageRows] of [1, 2, 3, 5, 11].entries()) {
      await write(i % 2 === 0 ? `${JOIN}; ${LEAVE}` : "DELETE FROM member WHERE person = 'ann'; INSERT INTO member VALUES('ann', 'north')");
      await round(pageRows);
      expect(kinds(await round())).toEqual(['header', 'commit']);
    }
  }));

  it('S86 S27 gets a commit of the tables with their digests also when no row comes or goes', () => withDevice(async ({ write, round, ask }) => {
    await write("INSERT INTO member VALUES('ann', 'empty')");
    const { isNews, rows } = await ask();
    expect([isNews, rows]).toEqual([true, 0]);
    await round();
    expect((await ask()).isNews).toBe(false);
  }));

  it('S86 I8 a lost answer, or one taken twice, is made up for', () => withDevice(async ({ write, round, ask, device }) => {
    await write(`${JOIN}; ${LEAVE}`);
    await ask(3);
    const { frames } = await ask(3);
    for (const frame of [...frames.slice(0, -1), ...frames]) device.take(frame);
    await ask(3);
    await round(3);
  }));

  it('S86 I2 a crash in the middle begins the round again', () => withDevice(async ({ write, round, page, device }) => {
    await write(`${JOIN}; ${LEAVE}`);
    await page(2);
    await page(2);
    device.crash();
    await round(4);
  }));
});

describe('a round whose share changes again', () => {
  it('S87 I9 begins anew and ends with the live-set', () => withDevice(async ({ write, round, page }) => {
    await write(JOIN);
    await page(2);
    await write(LEAVE);
    const frames = await round(100);
    expect(count(frames, 'live')).toBeGreaterThan(0);
    expect(count(await round(), 'live')).toBe(0);
  }));

  it('S87 I9 also when it changes back to where the device stood', () => withDevice(async ({ write, round, page }) => {
    for (const pages of [1, 2, 3]) {
      await write(`${LEAVE}; ${JOIN}`);
      for (let i = 0; i < pages; i++) await page(3);
      await write("DELETE FROM member WHERE person = 'ann'; INSERT INTO member VALUES('ann', 'north')");
      await round(3);
    }
  }));

  it('S87 I9 after the rows of the former scope were removed', () => withDevice(async ({ write, round, page }) => {
    await write(`${JOIN}; ${LEAVE}`);
    // All jobs are read and removed, notes are not.
    expect(count(await page(6), 'R')).toBe(6);
    await write("DELETE FROM member WHERE person = 'ann'; INSERT INTO member VALUES('ann', 'north')");
    await round(4);
  }));

  it('S86 I9 goes on after them when it stays', () => withDevice(async ({ write, round, page }) => {
    await write(`${JOIN}; ${LEAVE}`);
    expect(count(await page(6), 'R')).toBe(6);
    await write("UPDATE job SET team = 'west' WHERE id = 2; UPDATE job SET v = 'new' WHERE id = 6");
    const frames = await round(100);
    expect([count(frames, 'R'), count(frames, 'live')]).toEqual([8, 0]);
  }));

  it('S86 I7 a row that leaves and comes back within the round is kept', () => withDevice(async ({ write, round, page }) => {
    await write(JOIN);
    await page(1);
    await write('UPDATE job SET team = NULL WHERE id = 1');
    await page(1);
    await write("UPDATE job SET team = 'north' WHERE id = 1");
    await page(1);
    await write("UPDATE job SET team = 'west' WHERE id = 2");
    await round(1);
  }));

  it('S86 S87 I9 whatever comes between its pages', () => withDevice(async ({ write, round, page, storage }) => {
    const between = [
      "UPDATE job SET team = 'south' WHERE id % 3 = 0", "UPDATE job SET team = 'north' WHERE id % 4 = 0", "DELETE FROM job WHERE id % 5 = 0", "INSERT OR IGNORE INTO job SELECT id + 5, owner, 'south', 'again' FROM job",
      "UPDATE job SET owner = 'ann' WHERE id % 6 = 1", "UPDATE note SET job = job + 1", "UPDATE job SET owner = NULL, team = 'west' WHERE id % 2 = 1",
    ];
    await write(`${JOIN}; ${LEAVE}`);
    for (const [i, sql] of between.entries()) {
      await page(1);
      await write(sql);
      if (i === 4) await storage.expire(1e12);
    }
    await round(2);
    await round();
  }));
});

describe('a switch after the floor has moved', () => {
  it('S86 S28 brings the live-set, for removals may be missed', () => withDevice(async (bench) => {
    await bench.write("UPDATE job SET team = 'west' WHERE id = 1");
    await bench.write(LEAVE);
    await expire(bench);
    expect(count(await bench.round(), 'live')).toBeGreaterThan(0);
    expect(count(await bench.round(), 'live')).toBe(0);
  }));

  it('S86 S28 also when it moves between the pages', () => withDevice(async (bench) => {
    await bench.write(`${JOIN}; ${LEAVE}`);
    await bench.page(2);
    await bench.write("UPDATE job SET team = 'west' WHERE id IN (2, 6)");
    await expire(bench);
    await bench.round(3);
  }));
});

describe('more removals than a page may have', () => {
  it('S86 S25 are told by the live-set', () => withDevice(async ({ write, round }) => {
    await write(LEAVE);
    expect(count(await round(5), 'live')).toBeGreaterThan(0);
  }));
});

describe('somebody who is nobody any more', () => {
  it('S90 I7 keeps nothing: the answer names no tables, and its commit takes all away', () => withDevice(async ({ write, round, ask, device }) => {
    await write("DELETE FROM person WHERE id = 'ann'");
    const { frames, isNews } = await ask();
    expect([kinds(frames), isNews]).toEqual([['header', 'tables', 'commit'], true]);
    expect(frames[1]).toEqual({ tables: [] });
    await round();
    expect([device.specs, device.isCommitted]).toEqual([[], true]);
    expect((await ask()).isNews).toBe(false);
    await write("INSERT INTO person VALUES('ann')");
    expect(count(await round(), 'tables')).toBe(1);
    expect(device.specs.map(({ name }) => name)).toEqual(['job', 'note', 'part']);
  }));

  it('S90 was never anybody: gets no tables and no rows, and may ask again', () => withDevice(async ({ ask, device }) => {
    expect([device.specs, device.isCommitted]).toEqual([[], true]);
    expect((await ask()).isNews).toBe(false);
  }, 'stranger'));
});

describe('what a person lost', () => {
  /** The row ids in an answer to ann for a token that says she stands in a scope that she lost. */
  const told = async ({ ask, device }: Bench, token: string, pageRows = MANY): Promise<{ rids: number[]; kinds: string[] }> => {
    device.token = token;
    const { frames } = await ask(pageRows);
    return { rids: frames.flatMap((frame) => (0 in frame ? [frame[1]] : [])), kinds: kinds(frames) };
  };

  it('S88 I12 is not told any more, not even as row ids or their number, whatever the token says', () => withDevice(async (bench) => {
    const { write, round, device, ask } = bench;
    const before = device.token ?? '';
    await write(LEAVE);
    await round();
    const same = (await told(bench, before)).rids;
    expect(same, 'what she had, she may be told to remove').toHaveLength(12);
    await write("INSERT INTO job SELECT id + 100, NULL, 'north', 'secret' FROM job");
    const after = await told(bench, before);
    expect(after.rids.filter((rid) => !same.includes(rid))).toEqual([]);
    const forged = tokenFromText(before) ?? expect.fail('no token');
    const { checkpoint } = await bench.storage.read((snapshot) => snapshot.state());
    for (const at of [0, 1, checkpoint, checkpoint + 5]) {
      const text = JSON.stringify([forged.epoch, forged.specs, [...forged.tables].map(([id, { form, scope }]) => [form, id, at, scope])]);
      const { rids } = await told(bench, text);
      const own = await ask().then(() => told(bench, JSON.stringify([forged.epoch, forged.specs, []])));
      expect(rids.filter((rid) => !same.includes(rid) && !own.rids.includes(rid)), `at ${at}`).toEqual([]);
    }
  }));

  it('S88 I12 is not told even of the time before the server noted it', () => withDevice(async (bench) => {
    const { write, round, business } = bench;
    business.exec("INSERT INTO job SELECT id + 100, NULL, 'north', 'secret' FROM job");
    await write(LEAVE);
    const frames = await round();
    expect([count(frames, 'R'), count(frames, 'P')], 'notes of north have not changed').toEqual([6, 0]);
    expect(count(frames, 'live')).toBe(1);
  }));

  it('S88 I1 came back to a scope: nothing is told of the time between, and the table is exact', () => withDevice(async (bench) => {
    const { write, round, ask, device } = bench;
    const before = device.token;
    await write(LEAVE);
    // Another device of hers asks, and the server notes what she lost.
    await ask();
    await write("INSERT INTO job SELECT id + 100, NULL, 'north', 'secret' FROM job; DELETE FROM job WHERE id IN (1, 5)");
    await write("DELETE FROM job WHERE v = 'secret' AND id > 110; INSERT INTO member VALUES('ann', 'north')");
    device.token = before;
    const { rids } = await told(bench, before ?? '');
    const { business } = bench;
    expect(business.prepare("SELECT count(*) AS n FROM job WHERE v = 'secret'").get()).toEqual({ n: 10 });
    expect(rids.filter((rid) => rid <= 24), 'not even what she had').toEqual([]);
    expect(rids.length, 'those that are there now are hers').toBe(10);
    await round();
    await write("UPDATE job SET v = 'x' WHERE id = 9");
    expect(kinds(await round()), 'afterwards it is as ever').toEqual(['header', 'table', 'P', 'commit', 'commit']);
  }));
});
