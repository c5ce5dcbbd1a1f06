import { respond, type Answering, type PackOptions } from '@carryon/client/testing';
import { PROTOCOL_VERSION, type Frame } from '@carryon/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rig } from '../testing/rig.ts';

const ALWAYS = 1_000_000;

/** The server's answer with some lines changed. */
const edited = (edit: (line: string) => string): Answering => async (request, otherwise) => {
  const answer = await otherwise();
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  const lines = Buffer.concat(chunks).toString().trimEnd().split('\n').map(edit);
  return respond(request, 200, { 'content-type': 'application/x-ndjson' }, `${lines.join('\n')}\n`);
};
const editedFrame = (member: string, edit: (frame: Record<string, object>) => unknown): Answering =>
  edited((line) => (line.startsWith(`{"${member}"`) ? JSON.stringify(edit(JSON.parse(line) as Record<string, object>)) : line));

describe('a device and what a server must not send', () => {
  let rig: Rig;
  beforeEach(() => { rig = new Rig({ packRows: 60, pageRows: 500 }).fill(100); });
  afterEach(() => rig.end());

  const flip = (from: number) => (raw: Uint8Array): Uint8Array => raw.map((byte, i) => (i >= from && i < from + 64 ? 0xa5 : byte));
  const packs: readonly [string, PackOptions, string][] = [
    ['a trigger', { tamper: (db) => db.exec('CREATE TRIGGER x AFTER INSERT ON t1 BEGIN DELETE FROM t1; END') }, 'pack.bad-content'],
    ['a view', { tamper: (db) => db.exec('CREATE VIEW v AS SELECT 1') }, 'pack.bad-content'],
    ['a view in the table\'s place', { tamper: (db) => db.exec('ALTER TABLE t1 RENAME TO t9; CREATE VIEW t1 AS SELECT * FROM t9') }, 'pack.bad-content'],
    ['one table more', { tamper: (db) => db.exec('CREATE TABLE t9(x)') }, 'pack.bad-content'],
    ['an index', { tamper: (db) => db.exec('CREATE INDEX i ON t1(_ver)') }, 'pack.bad-content'],
    ['a column more', { tamper: (db) => db.exec('ALTER TABLE t1 ADD COLUMN more') }, 'pack.bad-content'],
    ['other columns', { tamper: (db) => db.exec('DROP TABLE t1; CREATE TABLE t1(_rid INTEGER PRIMARY KEY, _ver INTEGER, "name" TEXT, "id" INTEGER)') }, 'pack.bad-content'],
    ['a computed column', { tamper: (db) => db.exec('DROP TABLE t1; CREATE TABLE t1(_rid INTEGER PRIMARY KEY, _ver INTEGER, "id" INTEGER, "name" TEXT AS (upper(\'x\')))') }, 'pack.bad-content'],
    ['a virtual table', { tamper: (db) => db.exec('DROP TABLE t1; CREATE VIRTUAL TABLE t1 USING fts5(a)') }, 'pack.bad-content'],
    ['no table', { tamper: (db) => db.exec('DROP TABLE t1') }, 'pack.bad-content'],
    ['no SQLite at all', { replace: () => Buffer.from('<html>'.repeat(2000)) }, 'pack.bad-content'],
    ['an empty file', { replace: () => new Uint8Array() }, 'pack.bad-content'],
    ['damaged pages', { replace: flip(4096) }, 'pack.bad-content'],
    ['a damaged schema', { replace: flip(100) }, 'pack.bad-content'],
    ['a bomb', { announce: { rawBytes: 4096 } }, 'pack.wrong-bytes'],
    ['less than announced', { announce: { rawBytes: 4096 * 4096 } }, 'pack.wrong-bytes'],
    ['another codec than announced', { announce: { codec: 'gzip' } }, 'pack.wrong-bytes'],
  ];

  it.each(packs)('D7 a pack with %s is not applied, and the run ends', async (_, options, code) => {
    let [tampered, replaced] = [0, 0];
    rig.server.makePacks({
      ...options,
      ...(options.tamper ? { tamper: (db) => { if (tampered++ === 0) options.tamper?.(db); } } : {}),
      ...(options.replace ? { replace: (raw) => (replaced++ === 0 ? options.replace?.(raw) ?? raw : raw) } : {}),
    });
    expect(await rig.sync({ config: { fetches: 1, storedAhead: 1 } })).toMatchObject({ code });
    expect(rig.query('SELECT sum(applied) AS n, (SELECT count(*) FROM _carryon_load_1) AS rows FROM _carryon_pack')).toEqual([{ n: 0, rows: 0 }]);
    expect(rig.visible()).toEqual({});
    // Mended, the server's data come in: nothing of the bad packs is in the way.
    rig.server.makePacks({});
    rig.server.packs.clear();
    expect(await rig.sync()).toBeUndefined();
    expect(rig.visible()).toEqual(rig.expected());
  });

  const plans: readonly [string, (plan: Extract<Frame, { plan: unknown }>['plan']) => unknown][] = [
    ['a table called like one of the device\'s own', (plan) => ({ ...plan, tables: plan.tables.map((table) => ({ ...table, name: table.id === 1 ? '_carryon_meta' : table.name })) })],
    ['a table called like one of SQLite\'s', (plan) => ({ ...plan, tables: plan.tables.map((table) => ({ ...table, name: table.id === 1 ? 'SQLITE_schema' : table.name })) })],
    ['two tables of one name', (plan) => ({ ...plan, tables: plan.tables.map((table) => ({ ...table, name: table.id === 1 ? 'NOTES' : table.name })) })],
    ['two tables of one id', (plan) => ({ ...plan, tables: plan.tables.map((table) => ({ ...table, id: 1 })) })],
    ['a column called like one of the device\'s own', (plan) => ({ ...plan, tables: plan.tables.map((table) => ({ ...table, columns: [...table.columns, { name: '_VER', type: '', collation: 'BINARY' }] })) })],
    ['two columns of one name', (plan) => ({ ...plan, tables: plan.tables.map((table) => ({ ...table, columns: [...table.columns, { name: 'ID', type: '', collation: 'BINARY' }, { name: 'id', type: '', collation: 'BINARY' }] })) })],
    ['a type that smuggles', (plan) => ({ ...plan, tables: plan.tables.map((table) => ({ ...table, columns: table.columns.map((column) => ({ ...column, type: 'TEXT DEFAULT 1' })) })) })],
    ['a table without a key', (plan) => ({ ...plan, tables: plan.tables.map((table) => ({ ...table, key: [] })) })],
    ['a key of a column that is not there', (plan) => ({ ...plan, tables: plan.tables.map((table) => ({ ...table, key: [9] })) })],
    ['a pack for a table that it does not name', (plan) => ({ ...plan, packs: plan.packs.map((pack) => ({ ...pack, parts: [{ table: 9, rows: 1, sum: 1 }] })) })],
    ['a pack twice', (plan) => ({ ...plan, packs: [...plan.packs, ...plan.packs] })],
    ['a pack whose name is a path', (plan) => ({ ...plan, packs: plan.packs.map((pack) => ({ ...pack, name: '../../carryon.db' })) })],
    ['no tables', (plan) => ({ ...plan, tables: [], packs: [] })],
  ];

  it.each(plans)('D5 a plan with %s is not followed', async (_, edit) => {
    rig.server.net.fault('/v1/sync', editedFrame('plan', (frame) => ({ plan: edit(frame['plan'] as Parameters<typeof edit>[0]) })), ALWAYS);
    expect(await rig.sync()).toMatchObject({ code: 'protocol.bad-answer' });
    expect(rig.server.fetched).toEqual([]);
    expect(rig.visible()).toEqual({});
    rig.server.net.mend();
    expect(await rig.sync()).toBeUndefined();
  });

  const answers: readonly [string, (line: string) => string][] = [
    ['a value that is none', (line) => line.replace(/^\["P",(\d+),(\d+),.*/, '["P",$1,$2,{"i":"99999999999999999999"},"x"]')],
    ['an integer beyond 64 bits', (line) => line.replace(/^\["P",(\d+),(\d+),.*/, '["P",$1,$2,{"i":"9223372036854775808"},"x"]')],
    ['a number beyond all integers', (line) => line.replace(/^\["P",(\d+),(\d+),.*/, '["P",$1,$2,1e300,"x"]')],
    ['too few values in a row', (line) => line.replace(/^\["P",(\d+),(\d+),.*/, '["P",$1,$2,1]')],
    ['too many values in a row', (line) => line.replace(/^\["P",(\d+),(\d+),.*/, '["P",$1,$2,1,"x",2]')],
    ['rows of a table that the device does not have', (line) => line.replace('{"table":1}', '{"table":9}')],
    ['rows before any table', (line) => line.replace('{"table":1}', '{"weather":1}')],
    ['a live-set of a table that the device does not have', (line) => line.replace('{"table":1}', '{"live":{"table":9,"runs":[]}}\n{"table":1}')],
    ['a commit of a table that the device does not have', (line) => line.replace('"tables":[', '"tables":[{"table":9},')],
    ['rows without a header', (line) => line.replace(/^\{"header".*/, '')],
    ['a line without sense', (line) => line.replace('{"table":1}', '{"table":')],
    ['only a header', (line) => (line.startsWith('{"header"') ? line : '')],
  ];

  it.each(answers)('D16 an answer with %s changes nothing and is asked for again, some times', async (_, edit) => {
    await rig.sync();
    const before = rig.visible();
    rig.server.put(1, 1, 10n, 'changed');
    rig.server.net.fault('/v1/sync', edited(edit), ALWAYS);
    const asked = rig.server.asked.length;
    const error = await rig.sync();
    expect(['protocol.bad-answer', 'server.unreachable']).toContain(error?.code);
    expect(rig.server.asked.length - asked).toBe(6);
    expect(rig.visible()).toEqual(before);
    rig.server.net.mend();
    expect(await rig.sync()).toBeUndefined();
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D16 a commit of a table that has not been downloaded is not believed', async () => {
    rig.server.net.fault('/v1/packs/', (request, otherwise) => {
      const [table] = [...rig.server.packs.values()].find(({ spec }) => request.url.includes(spec.name))?.spec.parts ?? [];
      return table?.table === 2 ? new Promise((_, reject) => { request.signal.addEventListener('abort', () => reject(request.signal.reason as Error)); }) : otherwise();
    }, ALWAYS);
    rig.server.net.fault('/v1/sync', async (_request, otherwise) => otherwise());
    rig.server.net.fault('/v1/sync', editedFrame('commit', () => ({ commit: { checkpoint: 9, token: '{}', tables: [{ table: 2 }] } })), ALWAYS);
    expect(await rig.sync()).toMatchObject({ code: 'protocol.bad-answer' });
    expect(rig.visible()).toEqual({});
  });

  it('D16 a server that plans the tables that the device has again and again is not followed for ever', async () => {
    await rig.sync();
    rig.server.net.fault('/v1/sync', async (request, otherwise) => {
      Object.assign(request, { body: (request.body ?? '').replace(/"token":".*?\}"/, '"token":null') });
      return otherwise();
    }, ALWAYS);
    expect(await rig.sync()).toMatchObject({ code: 'protocol.bad-answer' });
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D16 an answer that is to another question is refused', async () => {
    rig.server.net.fault('/v1/sync', edited((line) => (line.startsWith('{"plan"') ? '{"urls":[]}' : line)), ALWAYS);
    expect(await rig.sync()).toMatchObject({ code: 'protocol.bad-answer' });
    expect(rig.server.asked).toHaveLength(6);
  });

  it('D16 P4 another version of the protocol, another epoch or another person end the run; the tables stay readable', async () => {
    await rig.sync();
    const before = rig.visible();
    rig.server.put(1, 1, 10n, 'changed');
    rig.server.net.fault('/v1/sync', editedFrame('header', ({ header }) => ({ header: { ...header, v: PROTOCOL_VERSION + 1 } })));
    expect(await rig.sync()).toMatchObject({ code: 'protocol.version' });
    rig.server.user = 'jo';
    expect(await rig.sync()).toMatchObject({ code: 'device.other-server' });
    rig.server.user = 'mia';
    rig.server.epoch = 'epoch-2';
    expect(await rig.sync()).toMatchObject({ code: 'epoch.changed' });
    expect(rig.visible()).toEqual(before);
    rig.server.epoch = 'epoch-1';
    expect(await rig.sync()).toBeUndefined();
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D16 P8 an answer that ends with an error counts up to its last commit, and its Retry-After is honoured', async () => {
    rig.server.net.fault('/v1/sync', async (_request, otherwise) => otherwise());
    rig.server.net.fault('/v1/sync', edited((line) => (line.startsWith('{"commit"') ? `${line}\n{"error":{"code":"server.busy","message":"later","retryAfterMs":90000}}` : line)));
    const engine = await rig.open();
    const run = engine.run();
    const startMs = rig.clock.nowMs();
    await rig.until(engine, () => engine.status().tables.some((table) => table.usable), 'still');
    expect(engine.status().waiting).toMatchObject({ code: 'server.busy', untilMs: startMs + 90_000 });
    expect(await rig.finish(engine, run)).toBeUndefined();
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D16 P8 an answer that breaks off counts up to its last commit', async () => {
    await rig.sync();
    rig.server.put(1, 1, 10n, 'changed');
    rig.server.put(3, 5, 'n5', 'changed');
    rig.server.net.fault('/v1/sync', edited((line) => (line.startsWith('{"table":3}') ? 'what?' : line)), ALWAYS);
    expect(await rig.sync()).toMatchObject({ code: 'protocol.bad-answer' });
    expect(rig.visible()['customers']).toEqual(rig.expected()['customers']);
    expect(rig.visible()['notes']).not.toEqual(rig.expected()['notes']);
  });

  it('D22 P4 says when the clocks differ by more than five minutes, and takes it back', async () => {
    rig.server.clockSkewMs = 6 * 60_000;
    const engine = await rig.open({ config: { mode: 'watch' } });
    const run = engine.run();
    await rig.until(engine, () => engine.status().state === 'up-to-date');
    expect(engine.status().warnings).toEqual([{ code: 'device.clock-wrong', message: 'This device\'s clock is 6 minutes behind the server\'s.' }]);
    rig.server.clockSkewMs = -4 * 60_000;
    rig.server.put(1, 1, 10n, 'changed');
    await rig.until(engine, () => engine.status().warnings.length === 0);
    await engine.close();
    await run;
  });
});
