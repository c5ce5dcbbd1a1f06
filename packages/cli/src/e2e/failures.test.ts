import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { readKeys, signToken } from '@carryon/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, type Finished, type Served } from './harness.ts';

let lab: Lab;
let server: Served;
let token = '';
let foreignUrl = '';
/** Giving up takes a while: it goes on beside the other tests. */
let withoutServer: Promise<Finished>;

beforeAll(async () => {
  lab = new Lab();
  withoutServer = lab.run(['sync', 'http://127.0.0.1:9', '--into', 'lonely', '--token', 'x', '--json']);
  const db = new DatabaseSync(lab.path('business.db'));
  db.exec("CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE towns(id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE notes(text); INSERT INTO people VALUES(1, 'Ann')");
  db.close();
  mkdirSync(lab.path('folder'));
  writeFileSync(lab.path('text.txt'), 'no database, only some text');
  writeFileSync(lab.path('broken.json'), '{"version": 1, ');
  lab.writeJson('profile.json', { version: 1, tables: { people: {} } });
  lab.writeJson('wrong-table.json', { version: 1, tables: { persons: {} } });
  lab.writeJson('wrong-column.json', { version: 1, tables: { people: { rows: { own: 'owner' } } } });
  lab.writeJson('no-key.json', { version: 1, tables: { notes: {} } });
  lab.writeJson('wrong-form.json', { version: 1, tables: { people: { prio: 'high' } } });
  server = await lab.serve({ database: lab.path('business.db'), profile: lab.path('profile.json'), dataDir: lab.path('server') });
  token = await lab.token(server.dataDir, 'ann');
  await lab.synced(server.url, lab.path('device'), token);
  const foreign = createServer((_request, response) => { response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in to the network</html>'); });
  await new Promise<void>((resolve) => { foreign.listen(0, '127.0.0.1', resolve); });
  lab.atEnd(() => { foreign.closeAllConnections(); foreign.close(); });
  foreignUrl = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}`;
});
afterAll(() => lab.end());

interface Failure { readonly code: number; readonly error: string; readonly message?: RegExp }

/** Runs the command as a person does and as a program does: the same failure, in a few clear words and as one JSON value. */
async function expectFailure(args: readonly string[], failure: Failure): Promise<void> {
  const text = await lab.run(args);
  const json = await lab.run([...args, '--json']);
  expect(text.code, text.stderr).toBe(failure.code);
  expect(text.stderr).toMatch(new RegExp(`^carryon: .+\\n  .+\\n  \\(${failure.error.replaceAll('.', '\\.')}\\)\\n$`));
  expect(text.stderr).not.toMatch(/^\s+at |node:|Error:/m);
  if (failure.message) expect(text.stderr).toMatch(failure.message);
  expect(json.code).toBe(failure.code);
  expect(json.stdout.trimEnd().split('\n')).toHaveLength(1);
  const { error } = JSON.parse(json.stdout) as { error: Record<string, string> };
  expect(error).toEqual({ code: failure.error, message: expect.any(String) as string, who: expect.any(String) as string, retry: expect.any(String) as string, action: expect.any(String) as string });
}

describe('wrong use ends with 2', () => {
  it.each<[string[], RegExp]>([
    [['bogus'], /Unknown command 'bogus'/], [['synk'], /Did you mean sync/], [['sync'], /option '--into <dir>'/], [['query', 'device'], /argument 'sql'/],
    [['sync', 'ftp://server', '--into', 'x'], /not an http or https address/], [['sync', 'nonsense', '--into', 'x'], /not an http or https address/],
    [['serve', '--database', 'business.db', '--profile', 'profile.json', '--port', '70000'], /--port must be a whole number from 0 to 65535/],
    [['serve', '--database', 'business.db', '--profile', 'profile.json', '--dev', '--log-level', 'loud'], /Allowed choices are trace/],
    [['serve', '--database', 'business.db', '--profile', 'profile.json', '--dev', '--data', 'text.txt'], /could not be made/],
    [['serve', '--database', 'business.db', '--profile', 'profile.json', '--data', 'unused', '--jwks', 'nonsense'], /--jwks must be an address/],
    [['init', '--database', 'business.db', '--out', 'no/such/folder.json'], /could not be written/],
    [['token', '--data', 'server', '--user', 'ann', '--hours', '0'], /--hours must be/],
    [['write', 'device'], /argument 'sql'/], [['drop', 'device', 'x'], /number of a draft .* not "x"/], [['drop', 'device', '3', '--all'], /not both/],
    [['retry', 'device', '3', '--set', '=x'], /--set must be COLUMN=VALUE/], [['retry', 'device', '--all', '--set', 'a=x'], /not with --all/], [['retry', 'device'], /there are no drafts/],
    [['errors', 'device', '--user', 'ann'], /for a server's address/], [['sign-out', 'device', '--export', 'x.json', '--discard'], /not both/], [['export', 'device', '--out', 'no/such/file.json'], /could not be written/],
  ])('%j', (args, message) => expectFailure(args, { code: 2, error: 'usage', message }));
});

describe('wrong input ends with 2', () => {
  const serve = (database: string, profile: string): string[] => ['serve', '--database', database, '--profile', profile, '--data', 'unused', '--port', '0', '--dev', '--log-level', 'silent'];

  it.each<[string[], string, RegExp]>([
    [['status', 'folder'], 'device.not-a-device', /folder holds no Carryon database/],
    [['query', 'nowhere', 'SELECT 1'], 'device.not-a-device', /nowhere/],
    [['write', 'nowhere', 'DELETE FROM people'], 'device.not-a-device', /nowhere/],
    [['errors', 'nowhere'], 'device.not-a-device', /nowhere/],
    [['sign-out', 'nowhere'], 'device.not-a-device', /nowhere/],
    [['init', '--database', 'missing.db'], 'source.not-found', /There is no file missing\.db/],
    [['init', '--database', 'text.txt'], 'source.not-sqlite', /text\.txt is not an SQLite database/],
    [['init', '--database', 'folder'], 'source.not-sqlite', /folder is not a file/],
    [['detach', '--database', 'text.txt'], 'source.not-sqlite', /text\.txt/],
    [serve('missing.db', 'profile.json'), 'source.not-found', /missing\.db/],
    [serve('text.txt', 'profile.json'), 'source.not-sqlite', /text\.txt/],
    [serve('business.db', 'missing.json'), 'profile.invalid', /There is no profile missing\.json/],
    [serve('business.db', 'broken.json'), 'profile.invalid', /broken\.json: The profile is not JSON: line 1/],
    [serve('business.db', 'wrong-table.json'), 'profile.invalid', /no table "persons". It has "people", "towns"/],
    [serve('business.db', 'wrong-column.json'), 'profile.invalid', /no column "owner". It has "id", "name"/],
    [serve('business.db', 'wrong-form.json'), 'profile.invalid', /tables\.people: .*prio/],
    [serve('business.db', 'no-key.json'), 'profile.invalid', /"notes" cannot be synced: it has no primary key/],
    [serve('business.db', 'profile.json').filter((arg) => arg !== '--dev'), 'server.no-keys', /no key to check tokens/],
    [['token', '--data', 'folder', '--user', 'ann'], 'server.data-foreign', /folder/],
  ])('%j', (args, error, message) => expectFailure(args, { code: 2, error, message }));

  it('a secret that is too short', async () => {
    const done = await lab.run(serve('business.db', 'profile.json'), { env: { CARRYON_JWT_SECRET: 'short' } });
    expect(done).toMatchObject({ code: 2, stderr: expect.stringContaining('CARRYON_JWT_SECRET is shorter than 32 characters') as string });
  });

  it('a server that is none', () => expectFailure(['sync', foreignUrl, '--into', 'foreign', '--token', 'x'], { code: 2, error: 'server.not-carryon' }));

  it('a folder that holds another person\'s share', async () => {
    const bob = await lab.token(server.dataDir, 'bob');
    await expectFailure(['sync', server.url, '--into', 'device', '--token', bob], { code: 2, error: 'device.other-server', message: /share of ann, and the token is of bob/ });
  });
});

describe('a token that is refused ends with 4', () => {
  const sync = (given: string, into: string): string[] => ['sync', server.url, '--into', into, '--token', given];

  it('none', () => expectFailure(['sync', server.url, '--into', 'none'], { code: 4, error: 'auth.missing' }));
  it('none for the sync errors', () => expectFailure(['errors', server.url], { code: 4, error: 'auth.missing' }));
  it('one of no admin for those of others', () => expectFailure(['errors', server.url, '--token', token, '--user', 'bob'], { code: 4, error: 'auth.forbidden' }));
  it('a bad one', () => expectFailure(sync(`${token.slice(0, -4)}AAAA`, 'bad'), { code: 4, error: 'auth.invalid' }));
  it('one that is none', () => expectFailure(sync('not-a-token', 'bad-2'), { code: 4, error: 'auth.invalid' }));

  it('one that has expired, also for a device that has synced before: what it holds stays', async () => {
    const { development } = await readKeys(server.dataDir);
    const expired = await signToken(development, 'ann', Date.now() - 7_200_000, 3_600_000);
    await expectFailure(sync(expired, 'device'), { code: 4, error: 'auth.expired' });
    expect(await lab.json(['query', 'device', 'SELECT name FROM people'])).toMatchObject({ rows: [['Ann']] });
  });

  it('one of another server', async () => {
    const secret = new TextEncoder().encode('another server\'s secret, long enough');
    await expectFailure(sync(await signToken(secret, 'ann', Date.now(), 3_600_000), 'other'), { code: 4, error: 'auth.invalid' });
  });
});

describe('not now', () => {
  it('a device whose folder cannot be used ends with 5', () => expectFailure(['sync', server.url, '--into', 'text.txt', '--token', token], { code: 5, error: 'device.storage' }));

  it('no server: tries some times, then ends with 3', async () => {
    const done = await withoutServer;
    expect([done.code, JSON.parse(done.stdout)]).toMatchObject([3, { error: { code: 'server.unreachable', message: expect.stringContaining('ECONNREFUSED') as string } }]);
    expect(done.elapsedMs).toBeGreaterThan(3000);
  });
});
