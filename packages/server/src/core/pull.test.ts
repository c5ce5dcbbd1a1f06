import { describe, expect, it } from 'vitest';
import type { CommitFrame, Frame } from '@carryon/protocol';
import { EditingDevice, type NamedChange } from '../testing/edits.ts';
import { readEntitled } from '../entitled.ts';
import { withStore, type TempStore } from '../testing/temp-store.ts';
import { LAST_RID } from './cut.ts';
import { positionOf, pull, type PullAnswer } from './pull.ts';
import { tokenFromText, type PagePosition, type Token, type TablePosition } from './token.ts';

const SQL = `CREATE TABLE a(id INTEGER PRIMARY KEY, v); CREATE TABLE b(id INTEGER PRIMARY KEY, v); CREATE TABLE c(id INTEGER PRIMARY KEY, v);
  INSERT INTO a VALUES(1, 'x'), (2, 'x'); INSERT INTO b VALUES(1, 'x'), (2, 'x'); INSERT INTO c VALUES(1, 'x'), (2, 'x');`;
const PROFILE = { a: { priority: 1 }, b: { priority: 1 }, c: { priority: 2 } };
const MANY = { pageRows: 1000, pageBytes: 1_000_000 };

type Page = Omit<PagePosition, 'scope'>;
/** Per table the checkpoint that the device stands at, in a page or not. */
type Standing = readonly (number | { readonly at: number; readonly page: Page })[];

interface Bench extends TempStore {
  ask(token: Token, limits?: { pageRows: number; pageBytes: number }): Promise<PullAnswer>;
  /** A token of ann's that stands there in her scopes. */
  at(...positions: Standing): Promise<Token>;
}

const asker = { personOf: () => ({ user: 'ann', claims: {} }), nowMs: () => 5 };

function benchOf(store: TempStore): Bench {
  const ask: Bench['ask'] = (token, limits = MANY) => readEntitled(store.storage, asker, (snapshot, entitlement) =>
    pull(snapshot, { user: 'ann', device: 'phone', token, entitlement, shares: entitlement.shares, nowMs: 5, seal: (text) => text }, limits));
  const at: Bench['at'] = (...positions) => readEntitled(store.storage, asker, (_, { shares, specs }) => {
    const tables = shares.map((share, i): [number, TablePosition] => {
      const { at: checkpoint, page } = toPosition(positions[i] ?? 0);
      return [share.table.id, { ...positionOf(share, checkpoint), ...(page ? { page: { ...page, scope: share.scope.id } } : {}) }];
    });
    return { epoch: 'e', specs, tables: new Map(tables) };
  });
  return { ...store, ask, at };
}

const toPosition = (position: Standing[number]): { readonly at: number; readonly page?: Page } => (typeof position === 'number' ? { at: position } : position);

const withFeed = (work: (bench: Bench) => Promise<void>): Promise<void> => withStore(SQL, PROFILE, async (store) => {
  await store.storage.prepare(() => undefined);
  await store.storage.evaluate(1000);
  await work(benchOf(store));
});

const kinds = (frames: readonly Frame[]): string[] => frames.map((frame) => (0 in frame ? frame[0] : Object.keys(frame)[0] ?? ''));
const commitsOf = (frames: readonly Frame[]): CommitFrame['commit'][] => frames.flatMap((frame) => ('commit' in frame ? [frame.commit] : []));
const tokenAfter = (frames: readonly Frame[]): Token => {
  const last = frames.at(-1);
  const text = last && 'page' in last ? last.page.token : last && 'commit' in last ? last.commit.token : '';
  return tokenFromText(text) ?? expect.fail('the answer ends without a token');
};

describe('pull', () => {
  it('S22 S26 lower levels are committed first, all at the header\'s checkpoint', async () => {
    await withFeed(async ({ ask, at }) => {
      const { frames, rows } = await ask(await at(0, 0, 0));
      expect(kinds(frames)).toEqual(['header', 'table', 'P', 'P', 'table', 'P', 'P', 'commit', 'table', 'P', 'P', 'commit']);
      expect(commitsOf(frames).map((commit) => [commit.checkpoint, commit.tables.map((table) => table.table)])).toEqual([[1, [1, 2]], [1, [3]]]);
      expect(frames[0]).toMatchObject({ header: { checkpoint: 1, nowMs: 5 } });
      expect(rows).toBe(6);
    });
  });

  it('S26 levels without news are committed with the next commit', async () => {
    await withFeed(async ({ ask, at, business, storage }) => {
      business.exec('DELETE FROM c WHERE id = 1');
      await storage.evaluate(2000);
      const { frames } = await ask(await at(1, 1, 1));
      expect(kinds(frames)).toEqual(['header', 'table', 'R', 'commit']);
      expect(commitsOf(frames)[0]?.tables.map(({ table, rows }) => [table, rows])).toEqual([[1, 2], [2, 2], [3, 1]]);
      expect(tokenAfter(frames)).toEqual(await at(2, 2, 2));
    });
  });

  it('S80 P21 commits tell how far the device\'s own edits are in their tables, also those of rounds that edits came into', async () => {
    const editable = Object.fromEntries(Object.entries(PROFILE).map(([name, table]) => [name, { ...table, rights: ['create', 'read', 'update', 'delete'] }]));
    await withStore(SQL, editable, async (store) => {
      const { storage, tables, business } = store;
      await storage.prepare(() => undefined);
      await storage.evaluate(1000);
      const bench = benchOf(store);
      const device = new EditingDevice(storage, tables);
      const ask = (token: Token, pageRows: number): Promise<PullAnswer> => bench.ask(token, { pageRows, pageBytes: 1_000_000 });
      const edit = (from: string, to: string): NamedChange[] => [{ update: 'a', key: [1], set: { v: [from, to] } }];
      const first = await ask(await bench.at(0, 0, 0, 0), 3);
      expect([kinds(first.frames).at(-1), first.ack]).toEqual(['page', 0]);
      await device.send(edit('x', 'y'), edit('y', 'z'));
      const second = await ask(tokenAfter(first.frames), 3);
      expect([commitsOf(second.frames).map(({ ack, tables: done }) => [ack, done.length]), second.ack]).toEqual([[[2, 1], [2, 2]], 2]);
      expect(second.frames).toContainEqual(['P', 1, 3, 1, 'z']);
      await device.send(edit('z', 'z'));
      business.exec("UPDATE a SET v = 'theirs'");
      const third = await ask(tokenAfter(second.frames), 100);
      expect(commitsOf(third.frames).map(({ ack }) => ack)).toEqual([3]);
      expect(kinds(third.frames), 'what was not taken in is not shown').toEqual(['header', 'table', 'P', 'commit']);
    });
  });

  it('S25 rows and bytes are counted over all tables of an answer', async () => {
    await withFeed(async ({ ask, at }) => {
      const byRows = await ask(await at(0, 0, 0), { pageRows: 3, pageBytes: 1_000_000 });
      expect(kinds(byRows.frames)).toEqual(['header', 'table', 'P', 'P', 'table', 'P', 'page']);
      const { frames } = await ask(await at(0, 0, 0), { pageRows: 1000, pageBytes: 1 });
      expect(kinds(frames)).toEqual(['header', 'table', 'P', 'page']);
      const whole = await ask(await at(0, 0, 0), { pageRows: 1000, pageBytes: 60 });
      expect(kinds(whole.frames)).toEqual(['header', 'table', 'P', 'P', 'table', 'P', 'page']);
    });
  });

  it('S25 the next page is read at the newest checkpoint', async () => {
    await withFeed(async ({ ask, at, business, storage }) => {
      const first = await ask(await at(0, 0, 0), { pageRows: 1, pageBytes: 1000 });
      business.exec("UPDATE a SET v = 'y' WHERE id = 1; DELETE FROM a WHERE id = 2");
      await storage.evaluate(2000);
      const second = await ask(tokenAfter(first.frames));
      expect(second.frames.slice(1, 4)).toEqual([{ table: 1 }, ['P', 1, 2, 1, 'y'], ['R', 2]]);
      expect(commitsOf(second.frames).map((commit) => commit.checkpoint)).toEqual([2, 2]);
    });
  });

  it('S28 the live-set comes only where tombstones of the scope may have been missed', async () => {
    await withFeed(async ({ ask, at, business, storage }) => {
      business.exec('DELETE FROM a WHERE id = 1');
      await storage.evaluate(2000);
      await storage.expire(2001);
      const { frames } = await ask(await at(1, 1, 1));
      expect(frames.filter((frame) => 'live' in frame)).toEqual([{ live: { table: 1, runs: [1, 1] } }]);
      expect((await ask(await at(2, 2, 2))).rows).toBe(0);
      expect(kinds((await ask(await at(0, 0, 0))).frames)).not.toContain('live');
    });
  });

  it('S29 a poll with nothing new commits all tables and sends no rows', async () => {
    await withFeed(async ({ ask, at }) => {
      const { frames, rows } = await ask(await at(1, 1, 1));
      expect(kinds(frames)).toEqual(['header', 'commit']);
      expect(rows).toBe(0);
    });
  });

  it('S23 a forged token harms nobody else: at worst its own device misses rows', async () => {
    await withFeed(async ({ ask, at }) => {
      const far: Standing[number][] = [99, { at: LAST_RID, page: { seq: LAST_RID, rid: LAST_RID, first: LAST_RID } }, { at: 0, page: { seq: 0, rid: 0, first: 0, gap: true } }];
      for (const one of far) {
        const { frames } = await ask(await at(one, one, one));
        expect(tokenAfter(frames)).toEqual(await at(1, 1, 1));
        for (const { rows } of commitsOf(frames).flatMap((commit) => commit.tables)) expect(rows).toBe(2);
      }
    });
  });
});
