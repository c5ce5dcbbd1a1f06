import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Lab, until } from './harness.ts';
import { ProfilesScene, SALES, TECHNICIANS } from './profiles-scene.ts';

let lab: Lab;
let scene: ProfilesScene;
beforeEach(() => {
  lab = new Lab();
  scene = new ProfilesScene(lab);
});
afterEach(() => lab.end());

const open = async (): Promise<string> => {
  const profile = scene.profile('profile.json', TECHNICIANS);
  await scene.serve(profile);
  return profile;
};

const JOBS = 'SELECT id FROM jobs ORDER BY id';
const exact = (user: string): void => {
  expect(scene.onDevice(user, JOBS), `jobs of ${user}`).toEqual(scene.jobs(user));
  const held = scene.jobs(user).join(', ') || 'NULL';
  expect(scene.onDevice(user, "SELECT job || '/' || line FROM steps ORDER BY job, line")).toEqual(scene.inBusiness(`SELECT job || '/' || line FROM steps WHERE job IN (${held}) ORDER BY job, line`));
  expect(scene.onDevice(user, 'SELECT id FROM customers ORDER BY id')).toEqual(scene.inBusiness(`SELECT id FROM customers WHERE id IN (SELECT customer FROM jobs WHERE id IN (${held})) ORDER BY id`));
  expect(scene.onDevice(user, 'SELECT id FROM skills ORDER BY id')).toEqual(scene.inBusiness(`SELECT id FROM skills WHERE id IN (SELECT skill FROM job_skills WHERE job IN (${held})) ORDER BY id`));
};

describe('a share that follows the data, with real processes', () => {
  it('I1: hand-overs, teams, filters, links and deletions reach every device concerned with its next round, and nothing else', async () => {
    await open();
    const everybody = ['ann', 'bob', 'eve'];
    for (const user of everybody) await scene.sync(user);
    everybody.forEach(exact);
    expect(scene.onDevice('ann', 'SELECT name FROM pragma_table_info(\'jobs\')')).not.toContain('secret');
    expect(scene.onDevice('ann', 'SELECT name FROM pragma_table_info(\'customers\')')).not.toContain('credit');

    for (const sql of [
      "UPDATE jobs SET person = 'bob' WHERE id IN (3, 6, 9)", "UPDATE jobs SET status = 'done' WHERE team = 7 AND id < 90", 'UPDATE jobs SET team = 8 WHERE id % 7 = 0',
      "INSERT INTO members VALUES('eve', 9)", "DELETE FROM members WHERE login = 'bob' AND team = 7", 'UPDATE jobs SET customer = 60 WHERE id < 200', 'DELETE FROM job_skills WHERE skill = 1', "PRAGMA foreign_keys = OFF; DELETE FROM jobs WHERE id % 11 = 0",
    ]) {
      await scene.business(sql);
      for (const user of everybody) await scene.sync(user);
      everybody.forEach(exact);
    }
    const { receivedBytes } = await scene.sync('ann');
    expect(receivedBytes).toBeLessThan(2000);
  });

  it('I12: a person who is deleted loses everything with the first round, and old addresses of packs are refused', async () => {
    await open();
    const plan = await fetch(`${scene.server.url}/v1/sync`, {
      method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${await scene.token('bob')}` }, body: JSON.stringify({ v: 1, device: 'other', token: null, accept: ['gzip'] }),
    }).then((response) => response.text());
    const addresses = [...plan.matchAll(/"url":"([^"]+)"/g)].map(([, address]) => `${scene.server.url}${address}`);
    expect(addresses.length).toBeGreaterThan(0);
    await scene.sync('bob');
    for (const address of addresses) expect((await fetch(address)).status).toBe(200);
    await scene.business("DELETE FROM members WHERE login = 'bob'; DELETE FROM people WHERE login = 'bob'");
    for (const address of addresses) expect((await fetch(address)).status).not.toBe(200);
    await scene.sync('bob');
    expect(scene.onDevice('bob', "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('jobs', 'steps', 'customers', 'skills')")).toEqual([]);
  });
});

describe('a profile that changes while devices are in the field', () => {
  const changed = async (file: string, content: unknown): Promise<void> => {
    const before = scene.checkpoint();
    scene.edit(file, typeof content === 'string' ? content : JSON.stringify(content));
    await until('the server has taken the profile over', () => scene.checkpoint() > before);
  };
  const withJobs = (jobs: object): object => ({ ...TECHNICIANS, tables: { ...TECHNICIANS.tables, jobs: { ...TECHNICIANS.tables.jobs, ...jobs } } });

  it('another filter sends the difference alone; a new column that table alone; an old app goes on', async () => {
    const file = await open();
    await scene.sync('ann');
    const all = await lab.synced(scene.server.url, lab.path('twin'), await scene.token('ann'));
    await changed(file, withJobs({ rows: { any: [{ own: 'person' }, { all: [{ team: 'team' }, { filter: "status eq 'open' and id gt 20" }] }] } }));
    const { receivedBytes } = await scene.sync('ann');
    expect(scene.onDevice('ann', JOBS)).toEqual(scene.jobs('ann').filter((id) => Number(id) > 20 || scene.inBusiness("SELECT id FROM jobs WHERE person = 'ann'").includes(id)));
    expect(receivedBytes).toBeLessThan(all.receivedBytes / 2);

    await changed(file, withJobs({ hidden: [] }));
    expect(scene.onDevice('ann', 'SELECT count(*) FROM jobs WHERE due IS NOT NULL')).not.toEqual([0]);
    await scene.sync('ann');
    expect(scene.onDevice('ann', 'SELECT id, secret FROM jobs ORDER BY id LIMIT 1')).toEqual(scene.inBusiness(`SELECT id, secret FROM jobs WHERE id = ${String(scene.jobs('ann')[0])}`));
    exact('ann');
  });

  it('a broken profile is refused with its reason, and the old one stays; comments are read', async () => {
    const file = await open();
    await scene.sync('ann');
    scene.edit(file, JSON.stringify(withJobs({ rows: { filter: "status eqq 'open'" } })));
    await until('the server has refused it', () => scene.server.running.stderr.includes('profile.invalid'));
    await scene.business("UPDATE jobs SET status = 'open' WHERE id < 50");
    await scene.sync('ann');
    exact('ann');
    await changed(file, `// who may hold what\n${JSON.stringify(withJobs({ rows: { own: 'person' } }))}`);
    await scene.sync('ann');
    expect(scene.onDevice('ann', JOBS)).toEqual(scene.inBusiness("SELECT id FROM jobs WHERE person = 'ann' ORDER BY id"));
  });

  it('the business database may get columns and tables meanwhile', async () => {
    const file = await open();
    await scene.sync('ann');
    await scene.business("ALTER TABLE jobs ADD COLUMN phone TEXT DEFAULT '112'; CREATE TABLE notes(id INTEGER PRIMARY KEY, job INTEGER REFERENCES jobs, text TEXT); INSERT INTO notes SELECT id, id, 'note' FROM jobs");
    await until('devices get the column', async () => {
      await scene.sync('ann');
      return scene.onDevice('ann', "SELECT count(*) FROM pragma_table_info('jobs') WHERE name = 'phone'")[0] === 1;
    });
    expect(scene.onDevice('ann', 'SELECT DISTINCT phone FROM jobs')).toEqual(['112']);
    await changed(file, { ...TECHNICIANS, tables: { ...TECHNICIANS.tables, notes: { rows: { childOf: 'jobs' } } } });
    await scene.sync('ann');
    expect(scene.onDevice('ann', 'SELECT id FROM notes ORDER BY id')).toEqual(scene.jobs('ann'));
    exact('ann');
    await changed(file, TECHNICIANS);
    await scene.sync('ann');
    expect(scene.onDevice('ann', "SELECT name FROM sqlite_schema WHERE name = 'notes'")).toEqual([]);
  });

  it('survives kill -9 while it goes over, and starts with another profile than it ended with', async () => {
    const file = await open();
    await scene.sync('ann');
    scene.edit(file, JSON.stringify({ ...TECHNICIANS, tables: { ...TECHNICIANS.tables, members: {}, units: {} } }));
    await scene.server.running.kill();
    await scene.serve(file);
    await scene.sync('ann');
    exact('ann');
    expect(scene.onDevice('ann', 'SELECT count(*) FROM members')).toEqual([3]);
  });
});

describe('several profiles', () => {
  it('somebody with two has the union of rows and columns, others what is theirs alone', async () => {
    await scene.serve(scene.profile('technicians.json', TECHNICIANS), scene.profile('sales.json', SALES));
    for (const user of ['ann', 'bob', 'sue']) await scene.sync(user);
    ['bob'].forEach(exact);
    const ofUnits = (...units: number[]): unknown[] => scene.inBusiness(`SELECT id FROM customers WHERE unit IN (${units.join()}) ORDER BY id`);
    expect(scene.onDevice('sue', 'SELECT id FROM customers ORDER BY id')).toEqual(ofUnits(1, 2));
    expect(scene.onDevice('bob', "SELECT count(*) FROM pragma_table_info('customers') WHERE name = 'credit'")).toEqual([0]);
    const union = scene.inBusiness(`SELECT id FROM customers WHERE unit IN (1, 2) OR id IN (SELECT customer FROM jobs WHERE id IN (${scene.jobs('ann').join()})) ORDER BY id`);
    expect(scene.onDevice('ann', 'SELECT id FROM customers ORDER BY id')).toEqual(union);
    expect(scene.onDevice('ann', 'SELECT min(credit) FROM customers')).toEqual([100]);
  });
});

describe('carryon profile', () => {
  it('check says what rules mean, warns with the index to make, and refuses cycles naming their path', async () => {
    const file = scene.profile('profile.json', TECHNICIANS);
    const checked = await lab.run(['profile', 'check', file, '--database', scene.database]);
    expect(checked).toMatchObject({ code: 0, stderr: '' });
    lab.open(scene.database).exec('DROP INDEX jobs_customer');
    const { findings } = await lab.json<{ findings: { table: string; level: string; fix?: string }[] }>(['profile', 'check', file, '--database', scene.database]);
    expect(findings).toContainEqual(expect.objectContaining({ level: 'warning', fix: expect.stringMatching(/^CREATE INDEX .* ON "?jobs"? ?\("?customer"?\)/) as string }));
    expect((await lab.run(['profile', 'check', file, '--database', scene.database, '--strict'])).code).toBe(1);
    const cyclic = scene.profile('cyclic.json', { ...TECHNICIANS, tables: { ...TECHNICIANS.tables, jobs: { rows: { childOf: 'customers' } } } });
    const refused = await lab.run(['profile', 'check', cyclic, '--database', scene.database]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/customers => jobs => customers|jobs => customers => jobs/);
  });

  it('preview counts exactly what a device then gets, and what another version changes', async () => {
    const file = scene.profile('profile.json', TECHNICIANS);
    const other = scene.profile('other.json', { ...TECHNICIANS, tables: { ...TECHNICIANS.tables, jobs: { ...TECHNICIANS.tables.jobs, rows: { own: 'person' } } } });
    const args = ['profile', 'preview', file, '--database', scene.database, '--user', 'ann'];
    const seen = await lab.json<{ rows: number; tables: { name: string; rows: number }[]; against: { name: string; enter: number; leave: number; stay: number }[] }>([...args, '--against', other]);
    await scene.serve(file);
    const synced = await scene.sync('ann');
    expect(seen.rows).toBe(synced.rows);
    expect(seen.tables.find(({ name }) => name === 'jobs')?.rows).toBe(scene.jobs('ann').length);
    const own = scene.inBusiness("SELECT id FROM jobs WHERE person = 'ann'").length;
    expect(seen.against.find(({ name }) => name === 'jobs')).toMatchObject({ enter: 0, leave: scene.jobs('ann').length - own, stay: own });
    expect((await lab.run(args)).stdout).toContain('Mbit/s');
    expect((await lab.run([...args.slice(0, -1), 'nobody'])).stdout).toContain('nobody is nobody');
  });

  it('schema is what the package publishes', async () => {
    expect(JSON.parse((await lab.run(['profile', 'schema'])).stdout)).toMatchObject({ type: 'object', properties: { tables: {}, people: {}, timeZone: {} } });
  });
});
