import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteName, quoteText } from './name.ts';
import { columnSql, isPlainType, keyColumns, packTableSql, type TableSpec } from './table.ts';

const GOOD = ['', 'INTEGER', 'text', 'VARCHAR(100)', 'VARCHAR (100)', 'DECIMAL(10, 2)', 'DECIMAL(10,2)', 'NUMERIC( 5 )', 'UNSIGNED BIG INT', 'double precision', 'NATIVE CHARACTER(70)', 'FLOAT(-1)', '_x9'];
const BAD = [
  'INTEGER PRIMARY KEY', 'integer primary key', 'TEXT UNIQUE', 'TEXT NOT NULL', 'TEXT CHECK (1)', 'TEXT CHECK(1)', 'CHECK(1)', 'UNIQUE(1)', 'TEXT DEFAULT 1', 'TEXT DEFAULT(1)', 'DEFAULT(1)',
  'TEXT REFERENCES t', 'REFERENCES(1)', 'TEXT COLLATE NOCASE', 'INT GENERATED ALWAYS AS (1)', 'INT AS(1)', 'AS(1)', 'CONSTRAINT c', 'TEXT AUTOINCREMENT', 'NULL',
  'TEXT, b TEXT', 'TEXT)', 'TEXT);DROP TABLE t', 'TEXT;', 'TEXT -- x', 'TEXT /* x */', 'TEXT\n', 'TEXT\tNOT\tNULL', 'TEXT  NOT', '"TEXT"', "'TEXT'", '[TEXT]', '`TEXT`',
  'VARCHAR(100', 'VARCHAR(a)', 'VARCHAR((1))', 'VARCHAR(1)(2)', 'VARCHAR(1,2,3)', 'VARCHAR(1) NOT NULL', '1NT', ' TEXT', 'TEXT ', 'ТEXT', 'TEXT\u0000', 'not null', 'N\u00d6T NULL',
];

const column = (type: string, name = 'c'): TableSpec['columns'][number] => ({ name, type, collation: 'BINARY' });

describe('isPlainType', () => {
  it.each(GOOD)('P2 %j is a type', (type) => {
    expect(isPlainType(type)).toBe(true);
  });

  it.each(BAD)('P2 %j is refused', (type) => {
    expect(isPlainType(type)).toBe(false);
    expect(() => columnSql(column(type))).toThrow(expect.objectContaining({ code: 'protocol.bad-answer' }));
  });

  it('P2 whatever passes makes one plain column and nothing else, or SQLite refuses it as a word of its own', () => {
    const word = fc.constantFrom('TEXT', 'INT', 'PRIMARY', 'KEY', 'NOT', 'NULL', 'CHECK', 'AS', 'DEFAULT', 'UNIQUE', 'REFERENCES', 'x', '(1)', '(', ')', ',', ' ', '  ', ';', '--', '1', '+1', '"', "'", 'HIDDEN', 'ON', 'CONFLICT', 'STORED', 'DESC');
    const db = new DatabaseSync(':memory:');
    fc.assert(fc.property(fc.array(word, { maxLength: 5 }), fc.constantFrom('', ' '), (words, between) => {
      const type = words.join(between);
      if (!isPlainType(type)) return;
      db.exec('DROP TABLE IF EXISTS t');
      try {
        db.exec(`CREATE TABLE t(${columnSql(column(type))}, d)`);
      } catch (error) {
        expect((error as Error).message).toContain('syntax error');
        return;
      }
      expect(db.prepare('SELECT name, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(\'t\')').all().map((row) => ({ ...row })))
        .toEqual(['c', 'd'].map((name) => ({ name, notnull: 0, dflt_value: null, pk: 0, hidden: 0 })));
      expect(db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()).toEqual({ n: 1 });
    }), { numRuns: 3000 });
    db.close();
  });
});

describe('names', () => {
  it('P1 any name is one identifier and any text one literal', () => {
    const db = new DatabaseSync(':memory:');
    const name = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\0'));
    fc.assert(fc.property(name, (text) => {
      db.exec(`CREATE TABLE ${quoteName(`t${text}`)}(${quoteName(text)})`);
      expect({ ...db.prepare(`SELECT ${quoteText(text)} AS text, name FROM pragma_table_info(${quoteText(`t${text}`)})`).get() }).toEqual({ text, name: text });
      db.exec(`DROP TABLE ${quoteName(`t${text}`)}`);
    }));
    db.close();
  });
});

describe('pack tables', () => {
  const table: TableSpec = { id: 3, name: 'a "b"', columns: [column('INTEGER', 'id'), { name: 'x', type: '', collation: 'NOCASE' }], key: [1, 0], level: 0 };

  it('P11 a pack\'s table has one statement, which SQLite keeps as it was written', () => {
    expect(packTableSql(table)).toBe('CREATE TABLE t3(_rid INTEGER PRIMARY KEY, _ver INTEGER, "id" INTEGER, "x" COLLATE NOCASE)');
    const db = new DatabaseSync(':memory:');
    db.exec(packTableSql(table));
    expect(db.prepare('SELECT type, name, sql FROM sqlite_schema').all().map((row) => ({ ...row }))).toEqual([{ type: 'table', name: 't3', sql: packTableSql(table) }]);
    db.close();
  });

  it('P11 the key\'s columns come in the key\'s order', () => {
    expect(keyColumns(table).map(({ name }) => name)).toEqual(['x', 'id']);
  });
});
