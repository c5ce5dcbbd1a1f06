import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SqlValue } from '@carryon/protocol';
import { withFolder } from '../../testing/temp-store.ts';
import { Database, holdLock, openExisting } from './driver.ts';

interface Bench { readonly db: Database; readonly file: string; other(): Database }

/** A database with two tables; further connections wait only shortly for a lock. */
const withDatabase = (work: (bench: Bench) => void): Promise<void> => withFolder((folder) => {
  const file = join(folder, 'a.db');
  const opened: Database[] = [];
  const open = (busyMs: number): Database => {
    const db = new Database(file, { busyMs });
    opened.push(db);
    return db;
  };
  const db = open(1000);
  db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, value); CREATE TABLE u(a UNIQUE)');
  try {
    work({ db, file, other: () => open(10) });
  } finally {
    for (const one of opened) one.close();
  }
});

const fails = (code: string): Error => expect.objectContaining({ name: 'CarryonError', code }) as Error;

describe('Database', () => {
  it('DRIVER-1 binds whole numbers as INTEGER and everything else as it is', async () => {
    await withDatabase(({ db }) => {
      const values: SqlValue[] = [null, 1, 0, -7, 2 ** 53 - 1, 2n ** 63n - 1n, 1.5, 1e300, Infinity, '', 'a\0b 🚐', new Uint8Array(), new Uint8Array([0, 255])];
      for (const value of values) expect(db.run('INSERT INTO t(value) VALUES(?)', value)).toBe(1);
      const types = db.all<{ type: string }>('SELECT typeof(value) AS type FROM t ORDER BY id').map(({ type }) => type);
      expect(types).toEqual(['null', 'integer', 'integer', 'integer', 'integer', 'integer', 'real', 'real', 'real', 'text', 'text', 'blob', 'blob']);
    });
  });

  it('DRIVER-2 reads exactly where asked: INTEGER as bigint, REAL as number', async () => {
    await withDatabase(({ db }) => {
      db.exec("INSERT INTO t VALUES(1, 9007199254740993), (2, 1.0), (3, 'x'), (4, x'00ff'), (5, NULL), (6, -9223372036854775808)");
      const read = (): unknown[] => [...db.exact('SELECT id, value FROM t WHERE id > ? ORDER BY id', 0)].map(([id, value]) => [id, value instanceof Uint8Array ? [...value] : value]);
      const wanted = [[1n, 9007199254740993n], [2n, 1], [3n, 'x'], [4n, [0, 255]], [5n, null], [6n, -(2n ** 63n)]];
      expect(read()).toEqual(wanted);
      for (const [id] of db.exact('SELECT id, value FROM t WHERE id > ? ORDER BY id', 0)) if (id === 2n) break;
      expect(read(), 'after a read that ended early').toEqual(wanted);
      expect(db.get('SELECT id FROM t WHERE id = 1')).toEqual({ id: 1 });
      expect(db.get('SELECT id FROM t WHERE id = 99')).toBeUndefined();
    });
  });

  it('DRIVER-3 a transaction is all or nothing, and none is open after it', async () => {
    await withDatabase(({ db, other }) => {
      const boom = new Error('boom');
      expect(db.transaction(() => db.run('INSERT INTO t VALUES(1, 1)'))).toBe(1);
      expect(() => db.transaction(() => { db.run('INSERT INTO t VALUES(2, 2)'); throw boom; })).toThrow(boom);
      expect(() => db.transaction(() => { db.run('INSERT INTO t VALUES(3, 3)'); db.run("INSERT INTO u VALUES('a'), ('a')"); })).toThrow(/UNIQUE/);
      expect(() => db.transaction(() => { db.exec('INSERT INTO t VALUES(4, 4); ROLLBACK'); throw boom; })).toThrow(boom);
      expect(db.all('SELECT id FROM t')).toEqual([{ id: 1 }]);
      expect(other().transaction(() => 'free', 'BEGIN IMMEDIATE')).toBe('free');
    });
  });

  it('DRIVER-4 a deferred transaction that reads leaves writers free; a writing one is refused with source.locked', async () => {
    await withDatabase(({ db, other }) => {
      db.exec('PRAGMA journal_mode = WAL');
      const second = other();
      db.transaction(() => {
        expect(db.all('SELECT * FROM t')).toEqual([]);
        second.run('INSERT INTO t VALUES(1, 1)');
        expect(db.all('SELECT * FROM t')).toEqual([]);
      });
      db.transaction(() => {
        db.run('INSERT INTO t VALUES(2, 2)');
        expect(() => second.run('INSERT INTO t VALUES(3, 3)')).toThrow(fails('source.locked'));
      });
      second.run('INSERT INTO t VALUES(3, 3)');
      expect(db.all('SELECT id FROM t')).toHaveLength(3);
    });
  });

  it('DRIVER-5 a wrong statement fails and leaves the connection usable; statements see changes of the schema', async () => {
    await withDatabase(({ db }) => {
      for (const sql of ['SELEC', 'SELECT nothing FROM t', 'INSERT INTO nowhere VALUES(1)']) expect(() => db.run(sql), sql).toThrow();
      db.run('INSERT INTO t VALUES(1, 2)');
      expect(db.all('SELECT * FROM t')).toEqual([{ id: 1, value: 2 }]);
      db.exec('ALTER TABLE t ADD COLUMN more');
      expect(db.all('SELECT * FROM t')).toEqual([{ id: 1, value: 2, more: null }]);
      for (let i = 0; i < 1100; i++) expect(db.get(`SELECT ${i} AS n`)).toEqual({ n: i });
    });
  });

  it('DRIVER-6 databases are attached and go away again', async () => {
    await withDatabase(({ db }) => {
      for (const n of [1, 2, 3]) {
        db.attach(':memory:', 'pack');
        db.exec(`CREATE TABLE pack.p(n); INSERT INTO pack.p VALUES(${n})`);
        expect(db.all('SELECT n FROM pack.p')).toEqual([{ n }]);
        expect(Buffer.from(db.serialize('pack')).toString('latin1')).toMatch(/^SQLite format 3\0/);
        db.detach('pack');
      }
      expect(() => db.all('SELECT n FROM pack.p')).toThrow();
    });
  });

  it('DRIVER-7 what cannot be opened or written is refused with its code', async () => {
    await withFolder((folder) => {
      const path = (name: string): string => join(folder, name);
      writeFileSync(path('text'), 'no database'.repeat(100));
      mkdirSync(path('folder'));
      expect(() => openExisting(path('none'))).toThrow(fails('source.not-found'));
      expect(() => openExisting(path('folder'))).toThrow(fails('source.not-sqlite'));
      expect(() => openExisting(path('text'))).toThrow(fails('source.not-sqlite'));
      const made = new Database(path('a.db'));
      made.exec('CREATE TABLE t(a)');
      made.close();
      chmodSync(path('a.db'), 0o444);
      const readOnly = openExisting(path('a.db'), { readOnly: true });
      expect(readOnly.all('SELECT * FROM t')).toEqual([]);
      expect(() => readOnly.run('INSERT INTO t VALUES(1)')).toThrow(fails('source.read-only'));
      readOnly.close();
    });
  });

  it('DRIVER-8 a lock is held by one until it is let go', async () => {
    await withFolder((folder) => {
      const file = join(folder, 'lock');
      const unlock = holdLock(file);
      expect(() => holdLock(file)).toThrow(fails('server.data-in-use'));
      unlock();
      holdLock(file)();
    });
  });

  it('DRIVER-9 what need not be done now is left while another connection writes, and waits again afterwards as before', async () => {
    await withFolder((folder) => {
      const [one, other] = [new Database(join(folder, 'a.db'), { busyMs: 3 }), new Database(join(folder, 'a.db'))];
      one.exec('CREATE TABLE t(a)');
      other.exec('BEGIN IMMEDIATE');
      one.ifFree(() => one.run('INSERT INTO t VALUES(1)'));
      expect(() => one.run('INSERT INTO t VALUES(2)')).toThrow(fails('source.locked'));
      other.exec('ROLLBACK');
      one.ifFree(() => one.run('INSERT INTO t VALUES(3)'));
      expect(() => one.ifFree(() => one.run('INSERT INTO none VALUES(4)'))).toThrow(/no such table/);
      expect([one.all('SELECT a FROM t'), one.get('PRAGMA busy_timeout')]).toEqual([[{ a: 3 }], { timeout: 3 }]);
      one.close();
      other.close();
    });
  });
});
