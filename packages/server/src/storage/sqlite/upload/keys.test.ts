import { describe, expect, it } from 'vitest';
import { EditingDevice, type NamedChange } from '../../../testing/edits.ts';
import { withStore, type TempStore } from '../../../testing/temp-store.ts';

const RIGHTS = ['create', 'read', 'update', 'delete'];
const SQL = `
  CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT NOT NULL, boss INTEGER REFERENCES customer(id));
  CREATE TABLE "order"(id INTEGER PRIMARY KEY AUTOINCREMENT, customer INTEGER NOT NULL REFERENCES customer(id), v);
  CREATE TABLE line(id TEXT PRIMARY KEY, "order", v);
  CREATE TABLE audit(id INTEGER PRIMARY KEY, what);
  CREATE TRIGGER log AFTER INSERT ON customer BEGIN INSERT INTO audit(id, what) VALUES(NEW.id + 7000, NEW.name); END;
  INSERT INTO customer(id, name) VALUES(-5, 'nobody'), (40, 'old');`;
const PROFILE = {
  customer: { rights: RIGHTS }, order: { rights: RIGHTS, conflicts: 'detect' },
  line: { rights: RIGHTS, references: [{ columns: ['order'], table: 'order' }] },
};

interface Bench extends TempStore { readonly device: EditingDevice; rows(sql: string): unknown[] }

const withKeys = (work: (bench: Bench) => Promise<void>): Promise<void> => withStore(SQL, PROFILE, async (store) => {
  await store.storage.prepare(() => undefined);
  await store.storage.evaluate(1);
  const rows = (query: string): unknown[] => store.business.prepare(query).all().map((row) => Object.values(row));
  await work({ ...store, rows, device: new EditingDevice(store.storage, store.tables) });
});

const customer = (id: number, more: object = {}): NamedChange => ({ insert: 'customer', key: [id], set: { name: `n${id}`, ...more } });
const order = (id: number, of: number): NamedChange => ({ insert: 'order', key: [id], set: { customer: of, v: 'new' } });

describe('temporary keys', () => {
  it('S78 become real ones in the row, in what refers to it, and are told', () => withKeys(async ({ device, rows }) => {
    const { outcomes } = await device.send([customer(-1), customer(-2, { boss: -1 }), order(-1, -2)], [{ insert: 'line', key: ['l'], set: { order: -1 } }]);
    expect(outcomes).toEqual([{ seq: 1, keys: [{ table: 'customer', temporary: -1, key: 41 }, { table: 'customer', temporary: -2, key: 42 }, { table: 'order', temporary: -1, key: 1 }] }]);
    expect(rows('SELECT id, boss FROM customer WHERE id > 40')).toEqual([[41, null], [42, 41]]);
    expect([rows('SELECT id, customer FROM "order"'), rows('SELECT "order" FROM line')]).toEqual([[[1, 42]], [[1]]]);
  }));

  it('S78 are understood in later edits, also when the device does not know the real ones yet', () => withKeys(async ({ device, rows }) => {
    await device.send([customer(-1), order(-3, -1)]);
    const answer = await device.send(
      [{ update: 'customer', key: [-1], set: { name: ['n-1', 'renamed'] } }],
      [customer(-2), { update: 'order', key: [-3], set: { customer: [-1, -2] }, base: { v: 'new' } }],
      [{ update: 'order', key: [-3], set: { v: ['new', 'other'] }, base: { customer: -2 } }],
      [{ delete: 'order', key: [-3], base: { customer: -2, v: 'other' } }, { delete: 'customer', key: [-1] }]);
    expect(answer.refused).toBe(0);
    expect([rows('SELECT name FROM customer WHERE id > 40'), rows('SELECT * FROM "order"')]).toEqual([[['n-2']], []]);
  }));

  it('S78 of a row that was not accepted are refused wherever they are named', () => withKeys(async ({ device, rows }) => {
    const { outcomes } = await device.send([customer(-1), customer(-2, { name: null })], [order(-1, -1)], [{ update: 'customer', key: [40], set: { boss: [null, -2] } }], [{ update: 'customer', key: [-1], set: { name: ['', 'x'] } }]);
    expect(outcomes.map(({ keys, refused }) => [keys, refused?.code])).toEqual([[undefined, 'write.rejected'], [undefined, 'write.reference'], [undefined, 'write.reference'], [undefined, 'write.not-found']]);
    expect(rows('SELECT count(*) FROM _carryon_key')).toEqual([[0]]);
    expect(rows('SELECT id FROM customer')).toEqual([[-5], [40]]);
  }));

  it('S78 are replaced in keys that refer to other new rows: a line of its order, and a row that shares the key', () => withStore(`
    CREATE TABLE head(id INTEGER PRIMARY KEY, v); CREATE TABLE part(head INTEGER REFERENCES head(id), n, v, PRIMARY KEY(head, n)); CREATE TABLE twin(head INTEGER PRIMARY KEY REFERENCES head(id), v);`,
  { head: { rights: RIGHTS }, part: { rights: RIGHTS }, twin: { rights: RIGHTS } }, async ({ storage, tables, business }) => {
    await storage.prepare(() => undefined);
    await storage.evaluate(1);
    const device = new EditingDevice(storage, tables);
    const rows = (sql: string): unknown[] => business.prepare(sql).all().map((row) => Object.values(row));
    const made: NamedChange[] = [{ insert: 'head', key: [-5], set: { v: 'h' } }, { insert: 'part', key: [-5, 1], set: { v: 'p' } }, { insert: 'part', key: [-5, 2], set: { v: 'q' } }, { insert: 'twin', key: [-5], set: { v: 't' } }];
    expect((await device.send(made)).refused).toBe(0);
    expect([rows('SELECT * FROM head'), rows('SELECT * FROM part'), rows('SELECT * FROM twin')]).toEqual([[[1, 'h']], [[1, 1, 'p'], [1, 2, 'q']], [[1, 't']]]);
    expect((await device.send([{ update: 'part', key: [-5, 1], set: { v: ['p', 'x'] } }, { delete: 'part', key: [-5, 2] }, { update: 'twin', key: [-5], set: { v: ['t', 'y'] } }])).refused).toBe(0);
    expect([rows('SELECT v FROM part'), rows('SELECT v FROM twin')]).toEqual([[['x']], [['y']]]);
    expect(await device.code({ insert: 'part', key: [-6, 1] })).toBe('write.reference');
  }));

  it('S78 that the app gives itself may not leave the database without keys to give', () => withKeys(async ({ device, rows }) => {
    for (const key of [{ i: '9223372036854775807' }, 9_000_000_000, { r: '7' }, 'text']) expect(await device.code({ insert: 'order', key: [key], set: { customer: 40 } })).toBe('write.rejected');
    expect(await device.code({ insert: 'order', key: [50], set: { customer: 40 } })).toBe('ok');
    expect(await device.code(order(-1, 40))).toBe('ok');
    expect(rows('SELECT id FROM "order"')).toEqual([[50], [51]]);
  }));

  it('S78 may be negative keys that are real', () => withKeys(async ({ device, rows }) => {
    expect((await device.send([order(-1, -5)], [{ update: 'customer', key: [-5], set: { name: ['nobody', 'somebody'] } }])).refused).toBe(0);
    expect([rows('SELECT customer FROM "order"'), rows('SELECT name FROM customer WHERE id = -5')]).toEqual([[[-5]], [['somebody']]]);
  }));

  it('S78 S71 are those of one device', () => withKeys(async ({ device, storage, tables, rows }) => {
    const others = [new EditingDevice(storage, tables, 'ann', 'tablet'), new EditingDevice(storage, tables, 'bob', 'phone')];
    await device.send([customer(-1)]);
    for (const other of others) expect((await other.send([order(-1, -1)])).outcomes).toMatchObject([{ refused: { code: 'write.reference' } }]);
    for (const other of others) await other.send([customer(-1)]);
    for (const one of [device, ...others]) await one.send([order(-1, -1)]);
    expect(rows('SELECT customer FROM "order" ORDER BY id')).toEqual([[41], [42], [43]]);
  }));

  it('S78 that a device uses again name the newer row', () => withKeys(async ({ device, rows }) => {
    await device.send([customer(-1)], [customer(-2)], [{ delete: 'customer', key: [-1] }], [customer(-1)], [order(-1, -1)]);
    expect([rows('SELECT id FROM customer WHERE id > 40'), rows('SELECT customer FROM "order"')]).toEqual([[[42], [43]], [[43]]]);
  }));

  it('S78 keys that are not negative are taken as they are', () => withKeys(async ({ device, rows }) => {
    expect(await device.one(customer(1000))).toBeUndefined();
    expect(await device.code(customer(1000))).toBe('write.exists');
    expect(rows('SELECT id FROM customer WHERE id > 40')).toEqual([[1000]]);
  }));
});
