import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { Attributes } from '../../../core/attributes.ts';
import type { Config } from '../../../core/config.ts';
import type { Upload, Uploaded } from '../../../ports/storage.ts';
import { activateAll, pushOf, scopesOf, type NamedChange } from '../../../testing/edits.ts';
import { withStore, type TempStore } from '../../../testing/temp-store.ts';
import { Database, type Bound } from '../driver.ts';
import { openDirectStorage } from '../storage.ts';
import { SqliteStore } from '../store.ts';
import { Access } from './access.ts';
import { takeUpload } from './upload.ts';

const RIGHTS = ['create', 'read', 'update', 'delete'];
const SQL = `CREATE TABLE p(id INTEGER PRIMARY KEY, v CHECK(v <> 'bad'));
  CREATE TABLE c(id TEXT PRIMARY KEY, p INTEGER REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED); INSERT INTO p VALUES(1, 'a')`;
const PROFILE = { p: { rights: RIGHTS, conflicts: 'merge' }, c: { rights: RIGHTS } };

const withEdits = (work: (store: TempStore) => Promise<void>): Promise<void> => withStore(SQL, PROFILE, async (store) => {
  await store.storage.prepare(() => undefined);
  await store.storage.evaluate(1);
  await work(store);
});

const ANN: Attributes = { user: ['ann'], teams: [], unit: [], units: [], profiles: [] };
const accessOf = (config: Config): Access => new Access(config, { user: 'ann', claims: {} }, ANN, 0);

const uploadOf = (config: Config, changesets: readonly NamedChange[][], options: { first?: number } = {}): Upload =>
  ({ user: 'ann', claims: {}, device: 'phone', nowMs: 7, push: pushOf(config.tables, changesets, options) });
const v = (from: string, to: string): NamedChange => ({ update: 'p', key: [1], set: { v: [from, to] } });
const child = (id: string, p: number): NamedChange => ({ insert: 'c', key: [id], set: { p } });

/** All that an upload can change, the outbox included; how often it says that the device came further depends on the crash. */
function everything(file: string): string {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = ['p', 'c', '_carryon_device', '_carryon_outcome', '_carryon_key', '_carryon_left', 'carryon_sync_error'].map((name) => db.prepare(`SELECT * FROM ${name}`).all());
    return JSON.stringify([...tables, db.prepare('SELECT t, k0 FROM _carryon_outbox WHERE t >= 0').all()]);
  } finally {
    db.close();
  }
}

class Crash extends Error {}

/** A connection of a process that dies at one of its calls: before SQLite does it, or right after. */
class DyingDatabase extends Database {
  #left: number;
  readonly #after: boolean;

  constructor(file: string, calls: number, after: boolean) {
    super(file);
    this.#left = Infinity;
    this.#after = after;
    super.exec('PRAGMA foreign_keys = ON');
    this.#left = calls;
  }

  override exec(sql: string): void { this.#live(() => super.exec(sql)); }
  override run(sql: string, ...values: Bound[]): number { return this.#live(() => super.run(sql, ...values)); }
  override get<T>(sql: string, ...values: Bound[]): T | undefined { return this.#live(() => super.get<T>(sql, ...values)); }
  override all<T>(sql: string, ...values: Bound[]): T[] { return this.#live(() => super.all<T>(sql, ...values)); }
  override exact(sql: string, ...values: Bound[]): ReturnType<Database['exact']> { return this.#live(() => super.exact(sql, ...values)); }

  #live<T>(work: () => T): T {
    if (this.#left <= 0 || (this.#left === 1 && !this.#after)) throw this.#die();
    const done = work();
    if (--this.#left === 0) throw this.#die();
    return done;
  }

  #die(): Crash {
    this.#left = 0;
    return new Crash();
  }
}

/** Ends the process at the call: what was not committed is gone. Undefined: it had ended before. */
function dieAt(file: string, config: Config, upload: Upload, calls: number, after: boolean): 'died' | undefined {
  const db = new DyingDatabase(file, calls, after);
  try {
    takeUpload(db, accessOf(config), upload);
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof Crash)) throw thrown;
    return 'died';
  } finally {
    db.close();
  }
}

describe('an upload that ends at any call', () => {
  const trials: readonly [string, NamedChange[][], number][] = [
    ['in one transaction', [[v('a', 'b'), { insert: 'p', key: [-1], set: { v: 'new' } }], [v('b', 'bad')], [child('x', -1)], [{ delete: 'c', key: ['x'] }]], 2],
    ['in a transaction each', [[v('a', 'b')], [child('x', 99)], [v('b', 'bad')], [{ insert: 'p', key: [-1], set: { v: 'new' } }]], 5],
  ];
  for (const [what, changesets, mostStates] of trials) {
    for (const after of [false, true]) {
      it(`S70 I13 has done some changesets as a whole and the others not at all, ${what}, ${after ? 'after' : 'before'} the call`, () => withEdits(async ({ files, config }) => {
        const upload = uploadOf(config, changesets);
        const start = join(files.database, '..', 'start.db');
        const twin = join(files.database, '..', 'twin.db');
        const db = new Database(files.database);
        db.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA foreign_keys = ON');
        copyFileSync(files.database, start);
        const wanted = takeUpload(db, accessOf(config), upload);
        db.close();
        const end = everything(files.database);
        const states = new Set<string>();
        let calls = 0;
        do {
          copyFileSync(start, twin);
          if (dieAt(twin, config, upload, ++calls, after) === undefined) break;
          states.add(everything(twin));
          const again = new Database(twin);
          again.exec('PRAGMA foreign_keys = ON');
          const { last, outcomes } = takeUpload(again, accessOf(config), upload);
          again.close();
          expect({ last, outcomes }, `after call ${calls}`).toEqual({ last: wanted.last, outcomes: wanted.outcomes });
          expect(everything(twin), `after call ${calls}`).toBe(end);
        } while (calls < 1000);
        expect(calls).toBeGreaterThan(30);
        expect(states.size).toBeLessThanOrEqual(mostStates);
        expect(states.size).toBeGreaterThan(1);
      }));
    }
  }
});

describe('what is acknowledged', () => {
  it('S80 is taken in with the rows, also by an evaluation that another process made necessary, and that is news', () => withEdits(async ({ files, config, storage, business }) => {
    const other = new Database(files.database);
    takeUpload(other, accessOf(config), uploadOf(config, [[v('a', 'b')], [v('b', 'b')]]));
    const look = (): Promise<unknown> => storage.read((snapshot) => [snapshot.acked('ann', 'phone'), snapshot.state().checkpoint]);
    expect(await look()).toEqual([0, 1]);
    expect(await storage.evaluate(2)).toBe(true);
    expect(await look()).toEqual([2, 2]);
    takeUpload(other, accessOf(config), uploadOf(config, [[v('b', 'b')]], { first: 3 }));
    other.close();
    expect(await storage.evaluate(3)).toBe(true);
    expect(await look()).toEqual([3, 2]);
    business.exec("UPDATE p SET v = 'c'");
    expect(await storage.evaluate(4)).toBe(true);
    expect(await look()).toEqual([3, 3]);
  }));

  it('S80 is not shown by a snapshot of before', () => withEdits(async ({ files, config, storage }) => {
    const other = new SqliteStore(files);
    other.open(config, () => 'never used');
    await activateAll(storage, 'ann');
    const key = (await scopesOf(storage, 'ann')).get('p') ?? expect.fail('no table');
    await storage.read((snapshot) => {
      const scope = snapshot.scope(key);
      expect(snapshot.acked('ann', 'phone')).toBe(0);
      expect(other.upload(uploadOf(config, [[v('a', 'b')]]))).toMatchObject({ last: 1, published: true });
      expect([snapshot.acked('ann', 'phone'), snapshot.scope(key)]).toEqual([0, scope]);
    });
    other.close();
    expect(await storage.read((snapshot) => [snapshot.acked('ann', 'phone'), snapshot.state().checkpoint])).toEqual([1, 3]);
  }));

  it('S80 is known to a new store of the same business database from its first checkpoint on', () => withEdits(async ({ files, config, storage }) => {
    await storage.upload(uploadOf(config, [[v('a', 'b')], [v('b', 'bad')]]));
    const next = openDirectStorage({ ...files, store: `${files.store}.new` }, config, () => 'id');
    await next.prepare(() => undefined);
    expect(await next.read((snapshot) => snapshot.acked('ann', 'phone'))).toBe(0);
    await next.evaluate(9);
    expect(await next.read((snapshot) => snapshot.acked('ann', 'phone'))).toBe(2);
    expect(await next.errors('ann', 9)).toMatchObject([{ seq: 2 }]);
    expect(await next.upload(uploadOf(config, [[v('a', 'x')], [v('b', 'bad')], [v('b', 'c')]]))).toMatchObject({ last: 3, taken: 1, outcomes: [{ seq: 2 }] });
    await next.close();
  }));
});

describe('two servers\' worth of trouble', () => {
  it('S71 I13 two connections of one device have each changeset applied once', () => withEdits(async ({ files, config, business }) => {
    const both = [new SqliteStore(files), new SqliteStore(files)];
    for (const store of both) store.open(config, () => 'never used');
    const add = (id: string): NamedChange[] => [child(id, 1)];
    const answers: Uploaded[] = [];
    for (let first = 1; first < 30; first += 3) {
      const [ids, more] = [[0, 1, 2], [1, 2, 3]].map((places) => places.map((i) => add(`c${first + i}`)));
      answers.push(...both.map((store, i) => store.upload(i === 0 ? uploadOf(config, ids ?? [], { first }) : uploadOf(config, more ?? [], { first: first + 1 }))));
    }
    for (const store of both) store.close();
    expect(answers.flatMap(({ outcomes }) => outcomes)).toEqual([]);
    expect(answers.at(-1)?.last).toBe(31);
    expect(business.prepare('SELECT count(*) AS n FROM c').get()).toMatchObject({ n: 31 });
  }));

  it('S70 a backup that is put back brings watermark, outcomes and keys back with the rows', () => withEdits(async ({ files, config, storage, business }) => {
    const early: NamedChange[][] = [[{ insert: 'p', key: [-1], set: { v: 'new' } }], [v('a', 'bad')]];
    const late: NamedChange[][] = [[child('x', -1)], [v('a', 'b')]];
    const before = await storage.upload(uploadOf(config, early));
    const backup = join(files.database, '..', 'backup.db');
    business.exec(`VACUUM INTO '${backup}'`);
    await storage.upload(uploadOf(config, late, { first: 3 }));
    const restored = openDirectStorage({ database: backup, store: `${files.store}.restored` }, config, () => 'id');
    await restored.prepare(() => undefined);
    await restored.evaluate(1);
    expect(await restored.read((snapshot) => snapshot.acked('ann', 'phone'))).toBe(2);
    const again = await restored.upload(uploadOf(config, [...early, ...late]));
    expect(again).toMatchObject({ last: 4, taken: 2, outcomes: before.outcomes });
    const next: NamedChange[][] = [[{ insert: 'p', key: [-2], set: { v: 'newer' } }]];
    expect(await restored.upload({ ...uploadOf(config, next, { first: 5 }), push: pushOf(config.tables, next, { first: 5, known: 9 }) }), 'a device that knows what was lost is told again').toMatchObject({ outcomes: [{ seq: 5 }] });
    await restored.close();
    const db = new DatabaseSync(backup, { readOnly: true });
    expect(db.prepare('SELECT p FROM c').all()).toMatchObject([{ p: 2 }]);
    expect(db.prepare('SELECT v FROM p ORDER BY id').all()).toMatchObject([{ v: 'b' }, { v: 'new' }, { v: 'newer' }]);
    db.close();
  }));
});

describe('a push from an older copy of a device', () => {
  it('S71 takes nothing in, and says so; one that is only sent again is no such push', () => withEdits(async ({ storage, config, business }) => {
    const upload = (changesets: readonly NamedChange[][], first: number, sent: number, id = `push ${first} ${sent}`): Promise<Uploaded> => {
      const { push, ...rest } = uploadOf(config, changesets, { first });
      return storage.upload({ ...rest, push: { ...push, sent, id } });
    };
    const value = (): unknown => business.prepare('SELECT v FROM p WHERE id = 1').get()?.['v'];
    expect(await upload([[v('a', 'b')], [v('b', 'c')]], 1, 0)).toMatchObject({ last: 2, taken: 2 });
    // The same request, delivered twice.
    expect(await upload([[v('a', 'b')], [v('b', 'c')]], 1, 0)).toEqual({ last: 2, ledger: expect.any(String) as string, taken: 0, refused: 0, outcomes: [], published: false });
    // The answer was lost.
    expect(await upload([[v('a', 'b')], [v('b', 'c')]], 1, 2)).toMatchObject({ last: 2, taken: 0 });
    expect(await upload([[v('b', 'x')], [v('x', 'y')], [v('y', 'z')]], 2, 1)).toMatchObject({ last: 2, diverged: true, taken: 0, outcomes: [] });
    expect(value()).toBe('c');
    expect(await upload([[v('c', 'd')]], 3, 2)).toMatchObject({ last: 3, taken: 1 });
    expect(value()).toBe('d');
  }));

  it('S82 what was asked for is told up to a length', () => withEdits(async ({ storage, config }) => {
    await storage.upload(uploadOf(config, [[{ insert: 'p', key: [-1], set: { v: 'x'.repeat(200_000) } }, v('nobody', 'bad')]]));
    const [error] = await storage.errors('ann', 10);
    expect(error?.request_data.length).toBeLessThan(70_000);
    expect(JSON.parse(error?.request_data ?? '')).toMatchObject({ tooLong: expect.any(Number) as number });
    expect(JSON.parse(error?.action_data ?? '')).toMatchObject({ v: { from: 'nobody', to: 'bad' } });
  }));
});
