import type { DatabaseSync } from 'node:sqlite';
import type { FeedValue } from '@carryon/protocol';
import { rowText } from './model-device.ts';

/** People in teams, jobs of people and teams with notes, parts for all. Only who is in `person` is anybody. */
export const TEAMS_SQL = `CREATE TABLE person(id TEXT PRIMARY KEY); CREATE TABLE member(person TEXT, team TEXT, PRIMARY KEY(person, team));
  CREATE TABLE job(id INTEGER PRIMARY KEY, owner TEXT, team TEXT, v); CREATE TABLE note(id INTEGER PRIMARY KEY, job INTEGER, v); CREATE TABLE part(id INTEGER PRIMARY KEY, v);
  INSERT INTO person VALUES('ann'), ('bob'), ('eve'); INSERT INTO member VALUES('ann', 'north'), ('bob', 'north'), ('bob', 'south');
  INSERT INTO job WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24) SELECT i, CASE i % 8 WHEN 0 THEN 'ann' WHEN 4 THEN 'bob' END,
    CASE i % 4 WHEN 1 THEN 'north' WHEN 2 THEN 'south' WHEN 3 THEN 'west' ELSE 'none' END, 'job ' || i FROM n;
  INSERT INTO note SELECT id, id, 'of job ' || id FROM job; INSERT INTO part VALUES(1, 'bolt'), (2, 'nut');`;

export const TEAMS_PROFILE = {
  version: 1, name: 'Field', people: { users: { table: 'person', id: 'id' }, teams: { table: 'member', user: 'person', team: 'team' } },
  tables: { job: { rows: { any: [{ own: 'owner' }, { team: 'team' }] } }, note: { rows: { childOf: 'job', by: 'job' } }, part: { priority: 6 } },
};

const SHARES: Readonly<Record<string, string>> = {
  job: 'owner = :user OR team IN (SELECT team FROM member WHERE person = :user)',
  note: 'job IN (SELECT id FROM job WHERE owner = :user OR team IN (SELECT team FROM member WHERE person = :user))',
  part: ':user IS NOT NULL',
};

/** What a person must hold of a table, by one plain query. */
export function teamShare(business: DatabaseSync, table: string, user: string): string[] {
  const statement = business.prepare(`SELECT * FROM ${table} WHERE :user IN (SELECT id FROM person) AND (${SHARES[table] ?? 'false'})`);
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  return (statement.all({ user }) as unknown as FeedValue[][]).map(rowText).sort();
}
