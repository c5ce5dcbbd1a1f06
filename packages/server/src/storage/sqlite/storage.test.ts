import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../core/config.ts';
import type { Storage } from '../../ports/storage.ts';
import { liveContract } from '../../testing/live-contract.ts';
import { withRules } from '../../testing/rules-bench.ts';
import { storageContract, type StorageSubject } from '../../testing/storage-contract.ts';
import { profilesOf, withStore, type Profiles } from '../../testing/temp-store.ts';
import { uploadContract } from '../../testing/upload-contract.ts';
import { openDirectStorage, openSqliteStorage } from './storage.ts';
import { compileFor, SqliteStore, type StoreFiles } from './store.ts';

type Open = (files: StoreFiles, config: Config) => Promise<Storage>;
/** Publishes what was committed, from outside of this thread's reading. */
type Publish = (files: StoreFiles, config: Config, storage: Storage, nowMs: number) => void;

const WAIT_MS = 10_000;

const make = (open: Open, publish: Publish) => async (sql: string, profiles: Profiles): Promise<StorageSubject> => {
  const folder = mkdtempSync(join(tmpdir(), 'carryon-storage-'));
  const files = { database: join(folder, 'app.db'), store: join(folder, 'sync.db') };
  const business = new DatabaseSync(files.database);
  business.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; ${sql}`);
  const compile = (of: Profiles): Config => compileFor(files.database, profilesOf(of), files.store);
  const config = compile(profiles);
  let storage: Storage | undefined = await open(files, config);
  const close = async (): Promise<void> => {
    await storage?.close().catch(() => undefined);
    storage = undefined;
  };
  return {
    business,
    storage,
    compile,
    publishMeanwhile: (nowMs) => { if (storage) publish(files, config, storage, nowMs); },
    async reopen(others) {
      await close();
      storage = await open(files, others ? compile(others) : config);
      return storage;
    },
    async end() {
      await close();
      business.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

const direct = make(
  async (files, config) => {
    let ids = 0;
    return openDirectStorage(files, config, () => `id-${++ids}`);
  },
  (files, config, _, nowMs) => {
    const other = new SqliteStore(files);
    other.open(config, () => 'never used');
    other.evaluate(nowMs);
    other.close();
  },
);

const threaded = make(openSqliteStorage, (files, _, storage, nowMs) => {
  const look = new DatabaseSync(files.store, { readOnly: true });
  const checkpoint = (): unknown => look.prepare('SELECT checkpoint FROM sync_state').get()?.['checkpoint'];
  const before = checkpoint();
  void storage.evaluate(nowMs);
  // This thread is in the midst of reading and cannot wait for a promise; the other one works meanwhile.
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; checkpoint() === before && waited < WAIT_MS; waited += 5) Atomics.wait(pause, 0, 0, 5);
  look.close();
});

storageContract('openDirectStorage', direct);
storageContract('openSqliteStorage', threaded);
liveContract('openDirectStorage', direct);
liveContract('openSqliteStorage', threaded);
uploadContract('openDirectStorage', direct);
uploadContract('openSqliteStorage', threaded);

describe('a store', () => {
  it('S16 keeps of a dead row its key and nothing else', async () => {
    await withStore("CREATE TABLE t(a INTEGER, b TEXT, v, w, PRIMARY KEY(a, b)) WITHOUT ROWID; INSERT INTO t VALUES(1, 'x', 'secret', 5)", { t: { rows: { own: 'w' } } }, async ({ business, storage, files }) => {
      await storage.prepare(() => undefined);
      await storage.evaluate(1);
      business.exec('DELETE FROM t');
      await storage.evaluate(2);
      const store = new DatabaseSync(files.store, { readOnly: true });
      expect(store.prepare('SELECT * FROM row_1').all()).toEqual([{ _rid: 1, _ver: 2, _live: 0, a: 1, b: 'x', v: null, w: null }]);
      store.close();
    });
  });

  it('S32 S34 plans what is there while it is being written; what they note of packs and widths is then noted another time', async () => {
    await withRules('CREATE TABLE t(id INTEGER PRIMARY KEY)', { t: {} }, async (bench) => {
      const { storage, store: { files } } = bench;
      const DAY_MS = 86_400_000;
      const [scope, name] = [bench.key('t'), 'a'.repeat(64)];
      await storage.activate({ user: 'ann', claims: {} }, [scope], 1);
      await storage.savePack({ key: 'k', codec: 'gzip', name, bytes: 1, rawBytes: 1, asOf: 1, level: 0, parts: [], scopes: [] }, 0);
      const writer = new DatabaseSync(files.store);
      writer.exec('BEGIN IMMEDIATE');
      await storage.usePacks([name], 1);
      await storage.usePacks([name], 2 * DAY_MS);
      await storage.setWidth(scope, 7);
      writer.exec('ROLLBACK');
      writer.close();
      expect((await storage.extent(scope)).width).toBeUndefined();
      await storage.setWidth(scope, 8);
      await storage.usePacks([name], 3 * DAY_MS);
      expect([(await storage.extent(scope)).width, await storage.dropPacks(3 * DAY_MS), await storage.dropPacks(3 * DAY_MS + 1)]).toEqual([8, [], [name]]);
    });
  });

  it('STORAGE-15 that cannot be opened says so with its code, from whichever thread', async () => {
    await withStore('CREATE TABLE t(id INTEGER PRIMARY KEY)', { t: {} }, async ({ files, config }) => {
      const broken = join(files.store, '..', 'broken.db');
      writeFileSync(broken, 'no database'.repeat(100));
      const wrong: [StoreFiles, string][] = [
        [{ ...files, store: broken }, 'source.not-sqlite'], [{ database: broken, store: join(broken, '..', 'new.db') }, 'source.not-sqlite'],
        [{ database: `${broken}.none`, store: join(broken, '..', 'other.db') }, 'source.not-found'],
      ];
      for (const [one, code] of wrong) {
        expect(() => openDirectStorage(one, config, () => 'id'), code).toThrow(expect.objectContaining({ name: 'CarryonError', code }) as Error);
        await expect(openSqliteStorage(one, config), code).rejects.toThrow(expect.objectContaining({ name: 'CarryonError', code }) as Error);
      }
    });
  });
});

describe('a business database', () => {
  it('S1 S103 whose tables have the names of the store\'s own keeps them, whatever becomes of the rules', async () => {
    const names = ['row_1', 'row_2', 'member_1', 'member_2', 'sync_state', 'sync_scope', 'sync_node', 'sync_table', 'affected', 'affected_in', 'wanted', 'move', 'moved', 'dirty_1', 'old_1', 'job'];
    const columns = 'id INTEGER PRIMARY KEY, rid, scope, live, seq, node, "$v ""w""; --", [a]';
    const sql = names.map((name) => `CREATE TABLE ${name}(${columns}); INSERT INTO ${name}(id, rid) VALUES(1, 'ann'), (2, 'bob');`).join(' ');
    const own = { rows: { own: 'rid' } };
    await withRules(sql, Object.fromEntries(names.map((name) => [name, name === 'job' ? own : {}])), async (bench) => {
      const count = (): unknown[] => names.map((name) => bench.store.business.prepare(`SELECT count(*) AS n FROM ${name}`).get()?.['n']);
      await bench.activate('ann', ...names);
      await bench.commit(names.map((name) => `UPDATE ${name} SET scope = 1 WHERE id = 1`).join('; '));
      for (const tables of [{ job: own, moved: {} }, { job: {} }, { job: own, row_1: own, member_1: {} }, { sync_state: own }]) {
        await bench.reconfigure(tables);
        await bench.storage.expire(bench.nowMs + 1, bench.nowMs + 1);
        await bench.commit(names.map((name) => `UPDATE ${name} SET live = ${bench.nowMs}`).join('; '));
      }
      expect(count()).toEqual(names.map(() => 2));
    });
  });
});
