import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { readStoredStatus } from '@carryon/client';
import { failAt, tripPackStore, tripSqlite } from '@carryon/client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rig } from '../testing/rig.ts';
import { openDevice } from './device.ts';
import { deviceFile, packsFolder } from './folder.ts';
import { NodeSqlite } from './sqlite.ts';

describe('a device in trouble', () => {
  let rig: Rig;
  beforeEach(() => { rig = new Rig({ packRows: 60, pageRows: 500 }).fill(100); });
  afterEach(() => rig.end());

  const isRight = (): void => {
    expect(rig.visible()).toEqual(rig.expected());
    expect(readdirSync(packsFolder(rig.folder))).toEqual([]);
  };
  const packBytes = (): number => [...rig.server.packs.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  const sentBytes = (): number => [...rig.server.sentBytes.values()].reduce((sum, bytes) => sum + bytes, 0);

  it('D6 when the device has less room than the plan needs, it says so and nothing is fetched', async () => {
    const error = await rig.sync({ packs: (inner) => ({ ...tripPackStore(inner, () => undefined), freeBytes: async () => 5_000_000 }) });
    expect(error).toMatchObject({ code: 'device.quota', message: expect.stringMatching(/needs 17 MB .* has 5 MB\. Free 12 MB more/) });
    expect(rig.server.fetched).toEqual([]);
    expect(rig.query('SELECT count(*) AS n FROM _carryon_pack')).toEqual([{ n: 0 }]);
    expect(await rig.sync()).toBeUndefined();
    isRight();
  });

  it('D6 in mode watch the device goes on by itself when there is room', async () => {
    let free = 0;
    const engine = await rig.open({ config: { mode: 'watch' }, packs: (inner) => ({ ...tripPackStore(inner, () => undefined), freeBytes: async () => free }) });
    const run = engine.run();
    await rig.until(engine, () => engine.status().waiting?.code === 'device.quota', 'still');
    free = 1e9;
    await rig.until(engine, () => engine.status().state === 'up-to-date');
    await engine.close();
    await run;
    isRight();
  });

  it.each([
    ['a pack is written', (n: number, name: string) => name === 'append' && n > 12],
    ['a pack is unpacked', (_: number, name: string) => name === 'after unpack'],
    ['the packs are listed', (_: number, name: string) => name === 'list'],
  ])('D23 a full disk while %s ends a run of mode once; with space the next goes on where it stopped', async (_, isBad) => {
    expect(await rig.sync({ config: { fetches: 1 }, packs: (inner) => tripPackStore(inner, failAt('device.disk-full', isBad)) })).toMatchObject({ code: 'device.disk-full' });
    expect(() => rig.writeFromOutside()).not.toThrow();
    expect(await rig.sync()).toBeUndefined();
    isRight();
    // At most the chunk that could not be written came twice.
    expect(sentBytes() - packBytes()).toBeLessThanOrEqual(4096);
  });

  it.each(['run', 'runMany', 'exec', 'attachPack', 'transaction', 'after work'])('D23 a full disk at any %s of the database: in mode watch the device waits, then goes on without fetching twice', async (bad) => {
    let isFull = true;
    let calls = 0;
    let trips = 0;
    const engine = await rig.open({
      config: { mode: 'watch' },
      sqlite: (inner) => tripSqlite(inner, (name) => {
        // The engine's own opening of the database comes first.
        if (name === bad && ++calls > 6 && isFull) {
          trips++;
          failAt('device.disk-full', () => true)(name);
        }
      }),
    });
    for (let i = 1; i <= 20; i++) rig.server.put(1, i, BigInt(i * 10), 'changed');
    const run = engine.run();
    await rig.until(engine, () => engine.status().waiting?.code === 'device.disk-full' || engine.status().state === 'up-to-date', 'still');
    if (engine.status().state !== 'up-to-date') {
      await rig.settle();
      expect(trips).toBeLessThan(5);
    }
    isFull = false;
    await rig.until(engine, () => engine.status().state === 'up-to-date');
    await engine.close();
    await run;
    isRight();
    expect(sentBytes()).toBe(packBytes());
  });

  it('D23 while another program holds the database locked, the device waits, then goes on', async () => {
    await rig.sync();
    rig.server.put(1, 1, 10n, 'changed');
    const other = new DatabaseSync(deviceFile(rig.folder));
    const engine = await rig.open({ config: { mode: 'watch' } });
    other.exec('BEGIN IMMEDIATE');
    const run = engine.run();
    await rig.until(engine, () => engine.status().waiting?.code === 'device.database-locked', 'still');
    await rig.settle();
    other.exec('ROLLBACK');
    other.close();
    await rig.until(engine, () => engine.status().state === 'up-to-date');
    await engine.close();
    await run;
    isRight();
  });

  it('D23 a database that cannot be opened ends the run with its code', async () => {
    expect(await rig.sync({ sqlite: (inner) => tripSqlite(inner, failAt('device.database-corrupt', (n) => n === 3)) })).toMatchObject({ code: 'device.database-corrupt' });
    await rig.sync();
    const db = new DatabaseSync(deviceFile(rig.folder));
    db.exec('UPDATE _carryon_meta SET value = 99 WHERE key = \'version\'');
    db.close();
    expect(await rig.sync()).toMatchObject({ code: 'device.newer-store' });
  });

  it('D7 packs on the disk from an earlier process are checked before they are used', async () => {
    const engine = await rig.open({ config: { fetches: 3 }, sqlite: (inner) => tripSqlite(inner, failAt('device.disk-full', (_, name) => name === 'attachPack')) });
    expect(await rig.finish(engine, engine.run())).toMatchObject({ code: 'device.disk-full' });
    await engine.close();
    const files = readdirSync(packsFolder(rig.folder)).filter((file) => !file.includes('.'));
    expect(files.length).toBeGreaterThan(0);
    const fetched = rig.server.fetched.length;
    writeFileSync(`${packsFolder(rig.folder)}/${files[0]}`, 'spoilt meanwhile');
    expect(await rig.sync()).toBeUndefined();
    isRight();
    expect(rig.server.fetched.slice(fetched).filter(({ name, from }) => name === files[0] && from === 0)).toHaveLength(1);
    for (const file of files.slice(1)) expect(rig.server.fetched.slice(fetched).some(({ name }) => name === file)).toBe(false);
  });

  it('D19 the journal tells starts, stops, waits and failures, and stays bounded', async () => {
    const engine = await rig.open({ config: { mode: 'watch' } });
    const run = engine.run();
    await rig.until(engine, () => engine.status().state === 'up-to-date');
    for (let i = 0; i < 600; i++) {
      rig.host.revoke();
      await rig.until(engine, () => rig.host.rests === i + 1);
      rig.host.grant();
    }
    await rig.until(engine, () => engine.status().state === 'up-to-date');
    await engine.close();
    await run;
    expect(rig.query('SELECT count(*) AS n FROM _carryon_journal')[0]?.['n']).toBeLessThanOrEqual(1000);
    const db = new NodeSqlite(deviceFile(rig.folder), { readOnly: true });
    const { journal } = await readStoredStatus(db);
    await db.close();
    const shown = journal.filter(({ kind }) => kind === 'start' || kind === 'stop').slice(0, 3);
    expect(shown).toMatchObject([{ kind: 'stop', detail: 'the app closed it' }, { kind: 'start', rule: 'C5' }, { kind: 'stop', rule: 'C5', detail: expect.stringContaining('(C5)') }]);
  });
});

describe('one process for a folder', () => {
  const CHILD = 'import { openDevice } from "@carryon/hosts/node";'
    + 'try { const { engine } = await openDevice({ folder: process.argv[1], serverUrl: "http://localhost:1", credentials: async () => "" });'
    + 'console.log("open"); setInterval(() => engine.status(), 1000); } catch (error) { console.log(error.code); }';

  async function child(folder: string): Promise<{ readonly says: string; readonly kill: () => Promise<unknown> }> {
    const process_ = spawn(process.execPath, ['--conditions=@carryon/source', '--input-type=module', '-e', CHILD, folder], { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(process_, 'close');
    const [said] = await once(process_.stdout, 'data') as [Buffer];
    return { says: said.toString().trim(), kill: () => (process_.kill('SIGKILL'), ended) };
  }

  it('D2 a second process is refused, and takes over when the first is gone, however it went', async () => {
    const rig = new Rig();
    const options = { folder: rig.folder, serverUrl: 'http://localhost:1', credentials: async () => '' };
    const first = await child(rig.folder);
    expect(first.says).toBe('open');
    const second = await child(rig.folder);
    expect(second.says).toBe('device.in-use');
    await second.kill();
    await expect(openDevice(options)).rejects.toThrow(expect.objectContaining({ code: 'device.in-use' }));
    await first.kill();
    const own = await openDevice(options);
    await expect(openDevice(options)).rejects.toThrow(expect.objectContaining({ code: 'device.in-use' }));
    await own.close();
    await own.close();
    const again = await openDevice(options);
    await again.close();
    await rig.end();
  });
});
