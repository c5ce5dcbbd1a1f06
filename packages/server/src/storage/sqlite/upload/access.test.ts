import type { DatabaseSync } from 'node:sqlite';
import type { Change, Push } from '@carryon/protocol';
import { describe, expect, it } from 'vitest';
import { compileProfiles } from '../../../core/compile.ts';
import { parseProfile } from '../../../core/profile.ts';
import type { Claims, Person } from '../../../ports/storage.ts';
import { pushOf, type NamedChange } from '../../../testing/edits.ts';
import { withDatabase } from '../../../testing/temp-database.ts';
import { Database } from '../driver.ts';
import { introspect } from '../introspect.ts';
import { readAttributes } from '../rules/people.ts';
import { Access } from './access.ts';
import { takeUpload } from './upload.ts';

const RIGHTS = ['create', 'read', 'update', 'delete'];
const CLOCK = Date.parse('2026-11-21T12:00:00Z');

interface Bench {
  readonly business: DatabaseSync;
  /** What became of each changeset of one push: 'ok', or the code that it was refused with. */
  push(user: string, ...changesets: readonly (readonly NamedChange[])[]): string[];
  /** The same of one changeset. */
  code(user: string, ...changes: readonly NamedChange[]): string;
  rows(sql: string): unknown[];
  /** One change that the device sends as it is, with such columns of table t. */
  raw(user: string, columns: readonly string[], change: object): string;
}

/** Uploads straight into a business database, whose tables of people are as the server knows them. */
function withRules(sql: string, profiles: readonly object[], work: (bench: Bench) => void, claims: Claims = {}): void {
  withDatabase(sql, (file, business) => {
    const db = new Database(file);
    db.exec('PRAGMA foreign_keys = ON; CREATE TABLE _carryon_outbox(id INTEGER PRIMARY KEY, t, k0, k1)');
    const config = compileProfiles(profiles.map((profile) => parseProfile({ version: 1, ...profile })), introspect(db));
    const sent = new Map<string, number>();
    const send = (user: string, count: number, pushFrom: (first: number) => Push): string[] => {
      const person: Person = { user, claims };
      const access = new Access(config, person, readAttributes(db, config, person), CLOCK);
      const first = (sent.get(user) ?? 0) + 1;
      sent.set(user, first + count - 1);
      const { outcomes } = takeUpload(db, access, { ...person, device: 'phone', nowMs: CLOCK, push: pushFrom(first) });
      return Array.from({ length: count }, (_, i) => outcomes.find(({ seq }) => seq === first + i)?.refused?.code ?? 'ok');
    };
    const push: Bench['push'] = (user, ...changesets) => send(user, changesets.length, (first) => pushOf(config.tables, changesets, { first, known: first - 1 }));
    const raw: Bench['raw'] = (user, columns, change) => send(user, 1, (seq) =>
      ({ known: seq - 1, tables: [{ name: 't', columns: [...columns], key: [0] }], changesets: [{ seq, changes: [{ table: 0, ...change } as Change] }] }))[0] ?? '';
    try {
      work({ business, push, raw, code: (user, ...changes) => push(user, changes)[0] ?? '', rows: (text) => business.prepare(text).all().map((row) => Object.values(row)) });
    } finally {
      db.close();
    }
  });
}

const add = (table: string, key: unknown, set: object = {}): NamedChange => ({ insert: table, key: [key], set: set as Record<string, unknown> });
const set = (table: string, key: unknown, column: string, from: unknown, to: unknown): NamedChange => ({ update: table, key: [key], set: { [column]: [from, to] } });
const drop = (table: string, key: unknown): NamedChange => ({ delete: table, key: [key] });

const PEOPLE_SQL = `CREATE TABLE users(login TEXT PRIMARY KEY, unit); CREATE TABLE members(login TEXT, team, PRIMARY KEY(login, team)); CREATE TABLE units(id INTEGER PRIMARY KEY, parent);
  INSERT INTO users VALUES('ann', 2), ('bob', 1), ('eve', NULL); INSERT INTO members VALUES('ann', 'a'), ('bob', 'b'), ('ann', 7); INSERT INTO units VALUES(1, NULL), (2, 1), (3, 2);`;
const PEOPLE = { users: { table: 'users', id: 'login', unit: 'unit' }, teams: { table: 'members', user: 'login', team: 'team' }, units: { table: 'units', id: 'id', parent: 'parent' } };

describe('what a person may write', () => {
  const one = (rows: unknown, more: object = {}): object[] => [{ people: PEOPLE, tables: { t: { rows, rights: RIGHTS, ...more } } }];
  const T = `${PEOPLE_SQL} CREATE TABLE t(id TEXT PRIMARY KEY, team, unit, due, v); INSERT INTO t VALUES('mine', 'a', 3, '2026-11-22', 1), ('other', 'b', 1, '2026-12-24', 1)`;

  const kinds: readonly [string, unknown, object, object][] = [
    ['rows of a team', { team: 'team' }, { team: 7 }, { team: 'A' }],
    ['rows of a unit', { unit: 'unit', children: true }, { unit: 2 }, { unit: 1 }],
    ['rows that a filter chooses', { filter: "due lt today() add duration'P7D' and (team in userTeams() or v eq 3)" }, { due: '2026-11-27T23:59', v: 3 }, { due: '2026-11-28', v: 3 }],
    ['rows by any and all', { any: [{ all: [{ team: 'team' }, { filter: 'v lt 10' }] }, { filter: "due eq 2026-11-21" }] }, { due: '2026-11-21', team: 'x' }, { team: 'a', v: 10 }],
  ];
  it.each(kinds)('S75 R14 are %s', (_, rows, inside, outside) => withRules(T, one(rows), ({ push, rows: read }) => {
    expect(push('ann', [set('t', 'mine', 'v', 1, 2)], [set('t', 'other', 'v', 1, 2)], [drop('t', 'other')], [add('t', 'in', inside)], [add('t', 'out', outside)], [drop('t', 'in')]))
      .toEqual(['ok', 'write.not-found', 'ok', 'ok', 'write.outside-share', 'ok']);
    expect(read('SELECT id, v FROM t ORDER BY id')).toEqual([['mine', 2], ['other', 1]]);
    expect(read("SELECT owner, error_code FROM carryon_sync_error ORDER BY seq")).toEqual([['ann', 'write.not-found'], ['ann', 'write.outside-share']]);
  }));

  it('S75 R14 nothing of, for somebody who is nobody, or has no profile', () => withRules(T, [{ people: PEOPLE, who: { teams: ['b'] }, tables: { t: { rows: 'all', rights: RIGHTS } } }], ({ code, rows }) => {
    const before = rows('SELECT * FROM t');
    for (const user of ['nobody', 'ANN', 'ann', 'eve']) expect([code(user, set('t', 'mine', 'v', 1, 2)), code(user, add('t', 'new')), code(user, drop('t', 'mine'))], user).toEqual(['write.unknown', 'write.unknown', 'write.unknown']);
    expect(rows('SELECT * FROM t')).toEqual(before);
    expect(code('bob', set('t', 'mine', 'v', 1, 2))).toBe('ok');
  }));

  it('S77 R14 in columns that they have: hidden ones, and those of other profiles, are unknown', () => withRules(T, [
    { people: PEOPLE, name: 'A', tables: { t: { rows: { team: 'team' }, columns: ['v'], hidden: ['due'], rights: RIGHTS } } },
    { people: PEOPLE, name: 'B', who: { teams: ['b'] }, tables: { t: { rows: 'all', columns: ['unit'] } } },
  ], ({ code }) => {
    expect([code('ann', set('t', 'mine', 'v', 1, 2)), code('ann', set('t', 'mine', 'due', 1, 2)), code('ann', set('t', 'mine', 'unit', 3, 2)), code('ann', add('t', 'n', { team: 'a', due: 1 }))]).toEqual(['ok', 'write.unknown', 'write.unknown', 'write.unknown']);
    expect([code('bob', set('t', 'other', 'v', 1, 2)), code('bob', set('t', 'other', 'due', 1, 2))]).toEqual(['ok', 'write.unknown']);
  }));
});

describe('a device that knows another form of the table', () => {
  const profile = { people: PEOPLE, tables: { t: { rows: { team: 'team' }, columns: ['v'], hidden: ['due'], rights: RIGHTS, conflicts: 'detect' } } };
  const SQL = `${PEOPLE_SQL} CREATE TABLE t(id TEXT PRIMARY KEY, team, due, v); INSERT INTO t VALUES('x', 'a', 'never', 1)`;
  const COLUMNS = ['id', 'team', 'due', 'v', 'gone'];

  it('S77 S74 may have seen columns that the person does not have: these are not compared, the others are', () => withRules(SQL, [profile], ({ raw, rows }) => {
    const update = (to: number, base: unknown): string => raw('ann', COLUMNS, { op: 'update', key: ['x'], set: [[3, to - 1, to]], base });
    expect(update(2, [[1, 'b'], [2, 'never']])).toBe('write.conflict');
    expect(update(2, [[1, 'a'], [2, 'whatever'], [4, 5], [99, 1], ['length', 1]])).toBe('ok');
    expect(rows('SELECT v FROM t')).toEqual([[2]]);
  }));

  it('S77 cannot write these, nor ask what is in them', () => withRules(SQL, [profile], ({ raw, rows }) => {
    for (const set of [[[2, 'never', 'now']], [[4, 1, 2]], [['length', 1, 2]], [[3, 1, 2], [2, null, null]]]) expect(raw('ann', COLUMNS, { op: 'update', key: ['x'], set })).toBe('write.unknown');
    expect(raw('ann', COLUMNS, { op: 'insert', key: ['y'], set: [[1, 'a'], [2, 'now']] })).toBe('write.unknown');
    expect(raw('ann', ['due', 'id'], { op: 'delete', key: ['never'] })).toBe('write.unknown');
    expect(rows('SELECT * FROM t')).toEqual([['x', 'a', 'never', 1]]);
  }));
});

describe('rights of several profiles', () => {
  const SQL = `${PEOPLE_SQL} CREATE TABLE t(id TEXT PRIMARY KEY, owner, state, v, w); INSERT INTO t VALUES('own', 'ann', 'open', 1, 1), ('open', 'bob', 'open', 1, 1), ('shut', 'bob', 'shut', 1, 1)`;
  const PROFILES = [
    { people: PEOPLE, name: 'Readers', tables: { t: { rows: { filter: "state ne 'gone'" } } } },
    { people: PEOPLE, name: 'Owners', who: { teams: ['a'] }, tables: { t: { rows: { own: 'owner' }, columns: ['v', 'state'], rights: ['read', 'create', 'update'] } } },
    { people: PEOPLE, name: 'Closers', who: { teams: ['7'] }, tables: { t: { rows: { filter: "state eq 'open'" }, rights: ['read', 'delete'], conflicts: 'detect' } } },
  ];

  it('R14 hold for the rows and columns that each of them gives', () => withRules(SQL, PROFILES, ({ code, rows }) => {
    const base = { owner: 'ann', state: 'open', w: 1 };
    const update = (key: string, column: 'v' | 'w', more: object = {}): NamedChange => ({ ...set('t', key, column, 1, 2), base: { ...base, ...more } }) as NamedChange;
    expect([code('ann', update('own', 'v')), code('ann', update('open', 'v', { owner: 'bob' })), code('ann', update('own', 'w', { v: 2 }))]).toEqual(['ok', 'write.forbidden', 'write.forbidden']);
    expect([code('ann', add('t', 'new', { owner: 'ann', v: 1 })), code('ann', add('t', 'new2', { owner: 'bob', state: 'open' })), code('ann', add('t', 'new3', { owner: 'ann', w: 1 }))]).toEqual(['ok', 'write.outside-share', 'write.outside-share']);
    const remove = (key: string, state: string): NamedChange => ({ ...drop('t', key), base: { owner: 'bob', state, v: 1, w: 1 } }) as NamedChange;
    expect([code('ann', remove('shut', 'shut')), code('ann', remove('open', 'open'))]).toEqual(['write.forbidden', 'ok']);
    expect(rows('SELECT id FROM t ORDER BY id')).toEqual([['new'], ['own'], ['shut']]);
    expect([code('bob', update('shut', 'v')), code('bob', drop('t', 'shut')), code('bob', add('t', 'x'))]).toEqual(['write.forbidden', 'write.forbidden', 'write.forbidden']);
  }));
});

describe('a new row that a later change brings into the share', () => {
  const SQL = `${PEOPLE_SQL} CREATE TABLE customer(id TEXT PRIMARY KEY, name, credit); CREATE TABLE job(id TEXT PRIMARY KEY, owner, customer)`;
  const PROFILES = [
    { people: PEOPLE, name: 'Makers', tables: { job: { rows: { own: 'owner' }, rights: RIGHTS }, customer: { rows: { parentOf: 'job', by: 'customer' }, columns: ['name'], rights: ['read', 'create'] } } },
    { people: PEOPLE, name: 'Clerks', tables: { customer: { rows: { filter: "name eq 'known'" }, rights: ['read', 'update'] } } },
  ];
  const job = (customer: string): NamedChange => add('job', `job of ${customer}`, { owner: 'ann', customer });

  it('R14 R15 may have been changed meanwhile, but in no column that it could not have been made with', () => withRules(SQL, PROFILES, ({ push, rows }) => {
    expect(push('ann',
      [add('customer', 'a', { name: 'x' }), set('customer', 'a', 'name', 'x', 'y'), job('a')],
      [add('customer', 'b', { name: 'x' }), set('customer', 'b', 'credit', null, 1e6), job('b')],
      [add('customer', 'c', { name: 'x', credit: null }), job('c')], [add('customer', 'd', { name: 'x', credit: 1 }), job('d')],
      [add('customer', 'e', { name: 'known' }), set('customer', 'e', 'credit', null, 5), job('e')],
    )).toEqual(['ok', 'write.outside-share', 'ok', 'write.outside-share', 'write.outside-share']);
    expect(rows('SELECT * FROM customer')).toEqual([['a', 'y', null], ['c', 'x', null]]);
  }));
});

describe('shares by relations', () => {
  const SQL = `${PEOPLE_SQL} CREATE TABLE customer(id INTEGER PRIMARY KEY, name); CREATE TABLE job(id INTEGER PRIMARY KEY, owner, customer INTEGER REFERENCES customer(id)); CREATE TABLE task(id INTEGER PRIMARY KEY, job INTEGER REFERENCES job(id), v);
    CREATE TABLE tag(id TEXT PRIMARY KEY); CREATE TABLE tagged(task INTEGER REFERENCES task(id), tag TEXT REFERENCES tag(id), PRIMARY KEY(task, tag));
    INSERT INTO customer VALUES(1, 'one'), (2, 'two'); INSERT INTO job VALUES(1, 'ann', 1), (2, 'bob', 2); INSERT INTO task VALUES(1, 1, 'a'), (2, 2, 'b'); INSERT INTO tag VALUES('x'), ('y'); INSERT INTO tagged VALUES(1, 'x'), (2, 'y');`;
  const PROFILE = { people: PEOPLE, tables: {
    job: { rows: { own: 'owner' }, rights: RIGHTS }, task: { rows: { childOf: 'job' }, rights: RIGHTS }, customer: { rows: { parentOf: 'job' }, rights: RIGHTS },
    tag: { rows: { linkedTo: 'task', through: 'tagged' }, rights: RIGHTS }, tagged: { rows: { childOf: 'task' }, rights: RIGHTS },
  } };

  it('S75 R14 are followed in the business database itself', () => withRules(SQL, [PROFILE], ({ business, code }) => {
    const edits = (): string[] => [code('ann', set('task', 1, 'v', 'a', 'b')), code('ann', set('task', 2, 'v', 'b', 'c')), code('ann', set('customer', 1, 'name', 'one', 'uno')), code('ann', set('customer', 2, 'name', 'two', 'due')), code('ann', drop('tag', 'y'))];
    expect(edits()).toEqual(['ok', 'write.not-found', 'ok', 'write.not-found', 'ok']);
    business.exec("UPDATE job SET owner = CASE owner WHEN 'ann' THEN 'bob' ELSE 'ann' END; DELETE FROM tagged WHERE tag = 'y'");
    expect(edits()).toEqual(['write.not-found', 'ok', 'write.not-found', 'ok', 'ok']);
    expect(business.prepare('SELECT id FROM tag ORDER BY id').all()).toMatchObject([{ id: 'x' }, { id: 'y' }]);
  }));

  it('S78 R14 see what the same push has made, by temporary keys: a parent and its children, and theirs', () => withRules(SQL, [PROFILE], ({ push, rows }) => {
    expect(push('ann', [add('job', -1, { owner: 'ann' }), add('task', -1, { job: -1, v: 'new' })], [add('task', -2, { job: -1, v: 'next' })], [{ ...set('task', -1, 'v', 'new', 'newer') }])).toEqual(['ok', 'ok', 'ok']);
    expect(rows('SELECT id, job, v FROM task WHERE id > 2')).toEqual([[3, 3, 'newer'], [4, 3, 'next']]);
    expect(push('ann', [add('task', -3, { job: 2, v: 'not mine' })], [add('job', -2, { owner: 'bob' }), add('task', -4, { job: -2 })], [add('task', -5, { job: -2 })], [set('job', -1, 'owner', 'ann', 'bob')], [add('task', -6, { job: -1 })]))
      .toEqual(['write.outside-share', 'write.outside-share', 'write.reference', 'ok', 'write.outside-share']);
  }));

  it('R15 let a later change of the same changeset bring a new row into the share', () => withRules(SQL, [PROFILE], ({ push, rows }) => {
    expect(push('ann',
      [add('customer', -1, { name: 'new' }), add('job', -1, { owner: 'ann', customer: -1 })],
      [add('tag', 'z'), add('tagged', 1, {})],
      [add('tag', 'z'), { insert: 'tagged', key: [1, 'z'], set: {} }],
      [add('customer', -2, { name: 'typo' }), set('customer', -2, 'name', 'typo', 'mended'), add('job', -2, { owner: 'ann', customer: -2 })],
      [add('customer', -3), drop('customer', -3)],
    )).toEqual(['ok', 'write.unknown', 'ok', 'ok', 'ok']);
    expect(rows('SELECT name FROM customer WHERE id > 2')).toEqual([['new'], ['mended']]);
    expect(rows("SELECT tag FROM tagged WHERE task = 1 ORDER BY 1")).toEqual([['x'], ['z']]);
  }));

  it('R15 S72 refuse the changeset as a whole when a new row stays outside, and say which', () => withRules(SQL, [PROFILE], ({ push, rows }) => {
    expect(push('ann', [add('job', -1, { owner: 'ann' }), add('customer', -1, { name: 'nobody\'s' }), add('task', -1, { job: -1 })], [add('customer', -2), add('job', -2, { owner: 'bob', customer: -2 })])).toEqual(['write.outside-share', 'write.outside-share']);
    expect([rows('SELECT count(*) FROM customer'), rows('SELECT count(*) FROM job'), rows('SELECT record_table FROM carryon_sync_error ORDER BY seq')]).toEqual([[[2]], [[2]], [['customer'], ['customer']]]);
  }));
});

describe('who somebody is', () => {
  it('S75 R11 is taken from the token where the profile does so', () => {
    const sql = "CREATE TABLE t(id TEXT PRIMARY KEY, team); INSERT INTO t VALUES('a', 'red'), ('b', 'blue')";
    const profile = { people: { claims: { teams: 'groups' } }, tables: { t: { rows: { team: 'team' }, rights: RIGHTS } } };
    withRules(sql, [profile], ({ code }) => expect([code('x', set('t', 'a', 'team', 'red', 'blue')), code('x', set('t', 'b', 'team', 'blue', 'red'))]).toEqual(['ok', 'write.not-found']), { teams: ['red'] });
  });

  it('R9 I12 may be anything: it stays a value', () => withRules("CREATE TABLE t(id TEXT PRIMARY KEY, owner, v); INSERT INTO t VALUES('a', 'ann', 1)", [{ tables: { t: { rows: { own: 'owner' }, rights: RIGHTS } } }], ({ code, rows }) => {
    const evil = ["' OR 1=1 --", '"', '["ann"]', 'ann\u0000', '?1', '\\u0061nn', '%'];
    for (const user of evil) {
      expect([code(user, set('t', 'a', 'v', 1, 2)), code(user, drop('t', 'a')), code(user, add('t', user, { owner: 'ann' })), code(user, add('t', user, { owner: user }))], user).toEqual(['write.not-found', 'ok', 'write.outside-share', 'ok']);
    }
    expect(rows('SELECT v FROM t WHERE id = \'a\'')).toEqual([[1]]);
    expect(rows('SELECT owner FROM carryon_sync_error GROUP BY owner').flat().sort()).toEqual([...evil].sort());
  }));
});
