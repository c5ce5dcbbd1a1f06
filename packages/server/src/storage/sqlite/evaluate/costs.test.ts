import { afterEach, describe, expect, it, vi } from 'vitest';
import { LAST_RID } from '../../../core/cut.ts';
import { withRules, type RulesBench } from '../../../testing/rules-bench.ts';
import { Database } from '../driver.ts';

const SQL = `CREATE TABLE person(id TEXT PRIMARY KEY, unit TEXT); CREATE TABLE member(who TEXT, team TEXT, PRIMARY KEY(who, team)); CREATE TABLE unit(id TEXT PRIMARY KEY, above TEXT);
  CREATE TABLE account(id INTEGER PRIMARY KEY, team TEXT, unit TEXT); CREATE TABLE job(id INTEGER PRIMARY KEY, account INTEGER REFERENCES account(id), owner TEXT, due TEXT, v);
  CREATE TABLE task(id INTEGER PRIMARY KEY, job INTEGER REFERENCES job(id)); CREATE TABLE doc(id TEXT COLLATE NOCASE PRIMARY KEY); CREATE TABLE link(doc TEXT REFERENCES doc(id), job INTEGER REFERENCES job(id), PRIMARY KEY(doc, job));
  INSERT INTO account VALUES(1, 'a', 'u'); INSERT INTO job VALUES(1, 1, 'ann', '2026-01-01', 1); INSERT INTO task VALUES(1, 1); INSERT INTO doc VALUES('x'); INSERT INTO link VALUES('X', 1); INSERT INTO person VALUES('ann', 'u')`;
const people = { users: { table: 'person', id: 'id', unit: 'unit' }, teams: { table: 'member', user: 'who', team: 'team' }, units: { table: 'unit', id: 'id', parent: 'above' } };
const PROFILE = [{
  people,
  tables: {
    account: { rows: { any: [{ team: 'team' }, { unit: 'unit', children: true }, { parentOf: 'job' }] } },
    job: { rows: { all: [{ own: 'owner' }, { filter: 'due lt now() and v eq 1' }] } },
    task: { rows: { any: [{ childOf: 'job' }, { all: [{ childOf: 'job' }, { filter: 'id gt 5' }] }] } },
    doc: { rows: { linkedTo: 'job', through: 'link' } },
  },
}];
const ANN = { user: ['ann'], teams: ['a'], unit: ['u'], units: ['u'] };

/** What holds only what has just changed, or one row: temporary tables, the outbox, and what the store knows of itself. */
const SMALL = /^SCAN (temp\.|app\.|\(subquery|CONSTANT ROW|(o|f|g|d|v|c|w|below|json_each|sync_state|sync_table)\b)/;

/** A search that names no index is for a least or greatest value, in all rows. */
const WHOLE = /^SCAN |^SEARCH \S+$/;

const allOf = Database.prototype.all as (sql: string, ...values: never[]) => unknown;

/** What SQLite would go through as a whole for the statements of the work. */
async function scansOf(work: () => Promise<unknown>): Promise<string[]> {
  const found = new Set<string>();
  for (const method of ['run', 'get', 'all', 'exact'] as const) {
    const original = Database.prototype[method] as (sql: string, ...values: never[]) => unknown;
    vi.spyOn(Database.prototype, method).mockImplementation(function explained(this: Database, sql: string, ...values: never[]) {
      if (!sql.startsWith('EXPLAIN') && /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)/.test(sql)) {
        for (const { detail } of allOf.call(this, `EXPLAIN QUERY PLAN ${sql}`, ...values) as { detail: string }[]) {
          if (WHOLE.test(detail) && !SMALL.test(detail)) found.add(`${detail}: ${sql}`);
        }
      }
      return original.call(this, sql, ...values);
    } as never);
  }
  await work();
  vi.restoreAllMocks();
  return [...found];
}

describe('what has to be looked at', () => {
  afterEach(() => { vi.restoreAllMocks(); });
  const bench = (work: (one: RulesBench) => Promise<void>): Promise<void> => withRules(SQL, PROFILE, async (one) => {
    await one.activate(ANN, 'account', 'job', 'task', 'doc');
    await work(one);
  }, Date.parse('2026-02-01T00:00:00Z'));

  it('STORAGE-48 S97 evaluation finds rows, relations and scopes by indexes, whatever has changed', () => bench(async (one) => {
    const sql = `UPDATE account SET team = 'b'; UPDATE job SET owner = 'bob', v = 2; INSERT INTO job VALUES(2, 1, 'ann', '2026-02-01T00:30', 1); UPDATE task SET job = 2; DELETE FROM link; INSERT INTO link VALUES('x', 2); INSERT INTO doc VALUES('y')`;
    one.store.business.exec(sql);
    expect(await scansOf(() => one.storage.evaluate(one.nowMs + 3_600_000))).toEqual([]);
    one.store.business.exec('DELETE FROM account; DELETE FROM job; DELETE FROM doc');
    expect(await scansOf(() => one.storage.evaluate(one.nowMs + 7_200_000))).toEqual([]);
  }));

  it('STORAGE-48 S97 a scope is made by indexes, where its rule names anything of the person', () => bench(async (one) => {
    const bob = { ...ANN, user: ['bob'], teams: ['b'] };
    const keys = ['account', 'job', 'task', 'doc'].map((table) => one.key(table, bob));
    expect(await scansOf(() => one.storage.activate({ user: 'bob', claims: {} }, keys, one.nowMs))).toEqual([]);
  }));

  it('STORAGE-48 S29 who a person is, and what is news, is read by indexes', () => bench(async (one) => {
    const key = one.key('task', ANN);
    expect(await scansOf(() => one.storage.read((snapshot) => {
      const scope = snapshot.scope(key);
      if (!scope) throw new Error('no scope');
      return [snapshot.attributes({ user: 'ann', claims: {} }), snapshot.grants('ann'), snapshot.feed(scope, { seq: scope.head, rid: LAST_RID }, 10, 10)];
    }))).toEqual([]);
  }));
});
