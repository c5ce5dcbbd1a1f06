import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { readKeys } from '@carryon/server';
import { createWorstCase, mutateWorstCase, seeded, WORST_CASE_TABLES, worstCaseProfile } from '@carryon/server/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { differences, wholeTables } from './compare.ts';
import { caughtUp, Lab, REPOSITORY } from './harness.ts';

const NORTHWIND = resolve(REPOSITORY, '../shared/data/northwind.sql');

let lab: Lab;
beforeEach(() => { lab = new Lab(); });
afterEach(() => lab.end());

describe('any database', () => {
  it('the worst case arrives value for value, and so do random changes', async () => {
    const database = lab.path('worst.db');
    createWorstCase(database);
    const share = wholeTables(WORST_CASE_TABLES.map(({ name }) => name));
    const { url, dataDir } = await lab.serve({ database, profile: lab.writeJson('profile.json', worstCaseProfile()), dataDir: lab.path('server') });
    const token = await lab.token(dataDir, 'worst');
    await lab.synced(url, lab.path('device'), token);
    expect(differences(database, lab.path('device'), share)).toEqual([]);

    const business = lab.open(database);
    const random = seeded(20_261_121);
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 60; i++) mutateWorstCase(business, random);
      await caughtUp(database, dataDir);
      await lab.synced(url, lab.path('device'), token);
      expect(differences(database, lab.path('device'), share), `round ${round}`).toEqual([]);
    }
    await lab.synced(url, lab.path('later'), token);
    expect(differences(database, lab.path('later'), share)).toEqual([]);
  });

  it('Northwind goes through init, serve and sync', async () => {
    if (!existsSync(NORTHWIND)) return console.warn('shared/data/northwind.sql is not beside the checkout: this test checks nothing');
    const database = lab.path('northwind.db');
    const made = new DatabaseSync(database, { enableForeignKeyConstraints: false });
    made.exec(`BEGIN; ${readFileSync(NORTHWIND, 'utf8')}; COMMIT`);
    made.close();
    const { tables } = await lab.json<{ tables: { name: string }[] }>(['init', '--database', database, '--out', 'profile.json']);
    const names = tables.map(({ name }) => name);
    expect(names).toEqual(['Categories', 'CustomerCustomerDemo', 'CustomerDemographics', 'Customers', 'EmployeeTerritories', 'Employees',
      'Order Details', 'Orders', 'Products', 'Regions', 'Shippers', 'Suppliers', 'Territories']);
    const { url, dataDir } = await lab.serve({ database, profile: lab.path('profile.json'), dataDir: lab.path('server') });
    const token = await lab.token(dataDir, 'nancy');
    const first = await lab.synced(url, lab.path('device'), token);
    expect(first).toMatchObject({ tables: 13 });
    expect(differences(database, lab.path('device'), wholeTables(names))).toEqual([]);

    lab.open(database).exec(`PRAGMA foreign_keys = OFF;
      BEGIN; UPDATE Products SET UnitPrice = UnitPrice * 1.1; DELETE FROM "Order Details" WHERE OrderID % 7 = 0;
      UPDATE Customers SET CustomerID = 'Z' || CustomerID WHERE Country = 'Germany'; INSERT INTO Regions(RegionID, RegionDescription) VALUES(77, 'Über'); COMMIT`);
    await caughtUp(database, dataDir);
    await lab.synced(url, lab.path('device'), token);
    expect(differences(database, lab.path('device'), wholeTables(names))).toEqual([]);
  });
});

describe('a person\'s own rows', () => {
  const OWN_PROFILE = { version: 1, tables: { jobs: { rows: { own: 'person' }, priority: 0 }, parts: { rows: { own: 'person' }, priority: 1 }, towns: { rows: 'all', priority: 1 } } };
  const ownRows = (user: string) => ({ jobs: `CAST(person AS TEXT) = '${user}'`, parts: `CAST(person AS TEXT) = '${user}'`, towns: 'true' });

  function makeJobs(): string {
    const db = new DatabaseSync(lab.path('jobs.db'));
    db.exec(`
      CREATE TABLE jobs(id INTEGER PRIMARY KEY, person TEXT, title TEXT);
      CREATE TABLE parts(code TEXT PRIMARY KEY, person, photo BLOB) WITHOUT ROWID;
      CREATE TABLE towns(id INTEGER PRIMARY KEY, name TEXT);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
      INSERT INTO jobs SELECT i, CASE i % 4 WHEN 0 THEN 'ann' WHEN 1 THEN 'bob' WHEN 2 THEN NULL ELSE 'ANN' END, 'job ' || i FROM n;
      INSERT INTO parts SELECT 'p' || id, person, randomblob(3000) FROM jobs;
      INSERT INTO parts VALUES('number', 7, x'00'), ('text', '7', x'01');
      INSERT INTO towns VALUES(1, 'Graz'), (2, 'Bern');`);
    db.close();
    return lab.path('jobs.db');
  }

  it('everybody gets exactly theirs, and handed-over rows move', async () => {
    const database = makeJobs();
    const { url, dataDir } = await lab.serve({ database, profile: lab.writeJson('profile.json', OWN_PROFILE), dataDir: lab.path('server') });
    const users = ['ann', 'bob', 'ANN', '7', 'nobody'];
    const tokens = new Map(await Promise.all(users.map(async (user): Promise<[string, string]> => [user, await lab.token(dataDir, user)])));
    const syncAll = async (): Promise<void> => {
      await Promise.all(users.map((user) => lab.synced(url, lab.path(`of-${users.indexOf(user)}`), tokens.get(user) ?? '')));
      for (const user of users) expect(differences(database, lab.path(`of-${users.indexOf(user)}`), ownRows(user)), user).toEqual([]);
    };
    await syncAll();

    lab.open(database).exec(`BEGIN;
      UPDATE jobs SET person = 'bob' WHERE person = 'ann' AND id % 3 = 0; UPDATE parts SET person = 'ann' WHERE person = 'bob' AND code LIKE '%9';
      UPDATE jobs SET person = 'ann' WHERE person IS NULL AND id < 100; UPDATE jobs SET person = NULL WHERE person = 'ANN' AND id < 100;
      UPDATE parts SET person = 8 WHERE code = 'number'; UPDATE jobs SET person = 'nobody' WHERE id = 4; COMMIT`);
    await caughtUp(database, dataDir);
    await syncAll();
  });

  it('nobody can fetch another\'s pack', async () => {
    const database = makeJobs();
    const { url, dataDir } = await lab.serve({ database, profile: lab.writeJson('profile.json', OWN_PROFILE), dataDir: lab.path('server') });
    const [ann, bob] = [await lab.token(dataDir, 'ann'), await lab.token(dataDir, 'bob')];
    const annPlan = await planOf(url, ann);
    const bobPlan = await planOf(url, bob);
    const bobNames = new Set(bobPlan.map((pack) => pack.name));
    const annOnly = annPlan.filter((pack) => !bobNames.has(pack.name));
    expect(annOnly.length).toBeGreaterThan(1);
    expect(annPlan.length).toBeGreaterThan(annOnly.length);
    const { url: key } = await readKeys(dataDir);
    const sign = (name: string, user: string, expires: number): string =>
      `/v1/packs/${name}?${new URLSearchParams({ u: user, e: String(expires), s: createHmac('sha256', key).update(JSON.stringify([name, user, expires])).digest('base64url') })}`;
    const soon = Math.floor(Date.now() / 1000) + 1000;

    for (const { name, url: own } of annOnly) {
      const status = async (path: string, method = 'GET'): Promise<number> =>
        (await fetch(new URL(path, url), { method, headers: { authorization: `Bearer ${bob}` } })).status;
      expect([await status(own), await status(sign(name, 'ann', soon))]).toEqual([200, 200]);
      const altered = alterations(own, bobPlan.map((pack) => pack.url));
      const refused = [`/v1/packs/${name}`, sign(name, 'ann', soon - 2000), sign(name, 'bob', soon), sign(name, '', soon), ...altered];
      for (const path of refused) expect(await status(path), path).toBe(403);
      expect(await status(sign(name, 'bob', soon), 'HEAD')).toBe(403);
      expect(await urlsOf(url, bob, [name])).toEqual(['']);
      expect((await urlsOf(url, ann, [name]))[0]).toContain(name);
    }
    for (const odd of ['../keys.json', '..%2fkeys.json', '..%2Fsync.db', `${annOnly[0]?.name ?? ''}%00`, '']) {
      expect((await fetch(`${url}/v1/packs/${odd}`)).status, odd).toBeGreaterThanOrEqual(400);
    }
  });
});

interface PlannedPack { readonly name: string; readonly url: string }

async function frames(url: string, token: string, request: object): Promise<Record<string, unknown>[]> {
  const body = JSON.stringify({ v: 1, device: 'test', token: null, accept: ['gzip'], ...request });
  const response = await fetch(`${url}/v1/sync`, { method: 'POST', body, headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` } });
  expect(response.status).toBe(200);
  return (await response.text()).trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function planOf(url: string, token: string): Promise<PlannedPack[]> {
  const found = (await frames(url, token, {})).find((frame) => 'plan' in frame) as { plan: { packs: PlannedPack[] } } | undefined;
  return found?.plan.packs ?? [];
}

async function urlsOf(url: string, token: string, names: readonly string[]): Promise<string[]> {
  const found = (await frames(url, token, { urls: names })).find((frame) => 'urls' in frame) as { urls: string[] } | undefined;
  return found?.urls ?? [];
}

/** The address with each part of its query left out, changed, doubled, or taken from another's addresses. */
function alterations(own: string, others: readonly string[]): string[] {
  const changed = (change: (query: URLSearchParams) => void, from = own): string => {
    const [path, query] = from.split('?');
    const params = new URLSearchParams(query);
    change(params);
    return `${path}?${params}`;
  };
  const later = (query: URLSearchParams): void => query.set('e', String(Number(query.get('e')) + 1));
  const other = new URLSearchParams(others[0]?.split('?')[1]);
  return [
    changed((query) => query.set('u', 'bob')), changed((query) => query.set('u', 'ANN')), changed((query) => query.append('u', 'bob')), changed((query) => query.delete('u')),
    changed(later), changed((query) => query.set('e', '9'.repeat(12))), changed((query) => query.set('e', 'NaN')), changed((query) => query.delete('e')),
    changed((query) => query.set('s', `${query.get('s')?.slice(1)}A`)), changed((query) => query.set('s', '')), changed((query) => query.delete('s')),
    changed((query) => query.set('s', other.get('s') ?? '')), `${own.split('?')[0]}?${other}`,
    ...others.map((url) => changed((query) => { query.set('u', 'bob'); query.set('s', new URLSearchParams(url.split('?')[1]).get('s') ?? ''); })),
  ];
}
