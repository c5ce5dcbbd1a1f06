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
  log: pino({ level: 'silent' }),
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
}

const withServers = (work: (bench: Bench) => Promise<void>): Promise<void> => withFolder(async (folder) => {
  const database = join(folder, 'app.db');
  const business = new DatabaseSync(database);
  business.exec('PRAGMA journal_mode = WAL; CREATE TABLE item(id INTEGER PRIMARY KEY, v); INSERT INTO item VALUES(1, 1)');
  const options: ServerOptions = { database, profiles: [PROFILE], dataDir: join(folder, 'data'), port: 0, auth: {}, development: true };
  const started: RunningServer[] = [];
  const start: Bench['start'] = async (changes = {}) => {
    const server = await startServer({ ...options, ...changes }, ports);
    started.push(server);
    return server;
  };
  const ask: Bench['ask'] = async (server, body = {}) => fetch(`${server.url}/v1/sync`, {
    method: 'POST', body: JSON.stringify({ v: 1, device: 'd', token: null, accept: ['zstd'], ...body }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await signToken((await readKeys(options.dataDir)).development, 'ann', Date.now(), 60_000)}` },
  });
  try {
    await work({ business, options, start, ask });
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

  it('S62 ends by itself when it cannot follow the business database any more', async () => {
    await withServers(async ({ business, start }) => {
      const server = await start();
      await server.ready;
      business.exec('DROP TABLE item');
      await expect(server.ended).rejects.toThrow(refused('source.schema-changed'));
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

  it('S95 S62 ends when its profiles do not fit what was altered, and can be started with others', async () => {
    await withServers(async (bench) => {
      const server = await bench.start({ profiles: [profileOf({ item: { columns: ['v'] } })] });
      await server.ready;
      bench.business.exec('ALTER TABLE item RENAME COLUMN v TO w');
      await expect(server.ended).rejects.toThrow(refused('source.schema-changed'));
      await server.close();
      const next = await bench.start({ profiles: [profileOf({ item: { columns: ['w'] } })] });
      await next.ready;
      expect((await bench.ask(next)).status).toBe(200);
    });
  });
});
