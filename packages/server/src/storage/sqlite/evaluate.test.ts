import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { Entry, Person, ScopeKey } from '../../ports/storage.ts';
import { shareOf } from '../../testing/oracle.ts';
import { sortedTexts, StoreAudit } from '../../testing/store-audit.ts';
import { scopeOf, withStore, type TempStore } from '../../testing/temp-store.ts';
import { LAST_RID } from '../../core/cut.ts';

const LOTS = 1e9;
const ANN: Person = { user: 'ann', claims: {} };

async function entries({ storage, config }: TempStore, key: ScopeKey | string, after = 0): Promise<Entry[]> {
  return storage.read((snapshot) => {
    const scope = snapshot.scope(typeof key === 'string' ? scopeOf(config, key) : key);
    return scope ? [...snapshot.feed(scope, { seq: after, rid: LAST_RID }, LOTS, LOTS).entries] : [];
  });
}

async function start({ storage }: TempStore): Promise<void> {
  await storage.prepare(() => undefined);
  await storage.evaluate(1);
}

const outboxRows = ({ business }: TempStore): number => Number((business.prepare('SELECT count(*) AS n FROM _carryon_outbox').get() as { n: number }).n);

describe('evaluate', () => {
  it('S13 what devices cannot see publishes nothing, and the outbox is trimmed all the same', async () => {
    await withStore('CREATE TABLE item(id INTEGER PRIMARY KEY, v, secret); INSERT INTO item VALUES(1, 1, 1)', { item: { columns: ['v'] } }, async (store) => {
      await start(store);
      for (let i = 0; i < 5; i++) {
        store.business.exec(`UPDATE item SET secret = ${i}; UPDATE item SET v = v; INSERT INTO item VALUES(9, 9, 9); DELETE FROM item WHERE id = 9`);
        expect(await store.storage.evaluate(i)).toBe(false);
      }
      expect(outboxRows(store)).toBeLessThan(8);
      expect((await store.storage.read((snapshot) => snapshot.state())).checkpoint).toBe(1);
    });
  });

  it('S14 a change of type alone, or of letters under NOCASE, is a change', async () => {
    await withStore("CREATE TABLE tag(name TEXT COLLATE NOCASE PRIMARY KEY, v); INSERT INTO tag VALUES('red', 1)", { tag: {} }, async (store) => {
      await start(store);
      const changes: [string, unknown[]][] = [
        ['UPDATE tag SET v = 1.0', ['red', 1]],
        ["UPDATE tag SET v = '1'", ['red', '1']],
        ["UPDATE tag SET v = x'31'", ['red', new Uint8Array([0x31])]],
        ["UPDATE tag SET name = 'RED'", ['RED', new Uint8Array([0x31])]],
        ["DELETE FROM tag; INSERT INTO tag VALUES('Red', NULL)", ['Red', null]],
      ];
      for (const [i, [sql, values]] of changes.entries()) {
        store.business.exec(sql);
        expect(await store.storage.evaluate(i), sql).toBe(true);
        expect(await entries(store, 'tag')).toEqual([{ rid: 1, seq: i + 2, ver: i + 2, values }]);
      }
    });
  });

  it('S15 a key of any type keeps its row id, even text in an INTEGER key', async () => {
    await withStore("CREATE TABLE item(id INTEGER PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO item VALUES('a', 1), (2.5, 1), (1, 1)", { item: {} }, async (store) => {
      await start(store);
      store.business.exec("UPDATE item SET v = 2; DELETE FROM item WHERE id = 2.5; INSERT INTO item VALUES(x'00', 3)");
      expect(await store.storage.evaluate(2)).toBe(true);
      const live = (await entries(store, 'item')).filter((entry) => entry.values);
      expect(live.map((entry) => [entry.rid, entry.values?.[0]])).toEqual([[1, 1n], [3, 'a'], [4, new Uint8Array([0])]]);
    });
  });

  it('S15 a key that comes back has its row id while the tombstone is kept, and a new one afterwards', async () => {
    await withStore('CREATE TABLE item(id INTEGER PRIMARY KEY, v); INSERT INTO item VALUES(1, 1)', { item: {} }, async (store) => {
      await start(store);
      const again = async (expireBeforeMs: number, atMs: number): Promise<number[]> => {
        store.business.exec('DELETE FROM item');
        await store.storage.evaluate(atMs);
        await store.storage.expire(expireBeforeMs);
        store.business.exec('INSERT INTO item VALUES(1, 1)');
        await store.storage.evaluate(atMs + 1);
        return (await entries(store, 'item')).map((entry) => entry.rid);
      };
      expect(await again(0, 10)).toEqual([1]);
      expect(await again(21, 20)).toEqual([2]);
      expect(await again(31, 30)).toEqual([3]);
    });
  });

  it('S12 rows without a complete key come when it is filled and go when it is emptied', async () => {
    await withStore("CREATE TABLE job(code TEXT PRIMARY KEY, v); INSERT INTO job VALUES(NULL, 1)", { job: {} }, async (store) => {
      await start(store);
      expect(await entries(store, 'job')).toEqual([]);
      store.business.exec("UPDATE job SET code = 'a'");
      await store.storage.evaluate(2);
      expect((await entries(store, 'job')).map((entry) => entry.values)).toEqual([['a', 1n]]);
      store.business.exec('UPDATE job SET code = NULL');
      await store.storage.evaluate(3);
      expect((await entries(store, 'job')).map((entry) => entry.values)).toEqual([undefined]);
    });
  });

  it('S18 I12 a person\'s id is compared letter by letter and as text, whatever the column', async () => {
    const owners = "CREATE TABLE job(id INTEGER PRIMARY KEY, owner COLLATE NOCASE); INSERT INTO job VALUES(1, 'ann'), (2, 'Ann'), (3, 'ann '), (4, 7), (5, '7'), (6, 7.0), (7, NULL), (8, ''), (9, 'o''b\"; --')";
    await withStore(owners, { job: { rows: { own: 'owner' } } }, async (store) => {
      await start(store);
      const users: [string, bigint[]][] = [['ann', [1n]], ['Ann', [2n]], ['ANN', []], ['7', [4n, 5n]], ['7.0', [6n]], ['o\'b"; --', [9n]], ['a\0b', []]];
      for (const early of [true, false]) {
        for (const [user, wanted] of users) {
          const key = scopeOf(store.config, 'job', user);
          if (early) await store.storage.activate({ user, claims: {} }, [key], 2);
          expect((await entries(store, key)).filter((entry) => entry.values).map((entry) => entry.values?.[0]), user).toEqual(wanted);
          const pack = await store.storage.buildPack([{ ...key, low: 1, high: LAST_RID }]);
          expect(pack.parts).toMatchObject([{ table: 1, rows: wanted.length }]);
        }
        store.business.exec('UPDATE job SET owner = NULL; UPDATE job SET owner = NULL WHERE id = 1');
        store.business.exec("UPDATE job SET owner = CASE id WHEN 1 THEN 'ann' WHEN 2 THEN 'Ann' WHEN 3 THEN 'ann ' WHEN 4 THEN 7 WHEN 5 THEN '7' WHEN 6 THEN 7.0 WHEN 8 THEN '' WHEN 9 THEN 'o''b\"; --' END");
        await store.storage.evaluate(3);
      }
    });
  });

  it('S19 a scope is made at most once, as a checkpoint of its own, and not before the first', async () => {
    await withStore("CREATE TABLE job(id INTEGER PRIMARY KEY, owner); INSERT INTO job VALUES(1, 'ann')", { job: { rows: { own: 'owner' } } }, async (store) => {
      const key = scopeOf(store.config, 'job', 'ann');
      await expect(store.storage.activate(ANN, [key], 1)).rejects.toMatchObject({ code: 'server.preparing' });
      await start(store);
      await store.storage.activate(ANN, [key, key, { ...key, node: 99 }], 2);
      await store.storage.activate(ANN, [key], 3);
      expect((await store.storage.read((snapshot) => snapshot.state())).checkpoint).toBe(2);
      expect(await entries(store, key)).toEqual([{ rid: 1, seq: 2, ver: 1, values: [1n, 'ann'] }]);
    });
  });

  it('S21 tombstones are kept up to the time and gone beyond it', async () => {
    await withStore("CREATE TABLE job(id INTEGER PRIMARY KEY, owner); INSERT INTO job VALUES(1, 'ann'), (2, 'ann'), (3, 'ann')", { job: { rows: { own: 'owner' } } }, async (store) => {
      const key = scopeOf(store.config, 'job', 'ann');
      await start(store);
      await store.storage.activate(ANN, [key], 10);
      for (const id of [1, 2, 3]) {
        store.business.exec(`DELETE FROM job WHERE id = ${id}`);
        await store.storage.evaluate(id * 100);
      }
      const dead = async (): Promise<number[]> => (await entries(store, key)).map((entry) => entry.rid);
      await store.storage.expire(100);
      expect(await dead()).toEqual([1, 2, 3]);
      await store.storage.expire(201);
      expect(await dead()).toEqual([3]);
      await store.storage.expire(50);
      expect((await store.storage.read((snapshot) => snapshot.state())).floor).toBe(4);
    });
  });

  it('S21 of checkpoints older than an hour the times of one per minute are kept, and the floor is the last of them', async () => {
    await withStore('CREATE TABLE job(id INTEGER PRIMARY KEY, v)', { job: {} }, async (store) => {
      await start(store);
      const publishAt = async (...times: readonly number[]): Promise<void> => {
        for (const ms of times) {
          store.business.exec('INSERT INTO job(v) VALUES(1)');
          await store.storage.evaluate(ms);
        }
      };
      const MINUTE = 60_000;
      await publishAt(5 * MINUTE, 5 * MINUTE + 1, 6 * MINUTE - 1, 6 * MINUTE, 66 * MINUTE - 1, 66 * MINUTE - 1, 66 * MINUTE - 1);
      await store.storage.expire(0);
      const file = new DatabaseSync(store.files.store, { readOnly: true });
      expect(file.prepare('SELECT checkpoint, at_ms FROM sync_checkpoint').all().map(({ checkpoint, at_ms: ms }) => [checkpoint, ms]))
        .toEqual([[1, 1], [4, 6 * MINUTE - 1], [5, 6 * MINUTE], [6, 66 * MINUTE - 1], [7, 66 * MINUTE - 1], [8, 66 * MINUTE - 1]]);
      file.close();
      // A clock that goes back moves no time back.
      await publishAt(1);
      await store.storage.expire(66 * MINUTE - 1);
      expect((await store.storage.read((snapshot) => snapshot.state())).floor).toBe(5);
      await store.storage.expire(66 * MINUTE);
      expect((await store.storage.read((snapshot) => snapshot.state())).floor).toBe(9);
    });
  });
});

describe('the audit has teeth', () => {
  const tampering: Record<string, RegExp> = {
    'UPDATE member_1 SET live = 0 WHERE rid = 1': /I5 members/,
    'DELETE FROM member_1 WHERE rid = 1': /I5 members/,
    'DELETE FROM member_1 WHERE NOT live': /I6 tombstones/,
    'UPDATE sync_scope SET sum = sum + 1': /I5 digest/,
    'UPDATE sync_scope SET head = head - 1': /I5 head/,
    'UPDATE member_1 SET seq = 0 WHERE live': /I5 seq/,
    'UPDATE row_1 SET v = 9 WHERE _rid = 1': /I5 rows/,
    'UPDATE row_1 SET v = 9 WHERE NOT _live': /S16 dead rows/,
    'UPDATE row_1 SET _rid = 99 WHERE NOT _live': /I11 key/,
    'UPDATE row_1 SET id = 99 WHERE NOT _live': /I11 row/,
  };
  for (const [sql, complaint] of Object.entries(tampering)) {
    it(`I5 I6 I11 after ${sql}`, async () => {
      await withStore("CREATE TABLE job(id INTEGER PRIMARY KEY, owner, v); INSERT INTO job VALUES(1, 'ann', 1), (2, 'ann', 2)", { job: { rows: { own: 'owner' } } }, async (store) => {
        const audit = new StoreAudit(store.files.store, store.config);
        const check = async (): Promise<void> => {
          const { checkpoint, floor } = await store.storage.read((snapshot) => snapshot.state());
          audit.check(checkpoint, floor, (table, scope) => sortedTexts(shareOf(store.business, table, scope && { column: 'owner', user: 'ann' })));
        };
        await start(store);
        await store.storage.activate(ANN, [scopeOf(store.config, 'job', 'ann')], 2);
        await check();
        store.business.exec('DELETE FROM job WHERE id = 2; UPDATE job SET v = 3');
        await store.storage.evaluate(3);
        await check();
        const intruder = new DatabaseSync(store.files.store);
        intruder.exec(sql);
        intruder.close();
        await expect(check()).rejects.toThrow(complaint);
        audit.close();
      });
    });
  }
});
