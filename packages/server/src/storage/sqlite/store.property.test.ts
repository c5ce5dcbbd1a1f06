import type { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { ALL, childOf, EVALUATE, own, parentOf, profile, schema, sql, table, team, transaction } from '../../testing/rules/by-hand.ts';
import { assertHistories } from '../../testing/rules/shrink.ts';
import { playStore, storeHistory, type StoreHistory, type StoreStep } from '../../testing/rules/store-history.ts';
import { StoreWorld, type Fault } from '../../testing/rules/store-world.ts';

const RUNS = 50 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);

async function play(history: StoreHistory, fault?: Fault): Promise<void> {
  const world = new StoreWorld(history.plan, fault);
  try {
    await playStore(world, history);
  } finally {
    await world.close();
  }
}

const PEOPLE = { users: { table: 'users', id: 'user' }, teams: { table: 'team_members', user: 'member', team: 'team' } };
const TABLES = [
  table('job', ['id INTEGER', 'site INTEGER', 'owner TEXT', 'due TEXT'], { site: 'site' }),
  table('site', ['id INTEGER', 'team TEXT']),
  table('job_tag', ['id INTEGER', 'job INTEGER', 'tag TEXT'], { job: 'job', tag: 'tag' }),
  table('tag', ['id TEXT', 'name TEXT']),
  table('users', ['user TEXT']),
  table('team_members', ['id INTEGER', 'member TEXT', 'team TEXT']),
];
const LINKED = { kind: 'linkedTo' as const, table: 'job', through: 'job_tag', by: { columns: ['tag'], table: 'tag', declared: true }, to: { columns: ['job'], table: 'job', declared: true }, named: true };
const SOON = { kind: 'filter' as const, filter: { kind: 'time' as const, column: 'due', by: 'lt' as const, point: { kind: 'now' as const, plusMinutes: 120 } } };
const FILLING = ["INSERT INTO users VALUES('ann')", "INSERT INTO team_members VALUES(1, 'ann', 'red')", "INSERT INTO site VALUES(1, 'red'), (2, 'blue')", "INSERT INTO tag VALUES('x', 'x'), ('y', 'y')",
  "INSERT INTO job VALUES(1, 1, 'ann', '2026-11-21T11:00:00Z'), (2, 2, 'ann', '2026-11-22T12:00:00Z')", "INSERT INTO job_tag VALUES(1, 1, 'x'), (2, 2, 'y')"];

/** Histories known to matter: ann's share under each set of rules, and what moves rows in and out of it. */
const known = (rules: Parameters<typeof profile>[1], ...steps: readonly StoreStep[]): StoreHistory =>
  ({ plan: { schema: schema(TABLES, PEOPLE), filling: FILLING.map(sql), profiles: [[profile('p', rules)]] }, users: 1, steps });
const KNOWN: Readonly<Record<string, StoreHistory>> = {
  'a child follows its parent': known({ site: team('team'), job: childOf('site', 'site'), tag: LINKED },
    transaction("UPDATE site SET team = 'red' WHERE id = 2"), EVALUATE, transaction("UPDATE site SET team = 'blue' WHERE id = 1"), EVALUATE, transaction('DELETE FROM site WHERE id = 2'), EVALUATE),
  'a parent follows its children, old and new': known({ job: own('owner'), site: parentOf('job', 'site', 'site') },
    transaction('UPDATE job SET site = 1'), EVALUATE, transaction('DELETE FROM job WHERE id = 1', 'UPDATE job SET site = 2'), EVALUATE),
  'links come and go': known({ job: own('owner'), tag: LINKED }, transaction("UPDATE job_tag SET tag = 'x' WHERE id = 2"), EVALUATE, transaction('DELETE FROM job_tag WHERE id = 1'), EVALUATE, transaction('DELETE FROM job_tag'), EVALUATE),
  'time moves rows': known({ job: SOON, site: parentOf('job', 'site', 'site') }, { op: 'pass', minutes: 1441 }, EVALUATE, { op: 'pass', minutes: -3000 }, EVALUATE, { op: 'pass', minutes: 5000 }, EVALUATE),
  'a person joins a team': known({ site: { kind: 'anyOf', of: [team('team'), own('team')] }, job: ALL }, transaction("INSERT INTO team_members VALUES(2, 'ann', 'blue')"), EVALUATE, { op: 'activate', user: 0 }, transaction('DELETE FROM team_members WHERE id = 1'), EVALUATE),
};

describe('the evaluator against the oracle', () => {
  it('I4 I5 I6 I11 I17: under random rules every scope has the rows that computing from nothing gives, after each checkpoint, tick and change of rules', async () => {
    await assertHistories(storeHistory, RUNS, (history) => play(history));
  }, 60_000 + 1_000 * RUNS);

  for (const [name, history] of Object.entries(KNOWN)) {
    it(`I5 I6 ${name}`, () => play(history));
  }
});

/** What the first of the known histories that finds the fault says; undefined when none does. */
async function complaint(fault: Fault): Promise<string | undefined> {
  for (const history of Object.values(KNOWN)) {
    try {
      await play(history, fault);
    } catch (error) {
      return String(error);
    }
  }
  return undefined;
}

/** The entries that the business database has for the store: the table's id and the key. */
const entries = (business: DatabaseSync): { t: number; k0: number | string }[] =>
  business.prepare('SELECT t, k0 FROM _carryon_outbox WHERE t > 0').all() as unknown as { t: number; k0: number | string }[];

describe('the property has teeth', () => {
  const tableNamed = (config: Parameters<NonNullable<Fault['before']>>[1], name: string): number => config.tables.find((one) => one.name === name)?.id ?? 0;
  const faults: Record<string, Fault> = {
    'I17 the clock stands still': { nowMs: () => Date.UTC(2026, 10, 21, 10) },
    'I17 the clock is a minute late': { nowMs: (nowMs) => nowMs - 60_000 },
    'I5 old references are forgotten': { before: ({ business, store }, config) => {
      for (const { t, k0 } of entries(business)) if (t === tableNamed(config, 'job')) store.prepare(`UPDATE row_${t} SET site = NULL WHERE id = ?`).run(k0);
    } },
    'I5 links are not looked at': { before: ({ business }, config) => { business.prepare('UPDATE _carryon_outbox SET k0 = -99 WHERE t = ? AND t > 0').run(tableNamed(config, 'job_tag')); } },
    'I5 people are not looked at': { before: ({ business }, config) => { business.prepare('UPDATE _carryon_outbox SET k0 = -99 WHERE t = ? AND t > 0').run(tableNamed(config, 'team_members')); } },
    'I5 a target that is gone still counts': { before: ({ business, store }, config) => {
      for (const { t, k0 } of entries(business)) if (t === tableNamed(config, 'site') && business.prepare('SELECT 1 FROM site WHERE id = ?').get(k0) === undefined) store.exec(`UPDATE row_${t} SET _live = 0 WHERE id = ${k0}`);
    } },
    'I5 what a scope needs is forgotten': { before: ({ store }) => store.exec('DELETE FROM sync_need') },
    'I6 tombstones are forgotten': { before: ({ store }, config) => { for (const { id, rule } of config.nodes) if (rule.kind !== 'every') store.exec(`DELETE FROM member_${id} WHERE NOT live`); } },
    'I20 a digest is off': { before: ({ store }) => store.exec('UPDATE sync_scope SET sum = sum + 1') },
  };
  for (const [name, fault] of Object.entries(faults)) {
    it(`${name}: caught`, async () => {
      expect(await complaint(fault)).toMatch(/I(4|5|6|17)\b/);
    });
  }
});
