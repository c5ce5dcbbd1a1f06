import { describe, expect, it } from 'vitest';
import { compiler } from '../testing/compiler.ts';
import type { SyncedTable } from './config.ts';

const SQL = `
  CREATE TABLE Job(Code TEXT COLLATE NOCASE PRIMARY KEY, Owner TEXT, Note, Secret TEXT);
  CREATE TABLE pair(a INTEGER, b TEXT, note, PRIMARY KEY(b, a)) WITHOUT ROWID;
  CREATE TABLE code(id INTEGER PRIMARY KEY, number INTEGER NOT NULL UNIQUE, label TEXT UNIQUE);
  CREATE TABLE person(id INTEGER PRIMARY KEY, code INTEGER NOT NULL UNIQUE, boss INTEGER REFERENCES person, mentor INTEGER REFERENCES person(code), age AS (id * 2));
  CREATE TABLE visit(id VARCHAR(40) PRIMARY KEY, Person REFERENCES person(ID), site, number INTEGER, FOREIGN KEY(number) REFERENCES person(code));
  CREATE TABLE bare(id INTEGER, v, PRIMARY KEY(id)) WITHOUT ROWID; CREATE TABLE turned(id INTEGER PRIMARY KEY DESC);
  CREATE TABLE loose(a, b);`;
const ALL = ['create', 'read', 'update', 'delete'];

const { compileTables, problemOf } = compiler(SQL);
const compile = (tables: object): readonly SyncedTable[] => compileTables(tables).tables;
const problem = (tables: object): string => problemOf({ tables });

describe('compile', () => {
  it('S51 tables and columns are found whatever their letters, and named as the database names them', () => {
    const [job] = compile({ JOB: { rows: { own: 'OWNER' }, columns: ['NOTE'] } });
    expect(job).toMatchObject({ name: 'Job', level: 5, hidden: [] });
    expect(compileTables({ JOB: { rows: { own: 'OWNER' } } }).nodes).toMatchObject([{ id: 1, table: 1, rule: { kind: 'mine', column: 'Owner', attribute: 'user' }, uses: ['user'] }]);
    expect(job?.columns.map((column) => column.name)).toEqual(['Code', 'Owner', 'Note']);
    expect(job?.columns[0]).toEqual({ name: 'Code', type: 'TEXT', collation: 'NOCASE' });
  });

  it('S52 an interval is carried along, and none where none is named', () => {
    const [job, pair] = compile({ Job: { every: 60 }, pair: {} });
    expect(job?.everyMinutes).toBe(60);
    expect(pair).not.toHaveProperty('everyMinutes');
  });

  it('S54 what people may do with rows is told, and how conflicts are treated where that is not the default', () => {
    const [job, code, pair] = compile({ Job: { rights: ALL, conflicts: 'merge' }, pair: { rights: ['update', 'read'], conflicts: 'last-writer-wins' }, code: { rights: ['read'], conflicts: 'detect' } });
    expect([job?.rights, job?.conflicts]).toEqual([['create', 'update', 'delete'], 'merge']);
    expect([pair?.rights, pair?.conflicts]).toEqual([['update'], undefined]);
    for (const name of ['rights', 'conflicts', 'newKeys', 'computed', 'references']) expect(code).not.toHaveProperty(name);
  });

  it('S54 how the key of a new row is made is told where rows may be created', () => {
    const of = (tables: object): unknown[] => compile(tables).filter(({ id }) => id <= Object.keys(tables).length).map(({ name, newKeys }) => [name, newKeys]);
    const rights = ALL;
    expect(of({ Job: { rights }, bare: { rights }, code: { rights }, pair: { rights }, person: { rights }, turned: { rights }, visit: { rights } })).toEqual([
      ['Job', 'uuid'], ['bare', undefined], ['code', 'temporary'], ['pair', undefined], ['person', 'temporary'], ['turned', undefined], ['visit', 'uuid'],
    ]);
    expect(of({ code: { rights, key: ['number'] } })).toEqual([['code', undefined]]);
    expect(of({ code: { rights: ['read', 'update'] } })).toEqual([['code', undefined]]);
  });

  it('S54 computed columns and those that hold temporary keys are told', () => {
    const rights = ALL;
    const visit = { rights, references: [{ columns: ['SITE'], table: 'Code' }, { columns: ['number'], table: 'person' }, { columns: ['id', 'site'], table: 'person' }] };
    const tables = compile({ person: { rights }, visit, code: { rights }, Job: { rights } });
    const told = tables.map(({ name, computed, references }) => ({ name, computed, references }));
    expect(told.slice(0, 4)).toEqual([
      { name: 'Job' }, { name: 'code' }, { name: 'person', computed: [4], references: [{ column: 2, table: 3 }] },
      { name: 'visit', references: [{ column: 1, table: 3 }, { column: 2, table: 2 }] },
    ]);
    expect((compile({ person: {}, visit: { rights } })).map(({ references }) => references)).toEqual([undefined, undefined, undefined]);
  });

  it('S82 the table of sync errors comes after all others as soon as any may be written', () => {
    const [read, write] = [compile({ Job: {}, code: {} }), compile({ Job: {}, code: { rights: ['read', 'delete'] } })];
    expect(read.map(({ id, name }) => [id, name])).toEqual([[1, 'Job'], [2, 'code']]);
    expect(write.map(({ id, name }) => [id, name])).toEqual([[1, 'Job'], [2, 'code'], [3, 'carryon_sync_error']]);
    expect(write[2]).toMatchObject({ key: [0], level: 0, hidden: [], rights: ['delete'] });
    const { nodes, profiles } = compileTables({ Job: {}, code: { rights: ['read', 'delete'] } });
    expect(nodes.at(-1)).toMatchObject({ table: 3, rule: { kind: 'mine', column: 'owner', attribute: 'user' } });
    expect(profiles[0]?.shares.at(-1)).toMatchObject({ table: 3, node: nodes.at(-1)?.id, level: 0, rights: ['delete'] });
  });

  it('S51 ids follow the names in the profile, not their order in it', () => {
    const one = compile({ pair: {}, Job: {}, code: {} });
    const two = compile({ code: {}, Job: {}, pair: {} });
    expect(one).toEqual(two);
    expect(one.map(({ id, name }) => [id, name])).toEqual([[1, 'Job'], [2, 'code'], [3, 'pair']]);
  });

  it('S51 the key is in its own order, and another unique key can be chosen', () => {
    const [code, pair] = compile({ code: { key: ['NUMBER'] }, pair: {} });
    expect(pair?.key.map((i) => pair.columns[i]?.name)).toEqual(['b', 'a']);
    expect(code?.key.map((i) => code.columns[i]?.name)).toEqual(['number']);
    expect((compile({ pair: { key: ['a', 'b'] } }))[0]?.key).toEqual([0, 1]);
  });

  it('S51 what does not fit is refused with the reason', () => {
    expect(problem({ jobs: {} })).toMatch(/^profile\.invalid: .*no table "jobs".*"Job"/);
    expect(problem({ loose: {} })).toMatch(/^profile\.invalid: Table "loose" cannot be synced: .*no primary key/);
    expect(problem({ Job: { rows: { own: 'boss' } } })).toMatch(/^profile\.invalid: .*no column "boss".*"Owner"/);
    expect(problem({ Job: { columns: ['Code', 'nix'] } })).toMatch(/^profile\.invalid: .*no column "nix"/);
    expect(problem({ code: { key: ['label'] } })).toMatch(/^profile\.invalid: The key \("label"\)/);
    expect(problem({ pair: { key: ['a'] } })).toMatch(/^profile\.invalid: The key/);
    expect(problem({ pair: { key: ['a', 'a'] } })).toMatch(/^profile\.invalid: The key/);
    expect(problem({ Job: {}, job: {} })).toMatch(/^profile\.invalid: The profile names table "Job" twice/);
  });
});
