import { DatabaseSync } from 'node:sqlite';
import { digestOf, packTableName, RawText } from '@carryon/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Config } from '../core/config.ts';
import { LAST_RID } from '../core/cut.ts';
import type { Entry, FeedPart, PackPart, PackRecord, Person, Scope, ScopeKey, Snapshot, Storage } from '../ports/storage.ts';
import type { Profiles } from './temp-store.ts';

export interface StorageSubject {
  /** The application's connection to the business database. */
  readonly business: DatabaseSync;
  readonly storage: Storage;
  /** Publishes what was committed while this thread is in the midst of reading; it is published when this returns. */
  publishMeanwhile(nowMs: number): void;
  /** Compiles profiles for the store. */
  compile(profiles: Profiles): Config;
  /** Closes the storage and opens it again, with these profiles. */
  reopen(profiles?: Profiles): Promise<Storage>;
  end(): Promise<void>;
}

export const STORAGE_PROFILE = { item: {}, job: { rows: { own: 'owner' } } };
const SQL = 'CREATE TABLE item(id INTEGER PRIMARY KEY, v); CREATE TABLE job(id INTEGER PRIMARY KEY, owner TEXT, v)';
const ITEMS: ScopeKey = { table: 1, node: 1, param: '', columns: ['id', 'v'] };
const jobsOf = (user: string): ScopeKey => ({ table: 2, node: 2, param: JSON.stringify({ user: [user] }), columns: ['id', 'owner', 'v'] });
const ANN = jobsOf('ann');
const BOB = jobsOf('bob');
const ann: Person = { user: 'ann', claims: {} };
const START = { seq: 0, rid: 0 };
const DAY_MS = 86_400_000;
const whole = (scope: ScopeKey): PackPart => ({ ...scope, low: 1, high: LAST_RID });
const fails = (code: string): Error => expect.objectContaining({ name: 'CarryonError', code }) as Error;

const scopeIn = (snapshot: Snapshot, key: ScopeKey): Scope => snapshot.scope(key) ?? expect.fail(`no scope of table ${key.table} for "${key.param}"`);
const feedOf = (snapshot: Snapshot, key: ScopeKey, after = START, maxRows = 1000, maxBytes = 1e6): FeedPart => snapshot.feed(scopeIn(snapshot, key), after, maxRows, maxBytes);
const everything = (snapshot: Snapshot): unknown => [snapshot.state(), ...[ITEMS, ANN].map((key) => [scopeIn(snapshot, key), feedOf(snapshot, key), snapshot.liveRids(scopeIn(snapshot, key))])];
const alive = (entries: readonly Entry[]): Entry[] => entries.filter(({ values }) => values !== undefined);
const digest = (entries: readonly Entry[]): object => ({ rows: entries.length, sum: entries.reduce((sum, { rid, ver }) => sum + digestOf(rid, ver), 0) });

const packOf = (changes: Partial<PackRecord>): PackRecord => ({
  key: 'key', codec: 'gzip', name: 'a'.repeat(64), bytes: 10, rawBytes: 20, asOf: 1, level: 5, parts: [{ table: 1, rows: 1, sum: 1 }], scopes: [whole(ITEMS)], ...changes,
});

/** What every Storage does. The store is new for each test: two tables, item of all and job of its owner. */
export function storageContract(name: string, make: (sql: string, profileTables: object) => Promise<StorageSubject>): void {
  describe(`Storage: ${name}`, () => {
    let subject: StorageSubject;
    let storage: Storage;
    let business: DatabaseSync;
    let nowMs = 0;
    beforeEach(async () => {
      subject = await make(SQL, STORAGE_PROFILE);
      ({ storage, business } = subject);
      nowMs = 1_000_000;
    });
    afterEach(() => subject.end());

    const commit = async (sql: string): Promise<boolean> => {
      business.exec(sql);
      return storage.evaluate(++nowMs);
    };
    /** Reads and publishes what these statements make, and Ann's scope. */
    const start = async (sql: string): Promise<void> => {
      business.exec(sql);
      await storage.prepare(() => undefined);
      await storage.evaluate(nowMs);
      await storage.activate(ann, [ANN], nowMs);
    };
    const checkpoint = async (): Promise<number> => (await storage.read((snapshot) => snapshot.state())).checkpoint;

    it('STORAGE-1 S10 prepare tells how it goes, ends early at false, and goes on from there', async () => {
      business.exec("INSERT INTO item WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000) SELECT i, i FROM n; INSERT INTO job VALUES(1, 'ann', 1)");
      const told: [string, number][] = [];
      await storage.prepare(({ table, rows }) => { told.push([table, rows]); return false; });
      storage = await subject.reopen();
      await storage.prepare(({ table, rows }) => { told.push([table, rows]); return told.length < 3; });
      expect(told).toEqual([['item', 10_000], ['item', 20_000], ['item', 25_000]]);
      await storage.prepare(({ table, rows }) => { told.push([table, rows]); });
      expect(told.slice(3)).toEqual([['job', 1]]);
      await storage.prepare(() => expect.fail('all was read before'));
      expect(await checkpoint()).toBe(0);
      expect(await storage.evaluate(1)).toBe(true);
      expect(await storage.read((snapshot) => scopeIn(snapshot, ITEMS).digest.rows)).toBe(25_000);
    });

    it('STORAGE-2 S11 S13 evaluate publishes one checkpoint for all that was committed, none for nothing, and none before everything was read', async () => {
      expect(await storage.evaluate(1)).toBe(false);
      await storage.prepare(() => undefined);
      business.exec('INSERT INTO item VALUES(1, 1)');
      expect([await storage.evaluate(1), await storage.evaluate(1)]).toEqual([true, false]);
      expect([await commit("INSERT INTO item VALUES(2, 2); INSERT INTO job VALUES(1, 'ann', 1)"), await commit('UPDATE item SET v = v'), await commit('BEGIN; DELETE FROM item; ROLLBACK')]).toEqual([true, false, false]);
      const before = await storage.read((snapshot) => snapshot.state());
      expect(before).toEqual({ epoch: expect.any(String) as string, checkpoint: 2, floor: 0 });
      storage = await subject.reopen();
      expect(await storage.read((snapshot) => snapshot.state())).toEqual(before);
      expect(await commit('DELETE FROM item')).toBe(true);
    });

    it('STORAGE-3 S19 activate makes scopes, once, as a checkpoint of their own; not before the first', async () => {
      business.exec("INSERT INTO job VALUES(1, 'ann', 1), (2, 'bob', 1)");
      await expect(storage.activate(ann, [ANN], 1)).rejects.toThrow(fails('server.preparing'));
      await storage.prepare(() => undefined);
      await storage.evaluate(1);
      expect(await storage.read((snapshot) => [snapshot.scope(ITEMS)?.head, snapshot.scope(ANN), snapshot.scope({ ...ANN, param: '' })])).toEqual([1, undefined, undefined]);
      await Promise.all([storage.activate(ann, [ANN, BOB, ITEMS], 2), storage.activate(ann, [BOB, ANN], 2)]);
      expect(await checkpoint()).toBe(2);
      expect(await storage.read((snapshot) => [ANN, BOB].map((key) => scopeIn(snapshot, key).digest.rows))).toEqual([1, 1]);
    });

    it('STORAGE-4 S22 reads agree with each other while another checkpoint is published', async () => {
      await start("INSERT INTO item VALUES(1, 1), (2, 2); INSERT INTO job VALUES(1, 'ann', 1)");
      const was = await storage.read(everything);
      await storage.read((snapshot) => {
        expect(snapshot.state().checkpoint).toBe(2);
        business.exec("BEGIN; DELETE FROM item WHERE id = 1; INSERT INTO item VALUES(3, 3); UPDATE job SET v = 2; COMMIT");
        subject.publishMeanwhile(++nowMs);
        expect(everything(snapshot)).toEqual(was);
      });
      expect(await storage.read((snapshot) => [snapshot.state().checkpoint, scopeIn(snapshot, ITEMS).head, scopeIn(snapshot, ANN).head, snapshot.liveRids(scopeIn(snapshot, ITEMS))])).toEqual([3, 3, 3, [2, 3]]);
    });

    it('STORAGE-5 an error inside of a read comes out, and the next read is as any other', async () => {
      await start('');
      const boom = new Error('boom');
      await expect(storage.read(() => { throw boom; })).rejects.toBe(boom);
      expect(await storage.read((snapshot) => snapshot.state().checkpoint)).toBe(2);
    });

    it('STORAGE-6 S20 a scope knows its last change and the digest of its live rows', async () => {
      await start("INSERT INTO item VALUES(1, 1), (2, 2); INSERT INTO job VALUES(1, 'ann', 1), (2, 'bob', 1)");
      await storage.activate(ann, [ANN, BOB], nowMs);
      const heads = async (): Promise<number[]> => storage.read((snapshot) => [ITEMS, ANN, BOB].map((key) => {
        expect(scopeIn(snapshot, key).digest).toEqual(digest(alive(feedOf(snapshot, key).entries)));
        return scopeIn(snapshot, key).head;
      }));
      expect(await heads()).toEqual([1, 2, 3]);
      await commit('UPDATE item SET v = 9 WHERE id = 1; DELETE FROM item WHERE id = 2');
      expect(await heads()).toEqual([4, 2, 3]);
      await commit("UPDATE job SET owner = 'bob' WHERE id = 1");
      expect(await heads()).toEqual([4, 5, 5]);
      expect(await storage.read((snapshot) => [ANN, BOB].map((key) => scopeIn(snapshot, key).digest.rows))).toEqual([0, 2]);
    });

    it('STORAGE-7 S25 the feed comes in order, in parts of so many rows or bytes', async () => {
      await start("INSERT INTO item VALUES(1, 1), (2, 2), (3, 3), (4, 4); INSERT INTO job VALUES(1, 'ann', 1), (2, 'ann', 1)");
      await commit('UPDATE item SET v = 9 WHERE id = 2; DELETE FROM item WHERE id = 3');
      await commit("UPDATE job SET owner = NULL WHERE id = 1");
      await storage.read((snapshot) => {
        const places = ({ entries }: FeedPart): number[][] => entries.map(({ rid, seq, values }) => [seq, rid, values ? 1 : 0]);
        const all = feedOf(snapshot, ITEMS);
        expect([places(all), all.atEnd]).toEqual([[[1, 1, 1], [1, 4, 1], [3, 2, 1], [3, 3, 0]], true]);
        expect(all.bytes).toBeGreaterThan(0);
        expect(places(feedOf(snapshot, ANN))).toEqual([[2, 2, 1], [4, 1, 0]]);
        expect([places(feedOf(snapshot, ITEMS, { seq: 1, rid: 4 }, 1)), feedOf(snapshot, ITEMS, { seq: 1, rid: 4 }, 1).atEnd]).toEqual([[[3, 2, 1]], false]);
        expect([places(feedOf(snapshot, ITEMS, { seq: 3, rid: 2 }, 1)), feedOf(snapshot, ITEMS, { seq: 3, rid: 2 }, 1).atEnd]).toEqual([[[3, 3, 0]], true]);
        const small = feedOf(snapshot, ITEMS, START, 1000, 1);
        expect([small.entries.length, small.atEnd]).toEqual([1, false]);
        expect(feedOf(snapshot, ITEMS, START, 0)).toMatchObject({ entries: [], atEnd: false });
        expect(feedOf(snapshot, ITEMS, { seq: 3, rid: LAST_RID }, 0)).toMatchObject({ entries: [], atEnd: true });
        expect(snapshot.liveRids(scopeIn(snapshot, ITEMS))).toEqual([1, 2, 4]);
        expect(snapshot.liveRids(scopeIn(snapshot, ANN))).toEqual([2]);
      });
    });

    it('STORAGE-8 S14 values are exact, whatever their type', async () => {
      await start("INSERT INTO item VALUES(1, 9007199254740993), (2, 1.0), (3, 'a' || char(0) || '🚐'), (4, x'00ff'), (5, NULL), (6, CAST(x'61ff' AS TEXT)), (7, char(65533)), (-9223372036854775808, 9e999)");
      const values = await storage.read((snapshot) => feedOf(snapshot, ITEMS).entries.map((entry) => entry.values?.map((value) => (value instanceof Uint8Array ? [...value] : value))));
      expect(values).toEqual([[-(2n ** 63n), Infinity], [1n, 9007199254740993n], [2n, 1], [3n, 'a\0🚐'], [4n, [0, 255]], [5n, null], [6n, new RawText(new Uint8Array([97, 255]))], [7n, '\ufffd']]);
    });

    it('STORAGE-9 S21 expire forgets tombstones of checkpoints before that time, and no row', async () => {
      await start("INSERT INTO item VALUES(1, 1), (2, 2), (3, 3); INSERT INTO job VALUES(1, 'ann', 1)");
      await commit("DELETE FROM item WHERE id = 1; UPDATE job SET owner = 'bob'");
      const middleMs = nowMs;
      await commit('DELETE FROM item WHERE id = 2');
      const dead = async (): Promise<number[]> => storage.read((snapshot) => [snapshot.state().floor, ...[ITEMS, ANN].map((key) => feedOf(snapshot, key).entries.filter(({ values }) => !values).length)]);
      await storage.expire(middleMs);
      expect(await dead()).toEqual([2, 2, 1]);
      await storage.expire(middleMs + 1);
      expect(await dead()).toEqual([3, 1, 0]);
      await storage.expire(middleMs);
      await storage.expire(nowMs + DAY_MS);
      expect(await dead()).toEqual([4, 0, 0]);
      expect(await storage.read((snapshot) => [snapshot.state().checkpoint, snapshot.liveRids(scopeIn(snapshot, ITEMS))])).toEqual([4, [3]]);
    });

    it('STORAGE-10 S31 extent tells a scope\'s size, and the width that was set for it', async () => {
      await start("INSERT INTO item VALUES(1, 1), (2, 2), (3, printf('%.1000c', 'x')); INSERT INTO job VALUES(1, 'bob', 1)");
      await commit('DELETE FROM item WHERE id = 1');
      const extent = await storage.extent(ITEMS);
      expect(extent).toMatchObject({ rows: 2, maxRid: 3, width: undefined });
      expect(extent.rowBytes).toBeGreaterThan(400);
      expect(await storage.extent(ANN)).toMatchObject({ rows: 0, width: undefined });
      await storage.setWidth(ITEMS, 7);
      storage = await subject.reopen();
      expect([(await storage.extent(ITEMS)).width, (await storage.extent(ANN)).width]).toEqual([7, undefined]);
    });

    it('STORAGE-11 S30 I12 buildPack makes an SQLite file of exactly these parts', async () => {
      await start("INSERT INTO item VALUES(1, 1), (2, 2), (3, 3), (4, 4); INSERT INTO job VALUES(1, 'ann', 'hers'), (2, 'bob', 'not hers')");
      await commit('DELETE FROM item WHERE id = 2');
      const pack = await storage.buildPack([{ ...ITEMS, low: 2, high: 3 }, whole(ANN)]);
      const db = new DatabaseSync(':memory:');
      db.deserialize(pack.bytes);
      const rows = (table: number): unknown[] => db.prepare(`SELECT * FROM ${packTableName(table)}`).all().map((row) => Object.values(row));
      expect([rows(1), rows(2)]).toEqual([[[3, 1, 3, 3]], [[1, 1, 1, 'ann', 'hers']]]);
      expect(db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()).toMatchObject({ n: 2 });
      expect(Buffer.from(pack.bytes).includes('not hers')).toBe(false);
      expect([pack.asOf, pack.parts]).toEqual([3, [{ table: 1, rows: 1, sum: digestOf(3, 1) }, { table: 2, rows: 1, sum: digestOf(1, 1) }]]);
      db.close();
      const none = await storage.buildPack([whole(jobsOf('nobody'))]);
      expect(none.parts).toEqual([{ table: 2, rows: 0, sum: 0 }]);
      await expect(storage.buildPack([whole({ ...ITEMS, table: 9 })])).rejects.toThrow();
      expect((await storage.buildPack([whole(ITEMS)])).parts).toMatchObject([{ rows: 3 }]);
    });

    it('STORAGE-12 S32 the newest pack of a key and codec is found until its tombstones are gone', async () => {
      await start('INSERT INTO item VALUES(1, 1)');
      const [old, next, other] = [packOf({}), packOf({ name: 'b'.repeat(64), asOf: 2 }), packOf({ name: 'c'.repeat(64), codec: 'zstd' })];
      for (const pack of [old, next, other]) await storage.savePack(pack, nowMs);
      expect([await storage.findPack('key', 'gzip'), await storage.findPack('key', 'zstd'), await storage.findPack('none', 'gzip'), await storage.findPack('key', 'br')]).toEqual([next, other, undefined, undefined]);
      expect([await storage.packsNamed(old.name), await storage.packsNamed('d'.repeat(64))]).toEqual([[old], []]);
      await commit('DELETE FROM item');
      await storage.expire(nowMs);
      expect([await storage.findPack('key', 'gzip'), await storage.findPack('key', 'zstd')]).toEqual([next, undefined]);
      expect(await storage.packsNamed(other.name)).toEqual([other]);
    });

    it('STORAGE-13 S34 packs that were not used since a time are forgotten', async () => {
      await start('');
      const [used, unused, twice] = ['a', 'b', 'c'].map((letter) => packOf({ key: letter, name: letter.repeat(64) })) as [PackRecord, PackRecord, PackRecord];
      for (const pack of [used, unused, twice]) await storage.savePack(pack, nowMs);
      const laterMs = nowMs + 2 * DAY_MS;
      await storage.savePack({ ...twice, key: 'other' }, laterMs);
      await storage.usePacks([used.name, 'd'.repeat(64)], laterMs);
      await storage.usePacks([], laterMs);
      expect(await storage.dropPacks(nowMs)).toEqual([]);
      expect(await storage.dropPacks(laterMs)).toEqual([unused.name]);
      expect([await storage.findPack('a', 'gzip'), await storage.findPack('b', 'gzip'), await storage.findPack('c', 'gzip')]).toEqual([used, undefined, undefined]);
      expect(await storage.packsNamed(twice.name)).toEqual([{ ...twice, key: 'other' }]);
      expect((await storage.dropPacks(laterMs + 1)).toSorted()).toEqual([used.name, twice.name]);
    });

    it('STORAGE-14 S32 changedSince counts rows of the parts that changed, not further than asked', async () => {
      await start("INSERT INTO item VALUES(1, 1), (2, 2), (3, 3), (4, 4); INSERT INTO job VALUES(1, 'ann', 1), (2, 'bob', 1)");
      await commit("UPDATE item SET v = 0 WHERE id < 3; DELETE FROM item WHERE id = 4; UPDATE job SET v = 2");
      const count = (part: PackPart, since: number, most = 100): Promise<number> => storage.changedSince([part], since, most);
      expect([await count(whole(ITEMS), 2), await count(whole(ITEMS), 3), await count(whole(ITEMS), 2, 2), await count({ ...ITEMS, low: 2, high: 3 }, 2), await count(whole(ANN), 2)]).toEqual([3, 0, 2, 1, 1]);
      expect([await storage.changedSince([whole(ITEMS), whole(ANN)], 2, 100), await storage.changedSince([], 0, 100)]).toEqual([4, 0]);
    });

    it('STORAGE-15 errors are CarryonErrors with their code, and reading goes on', async () => {
      await start('INSERT INTO item VALUES(1, 1)');
      business.exec('DROP TABLE job');
      await expect(storage.evaluate(9)).rejects.toThrow(fails('source.schema-changed'));
      await expect(storage.evaluate(9)).rejects.toThrow(fails('source.schema-changed'));
      expect(await storage.read((snapshot) => feedOf(snapshot, ITEMS).entries.length)).toBe(1);
      await expect(subject.reopen()).rejects.toThrow(fails('source.schema-changed'));
    });

    it('STORAGE-16 S52 a store that was made for another profile goes over to this one when it is prepared', async () => {
      await start("INSERT INTO item VALUES(1, 1); INSERT INTO job VALUES(1, 'ann', 1)");
      storage = await subject.reopen({ ...STORAGE_PROFILE, item: { every: 60 } });
      await storage.prepare(() => undefined);
      expect(await storage.read((snapshot) => [snapshot.config().tables[0]?.everyMinutes, feedOf(snapshot, ANN).entries.length])).toEqual([60, 1]);
      storage = await subject.reopen({ item: {} });
      expect(await commit('INSERT INTO item VALUES(2, 2)')).toBe(true);
      expect(await storage.read((snapshot) => snapshot.scope(ANN))).not.toBe(undefined);
      await storage.prepare(() => undefined);
      expect(await storage.read((snapshot) => [snapshot.scope(ANN), snapshot.config().tables.length, feedOf(snapshot, ITEMS).entries.length])).toEqual([undefined, 1, 2]);
    });

    it('STORAGE-17 after close every method fails, and none hangs', async () => {
      await start('');
      await storage.close();
      const calls = [
        storage.prepare(() => undefined), storage.evaluate(1), storage.activate(ann, [BOB], 1), storage.expire(1), storage.read((snapshot) => snapshot.state()), storage.extent(ITEMS), storage.setWidth(ITEMS, 1),
        storage.buildPack([]), storage.savePack(packOf({}), 1), storage.usePacks(['a'], 1), storage.findPack('key', 'gzip'), storage.packsNamed('a'), storage.changedSince([whole(ITEMS)], 0, 1), storage.dropPacks(1),
      ];
      expect((await Promise.allSettled(calls)).map(({ status }) => status)).toEqual(calls.map(() => 'rejected'));
    });

    it('STORAGE-18 S36 rangeDigests tells count and digest of the live rows by ranges of row ids, ascending', async () => {
      await start("INSERT INTO item VALUES(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6); INSERT INTO job VALUES(1, 'ann', 1), (2, 'bob', 1), (3, 'ann', 1), (4, 'ann', 1)");
      await commit("DELETE FROM item WHERE id = 2; UPDATE item SET v = 9 WHERE id = 6; DELETE FROM item WHERE id = 4; DELETE FROM item WHERE id = 5; UPDATE job SET owner = 'bob' WHERE id = 3");
      await storage.read((snapshot) => {
        const ranges = (key: ScopeKey, width: number, most = 100): object[] => snapshot.rangeDigests(scopeIn(snapshot, key), width, most);
        const range = (i: number, ...rows: (readonly [number, number])[]): object => ({ i, ...digest(rows.map(([rid, ver]) => ({ rid, ver, seq: ver, values: undefined }))) });
        expect(ranges(ITEMS, 2)).toEqual([range(0, [1, 1]), range(1, [3, 1]), range(3, [6, 3])]);
        expect(ranges(ITEMS, 1)).toEqual([range(1, [1, 1]), range(3, [3, 1]), range(6, [6, 3])]);
        expect(ranges(ITEMS, LAST_RID)).toEqual([range(0, [1, 1], [3, 1], [6, 3])]);
        expect(ranges(ITEMS, 2, 2)).toEqual(ranges(ITEMS, 2).slice(0, 2));
        expect(ranges(ANN, 4)).toEqual([range(0, [1, 1]), range(1, [4, 1])]);
      });
      await commit('DELETE FROM item; DELETE FROM job');
      expect(await storage.read((snapshot) => [ITEMS, ANN].map((key) => snapshot.rangeDigests(scopeIn(snapshot, key), 10, 10)))).toEqual([[], []]);
    });

    it('STORAGE-19 S36 S14 rowsBetween gives the live rows with row ids in a range, exactly, up to so many rows or bytes', async () => {
      await start("INSERT INTO item VALUES(1, 1), (2, 2.0), (3, CAST(x'61ff' AS TEXT)), (4, 4); INSERT INTO job VALUES(1, 'ann', 1), (2, 'bob', 'not hers'), (3, 'ann', CAST(x'ff' AS TEXT)), (4, 'ann', 1)");
      await commit("UPDATE item SET v = 9 WHERE id = 1; DELETE FROM item WHERE id = 4; UPDATE job SET owner = 'bob' WHERE id = 4");
      await storage.read((snapshot) => {
        const between = (key: ScopeKey, low: number, high: number, maxRows = 100, maxBytes = 1e6): FeedPart => snapshot.rowsBetween(scopeIn(snapshot, key), low, high, maxRows, maxBytes);
        const rows = (part: FeedPart): unknown[] => part.entries.map(({ rid, ver, values }) => [rid, ver, ...(values ?? [])]);
        const raw = (...bytes: number[]): RawText => new RawText(new Uint8Array(bytes));
        expect(rows(between(ITEMS, 0, LAST_RID))).toEqual([[1, 3, 1n, 9n], [2, 1, 2n, 2], [3, 1, 3n, raw(97, 255)]]);
        expect([rows(between(ITEMS, 2, 2)), rows(between(ITEMS, 4, 9))]).toEqual([[[2, 1, 2n, 2]], []]);
        expect(rows(between(ANN, 1, 4))).toEqual([[1, 1, 1n, 'ann', 1n], [3, 1, 3n, 'ann', raw(255)]]);
        expect(between(ITEMS, 1, 9, 2)).toMatchObject({ entries: [{ rid: 1 }, { rid: 2 }], atEnd: false });
        expect(between(ITEMS, 1, 9, 3).atEnd).toBe(true);
        expect(between(ITEMS, 1, 9, 100, 1)).toMatchObject({ entries: [{ rid: 1 }], atEnd: false });
        expect(between(ITEMS, 1, 9).bytes).toBeGreaterThan(0);
      });
    });
  });
}
