import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { checkProfiles } from '../../check-profiles.ts';
import { compiler } from '../../testing/compiler.ts';
import { withFolder } from '../../testing/temp-store.ts';
import { compileProfiles } from '../compile.ts';
import { LIMITS } from '../limits.ts';
import type { Finding } from './finding.ts';
import { lint } from './lint.ts';
import { describe as inWords, describeScopes } from './words.ts';

const SQL = `
  CREATE TABLE users(id TEXT PRIMARY KEY, unit TEXT); CREATE TABLE members(user TEXT, team TEXT, PRIMARY KEY(user, team)); CREATE TABLE units(id TEXT PRIMARY KEY, parent TEXT);
  CREATE TABLE customer(id INTEGER PRIMARY KEY, region TEXT); CREATE INDEX by_region ON customer(region);
  CREATE TABLE job(id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customer, owner TEXT, team TEXT, status TEXT, due TEXT);
  CREATE TABLE task(id INTEGER PRIMARY KEY, job TEXT REFERENCES job, note TEXT); CREATE TABLE visit(id INTEGER PRIMARY KEY, job INTEGER REFERENCES job); CREATE INDEX by_job ON visit(job, id);
  CREATE TABLE tag(id INTEGER PRIMARY KEY); CREATE TABLE job_tag(tag INTEGER REFERENCES tag, job INTEGER REFERENCES job, PRIMARY KEY(job, tag));
  CREATE TABLE city(name TEXT COLLATE NOCASE PRIMARY KEY); CREATE TABLE street(id INTEGER PRIMARY KEY, city TEXT REFERENCES city);
  CREATE TABLE pair(a INTEGER, b INTEGER, owner TEXT, PRIMARY KEY(a, b));`;
const PEOPLE = { users: { table: 'users', id: 'id', unit: 'unit' }, teams: { table: 'members', user: 'user', team: 'team' }, units: { table: 'units', id: 'id', parent: 'parent' } };
const { source, profilesOf } = compiler(SQL);

function lintOf(given: readonly object[], rowsOf?: (table: string) => number): readonly Finding[] {
  const profiles = profilesOf(given);
  return lint(compileProfiles(profiles, source), profiles, source, rowsOf);
}
const findings = (tables: object): readonly Finding[] => lintOf([{ people: PEOPLE, tables }]).filter(({ code }) => code !== 'people.unused');
const briefly = (tables: object): string[] => findings(tables).map(({ level, code, table }) => `${level} ${code} ${table}`);

describe('the linter', () => {
  it('S59 has nothing to say of profiles without faults', () => {
    expect(lintOf([{ people: PEOPLE, tables: {
      customer: { rows: { unit: 'region', children: true }, priority: 1 }, job: { rows: { any: [{ childOf: 'customer' }, { team: 'team' }] }, priority: 2, rights: ['create', 'read'] }, visit: { rows: { childOf: 'job' }, priority: 2 },
    } }])).toEqual([]);
    expect(findings({ job: { rows: { own: 'owner' } }, tag: {} })).toEqual([]);
  });

  it('S59 rights by which people decide themselves what they get are told', () => {
    expect(briefly({ members: { rights: ['read', 'create'] }, units: { rights: ['read', 'delete'] } })).toEqual(['warning rights.key members', 'warning rights.people members']);
    const reach = (rights: string[]): string[] => findings({ job: { rows: { own: 'owner' }, rights }, customer: { rows: { parentOf: 'job' } }, tag: { rows: { linkedTo: 'job', through: 'job_tag' } }, job_tag: { rows: { childOf: 'job' }, rights } })
      .filter(({ code }) => code === 'rights.reach').map(({ table, message }) => `${table} ${message}`);
    expect(reach(['read', 'update'])).toEqual(['job People may write "customer": whoever names a row of "customer" there gets that row.', 'job_tag People may write "tag": whoever names a row of "tag" there gets that row.']);
    expect(reach(['read', 'delete'])).toEqual([]);
  });

  it('S59 an index that relations want is written out', () => {
    expect(findings({ job: { rows: { own: 'owner' } }, customer: { rows: { parentOf: 'job' } } })).toMatchObject([
      { level: 'warning', code: 'index.missing', table: 'job', message: expect.stringMatching(/No index begins with "customer", by which rows of "customer" are looked for/), fix: 'CREATE INDEX "job_customer" ON "job"("customer");' },
    ]);
    expect(findings({ job: { rows: { own: 'owner' } }, tag: { rows: { linkedTo: 'job', through: 'job_tag' } } })).toMatchObject([{ table: 'job_tag', fix: 'CREATE INDEX "job_tag_tag" ON "job_tag"("tag");' }]);
    expect(findings({ visit: {}, job: { rows: { parentOf: 'visit' } } })).toEqual([]);
    expect(findings({ tag: {}, job: { rows: { linkedTo: 'tag', through: 'job_tag' } } })).toEqual([]);
  });

  it('S59 so is one that a filter wants', () => {
    const fixes = (filter: string): unknown[] => findings({ job: { rows: { filter } }, customer: { rows: { filter: 'region eq \'x\'' } } }).map(({ level, fix }) => [level, fix]);
    const status = ['hint', 'CREATE INDEX "job_status" ON "job"("status");'];
    expect(fixes('status eq \'open\' and due gt \'x\'')).toEqual([status]);
    expect(fixes('due gt \'x\' and (status in (\'a\', \'b\'))')).toEqual([status]);
    expect(fixes('id eq 1 or status eq \'a\'')).toEqual([status]);
    expect(fixes('id gt 5 and status eq \'a\'')).toEqual([]);
    expect(fixes('startswith(status, \'a\') or status eq \'b\'')).toEqual([]);
    expect(fixes('status ne \'a\' and not (owner eq \'b\')')).toEqual([]);
    expect(fixes('due gt now()')).toEqual([]);
    expect(fixes('status eq \'a\' and owner eq user()')).toEqual([status]);
  });

  it('S59 columns that are compared in spite of unequal types or collations are told', () => {
    expect(findings({ job: {}, task: { rows: { childOf: 'job' } } })).toMatchObject([{ level: 'warning', code: 'relation.types', table: 'task', message: expect.stringMatching(/"job"\."id" is INTEGER; "task"\."job", which names its rows, is TEXT/) }]);
    expect(findings({ city: {}, street: { rows: { childOf: 'city' } } })).toMatchObject([{ code: 'relation.types', message: expect.stringMatching(/is TEXT COLLATE NOCASE; .* is TEXT\./) }]);
    expect(briefly({ task: {}, job: { rows: { parentOf: 'task' } } })).toEqual(['warning relation.types task']);
  });

  it('S59 related tables should be synced alike, and what is named before what names it', () => {
    expect(findings({ customer: { every: 60, priority: 3 }, job: { rows: { childOf: 'customer' }, every: 30, priority: 2 } })).toMatchObject([
      { level: 'warning', code: 'interval.unequal', table: 'job', message: expect.stringMatching(/"job" is synced every 30 minutes and "customer", to which it is related, every 60 minutes/) },
      { level: 'warning', code: 'priority.order', table: 'job', message: expect.stringMatching(/"job" \(priority 2\) becomes usable before "customer" \(priority 3\)/), fix: 'Give "customer" a priority of 2 or lower.' },
    ]);
    expect(briefly({ visit: { priority: 1 }, job: { rows: { parentOf: 'visit' }, every: 5 } })).toEqual(['warning interval.unequal visit', 'warning priority.order visit']);
    expect(findings({ customer: { priority: 2 }, job: { rows: { childOf: 'customer' }, priority: 2 } })).toEqual([]);
  });

  it('S59 new rows want a key that devices can make, and columns that people see', () => {
    const rights = ['create', 'read'];
    expect(briefly({ pair: { rights }, job: { rights } })).toEqual(['warning rights.key pair']);
    expect(briefly({ pair: { rights: ['read', 'update'] } })).toEqual([]);
    expect(findings({ job: { rights, rows: { own: 'owner' }, hidden: ['owner'] } })).toMatchObject([{ code: 'rights.hidden', message: expect.stringMatching(/the rule reads "owner", which is hidden/) }]);
    expect(briefly({ job: { rows: { own: 'owner' }, hidden: ['owner'] } })).toEqual([]);
  });

  it('S59 own rows beside those of teams are kept for each person', () => {
    expect(briefly({ job: { rows: { any: [{ own: 'owner' }, { team: 'team' }] } } })).toEqual(['hint scope.per-person job']);
    expect(briefly({ job: { rows: { all: [{ own: 'owner' }, { team: 'team' }] } } })).toEqual([]);
    expect(briefly({ job: { rows: { any: [{ unit: 'owner' }, { team: 'team' }] } } })).toEqual([]);
  });

  it('S59 parts that decide alone or change nothing are told', () => {
    expect(findings({ job: { rows: { any: [{ own: 'owner' }, 'all'] } } })).toMatchObject([{ level: 'warning', code: 'rows.all', message: expect.stringMatching(/everybody gets all rows/) }]);
    expect(findings({ job: { rows: { any: [{ own: 'owner' }, { all: ['all', { team: 'team' }] }] } } }).filter(({ code }) => code === 'rows.all')).toMatchObject([{ level: 'hint', message: expect.stringMatching(/changes nothing/) }]);
    expect(briefly({ job: { rows: { filter: 'id eq 1 or id gt 0 or true' } } })).toEqual(['warning filter.always job']);
    for (const filter of ['false', 'id eq 1 and id eq 2', 'id eq null and id eq 1', 'id lt null', '(id eq 1 and id eq 2.5) or false', 'status eq \'x\' and (id eq 1 and id eq null)']) expect(briefly({ job: { rows: { filter } } }), filter).toContain('warning filter.never job');
    expect(briefly({ job: { rows: { any: [{ own: 'owner' }, { all: [{ filter: 'false' }] }, { filter: 'id eq null and id eq 5' }] } } })).toEqual(['warning filter.never job', 'warning filter.never job']);
    for (const filter of ['id eq 1 and id eq 1.0', 'id eq 1 or id eq 2', 'status eq \'a\' and status eq \'A\'', 'id eq 1 and id gt 5']) expect(briefly({ job: { rows: { filter } } }), filter).not.toContain('warning filter.never job');
  });

  it('S59 people that no rule asks for are told', () => {
    const messages = (people: object, tables: object, who?: object): string[] => lintOf([{ people, tables, ...(who ? { who } : {}) }]).map(({ level, message }) => `${level} ${/names (.*), and/.exec(message)?.[1] ?? ''}`);
    expect(messages({ ...PEOPLE, claims: { teams: 'groups', unit: 'unit' } }, { tag: {} })).toEqual(['hint "teams"', 'hint the claim for teams', 'hint "units"', 'hint "unit" of "users"', 'hint the claim for the unit']);
    expect(messages(PEOPLE, { job: { rows: { any: [{ team: 'team' }, { unit: 'owner' }] } } })).toEqual(['hint "units"']);
    expect(messages({ users: PEOPLE.users, teams: PEOPLE.teams }, { tag: {} }, { teams: ['a'], units: ['b'] })).toEqual([]);
  });

  it('S59 of several profiles each is named, and what is of the database is told once', () => {
    const tables = { job: { rows: { any: [{ own: 'owner' }, 'all'] } }, customer: { rows: { parentOf: 'job' } } };
    expect(lintOf([{ name: 'A', tables }, { name: 'B', tables }]).map(({ code, message }) => [code, /^Profile "(.)"/.exec(message)?.[1]])).toEqual([['index.missing', undefined], ['rows.all', 'A'], ['rows.all', 'B']]);
  });

  it('S59 what everybody gets in whole may be much', () => {
    const rowsOf = (table: string): number => (table === 'job' ? LIMITS.rowsPerDevice : 999_999);
    expect(lintOf([{ tables: { job: {}, tag: {} } }], rowsOf).map(({ level, code, table }) => [level, code, table])).toEqual([['error', 'size.limit', undefined], ['warning', 'size.large', 'job']]);
    expect(lintOf([{ tables: { job: { rows: { own: 'owner' } }, tag: {} } }], rowsOf)).toEqual([]);
  });
});

describe('rules in words', () => {
  const words = (rows: unknown): string[] => {
    const config = compileProfiles(profilesOf([{ people: PEOPLE, timeZone: 'Europe/Berlin', tables: { job: { rows }, customer: { rows: { own: 'region' } }, visit: {}, tag: {} } }]), source);
    const node = config.nodes.find(({ id }) => id === config.profiles[0]?.shares.find(({ table }) => config.tables.find(({ id: other }) => other === table)?.name === 'job')?.node);
    return node ? [inWords(node.rule, config), describeScopes(node)] : [];
  };

  it.each([
    ['all', 'all rows', 'once for everybody'],
    [{ own: 'owner' }, 'rows whose "owner" is the person', 'per person'],
    [{ team: 'team' }, 'rows whose "team" is one of the person\'s teams', 'once for all people of the same teams'],
    [{ unit: 'team', children: true }, 'rows whose "team" is the person\'s business unit or one below it', 'once for all people of the same business units'],
    [{ any: [{ unit: 'team' }, { team: 'team' }] }, 'rows whose "team" is one of the person\'s teams, or whose "team" is the person\'s business unit', 'once for all people of the same teams and business unit'],
    [{ filter: 'STATUS eq \'it\'\'s\' and (due lt today() add duration\'P14D\' or not (due ge 2026-11-21T10:00:00+01:00)) and "Due" gt now() sub duration\'P1DT2H\'' },
      'rows where status eq \'it\'\'s\' and (not (due ge 2026-11-21T09:00:00Z) or due lt today() add duration\'P14D\') and due gt now() sub duration\'P1DT2H\'', 'once for everybody'],
    [{ filter: 'id in (2, 1) or contains(owner, \'x\') or owner ne status or owner ne user()' }, 'rows where owner ne status or id in (1, 2) or not (owner eq user()) or contains(owner, \'x\')', 'per person'],
    [{ filter: 'false' }, 'no rows', 'once for everybody'],
    [{ childOf: 'customer' }, 'rows whose "customer" names a row of "customer" that the person gets', 'per person'],
    [{ parentOf: 'visit' }, 'rows that a row of "visit" that the person gets names in "job"', 'once for everybody'],
    [{ all: [{ any: [{ own: 'owner' }, { linkedTo: 'tag', through: 'job_tag' }] }, { filter: 'id gt 1.5' }] }, 'rows (linked by "job_tag" to a row of "tag" that the person gets, or whose "owner" is the person), and where id gt 1.5', 'per person'],
  ])('S59 %j', (rows, gives, scopes) => {
    expect(words(rows)).toEqual([gives, scopes]);
  });

  it('S59 a whole check reads the database alone', async () => {
    await withFolder((folder) => {
      const file = join(folder, 'app.db');
      const db = new DatabaseSync(file);
      db.exec(`${SQL} INSERT INTO tag(id) VALUES(1)`);
      const before = db.prepare('SELECT * FROM sqlite_schema').all();
      const given = [{ name: 'A', tables: { tag: { rights: ['read', 'delete'] } } }, { name: 'B', tables: { job: { rows: { own: 'owner' } }, customer: { rows: { parentOf: 'job' } } } }];
      const { findings: found, tables } = checkProfiles(file, profilesOf(given));
      expect(tables.map(({ name, scopes }) => [name, scopes])).toEqual([['tag (A)', 'once for everybody'], ['carryon_sync_error (A)', 'per person'], ['customer (B)', 'per person'], ['job (B)', 'per person']]);
      expect(found.map(({ code }) => code)).toEqual(['index.missing']);
      expect(checkProfiles(file, profilesOf(given.slice(0, 1))).tables.map(({ name }) => name)).toEqual(['tag', 'carryon_sync_error']);
      expect(() => checkProfiles(file, profilesOf([{ tables: { nix: {} } }]))).toThrow(/no table "nix"/);
      expect(db.prepare('SELECT * FROM sqlite_schema').all()).toEqual(before);
      db.close();
    });
  });
});
