import { copyFileSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EditScene } from './edits-scene.ts';
import { Lab, until } from './harness.ts';

let lab: Lab;
let scene: EditScene;
beforeEach(async () => {
  lab = new Lab();
  scene = await EditScene.open(lab);
});
afterEach(() => lab.end());

describe('a business database put back from a backup', () => {
  it('I13: gets what was accepted since from the devices, once; a draft stays one', async () => {
    await scene.write("UPDATE jobs SET title = 'before' WHERE id = 'job-1'");
    await scene.sync('--quiet').ended;
    const backup = lab.path('backup.db');
    scene.business.prepare('VACUUM INTO ?').run(backup);
    await scene.write("UPDATE jobs SET title = 'after' WHERE id = 'job-1'; INSERT INTO visits(person, job, note) VALUES('ann', 'job-1', 'after')");
    await scene.write("UPDATE jobs SET status = 'bogus' WHERE id = 'job-2'");
    await scene.sync('--quiet').ended;
    expect(scene.ledger()).toEqual(new Map([['title after', 1], ['title before', 1], ['visit after', 1]]));

    await scene.restore(backup);
    expect(scene.ledger()).toEqual(new Map([['title before', 1]]));
    expect(await scene.sync('--quiet').ended).toMatchObject({ code: 1, stderr: expect.stringContaining('(epoch.changed)') as string });
    expect(scene.onDevice("SELECT title FROM jobs WHERE id = 'job-1'")).toEqual(['after']);
    expect(await scene.sync('--reset', '--quiet').ended).toMatchObject({ code: 0 });
    expect(scene.ledger()).toEqual(new Map([['title after', 1], ['title before', 1], ['visit after', 1]]));
    expect((await lab.json<{ drafts: unknown[] }>(['errors', scene.device])).drafts).toHaveLength(1);
    expect(await scene.differences()).toEqual([]);
  });
});

describe('many processes write to one device at the same time', () => {
  it('I13: each of their transactions arrives once', async () => {
    const watching = scene.sync('--watch');
    await watching.until('it waits', () => watching.stdout.includes('waiting for changes'));
    const names = Array.from({ length: 10 }, (_, i) => `writer ${i}`);
    const done = await Promise.all(names.map((name, i) => scene.write(`UPDATE jobs SET title = '${name}' WHERE id = 'job-${(i % 3) + 1}'; INSERT INTO visits(person, job, note) VALUES('ann', 'job-1', '${name}')`)));
    expect(done.map(({ code }) => code)).toEqual(names.map(() => 0));
    await until('all have arrived', () => names.every((name) => scene.ledger().has(`visit ${name}`)));
    expect(scene.ledger()).toEqual(new Map(names.flatMap((name) => [[`title ${name}`, 1], [`visit ${name}`, 1]] as const)));
    await watching.until('the device knows', async () => (await lab.json<{ edits: { records: number } }>(['status', scene.device])).edits.records === 0);
    watching.signal('SIGTERM');
    expect((await watching.ended).stdout).toContain('\n10 edits sent\n');
    expect(await scene.differences()).toEqual([]);
  });
});

describe('while the first sync goes on', () => {
  it('a table that is usable can be written, and it goes up before the rest comes; another says that it is still being downloaded', async () => {
    const [database, device] = [lab.path('large.db'), lab.path('large')];
    const business = lab.open(database);
    business.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE jobs(id TEXT NOT NULL PRIMARY KEY, title TEXT); CREATE TABLE parts(id INTEGER PRIMARY KEY, body BLOB);
      INSERT INTO jobs VALUES('job-1', 'Job'); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO parts SELECT i, randomblob(1500) FROM n`);
    const rights = ['read', 'create', 'update', 'delete'];
    const profile = lab.writeJson('large.json', { version: 1, tables: { jobs: { priority: 0, rights }, parts: { priority: 1, rights } } });
    const server = await lab.serve({ database, profile, dataDir: lab.path('large-server') });
    scene.proxy.target = server.url;
    scene.proxy.bytesPerMs = 1500;
    const sync = lab.sync(scene.proxy.url, device, await lab.token(server.dataDir, 'ann'));
    const written = async (sql: string): Promise<unknown> => JSON.parse((await lab.run(['write', device, sql, '--json'])).stdout) as unknown;
    await sync.until('jobs can be written', async () => 'changed' in ((await written("UPDATE jobs SET title = 'early' WHERE id = 'job-1'")) as object));
    expect(await written('DELETE FROM parts WHERE id = 1')).toMatchObject({ error: { code: 'device.not-usable', message: expect.stringMatching(/^Parts is still being downloaded/) as string } });
    await sync.until('the edit arrives', () => business.prepare('SELECT title FROM jobs').get()?.['title'] === 'early');
    expect(await lab.json(['status', device])).toMatchObject({ complete: false });
    scene.proxy.bytesPerMs = 1e6;
    expect(await sync.ended).toMatchObject({ code: 0 });
    expect(await written('DELETE FROM parts WHERE id = 1')).toMatchObject({ changed: [1] });
  });
});
