import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { FakeServer } from '@carryon/client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/folder.ts';
import { serveFake, type ServedFake } from '../testing/http-fake.ts';
import { CUSTOMERS, NOTES, WRITABLE } from '../testing/rig.ts';
import { systemClock } from './clock.ts';
import { openDevice } from './device.ts';
import { deviceFile, packsFolder } from './folder.ts';
import { openShared } from './shared.ts';

const PROCESS = fileURLToPath(new URL('../testing/shared-process.ts', import.meta.url));
const PATIENCE_MS = 20_000;
const COUNT = 'SELECT count(*) AS n, max(name) AS last FROM customers';

interface Said { readonly role?: string; readonly state?: string; readonly usable?: number; readonly records?: number; readonly rows?: readonly Record<string, unknown>[]; readonly changed?: string; readonly written?: string; readonly refused?: string }

/** One of the apps, as a process of its own. */
class App {
  readonly process: ChildProcess;
  readonly said: Said[] = [];
  #rest = '';

  constructor(folder: string, url: string) {
    this.process = spawn(process.execPath, ['--conditions=@carryon/source', '--no-warnings', PROCESS, folder, url, COUNT], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.process.stdout?.on('data', (data: Buffer) => {
      const lines = (this.#rest + data.toString()).split('\n');
      this.#rest = lines.pop() ?? '';
      this.said.push(...lines.map((line) => JSON.parse(line) as Said));
    });
  }

  /** The last that it said of a thing. */
  last<K extends keyof Said>(key: K): Said[K] | undefined {
    return this.said.findLast((one) => one[key] !== undefined)?.[key];
  }

  tell(line: string): void {
    this.process.stdin?.write(`${line}\n`);
  }

  /** As by kill -9, or a crash. */
  async kill(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill('SIGKILL');
      await once(this.process, 'exit');
    }
  }
}

let server: FakeServer;
let served: ServedFake;
let apps: App[];
const folder = temporaryFolder();
let at = 0;
const place = (): string => `${folder.path}/${at}`;

beforeEach(async () => {
  at++;
  mkdirSync(place());
  server = new FakeServer(WRITABLE.slice(0, 1), { clock: systemClock, packRows: 50 });
  for (let i = 1; i <= 500; i++) server.put(1, i, BigInt(i), `customer ${String(i).padStart(4, '0')}`);
  served = await serveFake(server);
  apps = [];
});
afterEach(async () => {
  for (const app of apps) await app.kill();
  await served.close();
});

function start(): App {
  const app = new App(place(), served.url);
  apps.push(app);
  return app;
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const endMs = Date.now() + PATIENCE_MS;
  while (!isSo()) {
    if (Date.now() > endMs) throw new Error(`this did not come about: ${what}; ${JSON.stringify(apps.map(({ said }) => said.slice(-5)))}`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

const rowsOf = (app: App): unknown => app.last('rows')?.[0];

/** The names of packs that are complete on the disk, or applied. */
function here(): Set<string> {
  const db = new DatabaseSync(deviceFile(place()), { readOnly: true });
  try {
    const applied = db.prepare('SELECT name FROM _carryon_pack WHERE applied').all().map(({ name }) => String(name));
    return new Set([...applied, ...readdirSync(packsFolder(place())).filter((file) => /^[0-9a-f]{64}$/.test(file))]);
  } finally {
    db.close();
  }
}

describe('several apps on one device', () => {
  it('D73 one syncs, the others see the same rows, follow changes, edit, and say that another process syncs', async () => {
    const first = start();
    await until('the first syncs', () => first.last('state') === 'up-to-date');
    const second = start();
    await until('the second sees it', () => second.last('usable') === 1 && JSON.stringify(rowsOf(second)) === JSON.stringify({ n: 500, last: 'customer 0500' }));
    expect([first.last('role'), second.last('role'), second.last('state')]).toEqual(['leading', 'following', 'following']);
    server.put(1, 501, 501n, 'from the server');
    await until('both are told', () => [first, second].every((app) => JSON.stringify(rowsOf(app)) === JSON.stringify({ n: 501, last: 'from the server' })));
    expect(second.said.filter(({ changed }) => changed !== undefined).at(-1)).toEqual({ changed: 'server' });
    second.tell("UPDATE customers SET name = 'written by the second' WHERE id = 1");
    await until('the edit has gone up', () => server.rowsOf(1).get(1)?.values[1] === 'written by the second');
    await until('the first sees it', () => JSON.stringify(rowsOf(first)) === JSON.stringify({ n: 501, last: 'written by the second' }));
    await until('it is confirmed', () => second.last('records') === 0);
    expect(second.said).toContainEqual({ changed: 'local' });
    second.tell('sync');
    await until('the second does not sync', () => second.last('refused') === 'device.in-use');
    expect(server.inbox.taken).toHaveLength(1);
    expect(new Set(server.asked.map(({ device }) => device)).size).toBe(1);
    expect(new Set(server.fetched.map(({ name }) => name)).size).toBe(server.fetched.length);
  });

  it('D73 D20 when the one that syncs is killed in its first sync, the other goes on, and nothing that was there is fetched again', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => { release = resolve; });
    // From the fifth on, packs wait.
    let packs = 0;
    server.net.fault('/v1/packs/', async (_, otherwise) => {
      if (++packs > 4) await held;
      return otherwise();
    }, 1e9);
    const first = start();
    await until('packs are here', () => packs > 4 && here().size >= 4);
    const second = start();
    await until('the second follows', () => second.last('role') === 'following');
    await first.kill();
    const before = here();
    release();
    await until('the second syncs', () => second.last('role') === 'leading' && second.last('state') === 'up-to-date');
    await until('its app sees all rows', () => JSON.stringify(rowsOf(second)) === JSON.stringify({ n: 500, last: 'customer 0500' }));
    const times = (name: string): number => server.fetched.filter((fetch) => fetch.name === name).length;
    expect([...before].map(times)).toEqual([...before].map(() => 1));
    expect(server.asked.filter(({ token }) => token === null)).toHaveLength(1);
    second.tell("UPDATE customers SET name = 'z' WHERE id = 2");
    await until('its edits go up', () => server.rowsOf(1).get(2)?.values[1] === 'z');
  });

  it('D73 what was edited while nobody syncs goes up when another takes over; one that closes leaves the sync to the next', async () => {
    const first = start();
    await until('the first syncs', () => first.last('state') === 'up-to-date');
    const [second, third] = [start(), start()];
    await until('they follow', () => second.last('usable') === 1 && third.last('usable') === 1);
    await first.kill();
    second.tell("UPDATE customers SET name = 'zz' WHERE id = 3");
    await until('it went up', () => server.rowsOf(1).get(3)?.values[1] === 'zz');
    const leader = second.last('role') === 'leading' ? second : third;
    const other = leader === second ? third : second;
    leader.tell('close');
    await until('the last one syncs', () => other.last('role') === 'leading' && other.last('state') === 'up-to-date');
    server.put(1, 600, 600n, 'zzz');
    await until('it is current', () => JSON.stringify(rowsOf(other)) === JSON.stringify({ n: 501, last: 'zzz' }));
  });

  it('D73 one who follows says so before there is anything, and takes part when tables change', async () => {
    const lone = await openDevice({ folder: place(), serverUrl: served.url, credentials: async () => 'token', config: { mode: 'watch' } });
    const shared = await openShared({ folder: place(), serverUrl: served.url, credentials: async () => 'token' });
    expect([shared.role, shared.status().state, shared.status().share]).toEqual(['following', 'following', 'unknown']);
    void lone.engine.run();
    await until('it follows', () => shared.status().tables[0]?.usable === true);
    const seen: unknown[] = [];
    shared.live({ sql: 'SELECT count(*) AS n FROM notes', onRows: (rows) => seen.push(rows), onError: ({ code }) => seen.push(code) });
    await until('there is no such table', () => seen.length === 1);
    server.setTables([NOTES]);
    server.put(NOTES.id, 1, 'a', 'note');
    await until('it has the tables of now', () => JSON.stringify(seen.at(-1)) === '[{"n":1}]');
    expect(shared.status().tables.map(({ name }) => name)).toEqual(['notes']);
    server.setTables([]);
    await until('and none', () => shared.status().share === 'none');
    await expect(shared.query(`SELECT * FROM ${CUSTOMERS.name}`)).rejects.toMatchObject({ code: 'sql.error' });
    await shared.close();
    await lone.close();
  });
});
