import { DatabaseSync } from 'node:sqlite';
import type { Engine } from '@carryon/client';
import type { TableSpec } from '@carryon/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CUSTOMERS, NOTES, ORDERS, Rig, WRITABLE, type OpenOptions } from '../testing/rig.ts';
import { deviceFile } from './folder.ts';

const WATCH = { mode: 'watch' } as const;
const column = (name: string): TableSpec['columns'][number] => ({ name, type: 'TEXT', collation: 'BINARY' });
const [CUSTOMERS_W, ORDERS_W, NOTES_W] = WRITABLE as [TableSpec, TableSpec, TableSpec];

let rig: Rig;
const runs: Promise<void>[] = [];
afterEach(() => rig.end());

/** An engine that stays and is up to date. */
async function watching(options: OpenOptions = {}): Promise<Engine> {
  const engine = await rig.open({ config: WATCH, ...options });
  runs.push(engine.run());
  await settled(engine);
  return engine;
}

const settled = (engine: Engine): Promise<void> => rig.until(engine, () => engine.status().state === 'up-to-date' && engine.status().edits.operations === 0);

/** The person has these tables now, and the device knows. */
async function tell(engine: Engine, ...tables: readonly TableSpec[]): Promise<void> {
  rig.server.setTables(tables);
  const names = tables.map(({ name }) => name).sort();
  await rig.until(engine, () => JSON.stringify(engine.status().tables.map(({ name }) => name).sort()) === JSON.stringify(names) && engine.status().state === 'up-to-date' && knows(tables));
}

const knows = (tables: readonly TableSpec[]): boolean =>
  JSON.stringify(rig.query('SELECT spec FROM _carryon_table ORDER BY id').map(({ spec }) => JSON.parse(String(spec)) as unknown)) === JSON.stringify([...tables].sort((a, b) => a.id - b.id));

/** Plain SQL by a connection that knows nothing of Carryon. */
function sql(statements: string): void {
  const db = new DatabaseSync(deviceFile(rig.folder), { timeout: 5000 });
  try {
    db.exec(statements);
  } finally {
    db.close();
  }
}

const tablesThere = (): unknown[] => rig.query("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE '\\_carryon%' ESCAPE '\\' AND name NOT LIKE 'carryon%' AND name NOT LIKE 'sqlite%' ORDER BY name").map(({ name }) => name);
const state = (): unknown[] => rig.query('SELECT table_name, state, gone FROM carryon_state ORDER BY gone DESC');
/** Nothing goes up until this is called. */
function hold(): () => void {
  let isHeld = true;
  const take = rig.server.inbox.take.bind(rig.server.inbox);
  rig.server.inbox.take = (push) => (isHeld ? { last: push.known, outcomes: [] } : take(push));
  return () => {
    isHeld = false;
    rig.clock.advance(60_000);
  };
}

describe('rights and intervals that change', () => {
  beforeEach(() => { rig = new Rig().fill(20); });

  it('D67 D68 reach a device that is at work: a table that could only be read can be written, and no longer', async () => {
    const engine = await watching();
    const fetched = rig.server.fetched.length;
    expect(() => sql("UPDATE customers SET name = 'Ada' WHERE id = 10")).toThrow('write.forbidden');
    await tell(engine, { ...CUSTOMERS, rights: ['update'], everyMinutes: 5 }, ORDERS, NOTES);
    sql("UPDATE customers SET name = 'Ada' WHERE id = 10");
    expect(() => sql('DELETE FROM customers')).toThrow('write.forbidden');
    await rig.until(engine, () => rig.server.rowsOf(1).get(1)?.values[1] === 'Ada');
    await settled(engine);
    expect(engine.status().nextSyncMs).toBeLessThanOrEqual(rig.clock.nowMs() + 5 * 60_000);
    await tell(engine, CUSTOMERS, ORDERS, NOTES);
    expect(() => sql("UPDATE customers SET name = 'Bob' WHERE id = 10")).toThrow('write.forbidden');
    expect(rig.visible()).toEqual(rig.expected());
    expect(rig.server.fetched.length).toBe(fetched);
    expect(rig.query("SELECT 1 FROM _carryon_journal WHERE kind = 'tables'")).toEqual([]);
  });

  it('D68 edits made while the table could be written are sent and seen; what is refused gives way to the server\'s row', async () => {
    rig.server.setTables(WRITABLE);
    const engine = await watching();
    const release = hold();
    sql("UPDATE customers SET name = 'Ada' WHERE id = 10; INSERT INTO customers(id, name) VALUES(5, 'new'); DELETE FROM customers WHERE id = 20");
    await rig.until(engine, () => engine.status().edits.operations === 3);
    rig.server.setTables([CUSTOMERS, ORDERS_W, NOTES_W]);
    await rig.until(engine, () => knows([CUSTOMERS, ORDERS_W, NOTES_W]));
    expect(() => sql("UPDATE customers SET name = 'x'")).toThrow('write.forbidden');
    expect(rig.query('SELECT id, name FROM customers WHERE id <= 20')).toEqual([{ id: 5, name: 'new' }, { id: 10, name: 'Ada' }]);
    rig.server.inbox.refusals.set(1, { code: 'write.forbidden', message: 'no', change: 0 });
    release();
    await settled(engine);
    expect(rig.visible()).toEqual(rig.expected());
    expect(engine.status().edits).toMatchObject({ drafts: 1, gone: 0 });
  });

  it('D68 a mode of conflicts that has changed is that of the edits that wait', async () => {
    rig.server.setTables(WRITABLE);
    const engine = await watching();
    const release = hold();
    sql("UPDATE customers SET name = 'Ada' WHERE id = 10");
    rig.server.setTables([{ ...CUSTOMERS_W, columns: [...CUSTOMERS.columns], conflicts: 'detect' }, ORDERS_W, NOTES_W]);
    await rig.until(engine, () => knows(rig.server.tables));
    release();
    await settled(engine);
    expect(rig.server.inbox.taken.at(-1)?.changes).toEqual([{ op: 'update', table: 0, key: [10], set: [[1, 'customer 1', 'Ada']], base: [] }]);
  });
});

describe('a table with another form', () => {
  beforeEach(() => { rig = new Rig({ tables: WRITABLE }).fill(30); });
  const wider: TableSpec = { ...CUSTOMERS_W, columns: [CUSTOMERS.columns[0] as TableSpec['columns'][number], column('phone')] };

  it('D69 goes on as it was until the next copy is complete; then edits lie over that, without the columns that are gone', async () => {
    const engine = await watching();
    const rows: unknown[][] = [];
    engine.live({ sql: 'SELECT * FROM customers WHERE id <= 10', onRows: (found) => rows.push(found) });
    sql('CREATE INDEX my_names ON customers(name); CREATE INDEX my_ids ON customers(id)');
    const release = hold();
    sql("UPDATE customers SET name = 'Ada' WHERE id = 10; INSERT INTO customers(id, name) VALUES(7, 'new')");
    const packs = rig.server.fetched.length;
    let isWritten = false;
    engine.subscribe(() => {
      // While the next copy is downloaded, the present one is written.
      if (isWritten || !engine.status().tables.some(({ name, rowsPlanned }) => name === 'customers' && rowsPlanned !== undefined)) return;
      isWritten = true;
      sql("UPDATE customers SET name = 'later' WHERE id = 20");
    });
    rig.server.setTables([wider, ORDERS_W, NOTES_W]);
    rig.server.put(1, 1, 10n, '555');
    await rig.until(engine, () => isWritten && knows([wider, ORDERS_W, NOTES_W]) && rig.query("SELECT name FROM pragma_table_info('customers')").some(({ name }) => name === 'phone'));
    expect(rig.query('SELECT * FROM customers WHERE id <= 10 ORDER BY id')).toMatchObject([{ id: 7, phone: null }, { id: 10, phone: '555' }]);
    await rig.until(engine, () => JSON.stringify(rows.at(-1))?.includes('555') === true);
    expect(rig.query("SELECT name FROM sqlite_schema WHERE name LIKE 'my\\_%' ESCAPE '\\'")).toEqual([{ name: 'my_ids' }]);
    expect(new Set(rig.server.fetched.slice(packs).flatMap(({ name }) => rig.server.packs.get(name)?.spec.parts.map(({ table }) => table)))).toEqual(new Set([1]));
    release();
    await settled(engine);
    // A column that the server does not know: refused, as a draft.
    expect((await engine.edits.drafts()).map(({ error, changes }) => [error.code, changes.map(({ mine, theirs }) => [mine?.['name'], theirs?.['phone']])])).toEqual([
      ['write.unknown', [['Ada', '555'], ['new', undefined]]], ['write.unknown', [['later', null]]],
    ]);
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D69 D20 whatever form comes while one is loaded, the next commit is of the last', async () => {
    const engine = await rig.open({ config: WATCH });
    const forms = [wider, CUSTOMERS_W, { ...CUSTOMERS_W, columns: [...CUSTOMERS.columns, column('more')] }, { ...wider, key: [0, 1] }];
    let seen = 0;
    engine.subscribe(() => {
      const { state: is, download } = engine.status();
      if (is !== 'downloading' || seen >= forms.length || (download?.packs.applied ?? 0) < 1) return;
      const form = forms[seen++];
      if (form) rig.server.setTables([form, ORDERS_W, NOTES_W]);
    });
    void engine.run();
    await rig.until(engine, () => engine.status().state === 'up-to-date' && knows(rig.server.tables));
    expect(seen).toBeGreaterThan(0);
    expect(rig.visible()).toEqual(rig.expected());
    await rig.settle();
    expect(rig.query('SELECT * FROM _carryon_pack')).toEqual([]);
  });

  it('D69 D67 a table that the server has made anew, under another number, takes the place of the one of its name', async () => {
    const engine = await watching();
    const next: TableSpec = { ...NOTES_W, id: 9, columns: [{ name: 'id', type: 'TEXT', collation: 'NOCASE' }, NOTES.columns[1] as TableSpec['columns'][number]], level: 0 };
    rig.server.setTables([CUSTOMERS_W, ORDERS_W, next]);
    rig.server.put(9, 1, 'A', 'anew');
    const before = rig.query('SELECT count(*) AS n FROM notes');
    engine.subscribe(() => { if (!engine.status().tables.every(({ usable }) => usable)) throw new Error('a table was not usable'); });
    await rig.until(engine, () => knows([CUSTOMERS_W, ORDERS_W, next]) && engine.status().state === 'up-to-date');
    expect(before).toEqual([{ n: 6 }]);
    expect(rig.visible()).toEqual(rig.expected());
    expect(rig.query("SELECT name FROM sqlite_schema WHERE name LIKE '\\_carryon\\_stage\\_%' ESCAPE '\\' ORDER BY name")).toEqual([1, 2, 9].map((id) => ({ name: `_carryon_stage_${id}` })));
  });

  it('D67 a new table comes by a plan, alone; one with the name of a table of the app\'s own is refused', async () => {
    rig.server.setTables([CUSTOMERS_W, ORDERS_W]);
    const engine = await watching();
    const fetched = rig.server.fetched.length;
    await tell(engine, CUSTOMERS_W, ORDERS_W, NOTES_W);
    expect(rig.visible()).toEqual(rig.expected());
    expect(rig.server.fetched.length).toBe(fetched + 1);
    expect(rig.query("SELECT detail FROM _carryon_journal WHERE kind = 'tables'")).toEqual([{ detail: 'The tables have changed. new: notes.' }]);
    const failed = expect(runs.at(-1)).rejects.toMatchObject({ code: 'device.name-taken' });
    sql('CREATE TABLE mine(x)');
    rig.server.setTables([...WRITABLE, { ...NOTES, id: 4, name: 'Mine' }]);
    await failed;
    expect(rig.query('SELECT count(*) AS n FROM notes')).toEqual([{ n: 6 }]);
  });
});

describe('a table that is not the person\'s any more', () => {
  beforeEach(() => { rig = new Rig({ tables: WRITABLE }).fill(30); });

  it('D70 goes at once, with its triggers, and live queries are told; it comes back when the person has it again', async () => {
    const engine = await watching();
    const seen: unknown[] = [];
    engine.live({ sql: 'SELECT count(*) AS n FROM notes', onRows: (rows) => seen.push(rows), onError: ({ code }) => seen.push(code) });
    await rig.until(engine, () => seen.length === 1);
    await tell(engine, CUSTOMERS_W, ORDERS_W);
    await rig.until(engine, () => seen.length === 2);
    expect(tablesThere()).toEqual(['Order Details', 'customers']);
    expect(rig.query("SELECT name FROM sqlite_schema WHERE name LIKE '%notes' OR name = '_carryon_stage_3'")).toEqual([]);
    expect(engine.status().edits.left).toEqual([]);
    await tell(engine, CUSTOMERS_W, ORDERS_W, { ...NOTES_W, id: 3, level: 0 });
    await rig.until(engine, () => seen.length === 3);
    expect(seen).toEqual([[{ n: 6 }], 'sql.error', [{ n: 6 }]]);
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D70 D72 what its edits show stays, says that the server\'s row is gone, and goes when the last of them has its answer', async () => {
    const engine = await watching();
    const release = hold();
    sql("UPDATE notes SET text = 'mine' WHERE id = 'n5'; INSERT INTO notes(id, text) VALUES('x', 'new'); DELETE FROM notes WHERE id = 'n10'");
    await rig.until(engine, () => engine.status().edits.operations === 3);
    rig.server.setTables([CUSTOMERS_W, ORDERS_W]);
    await rig.until(engine, () => engine.status().edits.left.length === 1);
    expect(rig.query('SELECT id, text FROM notes ORDER BY id')).toEqual([{ id: 'n5', text: 'mine' }, { id: 'x', text: 'new' }]);
    expect(state()).toEqual([{ table_name: 'notes', state: 'pending', gone: 1 }, { table_name: 'notes', state: 'pending', gone: 0 }, { table_name: 'notes', state: 'pending', gone: 0 }]);
    expect(() => sql("UPDATE notes SET text = 'more'")).toThrow('carryon write.unknown: notes is not in this person\'s profile any more');
    await expect(engine.edits.write((edits) => edits.update('notes', ['n5'], { text: 'more' }))).rejects.toMatchObject({ code: 'write.unknown' });
    expect(engine.status()).toMatchObject({ edits: { gone: 1, left: ['notes'] }, tables: [{ name: 'customers' }, { name: 'Order Details' }] });
    release();
    await settled(engine);
    expect(engine.status().edits).toMatchObject({ drafts: 1, gone: 0, left: [] });
    expect((await engine.edits.drafts())[0]).toMatchObject({ error: { code: 'write.unknown' }, changes: [{ mine: { text: 'mine' }, theirs: undefined }, { theirs: undefined }, { op: 'delete', theirs: undefined }] });
    expect(tablesThere()).toEqual(['Order Details', 'customers']);
    await expect(engine.edits.retry(1)).rejects.toMatchObject({ code: 'write.unknown' });
    await engine.edits.drop(1);
    expect(engine.status().edits).toMatchObject({ drafts: 0 });
  });

  it('D70 D52 edits lie over the table again when it comes back, under whatever number and form; a restart between loses none', async () => {
    let engine = await watching();
    const release = hold();
    sql("UPDATE notes SET text = 'mine' WHERE id = 'n5'; INSERT INTO notes(id, text) VALUES('x', 'new')");
    rig.server.setTables([CUSTOMERS_W, ORDERS_W]);
    await rig.until(engine, () => engine.status().edits.left.length === 1);
    await engine.close();
    const back: TableSpec = { ...NOTES_W, id: 12, columns: [...NOTES.columns, column('more')] };
    rig.server.setTables([CUSTOMERS_W, ORDERS_W, back]);
    for (let i = 1; i <= 6; i++) rig.server.put(12, i, `n${i * 5}`, 'theirs', 'more');
    engine = await rig.open({ config: WATCH });
    void engine.run();
    await rig.until(engine, () => engine.status().tables.length === 3 && engine.status().tables.every(({ usable }) => usable));
    expect(rig.query("SELECT id, text, more FROM notes WHERE id IN ('n5', 'n10', 'x') ORDER BY id")).toEqual([{ id: 'n10', text: 'theirs', more: 'more' }, { id: 'n5', text: 'mine', more: 'more' }, { id: 'x', text: 'new', more: null }]);
    expect(engine.status().edits).toMatchObject({ left: [], gone: 0, operations: 2 });
    release();
    await settled(engine);
    expect(rig.server.rowsOf(12).get(1)?.values).toEqual(['n5', 'mine', 'more']);
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D70 what was loaded of it, and tables that share its packs, are taken care of', async () => {
    const engine = await rig.open({ config: WATCH });
    let isGone = false;
    engine.subscribe(() => {
      if (isGone || (engine.status().download?.packs.applied ?? 0) < 1) return;
      isGone = true;
      rig.server.setTables([CUSTOMERS_W, NOTES_W]);
    });
    void engine.run();
    await rig.until(engine, () => engine.status().state === 'up-to-date' && knows([CUSTOMERS_W, NOTES_W]));
    expect(rig.visible()).toEqual(rig.expected());
    expect(tablesThere()).toEqual(['customers', 'notes']);
  });
});

describe('a person without tables', () => {
  beforeEach(() => { rig = new Rig({ tables: WRITABLE }).fill(30); });

  it('D71 loses everything but pending edits, and the status says so; a run of mode once ends well', async () => {
    await rig.sync();
    sql("UPDATE notes SET text = 'mine' WHERE id = 'n5'");
    rig.server.setTables([]);
    const engine = await rig.open();
    expect(await rig.finish(engine, engine.run())).toBeUndefined();
    expect(engine.status()).toMatchObject({ state: 'up-to-date', share: 'none', tables: [], warnings: [{ code: 'share.none' }], edits: { drafts: 1, left: [] } });
    expect(tablesThere()).toEqual([]);
    expect(rig.query("SELECT detail FROM _carryon_journal WHERE kind = 'tables'")).toEqual([{ detail: 'This person has no tables here.' }]);
    const asked = rig.server.asked.length;
    expect(await rig.sync()).toBeUndefined();
    expect(rig.server.asked.length).toBe(asked + 1);
    rig.server.setTables(WRITABLE);
    expect(await rig.sync()).toBeUndefined();
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D71 one who never had any is told so; in mode watch tables come as soon as there are some', async () => {
    rig.server.setTables([]);
    const engine = await watching();
    expect(engine.status()).toMatchObject({ share: 'none', tables: [] });
    await rig.until(engine, () => rig.server.asked.at(-1)?.waitSeconds !== undefined);
    rig.server.setTables(WRITABLE);
    await rig.until(engine, () => engine.status().share === 'some' && engine.status().state === 'up-to-date');
    expect(rig.visible()).toEqual(rig.expected());
    await tell(engine);
    expect(rig.visible()).toEqual({});
    await tell(engine, ...WRITABLE);
    expect(rig.visible()).toEqual(rig.expected());
  });

  it('D71 D31 a reset of a device that has no tables asks anew', async () => {
    rig.server.setTables([]);
    await rig.sync();
    rig.server.epoch = 'epoch-2';
    rig.server.setTables(WRITABLE);
    expect(await rig.sync()).toMatchObject({ code: 'epoch.changed' });
    const engine = await rig.open();
    engine.reset();
    expect(await rig.finish(engine, engine.run())).toBeUndefined();
    expect(rig.visible()).toEqual(rig.expected());
  });
});
