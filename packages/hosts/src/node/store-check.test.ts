import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { readStoredStatus, type JournalEntry } from '@carryon/client';
import { ask, digestRows, FakeNet, measure, openSchema, readJournal, resetStore, respond, Store, STORE_VERSION, VirtualClock, writeJournal, type FakeRow } from '@carryon/client/testing';
import { addDigest, CarryonError, digestOf, EMPTY_DIGEST, encodeValue, RawText, type CheckRequest, type FeedValue, type Frame, type TableSpec } from '@carryon/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/folder.ts';
import { NodeSqlite } from './sqlite.ts';

const column = (name: string, type: string): TableSpec['columns'][number] => ({ name, type, collation: 'BINARY' });
const STOCK: TableSpec = { id: 1, name: 'Stock "A"', columns: [column('code', 'TEXT'), column('i', ''), column('rid', 'REAL')], key: [0], level: 0, everyMinutes: 60 };
const NOTES: TableSpec = { id: 2, name: 'notes', columns: [column('id', 'INTEGER'), column('text', 'TEXT')], key: [0], level: 1 };
const LAST_RID = Number.MAX_SAFE_INTEGER;
const HEADER: Frame = { header: { v: 1, epoch: 'e', user: 'mia', checkpoint: 9, nowMs: 5 } };

type Answer = Awaited<ReturnType<typeof ask>>;
type Segment = Answer['segments'][number];
type Row = { readonly ver: number; readonly values: readonly FeedValue[] };
type Share = Map<number, Row>;

/** What a device makes of these lines as the answer to a question. */
async function read(frames: readonly (Frame | object)[], check?: CheckRequest): Promise<Answer> {
  const clock = new VirtualClock();
  const net = new FakeNet(async (request) => respond(request, 200, { 'content-type': 'application/x-ndjson' }, frames.map((frame) => `${JSON.stringify(frame)}\n`).join('')));
  const request = { v: 1, device: 'd', token: 't', accept: [], ...(check ? { check } : {}) };
  return ask(request, new AbortController().signal, {
    net, clock, serverUrl: 'http://server.test/', credentials: async () => '', onBuilding: () => undefined, onBytes: () => undefined, onSent: () => undefined, onHeader: () => undefined,
  });
}

const put = ([rid, { ver, values }]: readonly [number, Row]): Frame => ['P', rid, ver, ...values.map(encodeValue)];
const commitOf = (id: number, share: Share): Frame => ({ commit: { checkpoint: 9, token: 'after', tables: [{ table: id, ...digestRows(share as Map<number, FakeRow>) }] } });

/** A server's answer to a check, in the simplest way: ranges compared one by one. */
function answerTo(check: CheckRequest, share: Share): Frame[] {
  const ours = new Map<number, [number, Row][]>();
  for (const row of [...share].sort(([a], [b]) => a - b)) ours.set(Math.floor(row[0] / check.width), [...ours.get(Math.floor(row[0] / check.width)) ?? [], row]);
  const theirs = new Map(Array.from({ length: check.ranges.length / 3 }, (_, i) => check.ranges.slice(3 * i, 3 * i + 3)).map(([i = 0, rows, sum]) => [i, { rows, sum }]));
  const differs = (i: number): boolean => JSON.stringify(digestRows(new Map(ours.get(i)) as Map<number, FakeRow>)) !== JSON.stringify(theirs.get(i) ?? EMPTY_DIGEST);
  const differing = [...new Set([...ours.keys(), ...theirs.keys()])].filter(differs).sort((a, b) => a - b);
  const range = (i: number): Frame => ({ range: { table: check.table, low: i * check.width, high: Math.min(LAST_RID, (i + 1) * check.width - 1) } });
  return [HEADER, { table: check.table }, ...differing.flatMap((i) => [range(i), ...(ours.get(i) ?? []).map(put)]), commitOf(check.table, share)];
}

/** A device's database with two tables, and the shares that it was given. */
class Device {
  readonly #folder = temporaryFolder();
  readonly file = join(this.#folder.path, 'device.db');
  readonly db = new NodeSqlite(this.file);
  readonly store = new Store(this.db);
  readonly shares = new Map<number, Share>([[STOCK.id, new Map()], [NOTES.id, new Map()]]);

  share(id: number): Share {
    return this.shares.get(id) ?? new Map();
  }

  fill(count: number): this {
    for (let i = 1; i <= count; i++) this.share(STOCK.id).set(i, { ver: i % 7 + 1, values: [`c${i}`, BigInt(i), i / 4] });
    this.share(NOTES.id).set(3, { ver: 2, values: [1n, 'note'] });
    return this;
  }

  async tables(): Promise<Awaited<ReturnType<Store['open']>>['tables']> {
    return (await this.store.open(() => 'device-1')).tables;
  }

  async plan(...tables: readonly TableSpec[]): Promise<void> {
    await this.tables();
    await this.store.perform({ kind: 'plan', tables, packs: [], token: 'planned', epoch: 'e', user: 'mia' }, 1);
    for (const table of await this.tables()) if (table.load === 'filling') await this.store.perform({ kind: 'index', table }, 2);
  }

  /** Plans the tables, reads their shares from a feed and makes them usable. */
  async download(...tables: readonly TableSpec[]): Promise<void> {
    await this.plan(...tables);
    for (const { id } of tables) await this.take(...(await read([HEADER, { table: id }, ...[...this.share(id)].map(put), commitOf(id, this.share(id))])).segments);
  }

  async take(...segments: readonly Segment[]): Promise<Awaited<ReturnType<Store['perform']>>> {
    let result = {};
    for (const segment of segments) result = await this.store.perform({ kind: 'segment', segment, tables: await this.tables() }, 7);
    return result;
  }

  /** Measures a table, lets it be compared and takes what comes. */
  async check(table: TableSpec): Promise<{ readonly answer: Answer; readonly result: Awaited<ReturnType<Store['perform']>> }> {
    const check = { table: table.id, ...(await measure(this.db, table)) };
    const answer = await read(answerTo(check, this.share(table.id)), check);
    return { answer, result: await this.take(...answer.segments) };
  }

  /** Writes past the triggers, as no app can. */
  async damage(sql: string, rows?: readonly (readonly bigint[])[]): Promise<void> {
    await this.db.exec('INSERT INTO _carryon_quiet VALUES(1)');
    await (rows ? this.db.runMany(sql, rows) : this.db.exec(sql));
    await this.db.exec('DELETE FROM _carryon_quiet');
  }

  query(sql: string): Record<string, unknown>[] {
    const db = new DatabaseSync(this.file, { readOnly: true });
    try {
      return db.prepare(sql).all().map((row) => ({ ...row }));
    } finally {
      db.close();
    }
  }

  /** The table's rows must be the share, and what is noted of it its digest. */
  expectShare(table: TableSpec): void {
    const share = this.share(table.id);
    const rows = this.query(`SELECT * FROM "${table.name.replaceAll('"', '""')}" ORDER BY _rid`).map((row) => Object.values(row));
    const wanted = [...share].sort(([a], [b]) => a - b).map(([rid, { ver, values }]) => [rid, ver, ...values.map((value) => (typeof value === 'bigint' ? Number(value) : value))]);
    expect(rows).toEqual(wanted);
    expect(this.query(`SELECT rows, sum, lost FROM _carryon_table WHERE id = ${table.id}`)).toEqual([{ ...digestRows(share as Map<number, FakeRow>), lost: 0 }]);
  }

  async end(): Promise<void> {
    await this.db.close();
    this.#folder.remove();
  }
}

let device: Device;
beforeEach(() => { device = new Device(); });
afterEach(() => device.end());

const NAME = '"Stock ""A"""';
const badAnswer: unknown = expect.objectContaining({ code: 'protocol.bad-answer' });

describe('measure', () => {
  const digests = (share: Share, width: number): number[] => {
    const found = new Map<number, { rows: number; sum: number }>();
    for (const [rid, { ver }] of share) found.set(Math.floor(rid / width), addDigest(found.get(Math.floor(rid / width)) ?? EMPTY_DIGEST, { rows: 1, sum: digestOf(rid, ver) }));
    return [...found].sort(([a], [b]) => a - b).flatMap(([i, { rows, sum }]) => [i, rows, sum]);
  };
  /** Rows of these ids, in the table alone. */
  const put = (rids: readonly (number | bigint)[]): Promise<void> => device.damage(`INSERT INTO ${NAME}(_rid, _ver, code) VALUES(?, 1, 'x' || ?1)`, rids.map((rid) => [BigInt(rid)]));

  it('D30 gives count and sum of each range of about 1000 rows', async () => {
    await device.fill(4500).download(STOCK, NOTES);
    expect(await measure(device.db, STOCK)).toEqual({ width: 1000, ranges: digests(device.share(1), 1000) });
    expect(await measure(device.db, NOTES)).toEqual({ width: 1000, ranges: digests(device.share(2), 1000) });
  });

  it('D30 widens the ranges where row ids are sparse', async () => {
    await device.download(STOCK, NOTES);
    await put(Array.from({ length: 5000 }, (_, i) => 1_000_000 + i * 20));
    const { width, ranges } = await measure(device.db, STOCK);
    expect([width, ranges.length / 3]).toEqual([19_997, 6]);
    expect(ranges.filter((_, i) => i % 3 === 1).reduce((sum, rows) => sum + rows, 0)).toBe(5000);
  });

  it('D30 names at most 4096 ranges, whatever the row ids', async () => {
    await device.download(STOCK, NOTES);
    await put(Array.from({ length: 9000 }, (_, i) => 500 + i * i * 100));
    const dense = await measure(device.db, STOCK);
    expect(dense.ranges.length / 3).toBeLessThanOrEqual(4096);
    await put([LAST_RID]);
    const wide = await measure(device.db, STOCK);
    expect(wide.ranges.slice(-2)).toEqual([1, digestOf(LAST_RID, 1)]);
    expect(wide.ranges.every(Number.isSafeInteger)).toBe(true);
    await device.damage(`DELETE FROM ${NAME}`);
    expect(await measure(device.db, STOCK)).toEqual({ width: 1000, ranges: [] });
  });

  it('D30 leaves out row ids that no server gives, and takes versions as they are', async () => {
    await device.fill(3).download(STOCK, NOTES);
    await put([0, -5, 2n ** 53n, -(2n ** 63n), 2n ** 63n - 1n]);
    expect((await measure(device.db, STOCK)).ranges).toEqual(digests(device.share(1), 1000));
    for (const version of ['NULL', '-9', "'x'", "x'00ff'", '1e300', '9223372036854775807']) {
      await device.damage(`UPDATE ${NAME} SET _ver = ${version}`);
      const { ranges } = await measure(device.db, STOCK);
      expect(ranges.slice(0, 2)).toEqual([0, 3]);
      expect(ranges.every((number) => Number.isSafeInteger(number) && number >= 0), version).toBe(true);
    }
  });
});

describe('the answer to a check', () => {
  const check: CheckRequest = { table: 1, width: 10, ranges: [] };
  const commit = commitOf(1, new Map());
  const range = (low: number, high: number, table = 1): Frame => ({ range: { table, low, high } });

  it('D30 D16 is one segment with its ranges, and with none when nothing differs', async () => {
    const { segments } = await read([HEADER, { table: 1 }, range(0, 9), ['P', 9, 2, 'a', 1, 2], range(20, 29), commit], check);
    expect(segments).toMatchObject([{ check: true, token: 'after', rows: 3, ranges: new Map([[1, [[0, 9], [20, 29]]]]), puts: new Map([[1, [[9n, 2n, 'a', 1n, 2n]]]]) }]);
    expect((await read([HEADER, commit], check)).segments).toMatchObject([{ check: true, rows: 0, ranges: new Map([[1, []]]), puts: new Map() }]);
    const [pulled] = (await read([HEADER, commit])).segments;
    expect([pulled?.check, pulled?.ranges]).toEqual([undefined, undefined]);
  });

  it('D30 D16 may be that the table is lost', async () => {
    expect(await read([HEADER, { lost: { table: 1 } }], check)).toMatchObject({ segments: [], lost: [1] });
  });

  const wrong: readonly [string, readonly (Frame | object)[]][] = [
    ['a range of another table', [range(0, 9, 2)]], ['ranges that overlap', [range(0, 9), range(9, 19)]], ['ranges out of order', [range(10, 19), range(0, 9)]], ['a range upside down', [range(9, 0)]],
    ['a row before any range', [{ table: 1 }, ['P', 1, 1]]], ['a row above its range', [range(0, 9), ['P', 10, 1]]], ['a row below its range', [range(10, 19), ['P', 9, 1]]],
    ['a row of another table', [range(0, 9), { table: 2 }, ['P', 1, 1]]], ['a removal', [range(0, 9), ['R', 1]]], ['a live-set', [{ live: { table: 1, runs: [] } }, commit]],
    ['a page', [range(0, 9), { page: { token: 'x' } }]], ['another lost table', [{ lost: { table: 2 } }]], ['a commit of another table', [commitOf(2, new Map())]],
  ];
  it.each(wrong)('D30 D16 with %s is none', async (_, frames) => {
    const answer = read([HEADER, ...frames], check);
    await expect(answer).rejects.toThrow(expect.objectContaining({ name: 'CarryonError', code: 'protocol.bad-answer' }) as Error);
  });

  it('D30 D16 ranges and lost tables that were not asked for are no answer', async () => {
    for (const frame of [range(0, 9), { lost: { table: 1 } }]) await expect(read([HEADER, frame, commit])).rejects.toEqual(badAnswer);
  });

  it('D30 D16 that breaks off changes nothing', async () => {
    await expect(read([HEADER, { table: 1 }, range(0, 9)], check)).rejects.toMatchObject({ code: 'server.unreachable' });
  });
});

describe('the commit of a check', () => {
  const damages: readonly (readonly [string, string])[] = [
    ['rows are lost', `DELETE FROM ${NAME} WHERE _rid % 3 = 0`],
    ['all rows are lost', `DELETE FROM ${NAME}`],
    ['rows are there that should not be', `INSERT INTO ${NAME}(code, i) VALUES('new', 1), ('newer', 2)`],
    ['rows are beyond the last one', `INSERT INTO ${NAME}(_rid, _ver, code) VALUES(1000000, 5, 'far'), (9007199254740991, 5, 'last'), (9007199254740992, 5, 'beyond'), (9223372036854775807, 1, 'end')`],
    ['rows are before the first one', `INSERT INTO ${NAME}(_rid, _ver, code) VALUES(0, 5, 'zero'), (-1, 5, 'below'), (-9223372036854775808, 1, 'start')`],
    ['versions are higher than the server\'s', `UPDATE ${NAME} SET _ver = _ver + 1000000, code = code || 'x', i = 'wrong' WHERE _rid BETWEEN 500 AND 2500`],
    ['versions are none', `UPDATE ${NAME} SET _ver = NULL WHERE _rid = 7; UPDATE ${NAME} SET _ver = -3 WHERE _rid = 1700; UPDATE ${NAME} SET _ver = 'x' WHERE _rid = 2900`],
    ['keys stand under other row ids', `DELETE FROM ${NAME} WHERE _rid <= 20; INSERT INTO ${NAME}(_rid, _ver, code) SELECT 3000 + value, 1, 'c' || value FROM generate`],
  ];
  const sqlOf = (damage: string): string => damage.replace('FROM generate', 'FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 20) SELECT value FROM n)');

  it.each(damages)('D30 makes the table equal to the share when %s', async (_, damage) => {
    await device.fill(3000).download(STOCK, NOTES);
    await device.damage(sqlOf(damage));
    const { answer, result } = await device.check(STOCK);
    expect(result).toMatchObject({ rows: new Map([[1, 3000]]), differing: [] });
    device.expectShare(STOCK);
    device.expectShare(NOTES);
    expect(answer.segments[0]?.check).toBe(true);
    expect((await device.check(STOCK)).answer.segments[0]).toMatchObject({ rows: 0, ranges: new Map([[1, []]]) });
  });

  it('D30 brings only the rows of ranges that differ, and keeps text that is not UTF-8', async () => {
    device.fill(3000).share(1).set(1500, { ver: 3, values: ['raw', new RawText(new Uint8Array([97, 255])), null] });
    await device.download(STOCK, NOTES);
    await device.damage(`UPDATE ${NAME} SET _ver = 999, i = NULL WHERE _rid = 1500`);
    const { answer } = await device.check(STOCK);
    expect(answer.segments[0]).toMatchObject({ rows: 1001, ranges: new Map([[1, [[1000, 1999]]]]) });
    expect(device.query(`SELECT _ver, typeof(i) AS type, hex(i) AS bytes FROM ${NAME} WHERE _rid = 1500`)).toEqual([{ _ver: 3, type: 'text', bytes: '61FF' }]);
  });

  it('D30 does not believe the stored counters', async () => {
    await device.fill(10).download(STOCK, NOTES);
    await device.db.exec('UPDATE _carryon_table SET rows = 77, sum = 5');
    await device.check(STOCK);
    device.expectShare(STOCK);
  });

  it('D30 D15 a table that still differs is to be downloaded again', async () => {
    await device.fill(10).download(STOCK, NOTES);
    const check = { table: 1, ...(await measure(device.db, STOCK)) };
    const { segments } = await read([HEADER, { commit: { checkpoint: 9, token: 'after', tables: [{ table: 1, rows: 10, sum: 1 }] } }], check);
    expect(await device.take(...segments)).toMatchObject({ rows: new Map([[1, 10]]), differing: [1] });
    expect(device.query('SELECT id, lost, usable FROM _carryon_table')).toEqual([{ id: 1, lost: 1, usable: 1 }, { id: 2, lost: 0, usable: 1 }]);
  });

  it('D30 what a page had brought before is older and is dropped', async () => {
    await device.fill(10).download(STOCK, NOTES);
    await device.take(...(await read([HEADER, { table: 1 }, ['P', 5, 99, 'c5', 'old', 1], ['R', 6], { live: { table: 1, runs: [0, 2] } }, { table: 2 }, ['P', 3, 50, 1, 'new'], { page: { token: 'paged' } }])).segments);
    await device.check(STOCK);
    device.expectShare(STOCK);
    expect(device.query('SELECT (SELECT count(*) FROM _carryon_stage_1) AS stock, (SELECT count(*) FROM _carryon_stage_2) AS notes, (SELECT count(*) FROM _carryon_live) AS live')).toEqual([{ stock: 0, notes: 1, live: 0 }]);
    expect(device.query("SELECT value FROM _carryon_meta WHERE key = 'token'")).toEqual([{ value: 'after' }]);
  });

  it('D30 D16 a table that is being downloaded, or is not there, is not compared', async () => {
    await device.fill(3).plan(STOCK, NOTES);
    const check = { table: 1, width: 1000, ranges: [] };
    await expect(device.take(...(await read(answerTo(check, device.share(1)), check)).segments)).rejects.toEqual(badAnswer);
    const other = { ...check, table: 9 };
    await expect(device.take(...(await read(answerTo(other, device.share(1)), other)).segments)).rejects.toEqual(badAnswer);
  });
});

describe('a reset', () => {
  it('D31 forgets epoch, token, packs and what was loaded, and nothing else', async () => {
    await device.fill(5).download(STOCK, NOTES);
    await device.db.exec("CREATE TABLE _carryon_outbox(id, edit); INSERT INTO _carryon_outbox VALUES(1, 'pending'); CREATE TABLE mine(x); INSERT INTO mine VALUES(1)");
    await device.take(...(await read([HEADER, { table: 1 }, ['R', 2], { live: { table: 2, runs: [] } }, { page: { token: 'paged' } }])).segments);
    await device.store.perform({ kind: 'forget', tables: [2], packs: [] }, 1);
    await device.plan(NOTES);
    await device.db.exec("INSERT INTO _carryon_pack VALUES('p', 1, '{}', 1)");
    expect(await resetStore(device.db)).toEqual({});
    const durable = await device.store.open(() => 'another');
    expect(durable).toMatchObject({ device: 'device-1', user: 'mia', epoch: undefined, token: null, packs: [] });
    expect(durable.tables.map(({ id, usable, lost, load, rows, syncedMs }) => [id, usable, lost, load, rows, syncedMs])).toEqual([[1, true, true, 'none', 5, 7], [2, true, true, 'none', 1, 7]]);
    expect(device.query(`SELECT count(*) AS n FROM ${NAME}`)).toEqual([{ n: 5 }]);
    expect(device.query('SELECT * FROM _carryon_outbox, mine')).toEqual([{ id: 1, edit: 'pending', x: 1 }]);
    expect(device.query("SELECT name FROM sqlite_schema WHERE name LIKE '%load%'")).toEqual([]);
    expect(device.query('SELECT (SELECT count(*) FROM _carryon_stage_1) + (SELECT count(*) FROM _carryon_live) AS n')).toEqual([{ n: 0 }]);
    await device.download(STOCK, NOTES);
    device.expectShare(STOCK);
  });

  it('D31 the plan after it drops tables that it does not name, and no others', async () => {
    await device.fill(5).download(STOCK, NOTES);
    await device.db.exec('CREATE TABLE mine(x)');
    await resetStore(device.db);
    await device.download(STOCK);
    expect(device.query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_carryon%' ESCAPE '\\' ORDER BY name").map(({ name }) => name)).toEqual(['Stock "A"', 'mine']);
    expect((await device.tables()).map(({ id }) => id)).toEqual([1]);
    expect(device.query("SELECT name FROM sqlite_schema WHERE name IN ('_carryon_stage_2', '_carryon_load_2')")).toEqual([]);
    device.expectShare(STOCK);
  });

  it('D31 a plan without a reset before it drops nothing', async () => {
    await device.fill(5).download(STOCK, NOTES);
    await device.store.perform({ kind: 'forget', tables: [1, 2], packs: [] }, 1);
    await device.plan(STOCK);
    expect((await device.tables()).map(({ id }) => id)).toEqual([1, 2]);
    await resetStore(device.db);
    await device.download(STOCK, NOTES);
    await device.store.perform({ kind: 'forget', tables: [1, 2], packs: [] }, 1);
    await device.plan(STOCK);
    expect((await device.tables()).map(({ id }) => id)).toEqual([1, 2]);
  });

  it('D31 tables follow by their names where the plan gives them other ids, and stay readable meanwhile', async () => {
    await device.fill(5).download(STOCK, NOTES);
    await resetStore(device.db);
    const [stock, notes, more]: TableSpec[] = [{ ...STOCK, id: 2 }, { ...NOTES, id: 3 }, { ...NOTES, id: 1, name: 'accounts' }];
    const shares = [device.share(1), device.share(2)] as const;
    device.shares.clear();
    for (const [id, share] of [[2, shares[0]], [3, shares[1]], [1, new Map()]] as const) device.shares.set(id, share);
    await device.plan(...[more, stock, notes].filter((table) => table !== undefined));
    expect((await device.tables()).map(({ id, name, usable, load }) => [id, name, usable, load]).sort()).toEqual([[1, 'accounts', false, 'indexed'], [2, 'Stock "A"', true, 'indexed'], [3, 'notes', true, 'indexed']]);
    expect(device.query(`SELECT (SELECT count(*) FROM ${NAME}) AS stock, (SELECT count(*) FROM notes) AS notes`)).toEqual([{ stock: 5, notes: 1 }]);
    for (const id of [1, 2, 3]) await device.take(...(await read([HEADER, { table: id }, ...[...device.share(id)].map(put), commitOf(id, device.share(id))])).segments);
    for (const table of [stock, notes, more]) if (table) device.expectShare(table);
  });
});

describe('what the store notes', () => {
  it('D19 an entry of the journal has its rule and when it goes on', async () => {
    await device.tables();
    const entries: JournalEntry[] = [{ atMs: 1, kind: 'wait', detail: 'metered', rule: 'network.metered', nextMs: 99 }, { atMs: 2, kind: 'start', detail: 'open' }];
    await writeJournal(device.db, entries);
    expect(await readJournal(device.db, 5)).toEqual(entries.toReversed());
    expect((await readStoredStatus(device.db)).journal).toEqual(entries.toReversed());
  });

  it('D34 a store of version 1 can be read, is brought up to date when it is opened, and keeps what it has', async () => {
    await openSchema(device.db, () => 'old-device');
    await device.db.exec(`DROP TABLE _carryon_journal; CREATE TABLE _carryon_journal(id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL);
      INSERT INTO _carryon_journal VALUES(1, 5, 'commit', 'old'); UPDATE _carryon_meta SET value = 1 WHERE key = 'version'`);
    const old = { atMs: 5, kind: 'commit', detail: 'old' };
    expect((await readStoredStatus(device.db)).journal).toEqual([old]);
    expect((await device.store.open(() => 'another')).device).toBe('old-device');
    expect(device.query("SELECT value FROM _carryon_meta WHERE key = 'version'")).toEqual([{ value: STORE_VERSION }]);
    await writeJournal(device.db, [{ atMs: 6, kind: 'wait', detail: 'new', rule: 'r', nextMs: 7 }]);
    expect(await readJournal(device.db, 5)).toEqual([{ atMs: 6, kind: 'wait', detail: 'new', rule: 'r', nextMs: 7 }, old]);
    expect((await device.store.open(() => 'another')).device).toBe('old-device');
    await device.db.exec("UPDATE _carryon_meta SET value = 99 WHERE key = 'version'");
    await expect(device.store.open(() => 'another')).rejects.toThrow(CarryonError);
  });

  it('D34 D53 a store of version 3 tells of rows that are gone once it is brought up to date', async () => {
    await openSchema(device.db, () => 'old-device');
    await device.db.exec("DROP VIEW carryon_state; CREATE VIEW carryon_state AS SELECT 1 AS old; UPDATE _carryon_meta SET value = 3 WHERE key = 'version'");
    expect((await readStoredStatus(device.db)).edits).toMatchObject({ gone: 0, left: [] });
    await device.store.open(() => 'another');
    expect(device.query('SELECT table_name, rid, state, gone FROM carryon_state')).toEqual([]);
  });

  it('D25 a table\'s description, its interval too, and when it was synced are read at the start', async () => {
    await device.fill(2).plan(STOCK, NOTES);
    expect((await device.tables()).map(({ everyMinutes, syncedMs }) => [everyMinutes, syncedMs])).toEqual([[60, undefined], [undefined, undefined]]);
    await device.take(...(await read([HEADER, { table: 1 }, ...[...device.share(1)].map(put), commitOf(1, device.share(1))])).segments);
    expect((await device.tables()).map(({ syncedMs }) => syncedMs)).toEqual([7, undefined]);
  });
});
