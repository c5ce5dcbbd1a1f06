import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Attributes } from '../../../core/attributes.ts';
import type { Config, People, SyncedTable } from '../../../core/config.ts';
import type { Claims } from '../../../ports/storage.ts';
import { Database } from '../driver.ts';
import { readAttributes } from './people.ts';

const SQL = `
  CREATE TABLE users(id PRIMARY KEY, login TEXT COLLATE NOCASE, unit INTEGER);
  CREATE TABLE members(login, team, PRIMARY KEY(login, team));
  CREATE TABLE "business units"(id INTEGER PRIMARY KEY, parent TEXT);
  INSERT INTO users VALUES(1, 'ann', 2), (2, 'Bob', NULL), (3, 'ann', 5), (NULL, 'ghost', 1), (4, 7, 99), (5, 'eve', 6);
  INSERT INTO members VALUES('ann', 'A'), ('ann', 7), ('ann', '7'), ('Ann', 'no'), (NULL, 'no'), ('ann', NULL), (7, 'seven');
  INSERT INTO "business units" VALUES(1, NULL), (2, '1'), (3, '2'), (4, '3'), (5, '1'), (6, '7'), (7, '6'), (8, '02');`;

const column = (name: string): SyncedTable['columns'][number] => ({ name, type: '', collation: 'BINARY' });
const table = (id: number, name: string, columns: readonly string[], key: readonly number[]): SyncedTable => ({ id, name, columns: columns.map(column), key, level: 5, hidden: [] });
const TABLES = [table(1, 'users', ['id', 'login', 'unit'], [0]), table(2, 'members', ['login', 'team'], [0, 1]), table(3, 'business units', ['id', 'parent'], [0])];
const USERS = { table: 1, id: 'login', unit: 'unit' };
const TEAMS = { table: 2, user: 'login', team: 'team' };
const UNITS = { table: 3, id: 'id', parent: 'parent' };

let db: Database;
beforeEach(() => { db = new Database(':memory:'); db.exec(SQL); });
afterEach(() => db.close());
const of = (people: People, user: string, claims: Claims = {}): Attributes | undefined =>
  readAttributes(db, { tables: TABLES, nodes: [], profiles: [], unions: {}, people, timeZone: 'UTC' } satisfies Config, { user, claims });

describe('what is known of a person', () => {
  it('R11 comes from the tables of people, as texts, letter by letter, each once', () => {
    expect(of({ users: USERS, teams: TEAMS, units: UNITS }, 'ann')).toEqual({ user: ['ann'], teams: ['7', 'A'], unit: ['2', '5'], units: ['2', '3', '4', '5'], profiles: [] });
    expect(of({ users: USERS, teams: TEAMS, units: UNITS }, 'Bob')).toEqual({ user: ['Bob'], teams: [], unit: [], units: [], profiles: [] });
    expect(of({ users: USERS, teams: TEAMS, units: UNITS }, '7')).toEqual({ user: ['7'], teams: ['seven'], unit: ['99'], units: ['99'], profiles: [] });
  });

  it('R11 is that they are nobody, where a table of users does not have them, or has a NULL in that row\'s key', () => {
    for (const user of ['bob', 'ANN', 'ghost', '', "' OR 1=1 --", 'ann\u0000']) expect(of({ users: USERS, teams: TEAMS }, user, { teams: ['x'] }), user).toBeUndefined();
    expect(of({ teams: TEAMS }, 'nobody')).toEqual({ user: ['nobody'], teams: [], unit: [], units: [], profiles: [] });
  });

  it('R11 are units below units, however these go round in circles', () => {
    expect(of({ users: USERS, units: UNITS }, 'eve')).toMatchObject({ unit: ['6'], units: ['6', '7'] });
  });

  it('R11 comes from claims that the profile names, where no table tells it', () => {
    const claims = { teams: ['b', 'a', 'a'], unit: '3' };
    expect(of({ claims: { teams: 'groups', unit: 'dept' }, units: UNITS }, 'x', claims)).toMatchObject({ teams: ['a', 'b'], unit: ['3'], units: ['3', '4'] });
    expect(of({ claims: { teams: 'groups', unit: 'dept' } }, 'x', { teams: ["'", '"'] })).toMatchObject({ teams: ['"', "'"], unit: [], units: [] });
    expect(of({}, 'x', claims)).toMatchObject({ teams: [], unit: [], units: [] });
    expect(of({ users: USERS, teams: TEAMS, claims: { teams: 'groups', unit: 'dept' } }, 'Bob', claims)).toMatchObject({ teams: [], unit: [] });
  });
});
