import type { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Attributes } from '../core/attributes.ts';
import type { Config } from '../core/config.ts';
import { LAST_RID } from '../core/cut.ts';
import { LIMITS } from '../core/limits.ts';
import type { Entry, Held, Person, Scope, ScopeKey, Snapshot, Storage } from '../ports/storage.ts';
import type { StorageSubject } from './storage-contract.ts';
import { scopeOf, type Profiles } from './temp-store.ts';

const PEOPLE = { users: { table: 'person', id: 'id', unit: 'unit' }, teams: { table: 'member', user: 'who', team: 'team' }, units: { table: 'unit', id: 'id', parent: 'above' } };
const SQL = `PRAGMA foreign_keys = OFF; CREATE TABLE item(id INTEGER PRIMARY KEY, v, w); CREATE TABLE job(id INTEGER PRIMARY KEY, owner TEXT, team TEXT, v); CREATE TABLE task(id INTEGER PRIMARY KEY, job INTEGER REFERENCES job(id), v);
  CREATE TABLE person(id, unit, n INTEGER PRIMARY KEY); CREATE TABLE member(who, team, n INTEGER PRIMARY KEY); CREATE TABLE unit(id, above, n INTEGER PRIMARY KEY);
  INSERT INTO item VALUES(1, 'a', 'A'), (2, 'b', 'B'), (3, NULL, NULL); INSERT INTO job VALUES(1, 'ann', 'x', 1), (2, 'bob', 'x', 1), (3, 'ann', 'y', 1); INSERT INTO task VALUES(1, 1, 1), (2, 2, 1), (3, 3, 1);
  INSERT INTO person VALUES('ann', 'u1', 1), (7, NULL, 2), ('ann', 'u9', 3); INSERT INTO member VALUES('ann', 'x', 1), ('ann', 'x', 2), ('ann', NULL, 3), ('7', 5, 4), ('bob', 'y', 5);
  INSERT INTO unit VALUES('u1', 'u3', 1), ('u2', 'u1', 2), ('u3', 'u2', 3), ('u4', 'u3', 4), ('u5', 'u6', 5)`;
const OWN = { job: { rows: { own: 'owner' } }, task: { rows: { childOf: 'job' } } };
const TABLES = { item: {}, ...OWN };
const START = { seq: 0, rid: 0 };
const fails = (code: string): Error => expect.objectContaining({ name: 'CarryonError', code }) as Error;
const person = (user: string, claims = {}): Person => ({ user, claims });
const withPeople = (tables: object, more: object = {}): Profiles => [{ people: PEOPLE, tables, ...more }];

/** What every Storage does about people, scopes that change hands, and rules that change while it runs. */
export function liveContract(name: string, make: (sql: string, profiles: Profiles) => Promise<StorageSubject>): void {
  describe(`Storage with rules that change: ${name}`, () => {
    let subject: StorageSubject;
    let storage: Storage;
    let business: DatabaseSync;
    let config: Config;
    let nowMs = 0;

    const start = async (profiles: Profiles = TABLES): Promise<void> => {
      subject = await make(SQL, profiles);
      ({ storage, business } = subject);
      config = subject.compile(profiles);
      nowMs = 1_000_000;
      await storage.prepare(() => undefined);
      await storage.evaluate(nowMs);
    };
    beforeEach(() => { subject = undefined as unknown as StorageSubject; });
    afterEach(() => subject?.end());

    const commit = async (sql: string): Promise<boolean> => {
      business.exec(sql);
      return storage.evaluate(++nowMs);
    };
    const reconfigure = async (profiles: Profiles): Promise<void> => {
      config = subject.compile(profiles);
      await storage.reconfigure(config, ++nowMs, () => undefined);
    };
    const key = (table: string, who: string | Partial<Attributes> = ''): ScopeKey => scopeOf(config, table, who);
    const read = <T>(use: (snapshot: Snapshot) => T): Promise<T> => storage.read(use);
    const scopeIn = (snapshot: Snapshot, scope: ScopeKey): Scope => snapshot.scope(scope) ?? expect.fail(`no scope ${JSON.stringify(scope)}`);
    const feed = (scope: ScopeKey, unless?: Held, after = 0): Promise<readonly Entry[]> => read((snapshot) => snapshot.feed(scopeIn(snapshot, scope), after === 0 ? START : { seq: after, rid: LAST_RID }, 1e6, 1e9, unless).entries);
    const rows = async (scope: ScopeKey): Promise<unknown[][]> => (await feed(scope)).flatMap(({ values }) => (values ? [values.map((value) => (typeof value === 'bigint' ? Number(value) : value))] : []));
    const rids = (entries: readonly Entry[]): number[] => entries.map(({ rid, values }) => (values ? rid : -rid));
    const checkpoint = async (): Promise<number> => (await read((snapshot) => snapshot.state())).checkpoint;
    const leavers = (held: Held, scope: ScopeKey, most = 100): Promise<number[] | undefined> => read((snapshot) => snapshot.leavers(held, scopeIn(snapshot, scope), most));
    const idOf = (scope: ScopeKey): Promise<number> => read((snapshot) => scopeIn(snapshot, scope).id);

    it('STORAGE-37 S100 activate notes since when a person has a scope, and until when; what comes back begins anew', async () => {
      await start();
      const [items, jobs, tasks] = [key('item'), key('job', 'ann'), key('task', 'ann')];
      const grants = (user = 'ann'): Promise<unknown[]> => read((snapshot) => snapshot.grants(user).map(({ table, since, until, usedMs }) => [table, since, until, usedMs]));
      await storage.activate(person('ann', { teams: ['a'] }), [items, jobs], 10);
      expect([await grants(), await grants('bob'), await read((snapshot) => [snapshot.claims('ann'), snapshot.claims('bob')])]).toEqual([[[1, 2, undefined, 10], [2, 2, undefined, 10]], [], [{ teams: ['a'] }, {}]]);
      await storage.activate(person('ann'), [jobs, tasks], 20);
      expect([await grants(), await read((snapshot) => snapshot.claims('ann'))]).toEqual([[[1, 2, 3, 10], [2, 2, undefined, 20], [3, 3, undefined, 20]], {}]);
      await storage.activate(person('ann'), [items, jobs, tasks], 30);
      expect(await grants()).toEqual([[1, 3, undefined, 30], [2, 2, undefined, 30], [3, 3, undefined, 30]]);
      await storage.activate(person('ann'), [], 40);
      expect([await grants(), await checkpoint()]).toEqual([[[1, 3, 3, 30], [2, 2, 3, 30], [3, 3, 3, 30]], 3]);
    });

    it('STORAGE-38 S101 a share of too many scopes or values is refused and leaves all as it was', async () => {
      await start(withPeople({ job: { rows: { team: 'team' } } }));
      const teams = Array.from({ length: LIMITS.attributeValues + 1 }, (_, i) => `t${i}`);
      await expect(storage.activate(person('ann'), [key('job', { teams })], 1)).rejects.toThrow(fails('share.too-large'));
      await expect(storage.activate(person('ann'), Array.from({ length: LIMITS.scopesPerPerson + 1 }, () => key('job', 'ann')), 1)).rejects.toThrow(fails('share.too-large'));
      expect([await checkpoint(), await read((snapshot) => [snapshot.grants('ann'), snapshot.scope(key('job', { teams }))])]).toEqual([1, [[], undefined]]);
      await storage.activate(person('ann'), [key('job', { teams: teams.slice(1) })], 1);
      expect(await checkpoint()).toBe(2);
    });

    it('STORAGE-39 S18 attributes are what the tables of people say at the checkpoint, letter by letter; units may go in circles', async () => {
      await start(withPeople({ job: { rows: { any: [{ team: 'team' }, { unit: 'v', children: true }] } } }));
      const of = (user: string, claims = {}): Promise<Attributes | undefined> => read((snapshot) => snapshot.attributes(person(user, claims)));
      expect(await of('ann', { teams: ['z'] })).toEqual({ user: ['ann'], teams: ['x'], unit: ['u1', 'u9'], units: ['u1', 'u2', 'u3', 'u4', 'u9'], profiles: [] });
      expect([await of('7'), await of('Ann'), await of('bob')]).toEqual([{ user: ['7'], teams: ['5'], unit: [], units: [], profiles: [] }, undefined, undefined]);
      business.exec("UPDATE member SET team = 'new' WHERE n = 1; DELETE FROM person WHERE id = 7; UPDATE unit SET above = NULL");
      expect((await of('ann'))?.teams).toEqual(['x']);
      expect(await storage.evaluate(++nowMs)).toBe(true);
      expect([(await of('ann'))?.teams, (await of('ann'))?.units, await of('7')]).toEqual([['new', 'x'], ['u1', 'u9'], undefined]);
    });

    it('STORAGE-40 a feed leaves out what a device surely has of another scope, and leavers are the rest of what it may have', async () => {
      await start(withPeople({ job: { rows: { team: 'team' } } }));
      const [x, y] = [key('job', { teams: ['x'] }), key('job', { teams: ['x', 'y'] })];
      await storage.activate(person('ann'), [x], 1);
      const held = { scope: await idOf(x), at: await checkpoint(), first: 1e9, until: 1e9 };
      await commit("UPDATE job SET v = 2 WHERE id = 2; INSERT INTO job VALUES(4, 'c', 'x', 1), (5, 'c', 'z', 1)");
      await storage.activate(person('ann'), [y], 1);
      expect([rids(await feed(y)), rids(await feed(y, held)), await leavers(held, y)]).toEqual([[1, 2, 3, 4], [2, 3, 4], []]);
      expect(rids(await feed(y, { ...held, first: 1 }))).toEqual([1, 2, 3, 4]);
      expect(rids(await feed(y, { ...held, scope: 99 }))).toEqual([1, 2, 3, 4]);
      await commit("DELETE FROM job WHERE id = 1; UPDATE job SET team = 'z' WHERE id = 4");
      expect([rids(await feed(y, held)), await leavers(held, y), await leavers(held, y, 1), await leavers({ ...held, until: held.at }, y)]).toEqual([[2, 3], [1, 4], undefined, undefined]);
      expect(rids(await feed(y, { ...held, first: held.at + 1 }))).toEqual([2, 3, -1, -4]);
      expect(await leavers({ ...held, at: await checkpoint() }, y)).toEqual([]);
      expect(await leavers({ ...held, scope: 99 }, y)).toBe(undefined);
    });

    it('STORAGE-40 S105 also of a scope of all rows, and of one whose rule is out of use', async () => {
      await start({ job: {} });
      const all = { scope: await idOf(key('job')), at: 1, first: 1e9, until: 1e9 };
      await commit('DELETE FROM job WHERE id = 1');
      await reconfigure({ job: { rows: { own: 'owner' } } });
      const anns = key('job', 'ann');
      await storage.activate(person('ann'), [anns], nowMs);
      const own = { scope: await idOf(anns), at: await checkpoint(), first: 1e9, until: 1e9 };
      expect([rids(await feed(anns)), rids(await feed(anns, all)), await leavers(all, anns)]).toEqual([[3], [], [1, 2]]);
      expect(await leavers({ ...all, until: 1 }, anns)).toBe(undefined);
      await reconfigure({ job: { rows: { filter: 'v eq 1' } } });
      await commit('DELETE FROM job WHERE id = 3; UPDATE job SET v = 1.0');
      const ones = key('job');
      await storage.activate(person('ann'), [ones], nowMs);
      expect([rids(await feed(ones)), rids(await feed(ones, own)), await leavers(own, ones)]).toEqual([[2], [2], [3]]);
    });

    it('STORAGE-41 S100 expire forgets scopes that nobody has used for so long, with rules out of use, and none that another needs', async () => {
      await start();
      await storage.activate(person('ann'), [key('item'), key('job', 'ann'), key('task', 'ann')], 100);
      await storage.activate(person('bob'), [key('task', 'bob')], 200);
      const scopes = (): Promise<boolean[]> => read((snapshot) => [key('item'), key('job', 'ann'), key('task', 'ann'), key('job', 'bob'), key('task', 'bob')].map((one) => snapshot.scope(one) !== undefined));
      await storage.expire(0);
      expect(await scopes()).toEqual([true, true, true, true, true]);
      await storage.expire(0, 101);
      expect([await scopes(), await read((snapshot) => snapshot.grants('ann'))]).toEqual([[true, false, false, true, true], []]);
      expect(await commit("UPDATE job SET owner = 'bob'; UPDATE task SET v = 2")).toBe(true);
      expect(rids(await feed(key('task', 'bob')))).toEqual([1, 2, 3]);
      const held = { scope: await idOf(key('task', 'bob')), at: await checkpoint(), first: 1e9, until: 1e9 };
      await reconfigure({ item: {}, task: {} });
      expect(await leavers(held, key('task'))).toEqual([]);
      await storage.expire(0, 201);
      expect(await leavers(held, key('task'))).toBe(undefined);
      expect(await commit('DELETE FROM task')).toBe(true);
    });

    it('STORAGE-42 S103 reconfigure reads new tables, drops those that are no more, and leaves the others as they were, at one checkpoint', async () => {
      await start();
      await storage.activate(person('ann'), [key('item'), key('job', 'ann'), key('task', 'ann')], nowMs);
      const [before, items, jobs] = [await checkpoint(), await read((snapshot) => scopeIn(snapshot, key('item'))), await read((snapshot) => scopeIn(snapshot, key('job', 'ann')))];
      await reconfigure({ item: {}, job: OWN.job, unit: {} });
      expect([await checkpoint(), config.tables.map(({ id, name }) => [id, name])]).toEqual([before + 1, [[1, 'item'], [2, 'job'], [4, 'unit']]]);
      expect(await read((snapshot) => [scopeIn(snapshot, key('item')), scopeIn(snapshot, key('job', 'ann')), snapshot.config()])).toEqual([items, jobs, config]);
      expect(await rows(key('unit'))).toHaveLength(5);
      expect(await storage.known()).toMatchObject({ tables: { item: 1, job: 2, unit: 4 }, lastTable: 4 });
      await commit("DELETE FROM unit WHERE n > 1; UPDATE job SET owner = 'ann'; DELETE FROM task");
      expect([await rows(key('unit')), rids(await feed(key('job', 'ann')))]).toEqual([[['u1', 'u3', 1]], [1, 3, 2]]);
      await reconfigure(TABLES);
      expect(config.tables.map(({ id, name }) => [id, name])).toEqual([[1, 'item'], [2, 'job'], [5, 'task']]);
      await reconfigure(TABLES);
      storage = await subject.reopen(TABLES);
      expect([await checkpoint(), await commit('INSERT INTO task VALUES(1, 1, 1)'), await rows(key('item'))]).toEqual([before + 3, true, [[1, 'a', 'A'], [2, 'b', 'B'], [3, null, null]]]);
    });

    it('STORAGE-43 S104 new columns are filled without new versions; one that was sent before makes all rows news; what is dropped is gone', async () => {
      await start({ item: { columns: ['v'] } });
      await reconfigure({ item: {} });
      expect((await feed(key('item'))).map(({ ver, values }) => [ver, values?.[2]])).toEqual([[1, 'A'], [1, 'B'], [1, null]]);
      await reconfigure({ item: { columns: ['v'] } });
      expect((await feed(key('item'))).map(({ ver, values }) => [ver, values?.length])).toEqual([[1, 2], [1, 2], [1, 2]]);
      expect(await commit("UPDATE item SET w = 'C'")).toBe(false);
      await reconfigure({ item: { rows: { filter: "w eq 'C'" }, hidden: ['w'] } });
      await storage.activate(person('ann'), [key('item')], nowMs);
      expect([rids(await feed(key('item'))), key('item').columns]).toEqual([[1, 2, 3], ['id', 'v']]);
      const at = await checkpoint();
      await reconfigure({ item: {} });
      expect((await feed(key('item'))).map(({ ver, values }) => [ver, values?.[2]])).toEqual([[at + 1, 'C'], [at + 1, 'C'], [at + 1, 'C']]);
      expect(await read((snapshot) => scopeIn(snapshot, key('item')).digest.rows)).toBe(3);
    });

    it('STORAGE-44 S103 a rule that is changed is another: its scopes are made anew, and it gets another id when it comes back', async () => {
      await start(OWN);
      await storage.activate(person('ann'), [key('job', 'ann'), key('task', 'ann')], nowMs);
      const [first, task] = [key('job', 'ann'), key('task', 'ann')];
      await reconfigure({ ...OWN, job: { rows: { filter: "owner eq user() and v eq 1" } } });
      expect(await read((snapshot) => [snapshot.scope(key('job', 'ann')), snapshot.scope(key('task', 'ann'))])).toEqual([undefined, undefined]);
      await storage.activate(person('ann'), [key('job', 'ann'), key('task', 'ann')], nowMs);
      await commit('UPDATE job SET v = 2 WHERE id = 1');
      expect([await read((snapshot) => snapshot.liveRids(scopeIn(snapshot, key('task', 'ann')))), key('task', 'ann').node]).not.toEqual([[3], task.node]);
      await reconfigure(OWN);
      expect(key('job', 'ann').node).toBeGreaterThan(first.node);
      await storage.activate(person('ann'), [key('job', 'ann'), key('task', 'ann')], nowMs);
      expect(rids(await feed(key('task', 'ann')))).toEqual([1, 3]);
    });

    it('STORAGE-45 S102 the old rules stand until the new ones do, whatever is killed on the way; changes meanwhile are not lost', async () => {
      await start({ item: {} });
      business.exec('INSERT INTO job WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 25000) SELECT i, i, i, i FROM n');
      const next = subject.compile({ item: {}, job: {} });
      await storage.reconfigure(next, nowMs, () => false);
      expect(await commit("UPDATE job SET v = 'early' WHERE id = 10; DELETE FROM job WHERE id = 11; INSERT INTO job VALUES(5, 'late', 'late', 0); UPDATE item SET v = 'now'")).toBe(true);
      expect(await read((snapshot) => snapshot.config().tables.length)).toBe(1);
      storage = await subject.reopen({ item: {}, job: {} });
      expect(await read((snapshot) => snapshot.config().tables.length)).toBe(1);
      const told: number[] = [];
      await storage.prepare(({ rows: count }) => { told.push(count); });
      config = next;
      expect(told.every((count) => count > 10_000)).toBe(true);
      expect(await rows(key('job'))).toHaveLength(Number(business.prepare('SELECT count(*) AS n FROM job').get()?.['n']));
      expect((await rows(key('job'))).filter(([id]) => Number(id) < 13).map(([id, , , v]) => [id, v])).toEqual([[1, 1], [2, 1], [3, 1], [12, 12], [10, 'early'], [5, 0]]);
      await storage.reconfigure(subject.compile({ item: {}, job: {}, task: {} }), nowMs, () => { throw new Error('boom'); }).catch(() => undefined);
      await reconfigure({ item: {}, job: {} });
      expect([await commit('UPDATE task SET v = 9'), Object.keys((await storage.known()).tables)]).toEqual([false, ['item', 'job']]);
    });

    it('STORAGE-45 S102 rules may change before everything was read for the first time', async () => {
      subject = await make(SQL, TABLES);
      ({ storage, business } = subject);
      await storage.prepare(() => false);
      storage = await subject.reopen({ item: {}, unit: {} });
      config = subject.compile({ item: {}, unit: {} });
      business.exec('DELETE FROM unit WHERE n > 1; DELETE FROM job');
      expect(await storage.evaluate(1)).toBe(false);
      await storage.prepare(() => undefined);
      expect([await checkpoint(), await rows(key('unit')), await rows(key('item')), await commit('DELETE FROM item WHERE id = 1')]).toEqual([1, [['u1', 'u3', 1]], [[1, 'a', 'A'], [2, 'b', 'B'], [3, null, null]], true]);
    });

    it('STORAGE-46 S106 a table of the business database that was made anew is read again; one with another key or type is another table', async () => {
      await start();
      await storage.activate(person('ann'), [key('item'), key('job', 'ann'), key('task', 'ann')], nowMs);
      const version = await storage.schemaVersion();
      business.exec("INSERT INTO item VALUES(8, 8, 8); ALTER TABLE item RENAME TO old; CREATE TABLE item(id INTEGER PRIMARY KEY, v, w); INSERT INTO item VALUES(1, 'a', 'A'), (2, 'new', 'B'), (4, 4, 4); DROP TABLE old");
      expect(await storage.schemaVersion()).not.toBe(version);
      await expect(storage.evaluate(++nowMs)).rejects.toThrow(fails('source.schema-changed'));
      await reconfigure(TABLES);
      const at = await checkpoint();
      expect((await feed(key('item'))).map(({ rid, ver, values }) => [values ? rid : -rid, ver])).toEqual([[1, 1], [2, at], [-3, at], [4, at]]);
      business.exec('ALTER TABLE item ADD COLUMN more DEFAULT 7; ALTER TABLE item DROP COLUMN v');
      await reconfigure(TABLES);
      expect([await rows(key('item')), key('item').table]).toEqual([[[1, 'A', 7], [2, 'B', 7], [4, 4, 7]], 1]);
      business.exec('CREATE TABLE job2(id INTEGER PRIMARY KEY, owner INTEGER, team TEXT, v); INSERT INTO job2 SELECT id, owner, team, v FROM job; DROP TABLE job; ALTER TABLE job2 RENAME TO job');
      await reconfigure(TABLES);
      expect([key('job').table, key('task').table, key('job').node, key('task').node].map((id) => id > 3)).toEqual([true, false, true, true]);
      await storage.activate(person('ann'), [key('job', 'ann'), key('task', 'ann')], nowMs);
      expect([rids(await feed(key('task', 'ann'))), await storage.schemaVersion() === version, await commit('DELETE FROM job WHERE id = 1'), rids(await feed(key('task', 'ann')))]).toEqual([[1, 3], false, true, [3, -1]]);
    });

    it('STORAGE-47 S103 rules that were compiled for another store are refused, and the old ones stay', async () => {
      await start();
      const other = subject.compile(TABLES);
      const [first, ...rest] = other.nodes;
      if (!first) return;
      await expect(storage.reconfigure({ ...other, nodes: [{ ...first, text: 'another' }, ...rest] }, 1, () => undefined)).rejects.toThrow(fails('internal'));
      await expect(storage.reconfigure({ ...other, tables: other.tables.map((table) => ({ ...table, key: [1] })) }, 1, () => undefined)).rejects.toThrow(fails('internal'));
      expect([await commit('DELETE FROM item'), await checkpoint()]).toEqual([true, 2]);
    });
  });
}
