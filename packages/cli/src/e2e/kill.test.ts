import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { deviceFile, packsFolder } from '@carryon/hosts/node';
import { seeded } from '@carryon/server/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { differences, wholeTables } from './compare.ts';
import { caughtUp, health, Lab, pause, readOne, until, type Running, type Served } from './harness.ts';
import { createLedger, LEDGER_PROFILE, LEDGER_TABLES, LedgerWriter } from './ledger.ts';
import { CountingProxy } from './proxy.ts';

const SHARE = wholeTables(LEDGER_TABLES);
/** About this much per connection: the first download takes some seconds. */
const BYTES_PER_MS = 6000;

let lab: Lab;
beforeEach(() => { lab = new Lab(); });
afterEach(() => lab.end());

/** A ledger with its writer, its server behind a proxy, and a device. */
class Scene {
  readonly database = lab.path('ledger.db');
  readonly dataDir = lab.path('server');
  readonly device = lab.path('device');
  readonly writer: LedgerWriter;
  readonly proxy: CountingProxy;
  server: Served;
  token = '';

  private constructor(writer: LedgerWriter, proxy: CountingProxy, server: Served) {
    this.writer = writer;
    this.proxy = proxy;
    this.server = server;
  }

  static async open(random: () => number, pages = 12_000): Promise<Scene> {
    createLedger(lab.path('ledger.db'), pages);
    const writer = new LedgerWriter(lab.open(lab.path('ledger.db')), random);
    lab.atEnd(() => writer.stop());
    const proxy = await CountingProxy.start(BYTES_PER_MS);
    lab.atEnd(() => proxy.close());
    const scene = new Scene(writer, proxy, await Scene.serve());
    proxy.target = scene.server.url;
    scene.token = await lab.token(scene.dataDir, 'user');
    return scene;
  }

  static serve(): Promise<Served> {
    return lab.serve({ database: lab.path('ledger.db'), profile: lab.writeJson('profile.json', LEDGER_PROFILE), dataDir: lab.path('server') });
  }

  async killServer(): Promise<void> {
    await this.server.running.kill();
    this.server = await Scene.serve();
    this.proxy.target = this.server.url;
  }

  sync(...args: readonly string[]): Running {
    return lab.sync(this.proxy.url, this.device, this.token, ...args);
  }

  /** What is wrong with what an app would read on the device. */
  torn(): string | undefined {
    return existsSync(deviceFile(this.device)) ? this.writer.findTorn(this.device) : undefined;
  }

  /** The last sync: nothing is left of the kills. */
  async expectEqual(): Promise<void> {
    this.writer.stop();
    await caughtUp(this.database, this.dataDir);
    const last = await this.sync().ended;
    expect(last, last.stderr).toMatchObject({ code: 0 });
    expect(this.torn()).toBeUndefined();
    expect(differences(this.database, this.device, SHARE)).toEqual([]);
    expect(readdirSync(packsFolder(this.device))).toEqual([]);
  }

  /** Bytes of packs sent beyond what the plan named. */
  get fetchedAgain(): number {
    const planned = [...this.proxy.planned].filter(([name]) => this.proxy.sent.has(name)).reduce((sum, [, bytes]) => sum + bytes, 0);
    return this.proxy.sentBytes - planned;
  }

  get largestPack(): number {
    return Math.max(...this.proxy.planned.values());
  }

  /** Waits until a share of the plan has come through the proxy. */
  async untilSent(running: Running, share: number): Promise<void> {
    await running.until(`${share * 100} % of the packs came`, () => {
      const planned = [...this.proxy.planned.values()].reduce((sum, bytes) => sum + bytes, 0);
      return planned > 0 && this.proxy.sentBytes >= planned * share;
    });
  }
}

/** Lets a process run for so long, then kills it; false when it had ended by itself. */
async function killAfter(running: Running, ms: number): Promise<boolean> {
  await Promise.race([running.ended, pause(ms)]);
  if (running.isOver) return false;
  await running.kill();
  return true;
}

const MANY_ROWS = 400_000;

/** A table that the server reads for a second or two, and how to start a server that begins to read it. */
function manyRows(): { database: string; dataDir: string; serve: () => Promise<Served> } {
  const [database, dataDir] = [lab.path('many.db'), lab.path('server')];
  lab.open(database).exec(`PRAGMA synchronous = OFF; CREATE TABLE many(id INTEGER PRIMARY KEY, v INTEGER);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${MANY_ROWS}) INSERT INTO many SELECT i, i % 97 FROM n`);
  const profile = lab.writeJson('many.json', { version: 1, tables: { many: {} } });
  return { database, dataDir, serve: () => lab.serve({ database, profile, dataDir, early: true }) };
}

const ingested = (store: string): number => (existsSync(store) ? readOne(store, 'SELECT sum(rows) AS n FROM sync_ingest') : 0);

describe('kill -9', () => {
  it('loses nothing and fetches nothing twice, whenever it strikes', async () => {
    const random = seeded(417);
    const scene = await Scene.open(random, 24_000);
    scene.writer.start(15);
    let kills = 0;
    // The first sync: its process is killed at random moments, the server at two of them.
    for (let finished = false; !finished;) {
      const sync = scene.sync('--quiet');
      if (kills === 1 || kills === 4) {
        await pause(300 + random() * 300);
        await scene.killServer();
      }
      finished = !(await killAfter(sync, kills < 8 ? 250 + random() * 450 : 30_000));
      if (finished) expect(await sync.ended).toMatchObject({ code: 0 });
      else kills++;
      expect(scene.torn(), `after kill ${kills}`).toBeUndefined();
    }
    expect(kills).toBeGreaterThanOrEqual(4);
    expect(scene.proxy.planned.size).toBeGreaterThanOrEqual(5);
    expect(scene.fetchedAgain).toBeLessThanOrEqual(kills * scene.largestPack);
    const afterFirst = scene.proxy.sentBytes;

    // Deltas of many pages each: killed while they are asked for, staged and committed.
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 3; i++) scene.writer.write(2500);
      await caughtUp(scene.database, scene.dataDir);
      const sync = scene.sync('--quiet');
      if (round % 3 === 2) {
        await pause(150 + random() * 200);
        await scene.killServer();
      }
      if (await killAfter(sync, 180 + random() * 350)) kills++;
      expect(scene.torn(), `in delta ${round}`).toBeUndefined();
    }
    expect(kills).toBeGreaterThanOrEqual(8);
    await scene.expectEqual();
    expect(scene.proxy.sentBytes, 'deltas need no packs').toBe(afterFirst);
  });

  it('of the server in the middle of reading the database: the next start goes on', async () => {
    const { database, dataDir, serve } = manyRows();
    const store = `${dataDir}/sync.db`;
    let server = await serve();
    let before = 0;
    for (let kills = 0; kills < 3; kills++) {
      await until('the server reads on', () => ingested(store) > before);
      await server.running.kill();
      expect(readOne(store, 'SELECT count(*) AS n FROM sync_ingest WHERE NOT done'), 'still in the middle').toBe(1);
      before = ingested(store);
      lab.open(database).exec(`UPDATE many SET v = v + 1 WHERE id % 50000 = ${kills}; DELETE FROM many WHERE id = ${300_000 + kills}`);
      server = await serve();
    }
    // A device that comes too early is asked to wait, and then served.
    const early = lab.sync(server.url, lab.path('device'), await lab.token(dataDir, 'user'));
    expect(await early.ended).toMatchObject({ code: 0 });
    await caughtUp(database, dataDir);
    await lab.synced(server.url, lab.path('device'), await lab.token(dataDir, 'user'));
    expect(differences(database, lab.path('device'), wholeTables(['many']))).toEqual([]);
  });

  it('of the server while it builds packs: the device waits and goes on with the next server', async () => {
    const scene = await Scene.open(seeded(3));
    const packs = (): string[] => readdirSync(`${scene.dataDir}/packs`);
    const sync = scene.sync();
    await sync.until('the first packs are there', () => packs().length > 0);
    await scene.killServer();
    expect(await sync.ended).toMatchObject({ code: 0 });
    expect(packs().filter((name) => name.endsWith('.part'))).toEqual([]);
    expect(scene.fetchedAgain).toBe(0);
    await scene.expectEqual();
  });
});

describe('a signal', () => {
  it.each([['SIGTERM', 143], ['SIGINT', 130]] as const)('%s ends the sync at rest with code %i, and nothing is lost', async (signal, code) => {
    const scene = await Scene.open(seeded(4));
    const sync = scene.sync();
    await scene.untilSent(sync, 0.4);
    sync.signal(signal);
    const ended = await sync.ended;
    expect(ended).toMatchObject({ code, signal: null });
    expect(ended.stdout).toContain(`interrupted (${signal}); nothing is lost`);
    expect(scene.torn()).toBeUndefined();
    await scene.expectEqual();
    // What was on its way in three connections, and no more.
    expect(scene.fetchedAgain).toBeLessThan(1_500_000);
  });

  it('SIGTSTP stops the process at rest, SIGCONT lets it go on', async () => {
    const scene = await Scene.open(seeded(5));
    const sync = scene.sync();
    const state = (): string => execFileSync('ps', ['-o', 'stat=', '-p', String(sync.process.pid)], { encoding: 'utf8' }).charAt(0);
    for (const share of [0.2, 0.5]) {
      await scene.untilSent(sync, share);
      sync.signal('SIGTSTP');
      await sync.until('it is stopped', () => state() === 'T');
      // What the connections' buffers still take in after the process stopped.
      await pause(300);
      const atRest = scene.proxy.sentBytes;
      expect(readOne(deviceFile(scene.device), 'SELECT count(*) AS n FROM _carryon_pack')).toBeGreaterThan(0);
      await pause(200);
      expect(scene.proxy.sentBytes).toBe(atRest);
      expect(scene.torn()).toBeUndefined();
      sync.signal('SIGCONT');
    }
    expect(await sync.ended).toMatchObject({ code: 0 });
    await scene.expectEqual();
    expect(scene.fetchedAgain).toBeLessThan(3_000_000);
  });

  it('SIGTERM ends a server that still reads its database, and the next start goes on', async () => {
    const { dataDir, serve } = manyRows();
    const server = await serve();
    await until('the server reads', () => ingested(`${dataDir}/sync.db`) > 0);
    server.running.signal('SIGTERM');
    expect(await server.running.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    const before = ingested(`${dataDir}/sync.db`);
    expect(before).toBeLessThan(MANY_ROWS);
    const next = await serve();
    await until('the next has read the rest', async () => (await health(next.url)) === 'ok');
    expect(ingested(`${dataDir}/sync.db`)).toBe(MANY_ROWS);
  });

  it('SIGTERM ends a server at once, also one with a device that waits and one that downloads', async () => {
    const scene = await Scene.open(seeded(6));
    const watching = lab.sync(scene.server.url, lab.path('watching'), scene.token, '--watch');
    await watching.until('it waits for changes', () => watching.stdout.includes('waiting for changes'));
    await until('the server knows', async () => (await (await fetch(`${scene.server.url}/metrics`)).text()).includes('carryon_devices_waiting 1'));
    const slow = await CountingProxy.start(300);
    lab.atEnd(() => slow.close());
    slow.target = scene.server.url;
    lab.sync(slow.url, lab.path('slow'), scene.token);
    await until('it downloads', () => slow.sentBytes > 100_000);
    const startMs = Date.now();
    scene.server.running.signal('SIGTERM');
    const ended = await scene.server.running.ended;
    expect(ended, ended.stderr).toMatchObject({ code: 0, signal: null });
    expect(Date.now() - startMs).toBeLessThan(2000);
    watching.signal('SIGTERM');
    expect(await watching.ended).toMatchObject({ code: 143 });
  });
});
