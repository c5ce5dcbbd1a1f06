import { fill, textSql, type Business, type BusinessProfile, type GivenTable } from './business.ts';
import { ledgerSql } from './ledger.ts';
import { START_MS } from '../world/queue.ts';

export interface ServiceOptions {
  readonly kind: 'service';
  readonly customers?: number;
  readonly jobs?: number;
  readonly packRows?: number;
  readonly pageRows?: number;
  readonly textLength?: number;
}

/** Ann and Cleo are technicians, Dan sells, and Bob does both. */
export const SERVICE_USERS = ['ann', 'bob', 'cleo', 'dan'] as const;

const TIME_ZONE = 'Europe/Berlin';
const PEOPLE = {
  users: { table: 'people', id: 'id', unit: 'unit' }, teams: { table: 'members', user: 'person', team: 'team' }, units: { table: 'units', id: 'id', parent: 'parent' },
};
const IS_SOMEBODY = 'EXISTS (SELECT 1 FROM people WHERE id = :user)';
const IN_TEAM = 'IN (SELECT team FROM members WHERE person = :user)';
const UNIT = '(SELECT unit FROM people WHERE id = :user)';
const UNIT_AND_BELOW = `(WITH RECURSIVE below(id) AS (SELECT unit FROM people WHERE id = :user UNION SELECT u.id FROM units u JOIN below b ON u.parent = b.id) SELECT id FROM below)`;

/** Rows of jobs and what hangs on them, for a condition on jobs. */
const fromJobs = (jobs: string) => ({
  steps: `steps.job IN (SELECT id FROM jobs WHERE ${jobs})`,
  visits: `visits.job IN (SELECT id FROM jobs WHERE ${jobs}) AND visits.at > :now - 1200 AND visits.at <= :now + 2400`,
  skills: `skills.id IN (SELECT skill FROM job_skills WHERE job IN (SELECT id FROM jobs WHERE ${jobs}))`,
  customers: `customers.id IN (SELECT customer FROM jobs WHERE ${jobs})`,
});

const MINE = `jobs.owner = :user OR jobs.team ${IN_TEAM}`;
const DUE = {
  file: { filter: "due eq null or (due ge today() sub duration'P1D' and due lt today() add duration'P2D')" },
  rows: "(jobs.due IS NULL OR (jobs.due >= date(:today, '-1 day') AND jobs.due < date(:today, '+2 days')))",
};
const MINE_FILE = { any: [{ own: 'owner' }, { team: 'team' }] };
const VISITS_FILE = { all: [{ childOf: 'jobs' }, { filter: "at gt now() sub duration'PT20M' and at le now() add duration'PT40M'" }] };

const WRITE = ['create', 'read', 'update'];

function profile(name: string, who: object | 'everyone', has: string, tables: Readonly<Record<string, GivenTable>>): BusinessProfile {
  return { file: { name, timeZone: TIME_ZONE, people: PEOPLE, who }, has: `${IS_SOMEBODY} AND (${has})`, tables };
}

/** What technicians get, given their jobs: a rule of the file, and the same in SQL. */
function technicians(jobs: GivenTable, change: (tables: Readonly<Record<string, GivenTable>>) => Readonly<Record<string, GivenTable>> = (tables) => tables): BusinessProfile {
  const related = fromJobs(jobs.rows);
  return profile('Technicians', { teams: ['north', 'south'] }, "EXISTS (SELECT 1 FROM members WHERE person = :user AND team IN ('north', 'south'))", change({
    jobs,
    customers: {
      file: { rows: { any: [{ parentOf: 'jobs' }, { unit: 'unit' }] }, priority: 1, hidden: ['margin'], rights: ['read', 'update'], conflicts: 'merge' },
      rows: `${related.customers} OR customers.unit = ${UNIT}`,
    },
    steps: { file: { rows: { childOf: 'jobs' }, priority: 2, rights: WRITE }, rows: related.steps },
    visits: { file: { rows: VISITS_FILE, priority: 2 }, rows: related.visits },
    skills: { file: { rows: { linkedTo: 'jobs', through: 'job_skills' }, priority: 2 }, rows: related.skills },
  }));
}

const JOBS: GivenTable = { file: { rows: { all: [MINE_FILE, DUE.file] }, priority: 0, hidden: ['cost'], rights: WRITE, conflicts: 'detect' }, rows: `(${MINE}) AND ${DUE.rows}` };
const OWN_JOBS: GivenTable = {
  file: { rows: { own: 'owner' }, columns: ['state', 'info'], priority: 0, rights: WRITE }, rows: 'jobs.owner = :user', columns: ['id', 'owner', 'customer', 'state', 'info'],
};
const ALL_JOBS: GivenTable = { file: { ...JOBS.file, rows: MINE_FILE }, rows: MINE };

const SELLS = `:user = 'eve' OR ${UNIT} IN ('sales', 'sales-north')`;
const SOLD = `customers.unit IN ${UNIT_AND_BELOW}`;
const SALES_TABLES: Readonly<Record<string, GivenTable>> = {
  customers: { file: { rows: { unit: 'unit', children: true }, priority: 0, hidden: ['margin'], rights: ['read', 'update'] }, rows: SOLD },
  jobs: {
    file: { rows: { childOf: 'customers' }, columns: ['state', 'info'], priority: 1 },
    rows: `jobs.customer IN (SELECT id FROM customers WHERE ${SOLD})`, columns: ['id', 'customer', 'state', 'info'],
  },
  units: { file: { priority: 1 }, rows: 'true' },
};
const SALES = profile('Sales', { users: ['eve'], units: ['sales', 'sales-north'] }, SELLS, SALES_TABLES);

const without = (names: readonly string[]) => (tables: Readonly<Record<string, GivenTable>>): Readonly<Record<string, GivenTable>> =>
  Object.fromEntries(Object.entries(tables).filter(([name]) => !names.includes(name)));
const readOnly = (tables: Readonly<Record<string, GivenTable>>): Readonly<Record<string, GivenTable>> =>
  Object.fromEntries(Object.entries(tables).map(([name, { file: { rights: _, conflicts: __, ...file }, ...table }]) => [name, { ...table, file }]));

/** What the server may be told to go over to. */
export const SERVICE_PROFILES = {
  usual: [technicians(JOBS), SALES],
  /** Fewer tables, columns and rows. */
  narrow: [technicians(OWN_JOBS, without(['visits', 'skills'])), SALES],
  /** One table less, which people may write. */
  'no-steps': [technicians(JOBS, without(['steps'])), SALES],
  /** More rows, and everybody sells. */
  wide: [technicians(ALL_JOBS), profile('Sales', 'everyone', 'true', SALES_TABLES)],
  /** The same data, which nobody may write. */
  'read-only': [technicians(JOBS, readOnly), { ...SALES, tables: readOnly(SALES_TABLES) }],
  /** Technicians who do not sell have no data. */
  'only-sales': [SALES],
  broken: [technicians({ ...JOBS, file: { ...JOBS.file, rows: { filter: 'nothing eq 1' } } }), SALES],
} as const satisfies Business['profiles'];

/**
 * A service company in which rules of every kind meet: own jobs and those of teams, due soon; their customers, steps, visits of the hour and
 * skills; and units that sell. Each row has a text that tells its table and key: `~jobs 17 0~`; hidden columns hold `~hidden ...~`.
 */
export function service({ customers = 40, jobs = 120, packRows = 20, pageRows, textLength = 60 }: Partial<ServiceOptions> = {}): Business {
  const id = 'id INTEGER PRIMARY KEY AUTOINCREMENT';
  const info = (table: string): string => `'~${table} ' || i || ' 0~' || ${textSql(textLength)}`;
  const cycle = (values: readonly string[], by = 'i'): string => `CASE (${by}) % ${values.length} ${values.map((value, i) => `WHEN ${i} THEN ${value}`).join(' ')} END`;
  const seconds = START_MS / 1000;
  return {
    sql: [
      'CREATE TABLE units(id TEXT PRIMARY KEY, parent TEXT);',
      "INSERT INTO units VALUES('company', NULL), ('tech', 'company'), ('sales', 'company'), ('sales-north', 'sales'), ('sales-south', 'sales');",
      'CREATE TABLE people(id TEXT PRIMARY KEY, unit TEXT); CREATE INDEX people_unit ON people(unit);',
      "INSERT INTO people VALUES('ann', 'tech'), ('bob', 'sales'), ('cleo', 'tech'), ('dan', 'sales-north');",
      'CREATE TABLE members(person TEXT, team TEXT, PRIMARY KEY(person, team));',
      "INSERT INTO members VALUES('ann', 'north'), ('cleo', 'north'), ('cleo', 'south'), ('bob', 'south');",
      fill('customers', `${id}, unit TEXT, name TEXT, margin TEXT, info TEXT`, customers,
        `i, ${cycle(["'tech'", "'sales'", "'sales-north'", "'sales-south'", "'company'"])}, 'Customer ' || i, '~hidden customers ' || i || '~', ${info('customers')}`),
      fill('jobs', `${id}, owner TEXT, team TEXT, customer INTEGER REFERENCES customers(id), state TEXT, due TEXT, cost TEXT, info TEXT`, jobs,
        `i, ${cycle(["'ann'", "'bob'", "'cleo'", 'NULL'])}, ${cycle(["'north'", "'south'", "'east'", 'NULL', 'NULL'], 'i / 4')}, 1 + i % ${customers}, 'open',
          CASE WHEN i % 4 > 0 THEN date(${seconds}, 'unixepoch', (i % 9 - 4) || ' days') END, '~hidden jobs ' || i || '~', ${info('jobs')}`),
      fill('steps', `${id}, job INTEGER REFERENCES jobs(id), info TEXT`, jobs, `i, 1 + i * 7 % ${jobs}, ${info('steps')}`),
      fill('visits', `${id}, job INTEGER REFERENCES jobs(id), at INTEGER, info TEXT`, jobs, `i, 1 + i * 11 % ${jobs}, ${seconds} - 3600 + i * 97 % 14400, ${info('visits')}`),
      fill('skills', `${id}, name TEXT, info TEXT`, 20, `i, 'Skill ' || i, ${info('skills')}`),
      'CREATE TABLE job_skills(job INTEGER REFERENCES jobs(id), skill INTEGER REFERENCES skills(id), PRIMARY KEY(job, skill));',
      `INSERT INTO job_skills SELECT id, 1 + id % 20 FROM jobs WHERE id % 3 = 0;`,
      ledgerSql([{ name: 'customers', isOwned: false }, { name: 'jobs', isOwned: true }, { name: 'steps', isOwned: false }]),
    ].join('\n'),
    profiles: SERVICE_PROFILES, owned: [], ticks: true, users: SERVICE_USERS, packRows, ...(pageRows === undefined ? {} : { pageRows }),
  };
}
