import { copyFileSync, rmSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { deviceFile } from '@carryon/hosts/node';
import { differences, type Share } from './compare.ts';
import { caughtUp, type Finished, type Lab, type Running, type Served } from './harness.ts';
import { CountingProxy } from './proxy.ts';

export const ANN = 'ann';

/** Ann makes and changes jobs and deletes none; visits have keys that the business database gives, photos refer to them; towns are to be read. */
const PROFILE = {
  version: 1,
  tables: {
    jobs: { rows: { own: 'person' }, rights: ['read', 'create', 'update'], conflicts: 'merge', priority: 0 },
    visits: { rows: { own: 'person' }, rights: ['read', 'create', 'update', 'delete'], priority: 0 },
    photos: { rows: { own: 'person' }, rights: ['read', 'create', 'update', 'delete'], priority: 0 },
    towns: { rows: 'all', priority: 1 },
  },
};

const SHARE: Share = { jobs: `person = '${ANN}'`, visits: `person = '${ANN}'`, photos: `person = '${ANN}'`, towns: 'true' };

/** The ledger tells how often each thing was done in the business database, whoever did it. */
const SCHEMA = `
  PRAGMA journal_mode = WAL;
  CREATE TABLE jobs(id TEXT NOT NULL PRIMARY KEY, person TEXT NOT NULL, title TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('open', 'done')), minutes INTEGER, note TEXT);
  CREATE TABLE visits(id INTEGER PRIMARY KEY, person TEXT NOT NULL, job TEXT NOT NULL REFERENCES jobs(id), note TEXT);
  CREATE TABLE photos(id INTEGER PRIMARY KEY, person TEXT NOT NULL, visit INTEGER NOT NULL REFERENCES visits(id), name TEXT NOT NULL);
  CREATE TABLE towns(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
  CREATE TABLE ledger(n INTEGER PRIMARY KEY, what TEXT NOT NULL);
  INSERT INTO towns VALUES(1, 'Graz'), (2, 'Bern');
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
    INSERT INTO jobs SELECT 'job-' || i, CASE WHEN i <= 100 THEN '${ANN}' ELSE 'bob' END, 'Job ' || i, 'open', 30, NULL FROM n;
  CREATE TRIGGER job_made AFTER INSERT ON jobs BEGIN INSERT INTO ledger(what) VALUES('job ' || NEW.title); END;
  CREATE TRIGGER job_changed AFTER UPDATE ON jobs BEGIN INSERT INTO ledger(what) VALUES('title ' || NEW.title); END;
  CREATE TRIGGER visit_made AFTER INSERT ON visits BEGIN INSERT INTO ledger(what) VALUES('visit ' || NEW.note); END;`;

/** A business database that counts, its server behind a proxy, and Ann's device. */
export class EditScene {
  readonly #lab: Lab;
  readonly database: string;
  readonly dataDir: string;
  readonly device: string;
  business: DatabaseSync;
  readonly proxy: CountingProxy;
  server: Served;
  token = '';

  private constructor(lab: Lab, business: DatabaseSync, proxy: CountingProxy, server: Served) {
    this.#lab = lab;
    this.database = lab.path('business.db');
    this.dataDir = lab.path('server');
    this.device = lab.path('device');
    this.business = business;
    this.proxy = proxy;
    this.server = server;
  }

  /** With everything synced once. */
  static async open(lab: Lab): Promise<EditScene> {
    const business = lab.open(lab.path('business.db'));
    business.exec(SCHEMA);
    const proxy = await CountingProxy.start(1e6);
    lab.atEnd(() => proxy.close());
    const scene = new EditScene(lab, business, proxy, await EditScene.#serve(lab));
    proxy.target = scene.server.url;
    scene.token = await lab.token(scene.dataDir, ANN);
    await lab.synced(proxy.url, scene.device, scene.token);
    return scene;
  }

  static #serve(lab: Lab): Promise<Served> {
    return lab.serve({ database: lab.path('business.db'), profile: lab.writeJson('profile.json', PROFILE), dataDir: lab.path('server') });
  }

  async killServer(): Promise<void> {
    await this.server.running.kill();
    this.server = await EditScene.#serve(this.#lab);
    this.proxy.target = this.server.url;
  }

  /** Puts a copy of the business database in its place; the server's own files are made anew. */
  async restore(backup: string): Promise<void> {
    await this.server.running.kill();
    this.business.close();
    for (const ending of ['', '-wal', '-shm']) rmSync(this.database + ending, { force: true });
    copyFileSync(backup, this.database);
    rmSync(this.dataDir, { recursive: true });
    this.business = this.#lab.open(this.database);
    this.server = await EditScene.#serve(this.#lab);
    this.proxy.target = this.server.url;
    this.token = await this.#lab.token(this.dataDir, ANN);
  }

  sync(...args: readonly string[]): Running {
    return this.#lab.sync(this.proxy.url, this.device, this.token, ...args);
  }

  write(sql: string): Promise<Finished> {
    return this.#lab.run(['write', this.device, sql]);
  }

  /** An app of its own, with a connection of SQLite and nothing else. */
  app(): DatabaseSync {
    return this.#lab.open(deviceFile(this.device));
  }

  /** The first column of what a statement finds in the business database. */
  inBusiness(sql: string, ...values: readonly SQLInputValue[]): unknown[] {
    return this.business.prepare(sql).all(...values).map((row) => Object.values(row)[0]);
  }

  onDevice(sql: string, ...values: readonly SQLInputValue[]): unknown[] {
    const db = new DatabaseSync(deviceFile(this.device), { readOnly: true, timeout: 10_000 });
    try {
      return db.prepare(sql).all(...values).map((row) => Object.values(row)[0]);
    } finally {
      db.close();
    }
  }

  /** How often each thing was done. */
  ledger(): Map<string, number> {
    const rows = this.business.prepare('SELECT what, count(*) AS n FROM ledger GROUP BY what ORDER BY what').all();
    return new Map(rows.map((row) => [String(row['what']), Number(row['n'])]));
  }

  /** After a last sync: where the device differs from Ann's share. */
  async differences(): Promise<string[]> {
    await caughtUp(this.database, this.dataDir);
    const last = await this.sync('--quiet').ended;
    if (last.code !== 0) throw new Error(`the last sync ended with ${last.code}: ${last.stdout}${last.stderr}`);
    return differences(this.database, this.device, SHARE);
  }
}
