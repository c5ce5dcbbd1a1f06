import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ANN, EditScene } from './edits-scene.ts';
import { Lab } from './harness.ts';

let lab: Lab;
let scene: EditScene;
const open = async (): Promise<void> => {
  lab = new Lab();
  scene = await EditScene.open(lab);
};
const close = (): Promise<void> => lab.end();

interface Error { readonly error: { readonly code: string; readonly message: string } }
interface Drafts { readonly drafts: readonly { readonly seq: number; readonly error: { readonly code: string } }[] }

const drafts = async (): Promise<Drafts['drafts']> => (await lab.json<Drafts>(['errors', scene.device])).drafts;

describe('carryon write', () => {
  beforeEach(open);
  afterEach(close);

  it('I13: what is written offline waits, goes up with the next sync, and is in the business database once', async () => {
    expect(await scene.write("UPDATE jobs SET title = 'Leak' WHERE id = 'job-1'")).toMatchObject({ code: 0, stdout: '1 row changed\n1 row waits for the server (1 change)\n', stderr: '' });
    expect(await scene.write("UPDATE jobs SET title = 'Big leak', minutes = 45 WHERE id = 'job-1'; INSERT INTO jobs(person, title, status) VALUES('ann', 'New', 'open')"))
      .toMatchObject({ code: 0, stdout: '2 rows changed\n2 rows wait for the server (3 changes)\n' });
    expect((await lab.run(['status', scene.device])).stdout).toContain('\n2 rows wait for the server (3 changes)\n');
    expect(scene.inBusiness("SELECT title FROM jobs WHERE id = 'job-1'")).toEqual(['Job 1']);

    const sync = await scene.sync().ended;
    expect(sync).toMatchObject({ code: 0, stderr: '' });
    expect(sync.stdout).toMatch(/^2 edits sent\nup to date: /);
    expect(scene.inBusiness("SELECT title || ' ' || minutes FROM jobs WHERE id = 'job-1'")).toEqual(['Big leak 45']);
    expect(scene.inBusiness("SELECT id FROM jobs WHERE title = 'New'")).toEqual([expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)]);
    expect(scene.ledger()).toEqual(new Map([['job New', 1], ['title Big leak', 1], ['title Leak', 1]]));
    expect((await scene.sync().ended).stdout).toMatch(/^up to date: /);
    expect((await lab.run(['status', scene.device])).stdout).not.toContain('for the server');
    expect(await scene.differences()).toEqual([]);
  });

  it('is one transaction: refused as a whole', async () => {
    await scene.write("UPDATE jobs SET title = 'One' WHERE id = 'job-1'; UPDATE jobs SET status = 'bogus' WHERE id = 'job-2'; INSERT INTO visits(person, job, note) VALUES('ann', 'job-1', 'with it')");
    expect((await scene.sync().ended).stdout).toMatch(/^1 edit sent, 1 refused; see carryon errors .*\n {2}#1 change of jobs job-2: .*CHECK.* \(write\.rejected\)\n/);
    expect(scene.ledger().size).toBe(0);
    expect(await scene.differences()).toEqual([]);
  });
});

describe('carryon write refuses at once', () => {
  beforeAll(open);
  afterAll(close);

  it.each([
    ["DELETE FROM jobs WHERE id = 'job-1'", 'write.forbidden', 1, /delete/], ["UPDATE towns SET name = 'Wien'", 'write.forbidden', 1, /towns/],
    ["UPDATE jobs SET id = 'x' WHERE id = 'job-1'", 'write.forbidden', 1, /id/], ["UPDATE jobs SET nothing = 1", 'sql.error', 2, /nothing/], ['UPDATE bobs SET x = 1', 'sql.error', 2, /bobs/],
    ['SELECT * FROM jobs', 'sql.refused', 2, /only reads/], ["WITH j AS (SELECT 1) SELECT * FROM j", 'sql.refused', 2, /only reads/], ['CREATE TABLE x(y)', 'sql.refused', 2, /"create"/],
    ["UPDATE jobs SET title = 'x' WHERE id = 'job-1'; COMMIT", 'sql.refused', 2, /"commit"/], ['', 'sql.refused', 2, /no SQL statement/],
    ["UPDATE jobs SET title = 'x' WHERE id = 'job-1'; UPDATE towns SET name = 'Wien'", 'write.forbidden', 1, /towns/],
  ])('%j', async (sql, code, exit, message) => {
    const done = await lab.run(['write', scene.device, sql, '--json']);
    expect([done.code, (JSON.parse(done.stdout) as Error).error], done.stdout).toMatchObject([exit, { code, message: expect.stringMatching(message) as string }]);
    expect(scene.onDevice("SELECT title FROM jobs WHERE id = 'job-1'")).toEqual(['Job 1']);
  });

  it('and nothing of it waits', async () => {
    expect(await lab.json(['status', scene.device])).toMatchObject({ edits: { records: 0, operations: 0, drafts: 0, answered: 0 } });
  });
});

describe('an edit that the business database refuses', () => {
  beforeEach(open);
  afterEach(close);

  it('is shown beside the server\'s values, mended, and accepted', async () => {
    await scene.write("UPDATE jobs SET status = 'finished', title = 'Mine' WHERE id = 'job-7'");
    await scene.sync().ended;
    expect(scene.onDevice("SELECT status FROM jobs WHERE id = 'job-7'")).toEqual(['open']);
    const told = await lab.run(['errors', scene.device]);
    expect(told).toMatchObject({ code: 0, stderr: '' });
    expect(told.stdout).toMatch(/^1 refused edit; the server's values stand until you decide:\n/);
    expect(told.stdout).toMatch(/^#1 {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}The business database refuses .*CHECK constraint failed.* \(write\.rejected\)$/m);
    expect(told.stdout).toMatch(/^ {4}status +open +finished +open$/m);
    expect(told.stdout).toMatch(/^ {4}title +Job 7 +Mine +Job 7$/m);

    const admin = (await lab.json<{ token: string }>(['token', '--data', scene.dataDir, '--user', 'root', '--admin'])).token;
    const bob = await lab.token(scene.dataDir, 'bob');
    const atServer = async (token: string, ...args: string[]): Promise<number> => (await lab.json<{ errors: unknown[] }>(['errors', scene.server.url, '--token', token, ...args])).errors.length;
    expect([await atServer(scene.token), await atServer(bob), await atServer(admin), await atServer(admin, '--user', ANN), await atServer(admin, '--user', 'bob')]).toEqual([1, 0, 1, 1, 0]);
    const listed = await lab.run(['errors', scene.server.url, '--token', admin]);
    expect(listed.stdout).toMatch(/^1 refused edit:\n\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}ann {2}update jobs job-7\n {4}.*CHECK constraint failed.* \(write\.rejected; other\)\n/);
    expect(listed.stdout).toMatch(/^ {4}status +open +finished$/m);

    expect(await lab.run(['retry', scene.device, '1', '--set', 'status=done', '--set', 'note'])).toMatchObject({ code: 0, stdout: '#1 waits for the server again\n' });
    expect(scene.onDevice("SELECT status || title FROM jobs WHERE id = 'job-7'")).toEqual(['doneMine']);
    expect((await scene.sync().ended).stdout).toMatch(/^1 edit sent\nup to date/);
    expect(scene.inBusiness("SELECT status || title FROM jobs WHERE id = 'job-7'")).toEqual(['doneMine']);
    expect(await lab.run(['errors', scene.device])).toMatchObject({ code: 0, stdout: 'no edit was refused\n' });
    expect(await atServer(admin)).toBe(0);
    expect(await scene.differences()).toEqual([]);
  });

  it('is dropped, one or all; a number that is not there is wrong use', async () => {
    for (const id of [1, 2, 3]) await scene.write(`UPDATE jobs SET status = 'no ${id}' WHERE id = 'job-${id}'`);
    expect(await scene.sync('--json').ended.then(({ stdout }) => JSON.parse(stdout) as unknown)).toMatchObject({ edits: { sent: 3, refused: [{ seq: 1 }, { seq: 2 }, { seq: 3 }], waiting: 0 } });
    const which = await lab.run(['retry', scene.device]);
    expect(which).toMatchObject({ code: 2, stderr: expect.stringContaining('Give the number of a draft, or --all: there are #1, #2, #3.') as string });
    expect(await lab.run(['drop', scene.device, '9'])).toMatchObject({ code: 2, stderr: expect.stringContaining('There is no draft #9') as string });
    expect(await lab.run(['drop', scene.device, '2'])).toMatchObject({ code: 0, stdout: 'dropped #2; the server\'s values stand\n' });
    expect((await lab.run(['doctor', '--folder', scene.device])).stdout).toMatch(/^! edits +no edit waits for the server; 2 refused edits wait for your decision: carryon errors /m);
    expect((await drafts()).map(({ seq }) => seq)).toEqual([1, 3]);
    expect(await lab.json(['drop', scene.device, '--all'])).toEqual({ dropped: [1, 3] });
    expect((await lab.run(['status', scene.device])).stdout).not.toContain('wait');
    expect((await scene.sync().ended).stdout).toMatch(/^up to date/);
    expect(scene.inBusiness('SELECT count(*) FROM carryon_sync_error')).toEqual([0]);
    expect(scene.ledger().size).toBe(0);
    expect(await scene.differences()).toEqual([]);
  });

  it('is a conflict where both have changed a column: the server\'s value stands until the person decides', async () => {
    await scene.write("UPDATE jobs SET title = 'Mine', minutes = 60 WHERE id = 'job-5'");
    scene.business.exec("UPDATE jobs SET title = 'Theirs', note = 'call first' WHERE id = 'job-5'");
    await scene.write("UPDATE jobs SET minutes = 90 WHERE id = 'job-6'");
    scene.business.exec("UPDATE jobs SET title = 'Merged' WHERE id = 'job-6'");
    await scene.sync().ended;
    expect((await drafts()).map(({ error }) => error.code)).toEqual(['write.conflict']);
    expect(scene.inBusiness("SELECT title || minutes FROM jobs WHERE id IN ('job-5', 'job-6') ORDER BY id")).toEqual(['Theirs30', 'Merged90']);
    expect(await lab.run(['retry', scene.device, '--all'])).toMatchObject({ code: 0, stdout: '#1 waits for the server again\n' });
    await scene.sync().ended;
    expect(scene.inBusiness("SELECT title || minutes || note FROM jobs WHERE id = 'job-5'")).toEqual(['Mine60call first']);
    expect(await scene.differences()).toEqual([]);
  });
});

describe('any SQLite library', () => {
  beforeEach(open);
  afterEach(close);

  it('may write: rows get keys, which the business database replaces where it gives them, with all that refers to them', async () => {
    const app = scene.app();
    app.exec(`BEGIN; INSERT INTO jobs(person, title, status) VALUES('ann', 'Roof', 'open');
      INSERT INTO visits(person, job, note) SELECT 'ann', id, 'first' FROM jobs WHERE title = 'Roof';
      INSERT INTO photos(person, visit, name) SELECT 'ann', id, 'roof.jpg' FROM visits WHERE note = 'first'; COMMIT`);
    expect(scene.onDevice('SELECT id < 0 AND id = (SELECT visit FROM photos) FROM visits')).toEqual([1]);
    await scene.sync().ended;
    expect(scene.inBusiness('SELECT p.visit = v.id AND v.id > 0 FROM photos p, visits v')).toEqual([1]);
    expect(scene.onDevice('SELECT v.id > 0 AND p.visit = v.id FROM photos p, visits v')).toEqual([1]);
    app.exec("UPDATE photos SET name = 'roof-2.jpg'; DELETE FROM visits WHERE 0");
    expect(() => app.exec('DELETE FROM jobs')).toThrow(/write\.forbidden/);
    await scene.sync().ended;
    expect(scene.inBusiness('SELECT name FROM photos')).toEqual(['roof-2.jpg']);
    expect(scene.ledger()).toEqual(new Map([['job Roof', 1], ['visit first', 1]]));
    expect(await scene.differences()).toEqual([]);
  });
});

describe('nothing is lost silently', () => {
  beforeEach(open);
  afterEach(close);

  it('sign-out is refused until the edits are uploaded, exported or given up', async () => {
    await scene.write("UPDATE jobs SET title = 'Unsent' WHERE id = 'job-1'");
    const refused = await lab.run(['sign-out', scene.device]);
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('(device.pending-edits)') as string });
    const file = lab.path('edits.json');
    expect(await lab.run(['export', scene.device, '--out', file])).toMatchObject({ code: 0, stdout: `${file} is written: 1 change on the way, 0 drafts\n` });
    expect(await lab.run(['sign-out', scene.device, '--export', file])).toMatchObject({ code: 2, stderr: expect.stringContaining('(file.exists)') as string });
    expect(scene.onDevice("SELECT title FROM jobs WHERE id = 'job-1'")).toEqual(['Unsent']);
    expect(await lab.run(['sign-out', scene.device, '--export', lab.path('last.json')])).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(lab.path('last.json'), 'utf8')).toEqual(readFileSync(file, 'utf8'));
    expect(readFileSync(file, 'utf8')).toContain('Unsent');
    expect(existsSync(join(scene.device, 'carryon.db'))).toBe(false);
    expect(await lab.run(['status', scene.device])).toMatchObject({ code: 2 });
  });

  it('sign-out with --discard, and with nothing to lose', async () => {
    await scene.write("UPDATE jobs SET title = 'Unsent' WHERE id = 'job-1'");
    expect(await lab.run(['sign-out', scene.device, '--discard'])).toMatchObject({ code: 0, stdout: expect.stringContaining('thrown away: 1 change') as string });
    await lab.synced(scene.proxy.url, scene.device, scene.token);
    expect(scene.onDevice("SELECT title FROM jobs WHERE id = 'job-1'")).toEqual(['Job 1']);
    const watching = scene.sync('--watch');
    await watching.until('it waits', () => watching.stdout.includes('waiting for changes'));
    expect(await lab.run(['sign-out', scene.device])).toMatchObject({ code: 5, stderr: expect.stringContaining('(device.in-use)') as string });
    expect(await lab.run(['sign-out', scene.device, '--export', lab.path('never.json')])).toMatchObject({ code: 5 });
    expect(existsSync(lab.path('never.json'))).toBe(false);
    watching.signal('SIGTERM');
    await watching.ended;
    expect(await lab.run(['sign-out', scene.device])).toMatchObject({ code: 0, stderr: '' });
    await lab.synced(scene.proxy.url, scene.device, await lab.token(scene.dataDir, 'bob'));
    expect(scene.onDevice('SELECT DISTINCT person FROM jobs')).toEqual(['bob']);
    expect(scene.ledger().size).toBe(0);
  });

  it('a reset sends what was pending', async () => {
    await scene.write("UPDATE jobs SET title = 'Pending' WHERE id = 'job-1'; INSERT INTO visits(person, job, note) VALUES('ann', 'job-1', 'pending')");
    expect(await scene.sync('--reset', '--quiet').ended).toMatchObject({ code: 0 });
    expect(scene.ledger()).toEqual(new Map([['title Pending', 1], ['visit pending', 1]]));
    expect(await scene.differences()).toEqual([]);
  });

  it('detach takes away what uploads keep, and leaves what they did', async () => {
    await scene.write("UPDATE jobs SET title = 'Kept' WHERE id = 'job-1'; INSERT INTO visits(person, job, note) VALUES('ann', 'job-1', 'kept')");
    await scene.write("UPDATE jobs SET status = 'bogus' WHERE id = 'job-2'");
    await scene.sync().ended;
    scene.server.running.signal('SIGTERM');
    await scene.server.running.ended;
    expect(await lab.run(['detach', '--database', scene.database])).toMatchObject({ code: 0, stderr: '' });
    expect(scene.inBusiness("SELECT name FROM sqlite_schema WHERE name LIKE '%carryon%'")).toEqual([]);
    expect(scene.ledger()).toEqual(new Map([['title Kept', 1], ['visit kept', 1]]));
  });
});
