import { afterEach, describe, expect, it } from 'vitest';
import type { Source, SourceTable } from '../../core/source.ts';
import { createNorthwind, SqliteSetup } from '../../testing/sqlite-setup.ts';
import { createWorstCase, WORST_CASE_TABLES } from '../../testing/worst-case.ts';
import { countUnsyncable, inspect } from '../../source.ts';

let setup: SqliteSetup | undefined;
afterEach(() => setup?.end());

function sourceOf(make: string | ((file: string) => void)): Source {
  setup = new SqliteSetup(make);
  return inspect(setup.files.database);
}

function tableOf(source: Source, name: string): SourceTable {
  const found = source.tables.find((table) => table.name === name);
  if (!found) throw new Error(`${name} is not among the tables: ${JSON.stringify(source.skipped)}`);
  return found;
}

const only = (sql: string): SourceTable => tableOf(sourceOf(sql), 't');
const whyNot = (sql: string): string | undefined => sourceOf(sql).skipped.find(({ name }) => name === 't')?.why;

describe('keys', () => {
  it.each([
    ['an integer key', 'CREATE TABLE t(v, id INTEGER PRIMARY KEY)', ['id'], 'primary key'],
    ['a text key', 'CREATE TABLE t(id TEXT PRIMARY KEY, v)', ['id'], 'primary key'],
    ['a composite key in its own order', 'CREATE TABLE t(a, b, c, PRIMARY KEY(c, a))', ['c', 'a'], 'primary key'],
    ['a key of a table without rowid', 'CREATE TABLE t(a, b, PRIMARY KEY(b, a)) WITHOUT ROWID', ['b', 'a'], 'primary key'],
    ['a UNIQUE column declared NOT NULL', 'CREATE TABLE t(v, code TEXT NOT NULL UNIQUE)', ['code'], 'unique index sqlite_autoindex_t_1'],
    ['a unique index on NOT NULL columns', 'CREATE TABLE t(v, a NOT NULL, b NOT NULL); CREATE UNIQUE INDEX both ON t(b, a)', ['b', 'a'], 'unique index both'],
    ['a descending key', 'CREATE TABLE t(id INTEGER, v, PRIMARY KEY(id DESC))', ['id'], 'primary key'],
  ])('finds %s', (_, sql, key, from) => {
    expect(only(sql)).toMatchObject({ key, keyFrom: from });
  });

  it('offers every key and prefers the primary one', () => {
    expect(only('CREATE TABLE t(a INTEGER PRIMARY KEY, b NOT NULL UNIQUE, c UNIQUE, d NOT NULL, UNIQUE(d, b))').keys).toEqual([['a'], ['d', 'b'], ['b']]);
  });

  it('takes another key where the first is compared in two ways', () => {
    expect(only('CREATE TABLE t(a TEXT COLLATE NOCASE, b NOT NULL UNIQUE, PRIMARY KEY(a COLLATE BINARY))')).toMatchObject({ key: ['b'], keys: [['b']] });
  });
});

describe('tables that cannot be synced', () => {
  it.each([
    ['no key', 'CREATE TABLE t(a, b)', 'no primary key'],
    ['a unique index that allows NULL', 'CREATE TABLE t(a UNIQUE)', 'no primary key'],
    ['a unique index on some rows', 'CREATE TABLE t(a NOT NULL, b); CREATE UNIQUE INDEX i ON t(a) WHERE b', 'no primary key'],
    ['a unique index on an expression', 'CREATE TABLE t(a NOT NULL); CREATE UNIQUE INDEX i ON t(lower(a))', 'no primary key'],
    ['a column named as a value', 'CREATE TABLE t(id INTEGER PRIMARY KEY, "True")', '"True" has a name that SQLite mistakes for a value'],
    ['a column named as ours', 'CREATE TABLE t(id INTEGER PRIMARY KEY, _Ver)', '"_Ver" has a name that Carryon uses itself'],
    ['a key finer than its column', 'CREATE TABLE t(a TEXT COLLATE NOCASE, PRIMARY KEY(a COLLATE BINARY))', '"a" is compared by the collation BINARY in the key and by NOCASE elsewhere'],
    ['a key coarser than its column', 'CREATE TABLE t(a TEXT, PRIMARY KEY(a COLLATE NOCASE))', '"a" is compared by the collation NOCASE in the key and by BINARY elsewhere'],
    ['a virtual table', 'CREATE VIRTUAL TABLE t USING fts5(body)', 'virtual table'],
    ['text as UTF-16', "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(a INTEGER PRIMARY KEY)", 'UTF-16le'],
  ])('are those with %s', (_, sql, why) => {
    expect(whyNot(sql)).toContain(why);
  });

  it('leave views, own tables and shadow tables of others apart', () => {
    const source = sourceOf('CREATE VIRTUAL TABLE t USING fts5(body); CREATE VIEW v AS SELECT 1; CREATE VIEW broken AS SELECT x FROM y; CREATE TABLE _carryon_outbox(id)');
    expect(source.tables).toEqual([]);
    expect(source.skipped.map(({ name }) => name)).toEqual(['t', 't_config', 't_content', 't_data', 't_docsize', 't_idx']);
  });

  it('are those whose key has a collation that only its own program has', () => {
    setup = new SqliteSetup('CREATE TABLE t(a TEXT PRIMARY KEY, b TEXT, c TEXT COLLATE NOCASE); CREATE TABLE u(id INTEGER PRIMARY KEY, b TEXT)');
    const foreign = (table: string, column: string): string => `UPDATE sqlite_schema SET sql = replace(sql, '${column} TEXT', '${column} TEXT COLLATE klingon') WHERE name = '${table}';`;
    setup.business.enableDefensive(false);
    setup.business.exec(`PRAGMA writable_schema = on; ${foreign('t', 'a')} ${foreign('u', 'b')} PRAGMA writable_schema = reset`);
    const source = inspect(setup.files.database);
    expect(source.skipped).toEqual([{ name: 't', why: 'its key column "a" uses the collation KLINGON, which only its own program has' }]);
    expect(tableOf(source, 'u').columns[1]).toMatchObject({ collation: 'BINARY' });
    expect(tableOf(source, 'u').warnings).toEqual(['it needs functions or collations that only its own program has, so devices compare its text byte by byte']);
  });
});

describe('columns', () => {
  const typeOf = (declared: string, strict = ''): string | undefined => {
    const type = only(`CREATE TABLE t(id INTEGER PRIMARY KEY, c ${declared}) ${strict}`).columns[1]?.type;
    setup?.end();
    return type;
  };

  it('keep their declared type where devices can repeat it', () => {
    for (const type of ['', 'INTEGER', 'VARCHAR(20)', 'DECIMAL(10,2)', 'DECIMAL(10, 2)', 'DOUBLE PRECISION', 'UNSIGNED BIG INT', 'DATETIME', 'ANY']) expect(typeOf(type), type).toBe(type);
  });

  it('get a type of the same affinity where devices cannot', () => {
    expect(typeOf('"strange ""type"""')).toBe('NUMERIC');
    expect(typeOf('"not a POINT"')).toBe('INTEGER');
    expect(typeOf('"some "" text"')).toBe('TEXT');
    expect(typeOf('"a "" blob"')).toBe('');
    expect(typeOf('"a "" float"')).toBe('REAL');
    expect(typeOf('ANY', 'STRICT')).toBe('');
    expect(typeOf('INT', 'STRICT')).toBe('INT');
  });

  it('have their collation, indexed or not', () => {
    const { columns } = only('CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, b TEXT COLLATE "rtrim", c TEXT, d COLLATE NOCASE AS (a))');
    expect(columns.map(({ collation }) => collation)).toEqual(['BINARY', 'NOCASE', 'RTRIM', 'BINARY', 'NOCASE']);
  });

  it('are known as generated, whether kept or computed', () => {
    expect(only('CREATE TABLE t(id INTEGER PRIMARY KEY, a AS (id + 1), b AS (id + 2) STORED)').columns.map(({ generated }) => generated)).toEqual([false, true, true]);
  });

  it('that refer to other tables are relations', () => {
    const sql = 'CREATE TABLE t(id INTEGER PRIMARY KEY, p REFERENCES "the parent", a, b, FOREIGN KEY(a, b) REFERENCES q(x, y))';
    expect(only(sql).relations).toEqual([{ columns: ['a', 'b'], table: 'q', to: ['x', 'y'] }, { columns: ['p'], table: 'the parent', to: undefined }]);
  });
});

describe('indexes', () => {
  it('are told as the columns by which rows can be searched', () => {
    const sql = 'CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE, b, c); CREATE INDEX one ON t(b, c, lower(a)); CREATE INDEX two ON t(lower(b)); CREATE INDEX three ON t(c) WHERE b';
    expect(only(sql).indexes.toSorted()).toEqual([['a'], ['b', 'c'], ['id']]);
    expect(only('CREATE TABLE t(a, b, PRIMARY KEY(b, a)) WITHOUT ROWID').indexes).toEqual([['b', 'a']]);
  });
});

describe('unique indexes beside the keys', () => {
  const id = 'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b';

  it('are told with their terms, their collations and their condition', () => {
    const source = only(`${id}, UNIQUE(a, b)); CREATE UNIQUE INDEX i ON t(a COLLATE NOCASE DESC); CREATE UNIQUE INDEX j ON t("b", lower(a || ')') /* ( */ ASC) WHERE b > 0`);
    expect(source.uniques).toEqual([
      { columns: ['a', 'b'], terms: ['"b" COLLATE "BINARY"', '(lower(a || \')\')) COLLATE "BINARY"'], where: 'b > 0' },
      { columns: ['a'], terms: ['"a" COLLATE "NOCASE"'], where: '' },
      { columns: ['a', 'b'], terms: ['"a" COLLATE "BINARY"', '"b" COLLATE "BINARY"'], where: '' },
    ]);
    expect(source.warnings).toEqual([]);
  });

  it('include the hidden rowid, by whatever name it can still be reached', () => {
    const uniques = (sql: string): readonly string[][] => only(sql).uniques.map(({ terms }) => [...terms]);
    expect(uniques('CREATE TABLE t(a TEXT PRIMARY KEY)')).toEqual([['rowid']]);
    setup?.end();
    expect(uniques('CREATE TABLE t(a TEXT PRIMARY KEY, RowId)')).toEqual([['_rowid_']]);
    setup?.end();
    expect(uniques('CREATE TABLE t(a TEXT PRIMARY KEY) WITHOUT ROWID')).toEqual([]);
    setup?.end();
    expect(uniques('CREATE TABLE t(a INTEGER, PRIMARY KEY(a DESC))')).toEqual([]);
  });

  it('bring a warning where their expressions cannot be repeated', () => {
    setup = new SqliteSetup(`${id})`);
    setup.business.function('spoken', { deterministic: true }, (value) => String(value));
    setup.business.exec('CREATE UNIQUE INDEX i ON t(spoken(a))');
    expect(tableOf(inspect(setup.files.database), 't')).toMatchObject({
      uniques: [], warnings: ['the expressions of the unique index "i" cannot be repeated, so rows that REPLACE removes because of it stay on devices'],
    });
  });
});

describe('whole databases', () => {
  it('of the worst kind are understood', () => {
    const source = sourceOf(createWorstCase);
    expect(source.tables.map(({ name }) => name)).toEqual(WORST_CASE_TABLES.map(({ name }) => name).toSorted());
    for (const { name, key } of WORST_CASE_TABLES) expect(tableOf(source, name).key, name).toEqual(key);
    expect(source.tables.flatMap(({ warnings }) => warnings)).toEqual([]);
    expect(source.skipped.map(({ name }) => name).filter((name) => !name.startsWith('documents_fts_'))).toEqual(['documents_fts', 'no_key', 'nullable_unique', 'reserved']);
    expect(Object.fromEntries(source.tables.map((table) => [table.name, countUnsyncable(setup?.files.database ?? '', table)] as const).filter(([, rows]) => rows > 0)))
      .toEqual({ 'text key': 2, composite: 1 });
  });

  it('like Northwind are understood', () => {
    setup = new SqliteSetup('');
    if (!createNorthwind(setup.files.database)) return;
    const source = inspect(setup.files.database);
    expect(source.skipped).toEqual([]);
    expect(Object.fromEntries(source.tables.map(({ name, key }) => [name, key]))).toEqual({
      Categories: ['CategoryID'], CustomerCustomerDemo: ['CustomerID', 'CustomerTypeID'], CustomerDemographics: ['CustomerTypeID'], Customers: ['CustomerID'],
      EmployeeTerritories: ['EmployeeID', 'TerritoryID'], Employees: ['EmployeeID'], 'Order Details': ['OrderID', 'ProductID'], Orders: ['OrderID'],
      Products: ['ProductID'], Regions: ['RegionID'], Shippers: ['ShipperID'], Suppliers: ['SupplierID'], Territories: ['TerritoryID'],
    });
    expect(tableOf(source, 'Orders').relations.map(({ table }) => table).toSorted()).toEqual(['Customers', 'Employees', 'Shippers']);
    expect(source.tables.map((table) => countUnsyncable(setup?.files.database ?? '', table)).every((rows) => rows === 0)).toBe(true);
  });
});
