import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { parseProfile } from '../../core/profile.ts';
import type { Storage, SyncedTable } from '../../ports/storage.ts';
import { storageContract, type StorageSubject } from '../../testing/storage-contract.ts';
import { withStore } from '../../testing/temp-store.ts';
import { uploadContract } from '../../testing/upload-contract.ts';
import { openDirectStorage, openSqliteStorage } from './storage.ts';
import { compileFor, SqliteStore, type StoreFiles } from './store.ts';

type Open = (files: StoreFiles, tables: readonly SyncedTable[]) => Promise<Storage>;
/** Publishes what was committed, from outside of this thread's reading. */
type Publish = (files: StoreFiles, tables: readonly SyncedTable[], storage: Storage, nowMs: number) => void;

const WAIT_MS = 10_000;

const make = (open: Open, publish: Publish) => async (sql: string, profileTables: object): Promise<StorageSubject> => {
  const folder = mkdtempSync(join(tmpdir(), 'carryon-storage-'));
  const files = { database: join(folder, 'app.db'), store: join(folder, 'sync.db') };
  const business = new DatabaseSync(files.database);
  business.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; ${sql}`);
  const tablesOf = (profile: object): SyncedTable[] => compileFor(files.database, parseProfile({ version: 1, tables: profile }));
  const tables = tablesOf(profileTables);
  let storage: Storage | undefined = await open(files, tables);
  const close = async (): Promise<void> => {
    await storage?.close().catch(() => undefined);
    storage = undefined;
  };
  return {
    business,
    storage,
    publishMeanwhile: (nowMs) => { if (storage) publish(files, tables, storage, nowMs); },
    async reopen(profile) {
      await close();
      storage = await open(files, profile ? tablesOf(profile) : tables);
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
  async (files, tables) => {
    let ids = 0;
    return openDirectStorage(files, tables, () => `id-${++ids}`);
  },
  (files, tables, _, nowMs) => {
    const other = new SqliteStore(files, tables);
    other.open(() => 'never used');
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

  it('STORAGE-15 that cannot be opened says so with its code, from whichever thread', async () => {
    await withStore('CREATE TABLE t(id INTEGER PRIMARY KEY)', { t: {} }, async ({ files, tables }) => {
      const broken = join(files.store, '..', 'broken.db');
      writeFileSync(broken, 'no database'.repeat(100));
      const wrong: [StoreFiles, string][] = [
        [{ ...files, store: broken }, 'source.not-sqlite'], [{ database: broken, store: join(broken, '..', 'new.db') }, 'source.not-sqlite'],
        [{ database: `${broken}.none`, store: join(broken, '..', 'other.db') }, 'source.not-found'],
      ];
      for (const [one, code] of wrong) {
        expect(() => openDirectStorage(one, tables, () => 'id'), code).toThrow(expect.objectContaining({ name: 'CarryonError', code }) as Error);
        await expect(openSqliteStorage(one, tables), code).rejects.toThrow(expect.objectContaining({ name: 'CarryonError', code }) as Error);
      }
    });
  });
});
