import { SERVICE_USERS } from '../actors/service.ts';
import type { LabRandom } from '../world/random.ts';
import { momentIn } from './faults.ts';
import type { Timed } from './script.ts';

type Write = (random: LabRandom) => string;

const TABLES = ['customers', 'jobs', 'steps', 'visits', 'skills'] as const;
const UNITS = ["'company'", "'tech'", "'sales'", "'sales-north'", "'sales-south'"] as const;
const TEAMS = ["'north'", "'south'", "'east'"] as const;
const PROFILES = ['usual', 'narrow', 'no-steps', 'wide', 'read-only', 'only-sales', 'broken'] as const;

/** Mostly the person of the first device. */
const person = (random: LabRandom): string => (random.chance(1, 2) ? "'ann'" : `'${random.pick(SERVICE_USERS)}'`);

/** A few rows of a table, next to each other or scattered; seldom all. */
function some(random: LabRandom): string {
  const low = random.below(120);
  if (random.chance(1, 12)) return 'true';
  return random.chance(1, 2) ? `id BETWEEN ${low} AND ${low + random.below(20)}` : `id % ${random.between(2, 40)} = 1`;
}

/** SQL: a text that nobody else writes, by which the row is known wherever it turns up. */
const mark = (random: LabRandom, table: string): string => `'~${table} ' || id || ' ${random.below(1_000_000)}~'`;

const handOver: Write = (random) => `UPDATE jobs SET owner = ${random.chance(1, 6) ? 'NULL' : person(random)} WHERE ${some(random)}`;
const toTeam: Write = (random) => `UPDATE jobs SET team = ${random.pick(TEAMS)} WHERE ${some(random)}`;
const join: Write = (random) => `INSERT OR IGNORE INTO members VALUES(${person(random)}, ${random.pick(TEAMS)})`;
const leave: Write = (random) => `DELETE FROM members WHERE person = ${person(random)}${random.chance(1, 3) ? '' : ` AND team = ${random.pick(TEAMS)}`}`;
const moveUnit: Write = (random) => `UPDATE units SET parent = ${random.pick(UNITS)} WHERE id = ${random.pick(UNITS)}`;
const movePerson: Write = (random) => `UPDATE people SET unit = ${random.pick(UNITS)} WHERE id = ${person(random)}`;
const deletePerson: Write = (random) => `DELETE FROM people WHERE id = ${person(random)}`;
const takeBack: Write = (random) => `INSERT OR IGNORE INTO people VALUES(${person(random)}, ${random.pick(UNITS)})`;
const handCustomers: Write = (random) => `UPDATE customers SET unit = ${random.pick(UNITS)} WHERE ${some(random)}`;
const toCustomer: Write = (random) => `UPDATE jobs SET customer = ${random.between(1, 40)} WHERE ${some(random)}`;
const toJob: Write = (random) => `UPDATE ${random.pick(['steps', 'visits'])} SET job = ${random.between(1, 120)} WHERE ${some(random)}`;
const link: Write = (random) => `INSERT OR IGNORE INTO job_skills SELECT id, ${random.between(1, 20)} FROM jobs WHERE ${some(random)}`;
const unlink: Write = (random) => `DELETE FROM job_skills WHERE skill = ${random.between(1, 20)}`;
const putOff: Write = (random) => `UPDATE jobs SET due = ${random.chance(1, 5) ? 'NULL' : `date('2026-11-21', '${random.between(-3, 4)} days')`} WHERE ${some(random)}`;
const shift: Write = (random) => `UPDATE visits SET at = at + ${random.between(-3600, 3600)} WHERE ${some(random)}`;
const change: Write = (random) => {
  const table = random.pick(TABLES);
  return `UPDATE ${table} SET info = ${mark(random, table)} WHERE ${some(random)}`;
};
const cost: Write = (random) => `UPDATE jobs SET cost = '~hidden jobs ' || id || ' ${random.below(1_000_000)}~' WHERE ${some(random)}`;
const insert: Write = (random) => {
  const first = 1000 + random.below(1_000_000);
  return `INSERT OR IGNORE INTO jobs(id, owner, team, customer, state, info) WITH RECURSIVE n(id) AS (SELECT ${first} UNION ALL SELECT id + 1 FROM n WHERE id < ${first + random.below(10)})
    SELECT id, ${person(random)}, ${random.pick(TEAMS)}, 1 + id % 40, 'new', ${mark(random, 'jobs')} FROM n`;
};
const remove: Write = (random) => `DELETE FROM ${random.pick(TABLES)} WHERE ${some(random).replace('true', 'id % 3 = 0')}`;
const several: Write = (random) => `BEGIN; ${[handOver, change, leave, join, toCustomer].filter(() => random.chance(1, 2)).map((write) => `${write(random)};`).join(' ')} COMMIT`;

/** Each as often as it stands here. */
const WRITES: readonly Write[] = [
  handOver, handOver, handOver, toTeam, toTeam, join, join, leave, leave, moveUnit, movePerson, deletePerson, takeBack, takeBack, handCustomers, toCustomer, toJob, link, unlink,
  putOff, shift, change, change, change, cost, insert, insert, remove, several, several,
];

/** What the business application writes, and what becomes of people, profiles and tables meanwhile. */
export function serviceChanges(random: LabRandom, lengthMs: number): readonly Timed[] {
  const written = Array.from({ length: random.below(14) }, (): Timed => ({ atMs: momentIn(random, lengthMs), event: { do: 'write', sql: random.pick(WRITES)(random) } }));
  return [...written, ...altered(random.fork('tables'), lengthMs), ...reloads(random.fork('profiles'), lengthMs)];
}

/** At times a table gets a column, or loses one. */
function altered(random: LabRandom, lengthMs: number): readonly Timed[] {
  const all = [`ALTER TABLE ${random.pick(['jobs', 'steps', 'customers'])} ADD COLUMN extra TEXT`, 'ALTER TABLE customers DROP COLUMN name'];
  return all.filter(() => random.chance(1, 10)).map((sql) => ({ atMs: momentIn(random, lengthMs), event: { do: 'write', sql } }));
}

/** In a third of the runs the profiles change, or somebody tries; some servers are killed while they go over. */
function reloads(random: LabRandom, lengthMs: number): readonly Timed[] {
  if (!random.chance(1, 3)) return [];
  return Array.from({ length: random.between(1, 4) }, (): Timed => ({
    atMs: momentIn(random, lengthMs), event: { do: 'reload', to: random.pick(PROFILES), ...(random.chance(1, 4) ? { how: 'killed' } : {}) },
  }));
}
