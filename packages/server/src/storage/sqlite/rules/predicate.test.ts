import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Predicate } from '../../../core/filter/predicate.ts';
import { Database } from '../driver.ts';
import { predicateSql, type Asked } from './predicate.ts';
import { bind, NEVER, raw, sql, textOf } from './sql.ts';

let db: Database;
beforeEach(() => { db = new Database(':memory:'); });
afterEach(() => db.close());

const ASKED: Asked = { alias: 'r', clockMs: 0, timeZone: 'UTC', mine: (column) => sql`${textOf(column)} = ${bind('ann')}` };
const those = (predicate: Predicate, asked = ASKED): unknown[] => {
  const condition = predicateSql(predicate, asked);
  return db.all<{ rowid: number }>(`SELECT rowid FROM t r WHERE ${condition.sql} ORDER BY rowid`, ...condition.values).map(({ rowid }) => rowid);
};
const EVIL = [`'`, `''`, `"`, `' OR 1=1 --`, `'); DROP TABLE t; --`, `?`, `?1`, `:a`, `@b`, `$c`, '`', ']', '%', '\\', '\u0000', `a'||(SELECT 1)||'`];

describe('a predicate as SQL', () => {
  it('R1 knows two truths: NULL is equal to null, unequal to anything else, and in no order', () => {
    db.exec("CREATE TABLE t(a, b); INSERT INTO t VALUES(NULL, NULL), (5, NULL), (NULL, 5), (5, 5), (4, 5)");
    const a = (by: 'eq' | 'ne' | 'lt' | 'ge', value: number | null): Predicate => ({ op: 'compare', column: 'a', by, value });
    const columns = (by: 'eq' | 'ne' | 'lt' | 'ge'): Predicate => ({ op: 'columns', column: 'a', by, other: 'b' });
    expect([those(a('eq', null)), those(a('ne', null)), those(a('ne', 5)), those(a('lt', 5)), those(a('ge', null))]).toEqual([[1, 3], [2, 4, 5], [1, 3, 5], [5], []]);
    expect(those({ op: 'not', of: a('lt', 5) })).toEqual([1, 2, 3, 4]);
    expect([those(columns('eq')), those(columns('ne')), those(columns('lt')), those(columns('ge'))]).toEqual([[1, 4], [2, 3, 5], [5], [4]]);
    expect([those({ op: 'in', column: 'a', values: [4, null] }), those({ op: 'in', column: 'a', values: [] }), those({ op: 'not', of: { op: 'in', column: 'a', values: [4] } })]).toEqual([[1, 3, 5], [], [1, 2, 3, 4]]);
    expect([those({ op: 'and', of: [] }).length, those({ op: 'or', of: [] })]).toEqual([5, []]);
  });

  it('R2 compares as SQLite does, by the column\'s affinity and collation, the left one\'s where there are two', () => {
    db.exec("CREATE TABLE t(n TEXT COLLATE NOCASE, b TEXT, i INTEGER, x); INSERT INTO t VALUES('Ann', 'ann', '7', '7'), ('bob', 'BOB', 7, 7), ('5', '5', 5, 5)");
    expect(those({ op: 'compare', column: 'n', by: 'eq', value: 'ANN' })).toEqual([1]);
    expect(those({ op: 'compare', column: 'b', by: 'eq', value: 'ANN' })).toEqual([]);
    expect([those({ op: 'compare', column: 'i', by: 'eq', value: '7' }), those({ op: 'compare', column: 'x', by: 'eq', value: '7' }), those({ op: 'compare', column: 'n', by: 'eq', value: 5 })]).toEqual([[1, 2], [1], [3]]);
    expect([those({ op: 'columns', column: 'n', by: 'eq', other: 'b' }), those({ op: 'columns', column: 'b', by: 'eq', other: 'n' })]).toEqual([[1, 2, 3], [3]]);
    expect(those({ op: 'in', column: 'n', values: ['ANN', 5] })).toEqual([1, 3]);
  });

  it('R2 R16 compares with one of a list as with that value alone, whatever the types', () => {
    const types = ['TEXT', 'INTEGER', 'REAL', 'NUMERIC', 'BLOB', '', 'TEXT COLLATE NOCASE', 'TEXT COLLATE RTRIM', 'INTEGER COLLATE NOCASE'];
    const stored = [1, 1.5, '1', '1.0', 'a', 'A', 'a ', new Uint8Array([49]), null, 2n ** 53n, 2n ** 53n + 1n, '9007199254740993', 2n ** 63n - 1n, -0.0, '', '\u0000', 'a\u0000b', '🚐', 1e300, '1e300', '01', ' 1', '\ufffd'];
    const asked = [1, 1n, 1.5, '1', '1.0', 'a', 'A ', 2n ** 53n, 2n ** 53n + 1n, '9007199254740993', ' 9007199254740993', 2n ** 63n - 1n, -(2n ** 63n), 1e18, 1e300, '1e300', 0, '', '\u0000', 'a\u0000b', '🚐', '\ud800', '"', '\\', '\u2028', ' 1', new Uint8Array([49])];
    types.forEach((type, i) => db.exec(`${i > 0 ? 'ALTER TABLE t ADD' : 'CREATE TABLE t('} c${i} ${type}${i > 0 ? '' : ')'}`));
    for (const value of stored) db.run(`INSERT INTO t VALUES(${types.map(() => '?').join()})`, ...types.map(() => value));
    types.forEach((type, i) => {
      const equal = asked.map((value) => those({ op: 'compare', column: `c${i}`, by: 'eq', value }));
      expect(asked.map((value) => those({ op: 'in', column: `c${i}`, values: [value] })), type).toEqual(equal);
      expect(those({ op: 'in', column: `c${i}`, values: asked }), type).toEqual([...new Set(equal.flat())].sort((a, b) => Number(a) - Number(b)));
      expect(equal.flat().length, type).toBeGreaterThan(asked.length / 2);
    });
  });

  it('R3 finds parts of texts letter by letter, also of numbers and BLOBs', () => {
    db.exec("CREATE TABLE t(v COLLATE NOCASE); INSERT INTO t VALUES('Übung_1'), ('übung%1'), (123.5), (x'3132'), (NULL), ('')");
    const part = (name: 'startswith' | 'endswith' | 'contains', value: string): unknown[] => those({ op: 'text', function: name, column: 'v', value });
    expect([part('startswith', 'Ü'), part('startswith', 'ü'), part('endswith', '_1'), part('endswith', '%1'), part('contains', 'bung')]).toEqual([[1], [2], [1], [2], [1, 2]]);
    expect([part('startswith', '12'), part('endswith', '.5'), part('contains', '12'), part('endswith', 'much longer than any')]).toEqual([[3, 4], [3], [3, 4], []]);
    for (const name of ['startswith', 'endswith', 'contains'] as const) expect(part(name, ''), name).toEqual([1, 2, 3, 4, 6]);
  });

  it('R4 asks who somebody is by the text alone, whatever the column\'s type or collation', () => {
    db.exec("CREATE TABLE t(v COLLATE NOCASE); INSERT INTO t VALUES('ann'), ('Ann'), ('ann '), (x'616e6e'), (NULL)");
    expect(those({ op: 'mine', column: 'v', attribute: 'user' })).toEqual([1, 4]);
    expect(those({ op: 'not', of: { op: 'mine', column: 'v', attribute: 'user' } })).toEqual([2, 3, 5]);
  });

  it.each(EVIL)('R9 takes %j for a value, and for a name', (evil) => {
    if (evil.includes('\u0000')) db.exec('CREATE TABLE t(v)');
    else db.exec(`CREATE TABLE t(v, "${evil.replaceAll('"', '""')}")`);
    const column = evil.includes('\u0000') ? 'v' : evil;
    db.run(`INSERT INTO t("${column.replaceAll('"', '""')}") VALUES(?), ('other'), (NULL)`, evil);
    for (const name of new Set([column, 'v'])) {
      const wanted = name === column ? [1] : [];
      expect(those({ op: 'compare', column: name, by: 'eq', value: evil })).toEqual(wanted);
      expect(those({ op: 'in', column: name, values: [evil, evil] })).toEqual(wanted);
      for (const what of ['startswith', 'endswith', 'contains'] as const) expect(those({ op: 'text', function: what, column: name, value: evil })).toEqual(wanted);
      expect(those({ op: 'mine', column: name, attribute: 'user' }, { ...ASKED, mine: (text) => sql`${textOf(text)} = ${bind(evil)}` })).toEqual(wanted);
    }
    expect(those({ op: 'columns', column: column, by: 'eq', other: column })).toEqual([1, 2, 3]);
  });

  it('R9 has no text from outside but quoted names', () => {
    const { sql: text } = predicateSql({ op: 'or', of: EVIL.map((value): Predicate => ({ op: 'compare', column: 'v', by: 'eq', value })) }, ASKED);
    expect(text.replaceAll(/[()]|r\."v" IS \?|OR|\s/g, '')).toBe('');
  });

  it('R9 R16 may have as many clauses, values and levels as a filter may', () => {
    db.exec('CREATE TABLE t(v); INSERT INTO t VALUES(1), (999), (NULL)');
    const clauses = Array.from({ length: 1000 }, (_, value): Predicate => ({ op: 'compare', column: 'v', by: 'eq', value }));
    expect(those({ op: 'or', of: clauses })).toEqual([1, 2]);
    expect(those({ op: 'in', column: 'v', values: Array.from({ length: 10_000 }, (_, i) => i) })).toEqual([1, 2]);
    expect(those({ op: 'in', column: 'v', values: Array.from({ length: 40_000 }, (_, i) => (i % 2 === 0 ? i + 1 : `${i}`)) })).toEqual([1, 2]);
    const deep = (levels: number): Predicate => levels === 0 ? { op: 'or', of: clauses } : { op: 'not', of: { op: levels % 2 === 0 ? 'and' : 'or', of: [deep(levels - 1), { op: 'constant', value: levels % 2 === 0 }] } };
    expect(those(deep(100))).toEqual([1, 2]);
  });
});

describe('pieces of SQL', () => {
  it('R9 keep their values in order', () => {
    const one = sql`${bind(1)} ${raw('x')} (${sql`${bind(2)}, ${NEVER}`}) ${bind(3)}`;
    expect(one).toEqual({ sql: '? x (?, 0) ?', values: [1, 2, 3] });
  });
});
