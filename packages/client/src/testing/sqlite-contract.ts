import type { SqlValue } from '@carryon/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PackSource, Sqlite } from '../ports/sqlite.ts';

export interface SqliteSubject {
  readonly db: Sqlite;
  /** A further connection to the same database, which waits only shortly for a lock. */
  readonly other: () => Promise<Sqlite>;
  /** A pack made by these statements. */
  readonly pack: (sql: string) => Promise<PackSource>;
  /** A pack of these bytes. */
  readonly rawPack: (bytes: Uint8Array) => Promise<PackSource>;
  readonly end: () => Promise<void>;
}

/** What every Sqlite does. */
export function sqliteContract(name: string, make: () => Promise<SqliteSubject>): void {
  describe(`Sqlite: ${name}`, () => {
    let subject: SqliteSubject;
    let db: Sqlite;
    beforeEach(async () => {
      subject = await make();
      ({ db } = subject);
      await db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, value); CREATE TABLE u(a UNIQUE)');
    });
    afterEach(() => subject.end());
    const fails = (code: string): unknown => expect.objectContaining({ code });

    it('SQLITE-1 binds lists of values as they are: whole REALs stay REAL, bigints INTEGER', async () => {
      const values: SqlValue[] = [null, 1n, -(2n ** 63n), 2n ** 63n - 1n, 1, -0, 1.5, 1e300, Infinity, '', 'a\0b 🚐', new Uint8Array(), new Uint8Array([0, 255])];
      await db.runMany('INSERT INTO t VALUES(?, ?)', values.map((value, i) => [BigInt(i + 1), value]));
      const types = await db.all<{ type: string }>('SELECT typeof(value) AS type FROM t ORDER BY id');
      expect(types.map(({ type }) => type)).toEqual(['null', 'integer', 'integer', 'integer', 'real', 'real', 'real', 'real', 'real', 'text', 'text', 'blob', 'blob']);
      const read = await db.all<{ value: unknown }>('SELECT value FROM t ORDER BY id');
      expect(read.map(({ value }) => (value instanceof Uint8Array ? [...value] : value))).toEqual([null, 1, -(2n ** 63n), 2n ** 63n - 1n, 1, -0, 1.5, 1e300, Infinity, '', 'a\0b 🚐', [], [0, 255]]);
    });

    it('SQLITE-2 binds whole numbers of single statements as INTEGER and tells the rows changed', async () => {
      expect(await db.run('INSERT INTO t VALUES(?, ?), (?, ?)', 1, 5, 2n, 5.5)).toBe(2);
      expect(await db.all('SELECT id, typeof(value) AS type FROM t WHERE id <= ?', 2)).toEqual([{ id: 1, type: 'integer' }, { id: 2, type: 'real' }]);
      expect(await db.run('UPDATE t SET value = 0 WHERE id > ?', 1)).toBe(1);
      expect(await db.run('DELETE FROM t WHERE id = 99')).toBe(0);
    });

    it('SQLITE-3 a transaction is all or nothing, and none is open after it', async () => {
      expect(await db.transaction(async () => { await db.run('INSERT INTO t VALUES(1, 1)'); return 'result'; })).toBe('result');
      const boom = new Error('boom');
      await expect(db.transaction(async () => { await db.run('INSERT INTO t VALUES(2, 2)'); throw boom; })).rejects.toBe(boom);
      expect(await db.all('SELECT id FROM t')).toEqual([{ id: 1 }]);
      const other = await subject.other();
      await other.run('INSERT INTO t VALUES(3, 3)');
      await other.close();
    });

    it('SQLITE-4 a transaction holds the write lock from its start; another writer is refused with device.database-locked', async () => {
      const other = await subject.other();
      await db.transaction(async () => {
        await expect(other.transaction(async () => undefined)).rejects.toThrow(fails('device.database-locked'));
      });
      await other.transaction(async () => undefined);
      await other.close();
    });

    it('SQLITE-5 errors of a statement are sql.error and leave the connection usable', async () => {
      await expect(db.exec('SELEC')).rejects.toThrow(fails('sql.error'));
      await expect(db.run('INSERT INTO nowhere VALUES(1)')).rejects.toThrow(fails('sql.error'));
      await expect(db.all('SELECT nothing FROM t')).rejects.toThrow(fails('sql.error'));
      await expect(db.runMany('INSERT INTO u VALUES(?)', [['a'], ['a']])).rejects.toThrow(fails('sql.error'));
      expect(await db.all('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });

    it('SQLITE-6 a statement kept from before a change of the schema sees the change', async () => {
      await db.run('INSERT INTO t VALUES(1, 2)');
      expect(await db.all('SELECT * FROM t')).toEqual([{ id: 1, value: 2 }]);
      await db.exec('ALTER TABLE t ADD COLUMN more; DROP TABLE u; ALTER TABLE t RENAME TO u');
      expect(await db.all('SELECT * FROM u')).toEqual([{ id: 1, value: 2, more: null }]);
      await expect(db.all('SELECT * FROM t')).rejects.toThrow(fails('sql.error'));
    });

    it('SQLITE-7 a pack is read under the name pack, cannot be written, and gives way to the next', async () => {
      for (const n of [1, 2, 3]) {
        await db.attachPack(await subject.pack(`CREATE TABLE p(n); INSERT INTO p VALUES(${n})`));
        expect(await db.all('SELECT n FROM pack.p')).toEqual([{ n }]);
        await db.transaction(() => db.run(`INSERT INTO main.t SELECT ${n}, n FROM pack.p`));
        await expect(db.run('INSERT INTO pack.p VALUES(9)')).rejects.toThrow();
        await db.detachPack();
      }
      expect(await db.all('SELECT sum(value) AS sum FROM t')).toEqual([{ sum: 6 }]);
      await expect(db.all('SELECT n FROM pack.p')).rejects.toThrow(fails('sql.error'));
    });

    it('SQLITE-8 what is no SQLite file is refused when it is attached or first read, and the next pack is fine', async () => {
      const source = await subject.rawPack(new TextEncoder().encode('<html>sign in</html>'.repeat(300)));
      const refused = expect.objectContaining({ code: 'device.database-corrupt' });
      const isAttached = await db.attachPack(source).then(() => true, (error: unknown) => { expect(error).toEqual(refused); return false; });
      if (isAttached) {
        await expect(db.all('SELECT * FROM pack.sqlite_schema')).rejects.toThrow(refused as Error);
        await db.detachPack();
      }
      await db.attachPack(await subject.pack('CREATE TABLE p(n)'));
      await db.detachPack();
    });

    it('SQLITE-9 a pack goes away after a failed transaction too', async () => {
      await db.attachPack(await subject.pack('CREATE TABLE p(n); INSERT INTO p VALUES(1), (1)'));
      await expect(db.transaction(() => db.run('INSERT INTO u SELECT n FROM pack.p'))).rejects.toThrow(fails('sql.error'));
      await db.detachPack();
      expect(await db.all('SELECT * FROM u')).toEqual([]);
    });

    it('SQLITE-10 what was committed is there for the next connection; closing twice does nothing', async () => {
      await db.run('INSERT INTO t VALUES(1, ?)', 'kept');
      await db.close();
      await db.close();
      const other = await subject.other();
      expect(await other.all('SELECT value FROM t')).toEqual([{ value: 'kept' }]);
      await other.close();
    });

    it('SQLITE-12 tells of commits of another connection, until that is ended, and not of its own', async () => {
      const other = await subject.other();
      const heard: string[] = [];
      const told = (name: string): (() => void) => () => void heard.push(name);
      const ends = [db.onWrite(told('a')), db.onWrite(told('b'))];
      await db.run('INSERT INTO t VALUES(1, 1)');
      await other.run('INSERT INTO t VALUES(2, 2)');
      await expect.poll(() => heard.length).toBeGreaterThan(0);
      expect(heard.slice(0, 2)).toEqual(['a', 'b']);
      ends[0]?.();
      heard.length = 0;
      await other.transaction(() => other.run('INSERT INTO t VALUES(3, 3)'));
      await expect.poll(() => heard.length).toBeGreaterThan(0);
      expect(heard).not.toContain('a');
      ends[1]?.();
      await other.close();
    });
  });
}
