import { DatabaseSync } from 'node:sqlite';
import { RawText } from '@carryon/protocol';
import { describe, expect, it } from 'vitest';
import { activateAll, EditingDevice, pushOf, scopesOf, type NamedChange } from '../../../testing/edits.ts';
import { profilesOf, withStore, type TempStore } from '../../../testing/temp-store.ts';
import { compileFor } from '../compile-for.ts';

const RIGHTS = ['create', 'read', 'update', 'delete'];

interface Bench extends TempStore {
  readonly device: EditingDevice;
  /** All rows of the query, each as its values. */
  rows(sql: string): unknown[];
}

const withEdits = (sql: string, profile: object, work: (bench: Bench) => Promise<void>): Promise<void> => withStore(sql, profile, async (store) => {
  await store.storage.prepare(() => undefined);
  await store.storage.evaluate(1);
  const rows = (query: string): unknown[] => store.business.prepare(query).all().map((row) => Object.values(row));
  await work({ ...store, rows, device: new EditingDevice(store.storage, store.tables) });
});

const set = (table: string, id: unknown, old: unknown, value: unknown): NamedChange => ({ update: table, key: [id], set: { v: [old, value] }, base: {} });
const add = (table: string, id: unknown, more: object = {}): NamedChange => ({ insert: table, key: [id], set: { ...more } });

describe('a changeset', () => {
  const SQL = "CREATE TABLE t(id TEXT PRIMARY KEY, v UNIQUE); INSERT INTO t VALUES('a', 1), ('b', 2)";
  const PROFILE = { t: { rights: RIGHTS } };

  it('S72 is done as a whole or not at all, and the others are done without it', () => withEdits(SQL, PROFILE, async ({ device, rows }) => {
    const answer = await device.send([set('t', 'a', 1, 10), add('t', 'c', { v: 3 })], [set('t', 'a', 10, 11), add('t', 'd', { v: 4 }), set('t', 'b', 2, 3)], [set('t', 'b', 2, 20)]);
    expect(answer).toMatchObject({ last: 3, taken: 3, refused: 1, outcomes: [{ seq: 2, refused: { code: 'write.unique', change: 2, error: 'phone:2' } }] });
    expect(rows('SELECT id, v FROM t ORDER BY id')).toEqual([['a', 10], ['b', 20], ['c', 3]]);
  }));

  it('S72 that is refused leaves one sync error with all that a person needs', () => withEdits(SQL, PROFILE, async ({ device, rows }) => {
    await device.send([add('t', 'c', { v: 3 }), set('t', 'b', 2, 3)]);
    expect(await device.errors()).toEqual([{
      id: 'phone:1', error_time: new Date(5_000_001).toISOString(), message: expect.stringContaining('UNIQUE constraint failed: t.v') as string, type: 3, record_table: 't',
      record_key: '["b"]', owner: 'ann', action: 'update', action_data: '{"v":{"from":2,"to":3}}',
      request_data: JSON.stringify({ seq: 1, changes: [{ op: 'insert', table: 't', key: ['c'], set: [['v', 3]] }, { op: 'update', table: 't', key: ['b'], set: [['v', 2, 3]], base: [] }] }),
      error_code: 'write.unique', device: 'phone', seq: 1,
    }]);
    expect(rows('SELECT count(*) FROM carryon_sync_error')).toEqual([[1]]);
  }));

  it('S82 may delete sync errors of its own person, and nothing else of them', () => withEdits(SQL, PROFILE, async ({ device, storage, tables, rows }) => {
    await device.send([set('t', 'b', 2, 1)]);
    const bob = new EditingDevice(storage, tables, 'bob');
    expect(await bob.code({ delete: 'carryon_sync_error', key: ['phone:1'] })).toBe('ok');
    expect(await device.code({ update: 'carryon_sync_error', key: ['phone:1'], set: { message: ['', 'x'] } })).toBe('write.forbidden');
    expect(await device.code({ insert: 'carryon_sync_error', key: ['x'] })).toBe('write.forbidden');
    expect(rows('SELECT id FROM carryon_sync_error ORDER BY id')).toEqual([['phone:1'], ['phone:2'], ['phone:3']]);
    expect(await device.code({ delete: 'carryon_sync_error', key: ['phone:1'] })).toBe('ok');
    expect(rows('SELECT id FROM carryon_sync_error ORDER BY id')).toEqual([['phone:2'], ['phone:3']]);
    expect((await device.errors()).map(({ id }) => id)).toEqual(['phone:3', 'phone:2']);
  }));

  it('S71 of two people\'s devices with one name has its own sync error', () => withEdits(SQL, PROFILE, async ({ device, storage, tables, rows }) => {
    const bob = new EditingDevice(storage, tables, 'bob');
    const refused = [await device.one(set('t', 'b', 2, 1)), await bob.one(set('t', 'b', 2, 1))].map((outcome) => outcome?.refused?.error);
    expect(refused).toEqual(['phone:1', 'phone:1+']);
    expect(rows('SELECT id, owner FROM carryon_sync_error ORDER BY id')).toEqual([['phone:1', 'ann'], ['phone:1+', 'bob']]);
  }));

  const TOUCHED = `CREATE TABLE t(id TEXT PRIMARY KEY, v, touched INTEGER DEFAULT 0); INSERT INTO t VALUES('a', 1, 0), ('b', 1, 0);
    CREATE TRIGGER touch AFTER UPDATE OF v ON t BEGIN UPDATE t SET touched = touched + 1 WHERE id <> 'c'; END`;
  const DETECT = { t: { rights: RIGHTS, conflicts: 'detect' } };
  const touch = (from: number, to: number, touched: number | null = 0, id = 'a'): NamedChange => ({ update: 't', key: [id], set: { v: [from, to] }, base: { touched } });

  it('S74 is not in conflict with what an earlier one of the same push, or a trigger after it, has done to the row', () => withEdits(TOUCHED, DETECT, async ({ device, rows }) => {
    expect((await device.send([touch(1, 2)], [touch(1, 7, 1, 'b')], [touch(2, 3), touch(3, 4)])).outcomes).toEqual([]);
    expect(rows('SELECT v, touched FROM t')).toEqual([[4, 4], [7, 4]]);
  }));

  it('S74 is not in conflict with an earlier one of the same device of which it did not know yet', () => withEdits(TOUCHED, DETECT, async ({ device, storage, tables, rows }) => {
    const send = async (first: number, known: number, ...changesets: NamedChange[][]): Promise<unknown> => (await storage.upload(device.upload(pushOf(tables, changesets, { first, known })))).refused;
    expect(await send(1, 0, [touch(1, 2)], [{ insert: 't', key: ['c'], set: { v: 1 } }])).toBe(0);
    expect(await send(3, 2, [touch(2, 3)], [{ delete: 't', key: ['c'], base: { v: 1, touched: null } }]), 'sent when the answer had just come').toBe(0);
    expect(await send(4, 2, [], [touch(3, 4)]), 'sent when no answer came').toBe(0);
    expect(await send(6, 5, []), 'all is known by now').toBe(0);
    expect(await send(7, 6, [touch(4, 5)]), 'made in spite of that').toBe(1);
    expect(rows('SELECT v, touched FROM t')).toEqual([[4, 3], [1, 3]]);
  }));

  it('S74 I16 is in conflict with what others did after an earlier one of the same device', () => withEdits(TOUCHED, DETECT, async ({ device, storage, tables, business }) => {
    const send = async (user: EditingDevice, first: number, ...changesets: NamedChange[][]): Promise<unknown> => (await storage.upload(user.upload(pushOf(tables, changesets, { first })))).refused;
    expect(await send(device, 1, [touch(1, 2)])).toBe(0);
    expect(await send(new EditingDevice(storage, tables, 'ann', 'tablet'), 1, [touch(2, 3)]), 'another device').toBe(1);
    business.exec("UPDATE t SET touched = touched + 1 WHERE id = 'a'");
    expect(await send(device, 2, [touch(2, 3)])).toBe(1);
    business.exec("UPDATE t SET touched = 1 WHERE id = 'a'");
    expect(await send(device, 3, [touch(2, 3)]), 'and back').toBe(0);
  }));

  it('S74 S79 compares tables of many columns, and what triggers made of texts that are not UTF-8', () => {
    const names = Array.from({ length: 300 }, (_, i) => `c${i}`);
    const wide = `CREATE TABLE t(id TEXT PRIMARY KEY, v, ${names.join(', ')}); INSERT INTO t(id, v) VALUES('a', 1);
      CREATE TRIGGER fill AFTER UPDATE OF v ON t BEGIN UPDATE t SET c9 = CAST(x'61ff' AS TEXT), c10 = 1.0 WHERE id = NEW.id; END`;
    return withEdits(wide, DETECT, async ({ device, storage, tables, business }) => {
      const base = Object.fromEntries(names.map((name) => [name, null]));
      const send = async (first: number, from: number): Promise<unknown> => (await storage.upload(device.upload(pushOf(tables, [[{ update: 't', key: ['a'], set: { v: [from, from + 1] }, base }]], { first })))).refused;
      expect([await send(1, 1), await send(2, 2)]).toEqual([0, 0]);
      business.exec("UPDATE t SET c9 = CAST(x'61fe' AS TEXT)");
      expect(await send(3, 3)).toBe(1);
      business.exec("UPDATE t SET c9 = CAST(x'61ff' AS TEXT), c10 = 1");
      expect(await send(4, 3)).toBe(1);
      business.exec('UPDATE t SET c10 = 1.0');
      expect(await send(5, 3)).toBe(0);
    });
  });

  it('S74 I16 that merges is in conflict about a column that an earlier one of the same push has not touched', () => withEdits("CREATE TABLE t(id TEXT PRIMARY KEY, v, w); INSERT INTO t VALUES('a', 1, 1)", { t: { rights: RIGHTS, conflicts: 'merge' } }, async ({ device, business, rows }) => {
    business.exec('UPDATE t SET w = 7');
    const answer = await device.send([set('t', 'a', 1, 2)], [{ update: 't', key: ['a'], set: { v: [9, 3], w: [1, 2] } }], [set('t', 'a', 9, 4)]);
    expect([answer.outcomes.map(({ seq, refused }) => [seq, refused?.code]), rows('SELECT v, w FROM t')]).toEqual([[[2, 'write.conflict']], [[4, 7]]]);
  }));

  it('S74 is in conflict when what an earlier one of the same push has done was undone', () => withEdits(SQL, { t: { rights: RIGHTS, conflicts: 'detect' } }, async ({ device, business }) => {
    business.exec("UPDATE t SET v = 7 WHERE id = 'a'");
    const answer = await device.send([set('t', 'b', 2, 5), set('t', 'a', 1, 3)], [set('t', 'b', 5, 6)], [set('t', 'b', 2, 6)]);
    expect(answer.outcomes.map(({ seq, refused }) => [seq, refused?.code])).toEqual([[1, 'write.conflict'], [2, 'write.conflict']]);
  }));
});

describe('the right', () => {
  const SQL = "CREATE TABLE t(id TEXT PRIMARY KEY, v, twice AS (v * 2), hidden DEFAULT 'h'); INSERT INTO t VALUES('a', 1, 'h')";
  const COLUMNS = ['id', 'v', 'twice'];
  const trials: readonly [string, NamedChange][] = [['create', add('t', 'b')], ['update', set('t', 'a', 1, 2)], ['delete', { delete: 't', key: ['a'] }]];
  for (const [right, change] of trials) {
    it(`S77 to ${right} is the profile's to give`, () => withEdits(SQL, { t: { rights: RIGHTS.filter((one) => one !== right) } }, async ({ device, rows }) => {
      expect(await device.code(change)).toBe('write.forbidden');
      expect(rows('SELECT id, v FROM t')).toEqual([['a', 1]]);
    }));
    it(`S77 to ${right} is enough to ${right}`, () => withEdits(SQL, { t: { rights: ['read', right] } }, async ({ device }) => {
      expect(await device.code(change)).toBe('ok');
    }));
    it(`S77 S72 S1 to ${right} is nobody's in a profile that names none: that is told, and no table is made for it`, () => withEdits(SQL, { t: {} }, async ({ device, rows }) => {
      const tables = (): unknown => rows('SELECT name FROM sqlite_schema ORDER BY name');
      const before = tables();
      expect(await device.send([change], [], [change])).toMatchObject({ last: 3, taken: 3, refused: 2, published: false, outcomes: [1, 3].map((seq) => ({ seq, refused: { code: 'write.forbidden', error: '' } })) });
      expect([rows('SELECT id, v FROM t'), tables()]).toEqual([[['a', 1]], before]);
    }));
  }

  it('S77 is never to set keys of rows that are there, or computed columns', () => withEdits(SQL, { t: { rights: RIGHTS, columns: COLUMNS } }, async ({ device, rows }) => {
    expect(await device.code({ update: 't', key: ['a'], set: { id: ['a', 'b'] } })).toBe('write.forbidden');
    expect(await device.code({ update: 't', key: ['a'], set: { twice: [2, 4] } })).toBe('write.forbidden');
    expect(await device.code(add('t', 'b', { v: 1, twice: 2 }))).toBe('write.forbidden');
    expect(await device.code(add('t', 'b', { id: 'b', v: 1, twice: null }))).toBe('ok');
    expect(rows("SELECT * FROM t WHERE id = 'b'")).toEqual([['b', 1, 2, 'h']]);
  }));

  it('S77 is never to name tables or columns outside of the profile', () => withEdits(`${SQL}; CREATE TABLE secret(id TEXT PRIMARY KEY, v)`, { t: { rights: RIGHTS, columns: COLUMNS } }, async ({ device, storage, tables }) => {
    const push = pushOf(tables, [[add('t', 'b')], [add('t', 'c')], [add('t', 'd')], [add('t', 'e')]]);
    const change = (table: number, more: object): object => ({ op: 'insert', table, key: ['x'], set: [], ...more });
    const bent = { ...push,
      tables: [{ name: 't', columns: ['id', 'hidden'], key: [0] }, { name: 'secret', columns: ['id', 'v'], key: [0] }, { name: 't', columns: ['v', 'id'], key: [0] }],
      changesets: [change(0, { set: [[1, 'x']] }), change(1, {}), change(2, {}), change(9, {}), change(0, { set: [[7, 'x']] }), change(0, { key: [] }), change(0, { set: [[0]] })].map((one, i) => ({ seq: i + 1, changes: [one] })),
    } as unknown as typeof push;
    const { outcomes } = await storage.upload(device.upload(bent));
    expect(outcomes.map(({ refused }) => refused?.code)).toEqual(['write.unknown', 'write.unknown', 'write.unknown', 'write.unknown', 'write.unknown', 'write.unknown', 'write.rejected']);
  }));
});

describe('the business database', () => {
  const DEFERRED = `CREATE TABLE p(id TEXT PRIMARY KEY); CREATE TABLE c(id TEXT PRIMARY KEY, p TEXT REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED); INSERT INTO p VALUES('a')`;

  it('S76 whose foreign keys are looked at last has only the guilty changesets refused', () => withEdits(DEFERRED, { p: { rights: RIGHTS }, c: { rights: RIGHTS } }, async ({ device, rows }) => {
    const answer = await device.send([add('c', '1', { p: 'a' })], [add('c', '2', { p: 'nix' })], [add('c', '3', { p: 'b' }), add('p', 'b')], [{ delete: 'p', key: ['b'] }], [add('c', '5', { p: 'a' })]);
    expect(answer).toMatchObject({ last: 5, taken: 5, refused: 2 });
    expect(answer.outcomes.map(({ seq, refused }) => [seq, refused?.code])).toEqual([[2, 'write.reference'], [4, 'write.reference']]);
    expect(rows('SELECT id, p FROM c ORDER BY id')).toEqual([['1', 'a'], ['3', 'b'], ['5', 'a']]);
    expect(rows('SELECT seq FROM carryon_sync_error ORDER BY seq')).toEqual([[2], [4]]);
  }));

  it('S76 cascades as it does by itself', () => withEdits("CREATE TABLE p(id TEXT PRIMARY KEY); CREATE TABLE c(id TEXT PRIMARY KEY, p REFERENCES p(id) ON DELETE CASCADE); INSERT INTO p VALUES('a'); INSERT INTO c VALUES('1', 'a')",
    { p: { rights: RIGHTS }, c: { rights: ['read'] } }, async ({ device, rows }) => {
      expect(await device.code({ delete: 'p', key: ['a'] })).toBe('ok');
      expect(rows('SELECT * FROM c')).toEqual([]);
    }));

  const raising = (what: string): string => `CREATE TABLE t(id TEXT PRIMARY KEY, v); INSERT INTO t VALUES('a', 1), ('b', 1);
    CREATE TRIGGER no_five BEFORE UPDATE ON t WHEN NEW.v = 5 BEGIN UPDATE t SET v = 99 WHERE id = 'a'; SELECT RAISE(${what}); END;
    CREATE TRIGGER no_five_new AFTER INSERT ON t WHEN NEW.v = 5 BEGIN UPDATE t SET v = 99 WHERE id = 'a'; SELECT RAISE(${what}); END`;
  for (const what of ["ABORT, 'no five'", "FAIL, 'no five'", "ROLLBACK, 'no five'"]) {
    it(`S76 that raises ${what} has only that changeset refused, with its words`, () => withEdits(raising(what), { t: { rights: RIGHTS } }, async ({ device, rows }) => {
      const answer = await device.send([set('t', 'a', 1, 2)], [add('t', 'c'), set('t', 'b', 1, 5)], [set('t', 'a', 2, 3)], [add('t', 'd', { v: 5 })], [add('t', 'e', { v: 4 })]);
      expect(answer.outcomes.map(({ seq, refused }) => [seq, refused?.code, refused?.change])).toEqual([[2, 'write.rejected', 1], [4, 'write.rejected', 0]]);
      expect(answer.outcomes[0]?.refused?.message).toContain('no five');
      expect(rows('SELECT id, v FROM t ORDER BY id')).toEqual([['a', 3], ['b', 1], ['e', 4]]);
      expect(rows('SELECT seq FROM carryon_sync_error ORDER BY seq')).toEqual([[2], [4]]);
    }));
  }

  it('S76 that ignores a change says so', () => withEdits(`CREATE TABLE t(id TEXT PRIMARY KEY, v); INSERT INTO t VALUES('a', 1);
    CREATE TRIGGER never BEFORE UPDATE ON t BEGIN SELECT RAISE(IGNORE); END; CREATE TRIGGER neither BEFORE INSERT ON t BEGIN SELECT RAISE(IGNORE); END; CREATE TRIGGER nor BEFORE DELETE ON t BEGIN SELECT RAISE(IGNORE); END`,
  { t: { rights: RIGHTS } }, async ({ device }) => {
    for (const change of [set('t', 'a', 1, 2), add('t', 'b'), { delete: 't', key: ['a'] }]) expect(await device.code(change)).toBe('write.rejected');
  }));

  it('S76 whose triggers need what only its own program has refuses those changes alone', () => withEdits(`CREATE TABLE t(id TEXT PRIMARY KEY, v); CREATE TABLE u(id TEXT PRIMARY KEY, v);
    CREATE TRIGGER own AFTER INSERT ON t BEGIN SELECT only_there(NEW.v); END`, { t: { rights: RIGHTS }, u: { rights: RIGHTS } }, async ({ device, rows }) => {
    const { outcomes } = await device.send([add('u', 'a')], [add('t', 'a')], [add('u', 'b')]);
    expect(outcomes).toMatchObject([{ seq: 2, refused: { code: 'write.rejected', message: expect.stringContaining('only_there') as string } }]);
    expect(rows('SELECT id FROM u')).toEqual([['a'], ['b']]);
  }));

  it('S72 that is locked is left as it was, and the same push is taken in later', () => withEdits("CREATE TABLE t(id TEXT PRIMARY KEY, v); INSERT INTO t VALUES('a', 1)", { t: { rights: RIGHTS } }, async ({ device, business, storage, tables, rows }) => {
    const upload = device.upload(pushOf(tables, [[set('t', 'a', 1, 2)]]));
    business.exec('BEGIN IMMEDIATE');
    await expect(storage.upload(upload)).rejects.toThrow(expect.objectContaining({ name: 'CarryonError', code: 'source.locked' }) as Error);
    business.exec('ROLLBACK');
    expect(rows('SELECT v FROM t')).toEqual([[1]]);
    expect(await storage.upload(upload)).toMatchObject({ last: 1, taken: 1, outcomes: [] });
    expect(rows('SELECT v FROM t')).toEqual([[2]]);
  }));
});

describe('values', () => {
  it('S79 of a new row\'s key are never NULL', () => withEdits('CREATE TABLE t(id TEXT PRIMARY KEY, v); CREATE TABLE u(id INTEGER PRIMARY KEY)', { t: { rights: RIGHTS }, u: { rights: RIGHTS } }, async ({ device, rows }) => {
    for (const table of ['t', 'u']) expect(await device.code(add(table, null))).toBe('write.rejected');
    expect([rows('SELECT * FROM t'), rows('SELECT * FROM u')]).toEqual([[], []]);
  }));

  it('S79 arrive exactly, in any column', () => withEdits("CREATE TABLE t(id TEXT PRIMARY KEY, v, r REAL, i INTEGER, s TEXT); INSERT INTO t(id) VALUES('old')", { t: { rights: RIGHTS } }, async ({ device, business, storage }) => {
    const values = [null, 0, 1, -1, { i: '9223372036854775807' }, { i: '-9223372036854775808' }, { r: '1' }, { r: '-0' }, 0.5, 1e-300, { r: 'Infinity' }, { r: '-Infinity' }, { r: '1e+300' },
      '', 'text', 'ü\u0000x', '12', { b: '' }, { b: 'AP8=' }, { x: 'YWL/' }];
    let old: unknown = null;
    for (const [i, value] of values.entries()) {
      expect(await device.code(add('t', `n${i}`, { v: value, s: value }), set('t', 'old', old, value)), JSON.stringify(value)).toBe('ok');
      old = value;
    }
    const typed = business.prepare("SELECT typeof(v) || ' ' || quote(v) || ' ' || hex(v) AS typed FROM t WHERE id LIKE 'n%' ORDER BY rowid").all().map((row) => row['typed']);
    const plain = new DatabaseSync(':memory:');
    const typeOf = plain.prepare("SELECT typeof(?1) || ' ' || quote(?1) || ' ' || hex(?1) AS typed");
    const raw = plain.prepare("SELECT typeof(CAST(?1 AS TEXT)) || ' ' || quote(CAST(?1 AS TEXT)) || ' ' || hex(?1) AS typed");
    const wanted = [null, 0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 1, -0, 0.5, 1e-300, Infinity, -Infinity, 1e300, '', 'text', 'ü\u0000x', '12', new Uint8Array(), new Uint8Array([0, 255])].map((value) => typeOf.get(value)?.['typed']);
    expect(typed).toEqual([...wanted, raw.get(new Uint8Array([97, 98, 255]))?.['typed']]);
    plain.close();
    await activateAll(storage, 'ann');
    const key = (await scopesOf(storage, 'ann')).get('t') ?? expect.fail('no table');
    const last = await storage.read((snapshot) => {
      const scope = snapshot.scope(key) ?? expect.fail('no scope');
      return snapshot.feed(scope, { seq: 0, rid: 0 }, 1000, 1e6).entries.at(-1)?.values;
    });
    expect(last?.[1]).toEqual(new RawText(new Uint8Array([97, 98, 255])));
  }));

  it('S79 that are none are refused', () => withEdits('CREATE TABLE t(id TEXT PRIMARY KEY, v)', { t: { rights: RIGHTS } }, async ({ device, rows }) => {
    for (const value of [true, [1], { i: 'x' }, { z: 1 }, {}, { r: 'NaN' }]) expect(await device.code(add('t', 'a', { v: value }))).toBe('write.rejected');
    expect(rows('SELECT * FROM t')).toEqual([]);
  }));
});

describe('who edits', () => {
  const TEAMS = `CREATE TABLE users(login TEXT PRIMARY KEY); CREATE TABLE members(login TEXT, team TEXT, PRIMARY KEY(login, team)); CREATE TABLE t(id TEXT PRIMARY KEY, team TEXT, v); INSERT INTO users VALUES('ann'), ('bob');
    INSERT INTO members VALUES('ann', 'red'); INSERT INTO t VALUES('r', 'red', 1), ('b', 'blue', 1)`;
  const PEOPLE = { users: { table: 'users', id: 'login' }, teams: { table: 'members', user: 'login', team: 'team' } };
  const PROFILE = [{ people: PEOPLE, tables: { t: { rows: { team: 'team' }, rights: RIGHTS } } }];

  it('R14 is who they were at the last checkpoint, while rows are what they are now', () => withEdits(TEAMS, PROFILE, async ({ device, business, storage, rows }) => {
    business.exec("INSERT INTO members VALUES('ann', 'blue'); UPDATE t SET team = 'green' WHERE id = 'r'");
    expect([await device.code(set('t', 'r', 1, 2))]).toEqual(['write.not-found']);
    business.exec("INSERT INTO t VALUES('n', 'red', 1)");
    expect(await device.code(set('t', 'n', 1, 2), set('t', 'b', 1, 2)), 'the push before has taken in that she joined').toBe('ok');
    business.exec("DELETE FROM users WHERE login = 'ann'");
    await storage.evaluate(9);
    expect([await device.code(set('t', 'b', 2, 3)), await device.code(add('t', 'x', { team: 'blue' }))]).toEqual(['write.unknown', 'write.unknown']);
    expect(rows('SELECT id, v FROM t ORDER BY id')).toEqual([['b', 2], ['n', 2], ['r', 1]]);
  }));

  it('I13 R14 is told apart from others by nothing but their name', () => withEdits(TEAMS, PROFILE, async ({ storage, tables, rows }) => {
    for (const user of ['bob', 'ANN', 'ann ', 'nobody']) {
      const other = new EditingDevice(storage, tables, user);
      expect(await other.code(set('t', 'r', 1, 2)), user).toBe(user === 'bob' ? 'write.not-found' : 'write.unknown');
    }
    expect(rows('SELECT v FROM t')).toEqual([[1], [1]]);
    expect(rows('SELECT owner FROM carryon_sync_error'), 'of nobody no sync errors are kept').toEqual([['bob']]);
  }));

  it('S72 is nobody: the outcome is told, again to the same push, and it is short', () => withEdits(TEAMS, PROFILE, async ({ storage, tables, rows }) => {
    const push = { ...pushOf(tables, [[set('t', 'r', 1, 2)]]), tables: [{ name: 'x'.repeat(50_000), columns: ['id', 'v'], key: [0] }] };
    const upload = new EditingDevice(storage, tables, 'nobody').upload(push);
    const [first, again] = [await storage.upload(upload), await storage.upload(upload)];
    expect([first.outcomes, first.last, again.taken]).toEqual([again.outcomes, 1, 0]);
    expect(first.outcomes).toMatchObject([{ seq: 1, refused: { code: 'write.unknown', error: '' } }]);
    expect([first.outcomes[0]?.refused?.message.length ?? 0, rows('SELECT count(*) FROM carryon_sync_error')]).toEqual([expect.closeTo(170, -2), [[0]]]);
  }));

  it('S71 and gets rights later is known anew, under another record', () => withEdits("CREATE TABLE t(id TEXT PRIMARY KEY, v); INSERT INTO t VALUES('a', 1)", { t: {} }, async ({ storage, tables, files, rows }) => {
    const device = new EditingDevice(storage, tables);
    const before = await device.send([set('t', 'a', 1, 2)]);
    await storage.reconfigure(compileFor(files.database, profilesOf({ t: { rights: RIGHTS } }), files.store), 9, () => undefined);
    const after = await storage.upload(device.upload(pushOf(tables, [[set('t', 'a', 1, 3)]], { first: 2, known: 1 })));
    expect([before.last, after.last, before.ledger === after.ledger, rows('SELECT v FROM t')]).toEqual([1, 0, false, [[1]]]);
  }));
});
