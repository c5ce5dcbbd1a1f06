import { describe, expect, it } from 'vitest';
import { compiler } from '../testing/compiler.ts';
import { type Config, configText, readConfigText } from './config.ts';
import type { RuleNode } from './rule.ts';

const SQL = `
  CREATE TABLE users(id TEXT PRIMARY KEY, unit TEXT, name TEXT); CREATE TABLE members(user TEXT, team TEXT, PRIMARY KEY(user, team)); CREATE TABLE units(id TEXT PRIMARY KEY, parent TEXT);
  CREATE TABLE customer(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, region TEXT, secret TEXT);
  CREATE TABLE job(id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customer, payer INTEGER REFERENCES customer(id), label TEXT REFERENCES customer(code), owner TEXT, status TEXT, due TEXT);
  CREATE TABLE task(id INTEGER PRIMARY KEY, job INTEGER REFERENCES job, product INTEGER, note TEXT);
  CREATE TABLE product(a INTEGER, b TEXT, name TEXT, PRIMARY KEY(b, a));
  CREATE TABLE part(id INTEGER PRIMARY KEY, pa INTEGER, pb TEXT, FOREIGN KEY(pa, pb) REFERENCES product(a, b));
  CREATE TABLE tag(id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE job_tag(job INTEGER REFERENCES job, tag INTEGER REFERENCES tag, note, PRIMARY KEY(job, tag)); CREATE TABLE loose_tag(job REFERENCES job, tag REFERENCES tag);
  CREATE TABLE r0(id INTEGER PRIMARY KEY); ${Array.from({ length: 20 }, (_, i) => `CREATE TABLE r${i + 1}(id INTEGER PRIMARY KEY, up REFERENCES r${i});`).join(' ')}`;
const PEOPLE = { users: { table: 'Users', id: 'ID', unit: 'unit' }, teams: { table: 'members', user: 'user', team: 'team' }, units: { table: 'units', id: 'id', parent: 'parent' } };
const { compile, compileTables, problemOf } = compiler(SQL);

const compileWith = (tables: object): Config => compile([{ people: PEOPLE, tables }]);
const idOf = (config: Config, name: string): number => config.tables.find((table) => table.name === name)?.id ?? -1;
const nodeOf = (config: Config, name: string, profile = 0): RuleNode | undefined => {
  const share = config.profiles[profile]?.shares.find(({ table }) => table === idOf(config, name));
  return config.nodes.find(({ id }) => id === share?.node);
};
const ruleOf = (rows: unknown, others: object = {}): unknown => nodeOf(compileWith({ job: { rows }, ...others }), 'job')?.rule;
const problem = (tables: object): string => problemOf({ people: PEOPLE, tables });
const owner = { kind: 'mine', column: 'owner', attribute: 'user' };

describe('rules of profiles', () => {
  it('S55 what a person is decides', () => {
    expect(ruleOf('all')).toEqual({ kind: 'every' });
    expect([ruleOf({ own: 'OWNER' }), ruleOf({ team: 'owner' }), ruleOf({ unit: 'owner' }), ruleOf({ unit: 'owner', children: true }), ruleOf({ filter: 'owner eq user()' })])
      .toEqual(['user', 'teams', 'unit', 'units', 'user'].map((attribute) => ({ kind: 'mine', column: 'owner', attribute })));
  });

  it('S55 relations go by the only foreign key to the other\'s key, or by the columns that are named', () => {
    const config = compileWith({ job: { rows: { own: 'owner' } }, task: { rows: { childOf: 'JOB' } }, tag: { rows: { linkedTo: 'job', through: 'job_tag' } }, customer: { rows: { parentOf: 'job', by: 'Customer' } } });
    const job = nodeOf(config, 'job')?.id;
    expect(nodeOf(config, 'task')).toMatchObject({ rule: { kind: 'child', node: job, by: ['job'] }, uses: ['user'] });
    expect(nodeOf(config, 'customer')?.rule).toEqual({ kind: 'parent', node: job, by: ['customer'] });
    expect(nodeOf(config, 'tag')?.rule).toEqual({ kind: 'linked', node: job, through: idOf(config, 'job_tag'), by: ['tag'], to: ['job'] });
    // The key's order counts, not that of the foreign key.
    expect(nodeOf(compileWith({ product: {}, part: { rows: { childOf: 'product' } } }), 'part')?.rule).toMatchObject({ kind: 'child', by: ['pb', 'pa'] });
    // Of several foreign keys the one to the chosen key.
    expect(nodeOf(compileWith({ customer: { key: ['code'] }, job: { rows: { childOf: 'customer' } } }), 'job')?.rule).toMatchObject({ kind: 'child', by: ['label'] });
    expect(nodeOf(compileWith({ customer: {}, task: { rows: { childOf: 'customer', by: ['product'] } } }), 'task')?.rule).toMatchObject({ by: ['product'] });
  });

  it('S55 a relation without an only foreign key is refused with what to write', () => {
    expect(problem({ customer: {}, job: { rows: { childOf: 'customer' } } })).toBe('profile.invalid: Table "job" has several foreign keys to "customer": ("payer"), ("customer"). "by" must say which columns of "job" hold the key ("id") of "customer".');
    expect(problem({ product: {}, task: { rows: { childOf: 'product' } } })).toBe('profile.invalid: Table "task" has no foreign key to "product": "by" must say which columns of "task" hold the key ("b", "a") of "product".');
    expect(problem({ product: {}, task: { rows: { childOf: 'product', by: 'product' } } })).toMatch(/"by" of the relation to "product" names 1 column \("product"\) of "task", but the key of "product" has 2 \("b", "a"\)/);
    expect(problem({ job: {}, tag: { rows: { linkedTo: 'job', through: 'task' } } })).toMatch(/Table "task" has no foreign key to "tag": "by" must say/);
    expect(problem({ customer: {}, tag: { rows: { linkedTo: 'customer', through: 'job_tag' } } })).toMatch(/Table "job_tag" has no foreign key to "customer": "to" must say which columns of "job_tag" hold the key/);
    expect(problem({ job: {}, task: { rows: { childOf: 'job', by: 'nix' } } })).toMatch(/Table "task" has no column "nix"/);
    expect(problem({ job: {}, tag: { rows: { linkedTo: 'job', through: 'loose_tag' } } })).toMatch(/Table "loose_tag" cannot be synced: .*no primary key/);
    expect(problem({ job: {}, tag: { rows: { linkedTo: 'job', through: 'links' } } })).toMatch(/no table "links"/);
  });

  it('S55 related tables must be in the profile', () => {
    expect(problem({ task: { rows: { childOf: 'job' } } })).toBe('profile.invalid: Table "task" is related to "job", of which the profile gives no rows: it must have that table too.');
    expect(problem({ task: { rows: { childOf: 'jobs' } } })).toMatch(/no table "jobs"/);
    expect(problemOf({ name: 'A', tables: { job: {} } }, { name: 'B', tables: { task: { rows: { childOf: 'job' } } } })).toMatch(/Profile "B": Table "task" is related to "job"/);
  });

  it('S55 R16 more values or levels than SQLite takes are refused, over all relations and profiles; a list counts once', () => {
    const clauses = (count: number): string => Array.from({ length: count }, (_, i) => `id ne ${i}`).join(' and ');
    const chain = (filter: string, length = 17): Record<string, object> => Object.fromEntries(Array.from({ length }, (_, i) => [`r${i}`, { rows: i === 0 ? { filter } : { all: [{ childOf: `r${i - 1}` }, { filter }] } }]));
    const list = `id in (${Array.from({ length: 3000 }, (_, i) => i).join()})`;
    expect(problemOf({ tables: chain(list) })).toBe('');
    expect(problemOf({ tables: chain(clauses(280)) })).toBe('');
    expect(problemOf({ tables: chain(clauses(310)) })).toMatch(/^profile\.invalid: The rules of table "r16", .* compare with 5302 values; not more than 5000 can be\. Mark/);
    const profiles = Array.from({ length: 10 }, (_, i) => ({ name: `p${i}`, tables: { r0: { rows: { filter: `${clauses(540)} and id gt ${i}` } } } }));
    expect(problemOf(...profiles.slice(0, 9))).toBe('');
    expect(problemOf(...profiles)).toMatch(/The rules of table "r0", .* compare with 5430 values/);
    const parts = ['id', 'up'].flatMap((column) => [{ own: column }, { team: column }, { unit: column }, { unit: column, children: true }]);
    const nested = (levels: number, wide: number, last: object): object => (levels === 0 ? last : { [levels % 2 === 0 ? 'any' : 'all']: [nested(levels - 1, wide, last), ...parts.slice(0, wide)] });
    const deep = (levels: number): Record<string, object> => Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`r${i}`, { rows: i === 0 ? { own: 'id' } : nested(levels, 3, { childOf: `r${i - 1}` }) }]));
    expect(problemOf({ people: PEOPLE, tables: deep(1) })).toBe('');
    expect(problemOf({ people: PEOPLE, tables: deep(15) })).toMatch(/The rules of table "r\d+", .* are nested too deeply: fewer relations/);
  });

  it('S55 a circle of relations is refused, naming it', () => {
    expect(problem({ job: { rows: { any: [{ own: 'owner' }, { childOf: 'job', by: 'customer' }] } } })).toBe('profile.invalid: The rules go round in a circle: job => job.');
    expect(problem({ job: { rows: { parentOf: 'task' } }, task: { rows: { childOf: 'job' } } })).toBe('profile.invalid: The rules go round in a circle: job => task => job.');
    const tables = { customer: { rows: { parentOf: 'job', by: 'customer' } }, job: { rows: { all: [{ own: 'owner' }, { parentOf: 'task' }] } }, tag: { rows: { linkedTo: 'customer', through: 'job_tag', to: 'job' } }, task: { rows: { any: [{ childOf: 'tag', by: 'product' }] } } };
    expect(problem(tables)).toMatch(/circle: customer => job => task => tag => customer\./);
  });

  it('S55 relations are bounded in depth', () => {
    const chain = (length: number): object => Object.fromEntries(Array.from({ length: length + 1 }, (_, i) => [`r${i}`, i === 0 ? {} : { rows: { childOf: `r${i - 1}` } }]));
    expect(problem(chain(16))).toBe('');
    expect(problem(chain(17))).toMatch(/The rows of table "r17" depend on more than 16 relations/);
  });

  it('S55 relations are bounded in the number of paths', () => {
    const twice = (other: string): object => ({ any: [{ childOf: other, by: 'a' }, { childOf: other, by: 'b' }] });
    const ladder = (count: number): object => Object.fromEntries(Array.from({ length: count + 1 }, (_, i) => [`r${i}`, i === 0 ? {} : { rows: twice(`r${i - 1}`) }]));
    const { compileTables, problemOf } = compiler(Array.from({ length: 9 }, (_, i) => `CREATE TABLE r${i}(id INTEGER PRIMARY KEY, a, b)`).join('; '));
    // Of n steps there are 2 + 4 + ... + 2^n paths.
    expect(compileTables(ladder(7)).nodes.length).toBe(8);
    expect(problemOf({ tables: ladder(8) })).toMatch(/The rows of table "r8" depend on others in more than 500 ways/);
  });

  it('S58 rules over many others have texts of their own alone', () => {
    const ladder = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`r${i}`, i === 0 ? {} : { rows: { any: Array.from({ length: Math.min(i, 6) }, (_, j) => ({ childOf: `r${i - 1 - j}`, by: 'up' })) } }]));
    expect(Math.max(...compileTables(ladder).nodes.map(({ text }) => text.length))).toBeLessThan(300);
  });

  it('S55 all that is wrong is told at once', () => {
    const message = problem({ job: { rows: { filter: 'nix eq 1' } }, task: { rows: { own: 'nobody' } }, tag: { rows: { childOf: 'job' } } });
    expect(message.split('\n').filter((line) => !line.startsWith(' '))).toHaveLength(3);
    expect(message).toMatch(/tables\.job\.rows\.filter: table "job" has no column "nix"/);
    expect(problemOf({ tables: { jobs: {}, task: { key: ['note'] } }, people: { users: { table: 'folk', id: 'id' } } })).toMatch(/people: .*no table "folk"[^]*no table "jobs"[^]*The key \("note"\)/);
    expect(problem({ job: { rows: { any: ['all', { all: [{ filter: 'id eq' }] }] } } })).toMatch(/tables\.job\.rows\.any\.1\.all\.0\.filter: expected/);
  });

  it('S55 any and all are one rule with what their filters ask of the person', () => {
    expect(ruleOf({ any: [{ own: 'owner' }] })).toEqual(owner);
    expect(ruleOf({ any: [{ own: 'owner' }, 'all'] })).toEqual({ kind: 'every' });
    expect(ruleOf({ all: ['all', { own: 'owner' }] })).toEqual(owner);
    expect(ruleOf({ all: ['all', { all: ['all'] }] })).toEqual({ kind: 'every' });
    expect(ruleOf({ filter: 'true' })).toEqual({ kind: 'every' });
    expect(ruleOf({ all: [{ own: 'owner' }, { filter: 'false' }] })).toEqual({ kind: 'filter', filter: { op: 'constant', value: false } });
    expect(ruleOf({ any: [{ own: 'owner' }, { filter: 'false' }] })).toEqual(owner);
    expect(ruleOf({ all: [{ filter: 'status eq \'open\' and owner eq user()' }, { filter: 'id gt 5' }] })).toEqual({
      kind: 'all', of: [{ kind: 'filter', filter: { op: 'and', of: [{ op: 'compare', column: 'id', by: 'gt', value: 5n }, { op: 'compare', column: 'status', by: 'eq', value: 'open' }] } }, owner],
    });
  });

  it('S55 what nothing says of anybody is refused', () => {
    expect(problemOf({ tables: { job: { rows: { team: 'owner' } } } })).toMatch(/Table "job" asks for the person's teams, but nothing says who is in which team: "people" needs "teams", or a claim/);
    expect(problemOf({ tables: { job: { rows: { filter: 'owner eq userBusinessUnit()' } } } })).toMatch(/tables\.job\.rows\.filter asks for the person's business unit, but nothing says/);
    expect(problemOf({ people: { users: { table: 'users', id: 'id', unit: 'unit' } }, tables: { job: { rows: { unit: 'owner', children: true } } } })).toMatch(/which business units are below others: "people" needs "units"/);
    expect(problemOf({ who: { teams: ['x'] }, tables: { job: {} } })).toMatch(/"who" asks for the person's teams/);
    expect(problemOf({ people: { claims: { teams: 'groups', unit: 'unit' } }, who: { units: ['x'] }, tables: { job: { rows: { any: [{ team: 'owner' }, { unit: 'owner' }] } } } })).toBe('');
  });

  it('S55 people are found in the tables that are named', () => {
    const config = compile([{ people: { ...PEOPLE, claims: { teams: 'groups' } }, tables: { job: {}, users: { columns: ['name'] } } }]);
    expect(config.people).toEqual({ users: { table: idOf(config, 'users'), id: 'id', unit: 'unit' }, teams: { table: idOf(config, 'members'), user: 'user', team: 'team' }, units: { table: idOf(config, 'units'), id: 'id', parent: 'parent' }, claims: { teams: 'groups' } });
    expect(problemOf({ people: { ...PEOPLE, units: { table: 'units', id: 'id', parent: 'above' } }, tables: { job: {} } })).toMatch(/people: Table "units" has no column "above"/);
  });

  it('F9 a time zone that there is not is refused', () => {
    expect(problemOf({ timeZone: 'Europe/Bonn', tables: { job: {} } })).toMatch(/no time zone "Europe\/Bonn": "timeZone" is an IANA name/);
    expect([compile([{ timeZone: 'europe/berlin', tables: { job: {} } }]).timeZone, compileTables({ job: {} }).timeZone]).toEqual(['Europe/Berlin', 'UTC']);
  });
});

describe('columns', () => {
  const columnsOf = (tables: object, name: string): [sent: unknown, kept: unknown, hidden: unknown] => {
    const config = compileWith(tables);
    const table = config.tables.find((one) => one.name === name);
    return [config.profiles[0]?.shares.find((share) => share.table === table?.id)?.columns, table?.columns.map((column) => column.name), table?.hidden.map((column) => column.name)];
  };

  it('S57 the chosen ones are sent, with those of the key, of filters and of relations', () => {
    const rows = { any: [{ own: 'owner' }, { filter: 'status eq \'x\'' }, { childOf: 'customer', by: 'payer' }] };
    const sent = ['id', 'payer', 'label', 'owner', 'status'];
    expect(columnsOf({ customer: {}, job: { rows, columns: ['LABEL'] } }, 'job')).toEqual([sent, sent, []]);
    expect(columnsOf({ job: { columns: ['label'] }, customer: { rows: { parentOf: 'job', by: 'customer' } } }, 'job')[0]).toEqual(['id', 'customer', 'label']);
    expect(columnsOf({ job: { columns: ['label'], rows: { any: ['all', { own: 'owner' }, { filter: 'status lt null' }] } } }, 'job')[0]).toEqual(['id', 'label', 'owner', 'status']);
  });

  it('S57 hidden ones are sent to nobody; the store keeps those that rules read', () => {
    expect(columnsOf({ customer: { hidden: ['SECRET', 'region'], rows: { filter: 'region eq \'north\'' } } }, 'customer')).toEqual([['id', 'code'], ['id', 'code'], ['region']]);
    expect(columnsOf({ customer: { columns: ['secret', 'code'], hidden: ['secret'] } }, 'customer')[0]).toEqual(['id', 'code']);
    expect(columnsOf({ job: { hidden: ['owner'], rows: { own: 'owner' } }, task: {} }, 'job')[2]).toEqual(['owner']);
    expect(problem({ job: { hidden: ['ID'] } })).toMatch(/Column "id" of table "job" cannot be hidden: it is part of the key/);
    expect(problem({ job: { hidden: ['nix'] } })).toMatch(/Table "job" has no column "nix"/);
  });

  it('S57 of tables that only rules read the key and what they read are kept, and nothing is sent', () => {
    const config = compileWith({ job: { rows: { own: 'owner' } }, tag: { rows: { linkedTo: 'job', through: 'job_tag' } } });
    const kept = config.tables.map(({ id, name, columns, hidden }) => [id, name, columns.map((column) => column.name).join(), hidden.map((column) => column.name).join()]);
    expect(kept).toEqual([
      [1, 'job', 'id,customer,payer,label,owner,status,due', ''], [2, 'tag', 'id,name', ''], [3, 'job_tag', 'job,tag', ''], [4, 'members', 'user,team', ''], [5, 'units', 'id', 'parent'], [6, 'users', 'id', 'unit'],
    ]);
    expect(config.profiles[0]?.shares.map(({ table }) => table)).toEqual([1, 2]);
  });
});

describe('nodes', () => {
  it('S58 equal rules are one node, however they are written', () => {
    const config = compile([
      { name: 'A', tables: { job: { rows: { any: [{ own: 'owner' }, { filter: 'status eq \'x\' or id eq 1' }] } }, task: { rows: { childOf: 'job' } } } },
      { name: 'B', tables: { job: { rows: { any: [{ filter: 'owner eq user() or 1 eq id' }, { any: [{ own: 'OWNER' }, { filter: '\'x\' eq Status' }] }] } }, task: { rows: { any: [{ childOf: 'job', by: ['job'] }] } } } },
    ]);
    expect(config.nodes.map(({ table }) => table)).toEqual([idOf(config, 'job'), idOf(config, 'task')]);
    expect(config.unions).toEqual({});
  });

  it('S58 a filter by the clock is another one in another time zone, and one by times that are written is not', () => {
    const text = (filter: string, timeZone: string): string | undefined => compile([{ timeZone, tables: { job: { rows: { filter } } } }]).nodes[0]?.text;
    expect(text('due lt today()', 'UTC')).not.toBe(text('due lt today()', 'Europe/Berlin'));
    expect(text('status eq \'x\'', 'UTC')).toBe(text('status eq \'x\'', 'Europe/Berlin'));
  });

  it('S58 rules that were kept as text are what they were', () => {
    const config = compile([{ people: PEOPLE, timeZone: 'Europe/Berlin', tables: { job: { rows: { filter: 'id in (1, 9007199254740993, 2.5, null) and due lt 2026-11-21 and owner eq user()' } }, tag: {} } }]);
    expect(readConfigText(configText(config))).toEqual(config);
  });

  it('S58 each stands after those that it names', () => {
    const { nodes } = compileWith({ customer: { rows: { parentOf: 'job', by: 'customer' } }, job: { rows: { parentOf: 'task' } }, task: { rows: { own: 'note' } }, tag: { rows: { linkedTo: 'customer', through: 'job_tag', to: 'job' } } });
    expect(nodes.map(({ rule }) => rule.kind)).toEqual(['mine', 'parent', 'parent', 'linked']);
  });

  it('S58 the same profiles over what a store knows of them give the same', () => {
    const given = [
      { name: 'A', people: PEOPLE, tables: { job: { rows: { any: [{ own: 'owner' }, { team: 'owner' }, { filter: 'id eq 1' }] }, rights: ['read', 'update'] }, task: { rows: { childOf: 'job' } }, tag: { rows: { any: [{ linkedTo: 'job', through: 'job_tag' }, { parentOf: 'task', by: 'product' }] } } } },
      { name: 'B', tables: { job: { rows: { unit: 'owner', children: true } }, task: { rows: { childOf: 'job' } }, customer: { rows: { parentOf: 'job', by: 'payer' } } } },
    ];
    const first = compile(given);
    const known = { tables: Object.fromEntries(first.tables.map(({ id, name }) => [name.toLowerCase(), id])), nodes: Object.fromEntries(first.nodes.map(({ id, text }) => [text, id])), lastTable: 20, lastNode: 20 };
    expect(compile(given, known)).toEqual(first);
    const turned = compile([...given].reverse(), known);
    expect([...turned.nodes].sort((a, b) => a.id - b.id)).toEqual(first.nodes);
  });

  it('S58 ids stay, and are never used for another', () => {
    const first = compileWith({ job: { rows: { own: 'owner' } }, task: { rows: { childOf: 'job' } } });
    const known = { tables: Object.fromEntries(first.tables.map(({ id, name }) => [name.toLowerCase(), id])), nodes: Object.fromEntries(first.nodes.map(({ id, text }) => [text, id])), lastTable: 9, lastNode: 7 };
    const second = compile([{ people: PEOPLE, tables: { customer: {}, job: { rows: { own: 'owner' } }, tag: { rights: ['read', 'update'] }, task: { rows: { own: 'note' } } } }], known);
    const ids = Object.fromEntries(second.tables.map(({ id, name }) => [name, id]));
    expect(ids).toEqual({ job: 1, task: 2, members: 3, units: 4, users: 5, customer: 10, tag: 11, carryon_sync_error: 12 });
    expect(second.tables.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 10, 11, 12]);
    expect(second.nodes.map(({ id, table }) => [id, table])).toEqual([[8, 10], [1, 1], [9, 11], [10, 2], [11, 12]]);
  });

  it('S51 names that are equal but for letters beyond ASCII are two', () => {
    const { compileTables: of, problemOf: why } = compiler('CREATE TABLE t(id INTEGER PRIMARY KEY, "ä", "Ä"); CREATE TABLE "ö"(id INTEGER PRIMARY KEY); CREATE TABLE "Ö"(id INTEGER PRIMARY KEY)');
    expect(of({ t: { rows: { any: [{ own: 'Ä' }, { filter: 'ä eq 1' }] } } }).nodes[0]?.rule).toMatchObject({ of: [{ filter: { column: 'ä' } }, { column: 'Ä' }] });
    expect(of({ 'Ö': {} }).tables[0]?.name).toBe('Ö');
    expect(why({ tables: { 'Ö': {}, 'ö': {} } })).toMatch(/Two tables have the name "ö" but for small and capital letters/);
  });

  it('S58 names that JavaScript\'s objects have by themselves are names like others', () => {
    const { tables } = compiler('CREATE TABLE "constructor"(id INTEGER PRIMARY KEY); CREATE TABLE "toString"(id INTEGER PRIMARY KEY)').compileTables({ constructor: {}, toString: {} });
    expect(tables.map(({ id, name }) => [id, name])).toEqual([[1, 'constructor'], [2, 'toString']]);
  });
});

describe('several profiles', () => {
  const A = { name: 'A', tables: { job: { rows: { own: 'owner' }, columns: ['status'], priority: 3, every: 60, rights: ['read', 'update'], conflicts: 'merge' }, tag: {} } };
  const B = { name: 'B', who: { users: ['bob'] }, tables: { job: { rows: { filter: 'status eq \'x\'' }, columns: ['due'], every: 30, rights: ['create', 'read'], conflicts: 'detect', hidden: ['status'] }, tag: { rows: { filter: 'id eq 1' } } } };

  it('S58 who may have more than one of them gets the union of their rows', () => {
    const config = compile([A, B]);
    const job = idOf(config, 'job');
    const union = config.nodes.find(({ id }) => id === config.unions[job]);
    expect(Object.keys(config.unions)).toEqual([String(job)]);
    expect(union).toMatchObject({ table: job, uses: ['profiles', 'user'], rule: { kind: 'any', of: [
      { kind: 'all', of: [{ kind: 'holds', profile: 'A' }, { kind: 'same', node: nodeOf(config, 'job')?.id }] }, { kind: 'all', of: [{ kind: 'holds', profile: 'B' }, { kind: 'same', node: nodeOf(config, 'job', 1)?.id }] },
    ] } });
    expect(compile([A, { name: 'C', tables: { job: { rows: { own: 'owner' } } } }]).unions).toEqual({});
  });

  it('S58 a table is kept with all that any of them sends, as the strictest of them has it', () => {
    const { tables, profiles } = compile([A, B]);
    expect(tables.find(({ name }) => name === 'job')).toMatchObject({
      columns: ['id', 'owner', 'status', 'due'].map((name) => expect.objectContaining({ name })), hidden: [], level: 3, everyMinutes: 30, rights: ['create', 'update'], conflicts: 'detect', newKeys: 'temporary',
    });
    expect(profiles.map(({ name, who, shares: [share] }) => [name, who, share?.columns, share?.rights, share?.conflicts, share?.level, share?.everyMinutes])).toEqual([
      ['A', undefined, ['id', 'owner', 'status'], ['update'], 'merge', 3, 60], ['B', { users: ['bob'], teams: [], units: [] }, ['id', 'due'], ['create'], 'detect', 5, 30],
    ]);
  });

  it('S58 only those with rights have the sync errors', () => {
    const config = compile([A, { name: 'C', tables: { job: {} } }]);
    expect(config.profiles.map(({ shares }) => shares.some(({ table }) => table === idOf(config, 'carryon_sync_error')))).toEqual([true, false]);
  });

  it('S58 they have names of their own, and people, time zone and keys in common', () => {
    expect(problemOf(A, A)).toMatch(/Two profiles have the name "A"/);
    expect(problemOf({ ...A, timeZone: 'Europe/Berlin' }, { ...B, timeZone: 'UTC' })).toMatch(/The profiles "A" and "B" have a different "timeZone"/);
    expect(problemOf({ ...A, people: PEOPLE }, { ...B, people: { users: PEOPLE.users } })).toMatch(/have a different "people"/);
    expect(compile([A, { ...B, timeZone: 'Europe/Berlin', people: PEOPLE }])).toMatchObject({ timeZone: 'Europe/Berlin', people: { users: { unit: 'unit' } } });
    expect(problemOf({ name: 'A', tables: { customer: {} } }, { name: 'B', tables: { customer: { key: ['code'] } } })).toMatch(/The profiles "A" and "B" give table "customer" different keys: \("id"\) and \("code"\)/);
    expect(problemOf()).toMatch(/There is no profile/);
  });
});
