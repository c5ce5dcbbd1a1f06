import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '@carryon/client';
import { AT_WORK, ManualHost, tripSqlite } from '@carryon/client/testing';
import { CarryonError } from '@carryon/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rig } from '../testing/rig.ts';
import { deviceFile } from './folder.ts';

describe('kinds of sync', () => {
  let rig: Rig;
  beforeEach(() => { rig = new Rig({ packRows: 200, pageRows: 2000 }).fill(600); });
  afterEach(() => rig.end());

  /** Changes the device's database as no engine would. */
  const damage = (sql: string): void => damageIn(rig, sql);

  /** Runs a sync of mode `once` with something more asked for at its start. */
  const syncWith = async (ask: (engine: Engine) => void): Promise<Engine> => {
    const engine = await rig.open();
    ask(engine);
    expect(await rig.finish(engine, engine.run())).toBeUndefined();
    return engine;
  };

  it('D30 a full delta mends rows that are missing, too old or too many, and downloads no pack', async () => {
    await rig.sync();
    damage('DELETE FROM customers WHERE _rid = 7; UPDATE customers SET _ver = 1, name = \'old\' WHERE _rid = 300; INSERT INTO customers VALUES(5000, 1, 77777, \'nobody\')');
    const fetched = rig.server.fetched.length;
    expect(await rig.sync()).toBeUndefined();
    expect(rig.visible()).not.toEqual(rig.expected());
    await syncWith((engine) => engine.syncNow({ kind: 'full-delta' }));
    expect(rig.visible()).toEqual(rig.expected());
    expect(rig.server.fetched.length).toBe(fetched);
    expect(rig.query("SELECT kind FROM _carryon_journal WHERE kind = 'repair'")).toHaveLength(1);
  });

  it('D30 a table of which too much differs is downloaded anew, alone', async () => {
    await rig.sync();
    rig.server.checkRows = 50;
    damage('DELETE FROM customers');
    const fetched = rig.server.fetched.length;
    await syncWith((engine) => engine.syncNow({ kind: 'full-delta' }));
    expect(rig.visible()).toEqual(rig.expected());
    const again = rig.server.fetched.slice(fetched).map(({ name }) => rig.server.packs.get(name)?.spec.parts.map(({ table }) => table));
    expect(new Set(again.flat())).toEqual(new Set([1]));
  });

  it('D30 a sync of a table asks for that table alone; one that the device does not have is refused', async () => {
    const engine = await rig.open({ config: { mode: 'watch' } });
    const run = engine.run();
    await rig.until(engine, () => engine.status().state === 'up-to-date');
    const asked = rig.server.asked.length;
    engine.syncNow({ tables: ['NOTES'] });
    await rig.until(engine, () => rig.server.asked.slice(asked).some((request) => request.tables?.length === 1 && request.tables[0] === 3));
    expect(() => engine.syncNow({ tables: ['no such'] })).toThrow(expect.objectContaining({ code: 'usage' }));
    await engine.close();
    await run;
  });

  it('D31 a reset downloads everything anew; what was usable stays readable, and other tables in the database stay', async () => {
    await rig.sync();
    damage('CREATE TABLE my_notes(_rid INTEGER PRIMARY KEY, x); INSERT INTO my_notes VALUES(1, 1)');
    const before = rig.visible();
    const engine = await rig.open();
    engine.reset();
    let readable = true;
    engine.subscribe(() => {
      readable &&= engine.status().tables.every((table) => table.usable) || engine.status().state === 'starting';
      if (engine.status().download) expect(rig.visible()['customers']).toHaveLength(before['customers']?.length ?? -1);
    });
    const fetched = rig.server.fetched.length;
    expect(await rig.finish(engine, engine.run())).toBeUndefined();
    expect(readable).toBe(true);
    expect(rig.server.fetched.length).toBeGreaterThan(fetched);
    expect(rig.query('SELECT x FROM my_notes')).toEqual([{ x: 1 }]);
    const { my_notes: _, ...tables } = rig.visible();
    expect(tables).toEqual(rig.expected());
  });

  it('D31 a reset is the way on when the server was made anew', async () => {
    await rig.sync();
    rig.server.epoch = 'epoch-2';
    rig.server.put(1, 9000, 90_000n, 'of the new epoch');
    expect(await rig.sync()).toMatchObject({ code: 'epoch.changed' });
    await syncWith((engine) => engine.reset());
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D31 a reset that is cut goes on at the next start', async () => {
    await rig.sync();
    const engine = await rig.open();
    engine.reset();
    const run = engine.run();
    await rig.until(engine, () => (engine.status().download?.packs.applied ?? 0) > 1);
    await engine.close();
    await run;
    expect(await rig.sync()).toBeUndefined();
    expect(rig.visible()).toEqual(rig.expected());
  });
});

describe('opening the device', () => {
  let rig: Rig;
  beforeEach(() => { rig = new Rig().fill(50); });
  afterEach(() => rig.end());

  it('D23 in mode watch a full disk is waited for, and the status says so', async () => {
    let isFull = true;
    const engine = await rig.open({ config: { mode: 'watch' }, sqlite: (inner) => tripSqlite(inner, () => { if (isFull) throw new CarryonError('device.disk-full', 'full'); }) });
    const run = engine.run();
    await rig.until(engine, () => engine.status().waiting?.code === 'device.disk-full', 'still');
    expect(engine.status()).toMatchObject({ state: 'waiting', waiting: { untilMs: expect.any(Number) } });
    isFull = false;
    await rig.until(engine, () => engine.status().state === 'up-to-date');
    await engine.close();
    await run;
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D23 closed while it waits, the run ends without an error and starts nothing', async () => {
    const engine = await rig.open({ config: { mode: 'watch' }, sqlite: (inner) => tripSqlite(inner, (name) => { if (name !== 'close') throw new CarryonError('device.disk-full', 'full'); }) });
    const run = engine.run();
    await rig.until(engine, () => engine.status().waiting !== undefined, 'still');
    await engine.close();
    await run;
    expect([rig.host.isStarted, rig.server.asked, rig.clock.nextMs]).toEqual([false, [], undefined]);
  });

  it('D23 closed in the midst of opening, the run ends without an error', async () => {
    const engine = await rig.open({ config: { mode: 'watch' } });
    const run = engine.run();
    await engine.close();
    await run;
    expect(rig.host.isStarted).toBe(false);
  });
});

describe('what the app and its host do wrong', () => {
  let rig: Rig;
  beforeEach(() => { rig = new Rig().fill(50); });
  afterEach(() => rig.end());
  const NEVER = new Promise<never>(() => undefined);

  it('D10 a sign-in that never ends is given up after 15 seconds, and holds up neither the rest nor the end', async () => {
    let hangs = true;
    const engine = await rig.open({ config: { mode: 'watch' }, credentials: () => (hangs ? NEVER : Promise.resolve('token')) });
    const run = engine.run();
    await rig.until(engine, () => rig.clock.nextMs === 15_000, 'still');
    rig.clock.advance(15_000);
    await rig.until(engine, () => engine.status().waiting?.code === 'server.unreachable', 'still');
    rig.clock.advance(60_000);
    await rig.settle();
    rig.host.revoke();
    await rig.until(engine, () => rig.host.rests === 1, 'still');
    hangs = false;
    rig.host.grant();
    await rig.until(engine, () => engine.status().state === 'up-to-date');
    hangs = true;
    engine.syncNow();
    await engine.close();
    await run;
  });

  it('D18 a sign-in that fails is tried again', async () => {
    let fails = 3;
    const engine = await rig.open({ config: { mode: 'watch' }, credentials: async () => { if (fails-- > 0) throw new TypeError('fetch failed'); return 'token'; } });
    const run = engine.run();
    await rig.until(engine, () => engine.status().waiting?.code === 'auth.unavailable', 'still');
    await rig.until(engine, () => engine.status().state === 'up-to-date');
    await engine.close();
    await run;
  });

  it('D21 a host that throws does not stop the engine', async () => {
    rig.host.wish = () => { throw new Error('no wish'); };
    const engine = await rig.open({ config: { mode: 'watch' } });
    const run = engine.run();
    rig.host.tell({ platform: 'ios', app: 'background' });
    await rig.settle();
    rig.host.grant();
    await rig.until(engine, () => engine.status().state === 'up-to-date');
    await engine.close();
    await run;
  });

  it('D28 a transfer service that never answers is done without', async () => {
    const hung = { enqueue: () => NEVER, list: () => NEVER, cancel: () => NEVER, onChange: () => () => undefined };
    const own = new Rig({ packRows: 20 }).fill(60);
    const host = new ManualHost({ ...AT_WORK, platform: 'windows11' }, hung);
    const engine = await own.open({ host, config: { mode: 'watch' } });
    const run = engine.run();
    // Time passes slowly, so that files keep up with it.
    for (; engine.status().state !== 'up-to-date'; own.clock.advance(250)) await sleep(10);
    expect(own.visible()).toEqual(own.expected());
    await engine.close();
    await run;
    await own.end();
  });

  it('D5 a table of the app\'s own is not replaced by one of the plan', async () => {
    await (await rig.open()).close();
    damageIn(rig, 'CREATE TABLE Notes(mine); INSERT INTO Notes VALUES(1)');
    expect(await rig.sync()).toMatchObject({ code: 'device.name-taken' });
    expect(rig.query('SELECT mine FROM notes')).toEqual([{ mine: 1 }]);
  });

  it('D33 at rest already, the host is told so when the machine sleeps or the app is to end', async () => {
    rig.host.tell({ settings: { wifiOnly: false, mode: 'manual' } });
    const engine = await rig.open({ config: { mode: 'watch' } });
    const run = engine.run();
    await rig.until(engine, () => engine.status().state === 'up-to-date');
    await rig.settle();
    expect(engine.status().lease).toBeUndefined();
    const rests = rig.host.rests;
    rig.host.tell({ app: 'frozen' });
    await rig.until(engine, () => rig.host.rests === rests + 1, 'still');
    await engine.close();
    await run;
  });
});

function damageIn(rig: Rig, sql: string): void {
  const db = new DatabaseSync(deviceFile(rig.folder));
  // Past the triggers, as no app can write.
  const isDevice = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = '_carryon_quiet'").get() !== undefined;
  db.exec(isDevice ? `INSERT INTO _carryon_quiet VALUES(1); ${sql}; DELETE FROM _carryon_quiet` : sql);
  db.close();
}
