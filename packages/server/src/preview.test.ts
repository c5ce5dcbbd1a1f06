import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { LAST_RID } from './core/cut.ts';
import { parseProfile, type Profile } from './core/profile.ts';
import { preview, type Preview, type PreviewOptions } from './preview.ts';
import { activateAll, scopesOf } from './testing/edits.ts';
import { withDatabase } from './testing/temp-database.ts';
import { withStore } from './testing/temp-store.ts';

const SQL = `
  CREATE TABLE users(login TEXT PRIMARY KEY, unit TEXT); INSERT INTO users VALUES('ann', 'north'), ('bob', NULL);
  CREATE TABLE members(login TEXT, team TEXT, PRIMARY KEY(login, team)); INSERT INTO members VALUES('ann', 'a');
  CREATE TABLE job(id INTEGER PRIMARY KEY, team TEXT, due TEXT, secret TEXT, customer INTEGER REFERENCES customer(id));
  CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT);
  INSERT INTO customer WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT i, 'customer ' || i FROM n;
  INSERT INTO job WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) SELECT i, CASE i % 3 WHEN 0 THEN 'a' ELSE 'b' END, date('2026-01-01', i || ' minutes'), hex(i * 7919), i % 100 + 1 FROM n;
  CREATE TABLE loose(id TEXT PRIMARY KEY, v); INSERT INTO loose VALUES(NULL, 1), ('x', 2);`;
const PEOPLE = { users: { table: 'users', id: 'login', unit: 'unit' }, teams: { table: 'members', user: 'login', team: 'team' } };
const profile = (tables: object, more: object = {}): Profile => parseProfile({ version: 1, people: PEOPLE, tables, ...more });
const TEAM = profile({ job: { rows: { team: 'team' }, priority: 0, hidden: ['secret'] }, customer: { rows: { parentOf: 'job' } }, loose: {} });

const show = (file: string, profiles: readonly Profile[], user: string, options: Partial<PreviewOptions> = {}): Preview => preview(file, profiles, user, { nowMs: 0, ...options });
const rowsOf = ({ tables }: Preview): unknown => Object.fromEntries(tables.map(({ name, rows }) => [name, rows]));

describe('a preview of a person\'s share', () => {
  it('R12 counts the rows that the person would have, table by table in the order in which they become usable', () => withDatabase(SQL, (file) => {
    const found = show(file, [TEAM], 'ann');
    expect(found.tables.map(({ name, level, rows }) => [name, level, rows])).toEqual([['job', 0, 4000], ['customer', 5, 100], ['loose', 5, 1]]);
    expect([found.known, found.rows, found.packs]).toEqual([true, 4101, 3]);
    expect(rowsOf(show(file, [TEAM], 'bob'))).toEqual({ job: 0, customer: 0, loose: 1 });
  }));

  it('R12 knows bytes from a sample: about those of all rows', () => withDatabase(SQL, (file, business) => {
    const sizes = ({ tables: [job] }: Preview): number[] => [(job?.rawBytes ?? 0) / (job?.rows ?? 1), (job?.bytes ?? 0) / (job?.rows ?? 1)];
    const small = sizes(show(file, [TEAM], 'ann'));
    business.exec("INSERT INTO job SELECT id + 12000, team, due, secret, customer FROM job; INSERT INTO job SELECT id + 24000, team, due, secret, customer FROM job");
    const large = show(file, [TEAM], 'ann');
    expect(large.tables[0]?.rows).toBe(16_000);
    for (const [i, size] of sizes(large).entries()) expect(size / (small[i] ?? 0)).toBeCloseTo(1, 0);
    expect(large.bytes).toBeGreaterThan(1000);
    expect(large.bytes).toBe(large.tables.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(large.firstSync).toEqual([2, 10, 50].map((mbit) => ({ mbit, seconds: large.bytes * 8 / mbit / 1e6 })));
    const nothing = show(file, [profile({ job: { rows: { filter: 'id lt 0' } } })], 'ann');
    expect([nothing.rows, nothing.bytes, nothing.packs]).toEqual([0, 0, 0]);
  }));

  it('R12 says about what the packs then have: as many rows, and as many bytes but for a fifth', () => withStore(SQL, [TEAM], async ({ files, storage }) => {
    const found = show(files.database, [TEAM], 'ann');
    await storage.prepare(() => undefined);
    await storage.evaluate(1);
    await activateAll(storage, 'ann');
    const scopes = [...(await scopesOf(storage, 'ann')).values()];
    const packs = await Promise.all(scopes.map((scope) => storage.buildPack([{ ...scope, low: 1, high: LAST_RID }])));
    expect(packs.reduce((sum, { parts }) => sum + (parts[0]?.rows ?? 0), 0)).toBe(found.rows);
    const size = packs.reduce((sum, { bytes }) => sum + zstdCompressSync(bytes).length, 0);
    expect(Math.abs(found.bytes / size - 1)).toBeLessThan(0.2);
  }));

  it('R12 says of somebody who is not among the users that they are nobody', () => withDatabase(SQL, (file) => {
    for (const user of ['Ann', '', "' OR 1=1 --"]) expect(show(file, [TEAM], user), user).toEqual({ known: false, rows: 0, bytes: 0, packs: 0, firstSync: expect.any(Array) as unknown[], tables: [] });
  }));

  it('R12 takes teams and unit from claims where the profile does, and the clock to the minute', () => withDatabase(SQL, (file) => {
    const byClaims = profile({ job: { rows: { team: 'team' } } }, { people: { claims: { teams: 'groups' } } });
    expect(rowsOf(show(file, [byClaims], 'zoe', { claims: { teams: ['b'] } }))).toEqual({ job: 8000 });
    expect(rowsOf(show(file, [byClaims], 'zoe'))).toEqual({ job: 0 });
    const timed = profile({ job: { rows: { filter: 'due ge today()' } } });
    expect(rowsOf(show(file, [timed], 'ann', { nowMs: Date.parse('2026-01-09T05:00:30Z') }))).toEqual({ job: 12_000 - (8 * 1440 - 1) });
  }));

  it('R12 unites the profiles that the person has, and leaves out those of others', () => withDatabase(SQL, (file) => {
    const leads = profile({ job: { rows: { filter: "team eq 'b' and id le 30" } } }, { name: 'Leads', who: { teams: ['a'] } });
    expect(rowsOf(show(file, [TEAM, leads], 'ann'))).toEqual({ job: 4020, customer: 100, loose: 1 });
    expect(rowsOf(show(file, [TEAM, leads], 'bob'))).toEqual({ job: 0, customer: 0, loose: 1 });
  }));

  it('R13 tells what other profiles would change: rows that come, go and stay, columns, rights and the like', () => withDatabase(SQL, (file) => {
    const other = profile({ job: { rows: { filter: 'id le 6' }, rights: ['read', 'update'], priority: 1, every: 30, conflicts: 'merge' }, customer: { rows: 'all', columns: ['id'] } });
    const { against } = show(file, [TEAM], 'ann', { against: [other] });
    expect(against).toEqual([
      { name: 'carryon_sync_error', enter: 0, leave: 0, stay: 0, notes: ['the table comes'] },
      { name: 'customer', enter: 200, leave: 0, stay: 100, notes: ['columns that go: name'] },
      { name: 'job', enter: 4, leave: 3998, stay: 2, notes: ['columns that come: secret', 'rights: read → read, update', 'conflicts: last-writer-wins → merge', 'priority: 0 → 1', 'every: as the device does → 30 minutes'] },
      { name: 'loose', enter: 0, leave: 1, stay: 0, notes: ['the table goes'] },
    ]);
    expect(show(file, [TEAM], 'ann', { against: [TEAM] }).against?.map(({ enter, leave, notes }) => [enter, leave, notes])).toEqual([[0, 0, []], [0, 0, []], [0, 0, []]]);
  }));

  it('R12 only reads, also while somebody writes', () => withDatabase(SQL, (file, business) => {
    const state = (): unknown => business.prepare('SELECT group_concat(name) AS names, (SELECT count(*) FROM job) AS jobs FROM sqlite_schema').get();
    const before = state();
    business.exec('BEGIN IMMEDIATE; DELETE FROM job');
    expect(rowsOf(show(file, [TEAM], 'ann'))).toMatchObject({ job: 4000 });
    business.exec('ROLLBACK');
    expect(state()).toEqual(before);
  }));

  it('R12 refuses a profile that does not fit, and a database that is not there', () => withDatabase(SQL, (file) => {
    expect(() => show(file, [profile({ nowhere: {} })], 'ann')).toThrow(expect.objectContaining({ code: 'profile.invalid' }) as Error);
    expect(() => show(`${file}.not`, [TEAM], 'ann')).toThrow(expect.objectContaining({ code: 'source.not-found' }) as Error);
  }));
});
