import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PackSpec, PlanFrame } from '@carryon/protocol';
import { LIMITS } from '../core/limits.ts';
import { readEntitled } from '../entitled.ts';
import { tokenFromText } from '../core/token.ts';
import { TEAMS_PROFILE, TEAMS_SQL } from '../testing/teams.ts';
import { withStore, type Profiles, type TempStore } from '../testing/temp-store.ts';
import { PackFiles } from './files.ts';
import { Planner } from './planner.ts';
import { PackUrls } from './url.ts';

const SQL = `CREATE TABLE item(id INTEGER PRIMARY KEY, v); CREATE TABLE job(id INTEGER PRIMARY KEY, owner);
  INSERT INTO item WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i, 'v' || i FROM n;
  INSERT INTO job VALUES(1, 'ann'), (2, 'bob');`;
const DAY_MS = 86_400_000;

interface Bench extends TempStore {
  readonly planner: Planner;
  readonly packs: string;
  readonly clock: { nowMs: number };
  plan(user: string): Promise<PlanFrame['plan'] & { readonly at: ReadonlyMap<number, number> }>;
}

const withPlanner = (work: (bench: Bench) => Promise<void>, sql = SQL, profile: Profiles = { item: { every: 60 }, job: { rows: { own: 'owner' } } }): Promise<void> =>
  withStore(sql, profile, async (store) => {
    const packs = join(store.files.store, '..', 'packs');
    const files = new PackFiles(packs);
    await files.open();
    const clock = { nowMs: 1_000_000 };
    const planner = new Planner(store.storage, files, new PackUrls(new Uint8Array(32)), { nowMs: () => clock.nowMs, after: () => () => undefined });
    await store.storage.prepare(() => undefined);
    await store.storage.evaluate(clock.nowMs);
    const plan = async (user: string): ReturnType<Bench['plan']> => {
      const asker = { personOf: () => ({ user, claims: {} }), nowMs: () => clock.nowMs };
      const found = await readEntitled(store.storage, asker, (snapshot, entitlement) => ({ entitlement, checkpoint: snapshot.state().checkpoint }));
      const request = { ...found, token: { epoch: 'e', specs: '', tables: new Map() }, shares: found.entitlement.shares, codec: 'gzip', seal: (text: string) => text } as const;
      for await (const frame of planner.plan(request)) {
        if (!('plan' in frame)) continue;
        const at = new Map([...(tokenFromText(frame.plan.token)?.tables ?? [])].map(([id, position]) => [id, position.at]));
        return { ...frame.plan, at };
      }
      throw new Error('there was no plan');
    };
    await work({ ...store, planner, packs, clock, plan });
  });

const holding = (packs: readonly PackSpec[], table: number): PackSpec => packs.find((pack) => pack.parts.some((part) => part.table === table)) ?? expect.fail('no pack holds the table');

describe('plans', () => {
  it('S32 I12 shared packs are made once for everybody, private ones for one person', async () => {
    await withPlanner(async ({ plan, planner }) => {
      const [ann, bob] = [await plan('ann'), await plan('bob')];
      expect(holding(ann.packs, 1).name).toBe(holding(bob.packs, 1).name);
      expect(holding(ann.packs, 2).name).not.toBe(holding(bob.packs, 2).name);
      expect(planner.built.packs).toBe(3);
      expect((await plan('ann')).packs.map((pack) => pack.name)).toEqual(ann.packs.map((pack) => pack.name));
      expect(planner.built.packs).toBe(3);
    });
  });

  it('S52 S47 P18 tables are described with their interval, and without the rule of who gets what', async () => {
    await withPlanner(async ({ plan }) => {
      const { tables } = await plan('ann');
      expect(tables.map(({ everyMinutes }) => everyMinutes)).toEqual([60, undefined]);
      expect(tables.map((table) => Object.keys(table))).toEqual([['id', 'name', 'columns', 'key', 'level', 'everyMinutes'], ['id', 'name', 'columns', 'key', 'level']]);
    });
  });

  it('S32 two plans at the same time build a pack once', async () => {
    await withPlanner(async ({ plan, planner }) => {
      await plan('ann');
      await Promise.all([plan('bob'), plan('bob'), plan('bob')]);
      expect(planner.built.packs).toBe(3);
    });
  });

  it('S91 S32 an older pack that is being planned for who was there before is none for who came later', async () => {
    await withPlanner(async ({ plan, business, storage }) => {
      const [first = expect.fail('no pack')] = (await plan('bob')).packs;
      for (const sql of ["UPDATE job SET v = 'old secret' WHERE id = 1; INSERT INTO person VALUES('tim')", "INSERT INTO member VALUES('tim', 'north'), ('tim', 'south')"]) {
        business.exec(sql);
        await storage.evaluate(DAY_MS);
      }
      await Promise.all(['bob', 'tim'].map((user) => readEntitled(storage, { personOf: () => ({ user, claims: {} }), nowMs: () => DAY_MS }, () => undefined)));
      const [bobs, tims] = await Promise.all(['bob', 'tim'].map(async (user) => (await plan(user)).packs.map(({ name }) => name)));
      expect(bobs).toEqual([first.name]);
      expect(tims).not.toEqual([first.name]);
    }, TEAMS_SQL, [{ ...TEAMS_PROFILE, tables: { job: { rows: { team: 'team' } } } }]);
  });

  it('S32 S33 a pack is used until too much of it has changed; the feed starts where it ends', async () => {
    await withPlanner(async ({ plan, business, storage }) => {
      const first = await plan('ann');
      business.exec('UPDATE item SET v = 0 WHERE id <= 15');
      await storage.evaluate(2);
      const second = await plan('ann');
      expect(holding(second.packs, 1)).toMatchObject({ name: holding(first.packs, 1).name });
      expect(second.at.get(1)).toBe(holding(first.packs, 1).asOf);
      business.exec('UPDATE item SET v = 1 WHERE id > 84');
      await storage.evaluate(3);
      const third = await plan('ann');
      expect(holding(third.packs, 1).name).not.toBe(holding(first.packs, 1).name);
      expect(third.at.get(1)).toBe(holding(third.packs, 1).asOf);
    });
  });

  it('S32 I10 a pack from below the floor, or one whose file is gone, is made anew', async () => {
    await withPlanner(async ({ plan, packs, business, storage, planner }) => {
      const first = await plan('ann');
      business.exec('DELETE FROM item WHERE id = 1');
      await storage.evaluate(DAY_MS);
      await storage.expire(2 * DAY_MS);
      const second = await plan('ann');
      expect(holding(second.packs, 1).name).not.toBe(holding(first.packs, 1).name);
      const { built } = planner;
      const before = built.packs;
      await rm(join(packs, holding(second.packs, 1).name));
      expect(holding((await plan('ann')).packs, 1).name).toBe(holding(second.packs, 1).name);
      expect(built.packs).toBe(before + 1);
    });
  });

  it('S92 S47 a share of more rows than a device may have is refused, naming its largest tables', async () => {
    await withPlanner(async ({ planner, storage }) => {
      const asker = { personOf: () => ({ user: 'ann', claims: {} }), nowMs: () => 5 };
      const found = await readEntitled(storage, asker, (_, entitlement) => entitlement);
      const planOf = async (...rows: readonly number[]): Promise<string[]> => {
        const shares = found.shares.map((share, i) => ({ ...share, scope: { ...share.scope, digest: { rows: rows[i] ?? 0, sum: 0 } } }));
        const kinds: string[] = [];
        const request = { token: { epoch: 'e', specs: '', tables: new Map() }, entitlement: { ...found, shares }, shares, checkpoint: 1, codec: 'gzip', seal: (text: string) => text } as const;
        for await (const frame of planner.plan(request)) kinds.push(Object.keys(frame)[0] ?? '');
        return kinds;
      };
      const most = LIMITS.rowsPerDevice;
      expect(await planOf(most - 1, 1)).toEqual(['tables', 'building', 'building', 'plan']);
      await expect(planOf(most - 1, 2)).rejects.toThrow(expect.objectContaining({ code: 'share.too-large', message: expect.stringContaining(`"item" with ${most - 1}, "job" with 2`) as string }) as Error);
    });
  });

  it('S33 a person without rows gets a plan without packs, and a token to go on with', async () => {
    await withPlanner(async ({ plan, business, storage }) => {
      business.exec('DELETE FROM item');
      await storage.evaluate(2);
      const { packs, at, tables } = await plan('nobody');
      expect(packs).toEqual([]);
      expect([...at.keys()]).toEqual([1, 2]);
      expect(tables.map((table) => table.name)).toEqual(['item', 'job']);
    });
  });

  it('S34 packs are kept while plans use them', async () => {
    await withPlanner(async ({ plan, clock, storage }) => {
      const { packs } = await plan('ann');
      clock.nowMs += 2 * DAY_MS;
      await plan('bob');
      const dropped = await storage.dropPacks(clock.nowMs - DAY_MS);
      expect(dropped).toEqual([holding(packs, 2).name]);
      expect(await storage.packsNamed(holding(packs, 2).name)).toEqual([]);
    });
  });

  it('S91 I12 a pack whose tombstones are gone is not given to who came after it was made', async () => {
    await withPlanner(async ({ plan, planner, business, storage, clock }) => {
      const { packs } = await plan('ann');
      const names = packs.map(({ name }) => name);
      business.exec("DELETE FROM job WHERE team = 'north'");
      await storage.evaluate(clock.nowMs += 60_000);
      business.exec("INSERT INTO member VALUES('eve', 'north')");
      await storage.evaluate(clock.nowMs += 60_000);
      await plan('eve');
      const mayRead = (): Promise<boolean[]> => Promise.all(['eve', 'ann'].map((user) => planner.mayRead({ name: names[0] ?? '', user })));
      expect(await mayRead()).toEqual([false, true]);
      await storage.expire(clock.nowMs + 1);
      expect(await mayRead()).toEqual([false, true]);
    }, TEAMS_SQL, [{ ...TEAMS_PROFILE, tables: { job: { rows: { team: 'team' } } } }]);
  });

  it('S41 I12 addresses are given for packs of one\'s own share alone', async () => {
    await withPlanner(async ({ plan, planner }) => {
      const { packs } = await plan('ann');
      const names = [holding(packs, 1).name, holding(packs, 2).name, 'f'.repeat(64), '../sync.db', ''];
      expect((await planner.addresses({ user: 'ann', claims: {} }, names)).map((url) => url !== '')).toEqual([true, true, false, false, false]);
      expect((await planner.addresses({ user: 'bob', claims: {} }, names)).map((url) => url !== '')).toEqual([true, false, false, false, false]);
      expect(await planner.mayRead({ name: holding(packs, 2).name, user: '' })).toBe(false);
    });
  });
});

describe('addresses', () => {
  it('S40 hold for their person, pack and time, and nothing else', () => {
    const urls = new PackUrls(new Uint8Array([1]));
    const grant = { name: 'a'.repeat(64), user: 'ann & "bob"/é' };
    const url = new URL(urls.sign(grant, 5000), 'http://localhost');
    const query = Object.fromEntries(url.searchParams);
    expect(url.pathname).toBe(`/v1/packs/${grant.name}`);
    expect(urls.check(grant.name, query, 4999)).toEqual(grant);
    expect(urls.check(grant.name, query, 5000)).toBeUndefined();
    expect(urls.check('b'.repeat(64), query, 0)).toBeUndefined();
    const bent = [{ ...query, u: 'bob' }, { ...query, e: '99' }, { ...query, e: '5.0' + '0'.repeat(9) + '1' }, { ...query, s: '' }, { ...query, s: `${query['s']}x` }, { u: 'ann', e: '5' }, {}, { ...query, s: ['a'] }];
    for (const one of bent) expect(urls.check(grant.name, one, 0), JSON.stringify(one)).toBeUndefined();
    expect(new PackUrls(new Uint8Array([2])).check(grant.name, query, 0)).toBeUndefined();
    expect(LIMITS.packUrlValidMs).toBeGreaterThanOrEqual(DAY_MS);
  });
});
