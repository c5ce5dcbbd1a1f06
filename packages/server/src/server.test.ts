import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { parseProfile, type Profile } from './core/profile.ts';
import { signToken } from './http/auth.ts';
import { readKeys } from './keys.ts';
import { startServer, type RunningServer, type ServerOptions } from './server.ts';
import { withFolder } from './testing/temp-store.ts';

const ports = {
  random: { uuid: randomUUID, bytes: (count: number) => randomBytes(count) },
  clock: {
    nowMs: Date.now,
    after: (delayMs: number, run: () => void) => {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
  },
};

const profileOf = (tables: object, name = 'Profile'): Profile => parseProfile({ version: 1, name, tables });
const PROFILE = profileOf({ item: {} });

interface Bench {
  readonly business: DatabaseSync;
  readonly options: ServerOptions;
  start(changes?: Partial<ServerOptions>): Promise<RunningServer>;
  ask(server: RunningServer, body?: object): Promise<Response>;
  /** Codes of what the log says at level error. */
  errors(): unknown[];
}

const withServers = (work: (bench: Bench) => Promise<void>): Promise<void> => withFolder(async (folder) => {
  const database = join(folder, 'app.db');
  const business = new DatabaseSync(database);
  business.exec('PRAGMA journal_mode = WAL; CREATE TABLE item(id INTEGER PRIMARY KEY, v); INSERT INTO item VALUES(1, 1)');
  const options: ServerOptions = { database, profiles: [PROFILE], dataDir: join(folder, 'data'), port: 0, auth: {}, development: true };
  const started: RunningServer[] = [];
  const lines: string[] = [];
  const log = pino({ level: 'error' }, { write: (line) => { lines.push(line); } });
  const start: Bench['start'] = async (changes = {}) => {
    const server = await startServer({ ...options, ...changes }, { ...ports, log });
    started.push(server);
    return server;
  };
  const ask: Bench['ask'] = async (server, body = {}) => fetch(`${server.url}/v1/sync`, {
    method: 'POST', body: JSON.stringify({ v: 1, device: 'd', token: null, accept: ['zstd'], ...body }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await signToken((await readKeys(options.dataDir)).development, 'ann', Date.now(), 60_000)}` },
  });
  try {
    await work({ business, options, start, ask, errors: () => lines.map((line) => (JSON.parse(line) as { code?: unknown }).code) });
  } finally {
    for (const server of started) await server.close();
    business.close();
  }
});

const refused = (code: string): Error => expect.objectContaining({ name: 'CarryonError', code }) as Error;
const tokenIn = (text: string): string => /"token":"([^"]+)"/.exec(text)?.[1] ?? expect.fail('there is no token in the answer');

describe('a server', () => {
  it('S60 S61 serves, follows the business database and answers those who wait', async () => {
    await withServers(async ({ business, start, ask }) => {
      const server = await start();
      await server.ready;
      expect(await (await fetch(`${server.url}/healthz`)).json()).toMatchObject({ status: 'ok', checkpoint: 1 });
      const token = tokenIn(await (await ask(server)).text());
      const waiting = ask(server, { token, waitSeconds: 50 });
      business.exec("INSERT INTO item VALUES(2, 'new')");
      expect(await (await waiting).text()).toContain('new');
    });
  });

  it('S60 S62 lets those who wait go when it closes, and goes on where it was', async () => {
    await withServers(async ({ business, start, ask }) => {
      const server = await start();
      await server.ready;
      const token = tokenIn(await (await ask(server)).text());
      const waiting = ask(server, { token, waitSeconds: 50 });
      await expect.poll(async () => (await fetch(`${server.url}/metrics`)).text()).toContain('carryon_devices_waiting 1');
      await Promise.all([server.close(), server.ended]);
      expect((await waiting).status).toBe(200);
      await expect(fetch(server.url)).rejects.toThrow();
      business.exec("INSERT INTO item VALUES(2, 'meanwhile')");
      const next = await start();
      await next.ready;
      expect(await (await ask(next, { token })).text()).toContain('meanwhile');
      await next.close();
      await next.close();
    });
  });

  it('S62 ends by itself when the business database was replaced', async () => {
    await withServers(async ({ business, start }) => {
      const server = await start();
      await server.ready;
      business.exec('DROP TABLE _carryon_outbox');
      await expect(server.ended).rejects.toThrow(refused('source.replaced'));
    });
  });

  it('S63 that cannot start says why, and leaves nothing behind', async () => {
    await withServers(async ({ business, start, options }) => {
      const taken = createServer();
      await once(taken.listen(0, '127.0.0.1'), 'listening');
      const { port } = taken.address() as AddressInfo;
      const file = join(options.dataDir, '..', 'file');
      writeFileSync(file, 'no database'.repeat(100));
      const wrong: [Partial<ServerOptions>, string][] = [
        [{ port }, 'server.port-in-use'], [{ development: false }, 'server.no-keys'], [{ database: `${file}.none` }, 'source.not-found'], [{ database: file }, 'source.not-sqlite'],
        [{ dataDir: file }, 'usage'], [{ host: '192.0.2.1' }, 'usage'], [{ profiles: [profileOf({ nothing: {} })] }, 'profile.invalid'], [{ profiles: [PROFILE, PROFILE] }, 'profile.invalid'],
      ];
      for (const [changes, code] of wrong) await expect(start(changes), JSON.stringify(changes)).rejects.toThrow(refused(code));
      taken.close();
      expect(business.prepare("SELECT name FROM sqlite_schema WHERE name LIKE '\\_carryon%' ESCAPE '\\'").all()).toEqual([]);
      await (await start()).ready;
    });
  });

  it('S63 is the only one of its data directory', async () => {
    await withServers(async ({ start }) => {
      const server = await start();
      await expect(start()).rejects.toThrow(refused('server.data-in-use'));
      await server.close();
      await (await start()).ready;
    });
  });

  it('S63 with a damaged store of its own says so', async () => {
    await withServers(async ({ start, options }) => {
      await (await start()).close();
      writeFileSync(join(options.dataDir, 'sync.db'), 'no database'.repeat(100));
      await expect(start()).rejects.toThrow(refused('source.not-sqlite'));
    });
  });
});

describe('a running server', () => {
  const framesOf = async (answer: Response): Promise<string[]> => (await answer.text()).trim().split('\n');
  /** Asks until a frame holds the text: what was altered is seen with the next look. */
  const expectSoon = (bench: Bench, server: RunningServer, token: string, text: string): Promise<void> =>
    expect.poll(async () => (await framesOf(await bench.ask(server, { token }))).join(), { timeout: 5000 }).toContain(text);

  it('S94 goes over to other profiles without an end, and wakes those who wait', async () => {
    await withServers(async (bench) => {
      bench.business.exec('CREATE TABLE note(id INTEGER PRIMARY KEY, v); INSERT INTO note VALUES(1, 1)');
      const server = await bench.start();
      await server.ready;
      const token = tokenIn(await (await bench.ask(server)).text());
      const waiting = bench.ask(server, { token, waitSeconds: 50 });
      await expect.poll(async () => (await fetch(`${server.url}/metrics`)).text()).toContain('carryon_devices_waiting 1');
      await server.reload([PROFILE, profileOf({ note: {} }, 'More')]);
      const frames = await framesOf(await waiting);
      expect(frames.map((frame) => Object.keys(JSON.parse(frame) as object)[0])).toEqual(['header', 'tables', 'building', 'plan']);
      bench.business.exec('INSERT INTO note VALUES(2, 2)');
      await expectSoon(bench, server, tokenIn(frames.at(-1) ?? ''), '["P",2,');
    });
  });

  it('S94 refuses profiles that do not fit, and keeps the old ones', async () => {
    await withServers(async (bench) => {
      const server = await bench.start();
      await server.ready;
      const token = tokenIn(await (await bench.ask(server)).text());
      const broken = [[profileOf({ nothing: {} })], [profileOf({ item: { rows: { own: 'nobody' } } })], [PROFILE, PROFILE]];
      for (const profiles of broken) await expect(server.reload(profiles)).rejects.toThrow(refused('profile.invalid'));
      bench.business.exec('INSERT INTO item VALUES(2, 2)');
      await expectSoon(bench, server, token, '["P",2,');
      await server.reload([profileOf({ item: { every: 15 } })]);
      await expectSoon(bench, server, token, '"everyMinutes":15');
    });
  });

  it('S94 S62 goes over at its next start to what it was given, and serves meanwhile', async () => {
    await withServers(async (bench) => {
      const first = await bench.start();
      await first.ready;
      const token = tokenIn(await (await bench.ask(first)).text());
      await first.close();
      const next = await bench.start({ profiles: [profileOf({ item: { every: 15 } })] });
      expect((await bench.ask(next, { token })).status).toBe(200);
      await next.ready;
      await expectSoon(bench, next, token, '"everyMinutes":15');
    });
  });

  it('S95 fits its profiles anew when the tables of the business database are altered', async () => {
    await withServers(async (bench) => {
      const server = await bench.start();
      await server.ready;
      const token = tokenIn(await (await bench.ask(server)).text());
      bench.business.exec("ALTER TABLE item ADD COLUMN extra TEXT DEFAULT 'more'; INSERT INTO item VALUES(2, 2, 'x')");
      await expectSoon(bench, server, token, '"name":"extra"');
      bench.business.exec('ALTER TABLE item DROP COLUMN extra; INSERT INTO item VALUES(3, 3)');
      await expectSoon(bench, server, token, '["P",3,');
    });
  });

  const healthOf = async (server: RunningServer): Promise<unknown> => (await fetch(`${server.url}/healthz`)).json();
  const expectHealth = (server: RunningServer, status: string): Promise<void> => expect.poll(() => healthOf(server), { timeout: 5000 }).toMatchObject({ status });
  const PUSH = { known: 0, tables: [{ name: 'item', columns: ['id', 'v'], key: [0] }], changesets: [{ seq: 1, changes: [{ op: 'update', table: 0, key: [1], set: [[1, 1, 9]] }] }] };
  const EDITED = profileOf({ item: { columns: ['v'], rights: ['read', 'update'] } });

  it('S95 S62 S61 stays up while its profiles do not fit what was altered, says so once, and goes on when others do', async () => {
    await withServers(async (bench) => {
      const server = await bench.start({ profiles: [EDITED] });
      await server.ready;
      const token = tokenIn(await (await bench.ask(server)).text());
      const { checkpoint } = await healthOf(server) as { checkpoint: number };
      bench.business.exec('ALTER TABLE item RENAME COLUMN v TO w; INSERT INTO item VALUES(2, 2)');
      await expectHealth(server, 'degraded');
      expect(await healthOf(server)).toMatchObject({ code: 'source.schema-changed', checkpoint });
      const answers = [await bench.ask(server), await bench.ask(server, { token }), await bench.ask(server, { token, push: PUSH })];
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 503]);
      expect(await answers[2]?.json()).toMatchObject({ error: { code: 'server.unavailable' } });
      await expect(server.reload([EDITED])).rejects.toThrow(refused('profile.invalid'));
      await expect.poll(async () => Number(/carryon_evaluation_failures_total\{code="source.schema-changed"\} (\d+)/.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1]), { timeout: 9000 }).toBeGreaterThan(2);
      expect(bench.errors()).toEqual(['source.schema-changed']);
      await server.reload([profileOf({ item: { columns: ['w'] } })]);
      expect(await healthOf(server)).toMatchObject({ status: 'ok' });
      const renewed = tokenIn(await (await bench.ask(server)).text());
      bench.business.exec('INSERT INTO item VALUES(3, 3)');
      await expectSoon(bench, server, renewed, '["P",3,');
      expect(bench.errors()).toEqual(['source.schema-changed']);
    });
  }, 20_000);

  it.each([
    ['is dropped and comes back', ['DROP TABLE item'], ['CREATE TABLE item(id INTEGER PRIMARY KEY, v)', "INSERT INTO item VALUES(1, 1), (7, 'back')"]],
    ['is made anew by copying, step by step', ["CREATE TABLE copy(id INTEGER PRIMARY KEY, v, w)", 'INSERT INTO copy SELECT id, v, NULL FROM item', 'DROP TABLE item'], ["INSERT INTO copy VALUES(7, 'back', 1)", 'ALTER TABLE copy RENAME TO item']],
    ['loses a column that comes back', ['ALTER TABLE item DROP COLUMN v', "INSERT INTO item VALUES(7)"], ["ALTER TABLE item ADD COLUMN v DEFAULT 'back'"]],
  ])('S95 a table that %s heals by itself, and edits go on', async (_, away, back) => {
    await withServers(async (bench) => {
      const server = await bench.start({ profiles: [EDITED] });
      await server.ready;
      const token = tokenIn(await (await bench.ask(server)).text());
      for (const sql of away) bench.business.exec(sql);
      await expectHealth(server, 'degraded');
      for (const sql of back) bench.business.exec(sql);
      await expectHealth(server, 'ok');
      await expectSoon(bench, server, token, '["P",');
      const pushed = await bench.ask(server, { token, push: { ...PUSH, changesets: [{ seq: 1, changes: [{ op: 'update', table: 0, key: [7], set: [[1, 'back', 'edited']] }] }] } });
      expect([pushed.status, bench.business.prepare('SELECT v FROM item WHERE id = 7').get()]).toEqual([200, { v: 'edited' }]);
      await expectSoon(bench, server, token, 'edited');
    });
  });

  it('S95 S94 S62 that was closed meanwhile is started with profiles that fit, on the same data directory', async () => {
    await withServers(async (bench) => {
      const server = await bench.start({ profiles: [EDITED] });
      await server.ready;
      bench.business.exec('ALTER TABLE item RENAME COLUMN v TO w');
      await expectHealth(server, 'degraded');
      await Promise.all([server.close(), server.ended]);
      await expect(bench.start({ profiles: [EDITED] })).rejects.toThrow(refused('profile.invalid'));
      const next = await bench.start({ profiles: [profileOf({ item: { columns: ['w'] } })] });
      await next.ready;
      expect((await bench.ask(next)).status).toBe(200);
    });
  });
});
