import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schemaDump } from './compare.ts';
import { CARRYON, caughtUp, Lab, readOne, REPOSITORY, type Served } from './harness.ts';

const COMMANDS = ['demo', 'init', 'profile', 'serve', 'token', 'sync', 'status', 'query', 'write', 'errors', 'retry', 'drop', 'export', 'sign-out', 'explain', 'doctor', 'detach'];
const PROFILE = { version: 1, name: 'Test', tables: { people: { priority: 0 }, values: { priority: 1 } } };

let lab: Lab;
let database = '';
let profile = '';
let schemaBefore: string[] = [];
let server: Served;
let token = '';

/** One server and one device for the whole file; tests only look at them. */
beforeAll(async () => {
  lab = new Lab();
  database = lab.path('business.db');
  const db = new DatabaseSync(database);
  db.exec(`
    CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE "values"(id INTEGER PRIMARY KEY, v);
    CREATE TABLE notes(text);
    CREATE INDEX people_name ON people(name);
    CREATE TRIGGER own AFTER INSERT ON people BEGIN UPDATE people SET name = trim(name) WHERE id = NEW.id; END;
    INSERT INTO people VALUES(1, 'Ann'), (2, '李四 🚀'), (3, NULL);
    INSERT INTO "values" VALUES(1, NULL), (2, 9223372036854775807), (3, x'00ff'), (4, 1.5), (5, ''), (6, 9e999), (7, 'two' || char(10) || 'lines' || char(27) || '[31m')`);
  db.close();
  schemaBefore = schemaDump(database);
  profile = lab.writeJson('profile.json', PROFILE);
  server = await lab.serve({ database, profile, dataDir: lab.path('server') });
  token = await lab.token(server.dataDir, 'ann');
  await lab.synced(server.url, lab.path('device'), token);
});
afterAll(() => lab.end());

describe('help', () => {
  it.each([...COMMANDS.filter((command) => command !== 'profile'), 'profile check', 'profile preview'])('carryon %s --help lists options and exit codes', async (command) => {
    const help = await lab.run([...command.split(' '), '--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const part of [`Usage: carryon ${command} `, '--json', '--help', 'Exit codes: 0 done', '3 not possible now', '130, 143 interrupted']) expect(help.stdout).toContain(part);
  });

  it('carryon alone shows every command and is wrong use; --version tells the version', async () => {
    const alone = await lab.run([]);
    expect(alone.code).toBe(2);
    for (const command of COMMANDS) expect(alone.stderr).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(await lab.run(['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n' });
  });
});

describe('init, serve, token', () => {
  it('init writes a profile that serve takes, says what cannot be synced, and does not overwrite', async () => {
    const out = lab.path('starter.json');
    const first = await lab.run(['init', '--database', database, '--out', out]);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain('2 tables can be synced');
    expect(first.stdout).toContain('not "notes": it has no primary key');
    expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({ version: 1, tables: { people: { rows: 'all', key: ['id'] } } });
    const written = readFileSync(out);
    expect(await lab.run(['init', '--database', database, '--out', out])).toMatchObject({ code: 2, stderr: expect.stringContaining('(file.exists)') as string });
    expect(readFileSync(out)).toEqual(written);
    expect(await lab.json(['init', '--database', database, '--out', out, '--force'])).toMatchObject({ profile: out, skipped: [{ name: 'notes' }] });
  });

  it('serve writes its log to stderr and nothing else: no deprecation, no stack', async () => {
    expect(server.running.stdout.trim().split('\n')).toHaveLength(1);
    expect(server.running.stderr).toBe('');
  });

  it('a second server on the same data directory, and one on the same port, are refused', async () => {
    const serve = ['serve', '--database', database, '--profile', profile, '--dev', '--log-level', 'silent'];
    const { port } = new URL(server.url);
    const [sameData, samePort] = await Promise.all([lab.run([...serve, '--data', server.dataDir, '--port', '0']), lab.run([...serve, '--data', lab.path('other'), '--port', port])]);
    expect(sameData).toMatchObject({ code: 1, stderr: expect.stringContaining('(server.data-in-use)') as string });
    expect(samePort).toMatchObject({ code: 1, stderr: expect.stringContaining('(server.port-in-use)') as string });
  });

  it('detach takes everything away that serve has put into the database', async () => {
    const copy = lab.path('copy.db');
    const made = new DatabaseSync(copy);
    made.exec('CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE "values"(id INTEGER PRIMARY KEY, v); CREATE VIEW names AS SELECT name FROM people');
    made.close();
    const before = schemaDump(copy);
    const other = await lab.serve({ database: copy, profile, dataDir: lab.path('copied') });
    expect(schemaDump(copy).length).toBeGreaterThan(before.length);
    other.running.signal('SIGTERM');
    expect(await other.running.ended).toMatchObject({ code: 0, signal: null });
    expect(await lab.json<{ triggers: number }>(['detach', '--database', copy])).toMatchObject({ triggers: expect.any(Number) as number });
    expect(schemaDump(copy)).toEqual(before);
    expect(await lab.run(['detach', '--database', copy])).toMatchObject({ code: 0, stdout: 'there was nothing to remove\n' });
    expect(schemaDump(database).filter((line) => !line.includes('_carryon_'))).toEqual(schemaBefore);
  });
});

describe('query', () => {
  it('prints every value in aligned columns; with --json exactly', async () => {
    const text = await lab.run(['query', 'device', 'SELECT v.id, v.v, p.name FROM "values" v LEFT JOIN people p ON p.id = v.id ORDER BY v.id']);
    expect(text.stdout).toBe([
      'id  v                    name', '──  ───────────────────  ───────', ' 1                       Ann', ' 2  9223372036854775807  李四 🚀', ' 3  2 bytes',
      ' 4  1.5', ' 5', ' 6  Infinity', ' 7  two lines\ufffd[31m', '(7 rows)', ''].join('\n'));
    const json = await lab.json<{ columns: string[]; rows: unknown[][] }>(['query', 'device', 'SELECT v, id FROM "values" ORDER BY id']);
    expect(json).toEqual({ columns: ['v', 'id'], rows: [[null, 1], ['9223372036854775807', 2], ['AP8=', 3], [1.5, 4], ['', 5], ['Infinity', 6], ['two\nlines\u001b[31m', 7]] });
  });

  it.each([
    ['SELEC 1', 'sql.refused'], ['SELECT nothing FROM nowhere', 'sql.error'], ['SELECT 1 FROM', 'sql.error'], ['', 'sql.refused'],
    ['DELETE FROM people', 'sql.refused'], ['WITH a AS (SELECT 1) DELETE FROM people', 'sql.refused'], ['SELECT 1; DELETE FROM people', 'sql.refused'],
    ['PRAGMA journal_mode = DELETE', 'sql.refused'], ["ATTACH 'new.db' AS new", 'sql.refused'], ['VACUUM', 'sql.refused'],
  ])('%j is refused with exit code 2', async (sql, code) => {
    const done = await lab.run(['query', 'device', sql, '--json']);
    expect([done.code, JSON.parse(done.stdout)]).toMatchObject([2, { error: { code } }]);
  });

  it('a reader that has seen enough is no failure', async () => {
    const many = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT i FROM n';
    const running = lab.start(['query', 'device', many]);
    await running.until('it prints', () => running.stdout.length > 0);
    running.process.stdout?.destroy();
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('status and doctor', () => {
  it('status tells how a device stands, before and after its first sync', async () => {
    const after = await lab.run(['status', 'device']);
    expect(after).toMatchObject({ code: 0, stderr: '' });
    expect(after.stdout).toMatch(/^device [0-9a-f-]{36} of ann, .* on disk\nevery table is usable\n/);
    expect(after.stdout).toMatch(/^people +0 +usable +3 +\d+ +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/m);
    const halted = lab.start(['sync', 'http://127.0.0.1:9', '--into', 'empty', '--token', token, '--quiet']);
    await halted.until('its folder is there', () => existsSync(lab.path('empty', 'carryon.db')) && statSync(lab.path('empty', 'carryon.db-wal'), { throwIfNoEntry: false }) !== undefined);
    await expect.poll(() => lab.run(['status', 'empty'])).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing has been synced into it yet') as string });
    await halted.kill();
    expect(await lab.run(['status', 'nowhere'])).toMatchObject({ code: 2, stderr: expect.stringContaining('(device.not-a-device)') as string });
  });

  it('doctor finds nothing, or the server that cannot be reached', async () => {
    const well = await lab.run(['doctor', '--server', server.url, '--folder', lab.folder]);
    expect(well, well.stdout).toMatchObject({ code: 0, stderr: '' });
    expect(well.stdout.trim().split('\n').map((line) => line.slice(0, 3).trim().charAt(0))).toEqual(['✓', '✓', '✓', '✓', '✓', '✓']);
    const ill = await lab.run(['doctor', '--server', 'http://127.0.0.1:9']);
    expect(ill).toMatchObject({ code: 1, stderr: '' });
    expect(ill.stdout).toMatch(/^✗ server +http:\/\/127\.0\.0\.1:9: No connection to .*ECONNREFUSED/m);
    expect((await lab.json<{ checks: { name: string; state: string }[] }>(['doctor'])).checks.map(({ state }) => state)).toEqual(['ok', 'ok', 'ok', 'ok']);
  });
});

describe('sync', () => {
  it('says in a log what came of it, and nothing about its own workings', async () => {
    const done = await lab.run(['sync', server.url, '--into', 'logged', '--token', token]);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout).toMatch(/^up to date: 10 rows in 2 tables, \S+ \wB received in 1 s, \S+ kB on disk\n$/);
  });

  it('takes the token from CARRYON_TOKEN', async () => {
    expect(await lab.run(['sync', server.url, '--into', 'device'], { env: { CARRYON_TOKEN: token } })).toMatchObject({ code: 0 });
  });

  it('--full mends what was changed behind its back; --reset downloads everything anew, and the rest of the database stays', async () => {
    await lab.synced(server.url, lab.path('mended'), token);
    const file = lab.path('mended', 'carryon.db');
    const count = (sql: string): number => readOne(file, sql);
    const db = lab.open(file);
    // As damage does it: nothing is noticed.
    db.exec('INSERT INTO _carryon_quiet VALUES(1); DELETE FROM people WHERE id = 1; DELETE FROM _carryon_quiet; CREATE TABLE mine(x); INSERT INTO mine VALUES(1)');
    await lab.synced(server.url, lab.path('mended'), token);
    expect(count('SELECT count(*) AS n FROM people')).toBe(2);
    expect(await lab.run(['sync', server.url, '--into', 'mended', '--token', token, '--full', '--quiet'])).toMatchObject({ code: 0 });
    expect(count('SELECT count(*) AS n FROM people')).toBe(3);
    expect(await lab.run(['sync', server.url, '--into', 'mended', '--token', token, '--reset', '--quiet'])).toMatchObject({ code: 0 });
    expect([count('SELECT count(*) AS n FROM people'), count('SELECT x AS n FROM mine')]).toEqual([3, 1]);
  });

  it('wrong options are refused before anything is done', async () => {
    for (const args of [['--rules', '2023-01'], ['--full', '--reset']]) {
      expect(await lab.run(['sync', server.url, '--into', 'refused', '--token', token, ...args])).toMatchObject({ code: 2, stderr: expect.stringContaining('(usage)') as string });
    }
    expect(existsSync(lab.path('refused'))).toBe(false);
  });

  it('--watch tells of each change, and ends at rest', async () => {
    const watching = lab.sync(server.url, lab.path('watched'), token, '--watch');
    await watching.until('it waits', () => watching.stdout.includes('up to date; waiting for changes (Ctrl-C ends)'));
    lab.open(database).exec("UPDATE people SET name = 'Anna' WHERE id = 1");
    await watching.until('the change came', () => /checkpoint \d+: 1 change in people\n/.test(watching.stdout));
    const second = await lab.run(['sync', server.url, '--into', 'watched', '--token', token, '--json']);
    expect([second.code, JSON.parse(second.stdout)]).toMatchObject([5, { error: { code: 'device.in-use' } }]);
    expect((await lab.json<{ rows: unknown[] }>(['query', 'watched', 'SELECT name FROM people WHERE id = 1'])).rows).toEqual([['Anna']]);
    watching.signal('SIGINT');
    expect(await watching.ended).toMatchObject({ code: 130, stdout: expect.stringContaining('interrupted (SIGINT); nothing is lost') as string });
    await caughtUp(database, server.dataDir);
  });
});

describe('the Node.js that runs it', () => {
  const shebang = (env: Record<string, string>, ...args: string[]): string =>
    execFileSync('npx', ['--no-install', 'carryon', ...args], { cwd: REPOSITORY, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '', ...env }, stdio: ['ignore', 'pipe', 'ignore'] });

  it('npx carryon runs by its first line alone', () => {
    expect(shebang({}, '--version')).toBe('0.1.0\n');
    expect(JSON.parse(shebang({}, 'query', lab.path('device'), 'SELECT 1 AS one', '--json'))).toEqual({ columns: ['one'], rows: [[1]] });
  });

  it('one that is too old is told so in one line', async () => {
    const old = oldNode();
    const command = old === undefined ? [process.execPath, '--import', pretendOld()] : [old];
    const done = await lab.run([], { instead: [...command, CARRYON, 'status', 'device'] });
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toMatch(/^carryon: runtime\.too-old: this is Node\.js \d+\.\d+\.\d+; use "npx carryon".*\n$/);
  });

  /** A Node.js of the machine's own that cannot run this. */
  function oldNode(): string | undefined {
    const candidates = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules')).map((folder) => join(folder, 'node'));
    return candidates.filter((file) => existsSync(file)).find((file) => {
      const [major = 0, minor = 0] = execFileSync(file, ['-p', 'process.versions.node'], { encoding: 'utf8', env: {} }).split('.').map(Number);
      return major < 22 || (major === 22 && minor < 15);
    });
  }

  function pretendOld(): string {
    mkdirSync(lab.path('old'), { recursive: true });
    writeFileSync(lab.path('old', 'preload.mjs'), "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.11.1' } });");
    return lab.path('old', 'preload.mjs');
  }
});
