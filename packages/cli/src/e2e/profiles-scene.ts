import { writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { deviceFile } from '@carryon/hosts/node';
import { differences, type Share } from './compare.ts';
import { caughtUp, readOne, type Lab, type Served, type SyncResult } from './harness.ts';

const TABLES = `
  CREATE TABLE people(login TEXT PRIMARY KEY, name TEXT, unit INTEGER);
  CREATE TABLE members(login TEXT NOT NULL REFERENCES people, team INTEGER NOT NULL, PRIMARY KEY(login, team)) WITHOUT ROWID;
  CREATE TABLE units(id INTEGER PRIMARY KEY, parent INTEGER);
  CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT, unit INTEGER, credit INTEGER);
  CREATE TABLE jobs(id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers, person TEXT, team INTEGER, status TEXT, due TEXT, secret TEXT);
  CREATE TABLE steps(job INTEGER NOT NULL REFERENCES jobs, line INTEGER NOT NULL, text TEXT, PRIMARY KEY(job, line)) WITHOUT ROWID;
  CREATE TABLE skills(id INTEGER PRIMARY KEY, name TEXT);
  CREATE TABLE job_skills(job INTEGER NOT NULL, skill INTEGER NOT NULL, PRIMARY KEY(job, skill)) WITHOUT ROWID;
  CREATE INDEX jobs_person ON jobs(person); CREATE INDEX jobs_team ON jobs(team); CREATE INDEX jobs_customer ON jobs(customer); CREATE INDEX job_skills_skill ON job_skills(skill);`;

const PEOPLE = { users: { table: 'people', id: 'login', unit: 'unit' }, teams: { table: 'members', user: 'login', team: 'team' }, units: { table: 'units', id: 'id', parent: 'parent' } };

/** Own jobs, and open ones of the person's teams; with everything that belongs to them. */
export const TECHNICIANS = {
  version: 1, name: 'Technicians', people: PEOPLE,
  tables: {
    jobs: { rows: { any: [{ own: 'person' }, { all: [{ team: 'team' }, { filter: "status eq 'open'" }] }] }, hidden: ['secret'], priority: 0, rights: ['read', 'update'] },
    steps: { rows: { childOf: 'jobs' }, priority: 0, rights: ['read', 'create', 'update', 'delete'] },
    customers: { rows: { parentOf: 'jobs' }, hidden: ['credit'] },
    skills: { rows: { linkedTo: 'jobs', through: 'job_skills', by: 'skill', to: 'job' } },
  },
};

/** All customers of the own unit and those below, with what they may owe. */
export const SALES = {
  version: 1, name: 'Sales', people: PEOPLE, who: { users: ['sue', 'ann'] },
  tables: { customers: { rows: { unit: 'unit', children: true }, columns: ['id', 'name', 'unit', 'credit'] } },
};

const teamsOf = (user: string): string => `SELECT team FROM app.members WHERE login = '${user}'`;

/** What a technician must hold, by plain SQL. */
export function jobsOf(user: string): string {
  return `person = '${user}' OR (team IN (${teamsOf(user)}) AND status = 'open')`;
}

export class ProfilesScene {
  readonly database: string;
  readonly #lab: Lab;
  #server: Served | undefined;
  readonly #tokens = new Map<string, string>();

  constructor(lab: Lab) {
    this.#lab = lab;
    this.database = lab.path('business.db');
    const db = new DatabaseSync(this.database);
    db.exec(`PRAGMA journal_mode = WAL; ${TABLES}
      INSERT INTO people VALUES('ann', 'Ann', 1), ('bob', 'Bob', 2), ('sue', 'Sue', 1), ('eve', 'Eve', 3);
      INSERT INTO members VALUES('ann', 7), ('bob', 7), ('bob', 8);
      INSERT INTO units VALUES(1, NULL), (2, 1), (3, NULL);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) INSERT INTO customers SELECT i, 'Customer ' || i, 1 + i % 3, 100 * i FROM n;
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
        INSERT INTO jobs SELECT i, 1 + i % 60, substr('annbobeve', 1 + 3 * (i % 3), 3), 7 + i % 3, CASE WHEN i % 2 THEN 'open' ELSE 'done' END, date('2026-11-01', '+' || (i % 60) || ' days'), 'secret ' || i FROM n;
      INSERT INTO steps SELECT id, 1, 'first' FROM jobs UNION ALL SELECT id, 2, 'second' FROM jobs WHERE id % 2;
      INSERT INTO skills VALUES(1, 'pumps'), (2, 'power'), (3, 'gas'); INSERT INTO job_skills SELECT id, 1 + id % 2 FROM jobs WHERE id % 5 = 0`);
    db.close();
  }

  profile(name: string, content: unknown): string {
    return this.#lab.writeJson(name, content);
  }

  async serve(...profiles: readonly string[]): Promise<Served> {
    const [first = '', ...rest] = profiles;
    this.#server = await this.#lab.serve({ database: this.database, profile: first, dataDir: this.#lab.path('server'), args: rest.flatMap((file) => ['--profile', file]) });
    return this.#server;
  }

  get server(): Served {
    if (!this.#server) throw new Error('no server runs');
    return this.#server;
  }

  device(user: string): string {
    return this.#lab.path(`device-${user}`);
  }

  async token(user: string): Promise<string> {
    const known = this.#tokens.get(user);
    if (known !== undefined) return known;
    const token = await this.#lab.token(this.server.dataDir, user);
    this.#tokens.set(user, token);
    return token;
  }

  async sync(user: string): Promise<SyncResult> {
    return this.#lab.synced(this.server.url, this.device(user), await this.token(user));
  }

  /** Writes as the business application does, and waits until the server has taken it in. */
  async business(sql: string): Promise<void> {
    this.#lab.open(this.database).exec(sql);
    await caughtUp(this.database, this.server.dataDir);
  }

  /** Where a device differs; columns that are hidden are compared as they must be: not there. */
  differences(user: string, share: Share): string[] {
    return differences(this.database, this.device(user), share);
  }

  onDevice(user: string, sql: string): unknown[] {
    const db = new DatabaseSync(deviceFile(this.device(user)), { readOnly: true, timeout: 10_000 });
    try {
      return db.prepare(sql).all().map((row) => Object.values(row)).map((values) => (values.length === 1 ? values[0] : values));
    } finally {
      db.close();
    }
  }

  /** Ids of the jobs that a person must hold. */
  jobs(user: string): unknown[] {
    return this.inBusiness(`SELECT id FROM jobs WHERE ${jobsOf(user).replaceAll('app.', '')} ORDER BY id`);
  }

  inBusiness(sql: string): unknown[] {
    const db = new DatabaseSync(this.database, { readOnly: true, timeout: 10_000 });
    try {
      return db.prepare(sql).all().map((row) => Object.values(row)).map((values) => (values.length === 1 ? values[0] : values));
    } finally {
      db.close();
    }
  }

  checkpoint(): number {
    return readOne(`${this.server.dataDir}/sync.db`, 'SELECT checkpoint AS n FROM sync_state');
  }

  /** Puts a profile file in place, as an editor does. */
  edit(file: string, text: string): void {
    writeFileSync(file, text);
  }
}
