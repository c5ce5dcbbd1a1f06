import { describe, expect, it } from 'vitest';
import { writingStatements } from './statements.ts';

describe('statements that change rows', () => {
  it.each<[string, string[]]>([
    ['DELETE FROM a', ['DELETE FROM a']],
    [' update a set b = 1 ; ; insert into c values(2);', ['update a set b = 1', 'insert into c values(2)']],
    ["UPDATE a SET b = 'x; y''; z' WHERE \"c;d\" = 1 AND [e;f] = 2 AND `g;h` = 3; REPLACE INTO a VALUES(1)", ["UPDATE a SET b = 'x; y''; z' WHERE \"c;d\" = 1 AND [e;f] = 2 AND `g;h` = 3", 'REPLACE INTO a VALUES(1)']],
    ['/* one; */ DELETE FROM a -- two; \n; -- three', ['/* one; */ DELETE FROM a -- two;']],
    ['WITH x AS (SELECT 1), y(a, b) AS MATERIALIZED (VALUES(1, 2)) INSERT INTO t SELECT * FROM x, y', ['WITH x AS (SELECT 1), y(a, b) AS MATERIALIZED (VALUES(1, 2)) INSERT INTO t SELECT * FROM x, y']],
  ])('%j', (sql, statements) => expect(writingStatements(sql)).toEqual(statements));

  it.each([
    ['', /no SQL statement/], [' ; -- nothing\n', /no SQL statement/], ['SELECT 1', /only reads \(SELECT\)/], ['VALUES(1)', /only reads \(VALUES\)/],
    ['EXPLAIN DELETE FROM a', /only reads \(EXPLAIN\)/], ['PRAGMA user_version = 1', /only reads \(PRAGMA\)/], ['WITH a AS (DELETE FROM b RETURNING 1) SELECT * FROM a', /only reads \(SELECT\)/],
    ['BEGIN; DELETE FROM a; COMMIT', /"begin"/], ['DELETE FROM a; COMMIT', /"commit"/], ['DROP TABLE a', /"drop"/], ['-- DELETE\nALTER TABLE a ADD b', /"alter"/], ["'DELETE'", /"'delete'"/],
  ])('not %j', (sql, why) => expect(() => writingStatements(sql)).toThrow(expect.objectContaining({ code: 'sql.refused', message: expect.stringMatching(why) as string }) as Error));
});
