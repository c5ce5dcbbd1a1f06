import type { ConflictMode } from '@carryon/protocol';
import { describe, expect, it } from 'vitest';
import { activateAll, EditingDevice } from '../../../testing/edits.ts';
import { withStore, type TempStore } from '../../../testing/temp-store.ts';

const SQL = `
  CREATE TABLE parent(id TEXT PRIMARY KEY);
  CREATE TABLE t(id TEXT PRIMARY KEY, a, b, code TEXT UNIQUE, n INTEGER CHECK(n < 100), parent TEXT REFERENCES parent(id), owner TEXT COLLATE NOCASE);
  CREATE TRIGGER no_war BEFORE UPDATE ON t WHEN NEW.a = 'war' BEGIN SELECT RAISE(ABORT, 'no war'); END;
  CREATE TRIGGER no_war_either BEFORE INSERT ON t WHEN NEW.a = 'war' BEGIN SELECT RAISE(ABORT, 'no war'); END;
  INSERT INTO parent VALUES('p');
  INSERT INTO t VALUES('x', 'a', 'b', 'cx', 1, 'p', 'ann'), ('y', 'a', 'b', 'cy', 1, NULL, 'ann'), ('z', 'a', 'b', 'cz', 1, NULL, 'bob');`;
const RIGHTS = ['create', 'read', 'update', 'delete'];
const BASE = { a: 'a', b: 'b', code: 'cx', n: 1, parent: 'p', owner: 'ann' };

interface Bench extends TempStore {
  readonly device: EditingDevice;
  /** The row's values a and b; undefined: it is not there. */
  row(id?: string): unknown;
}

const withMode = (conflicts: ConflictMode, work: (bench: Bench) => Promise<void>): Promise<void> =>
  withStore(SQL, { t: { conflicts, rights: RIGHTS, rows: { own: 'owner' } }, parent: { rights: RIGHTS } }, async (store) => {
    await store.storage.prepare(() => undefined);
    await store.storage.evaluate(1);
    await activateAll(store.storage, 'ann');
    const row: Bench['row'] = (id = 'x') => {
      const found = store.business.prepare('SELECT a, b FROM t WHERE id = ?').get(id);
      return found && [found['a'], found['b']];
    };
    await work({ ...store, row, device: new EditingDevice(store.storage, store.tables) });
  });

/** An update of column a from 'a' to 'mine', by a device that saw the row as it was at first. */
const UPDATE = { update: 't', key: ['x'], set: { a: ['a', 'mine'] }, base: { b: 'b', code: 'cx', n: 1, parent: 'p', owner: 'ann' } } as const;
const DELETE = { delete: 't', key: ['x'], base: BASE } as const;
const MODES = ['last-writer-wins', 'detect', 'merge'] as const;

describe('edits of a row that nobody else has changed', () => {
  it.each(MODES)('S74 I16 are done: %s', (mode) => withMode(mode, async ({ device, row }) => {
    expect(await device.code(UPDATE)).toBe('ok');
    expect(row()).toEqual(['mine', 'b']);
    expect(await device.code({ ...DELETE, base: { ...BASE, a: 'mine' } })).toBe('ok');
    expect(row()).toBeUndefined();
    expect(await device.errors()).toEqual([]);
  }));

  it.each(MODES)('S74 with nothing changed are done too: %s', (mode) => withMode(mode, async ({ device, row }) => {
    expect(await device.code({ ...UPDATE, set: {} })).toBe('ok');
    expect(row()).toEqual(['a', 'b']);
  }));
});

describe('edits of a row that somebody else has changed', () => {
  const cases: readonly [string, string, Record<ConflictMode, readonly [string, unknown]>][] = [
    ['the same column', "UPDATE t SET a = 'theirs' WHERE id = 'x'", {
      'last-writer-wins': ['ok', ['mine', 'b']], 'detect': ['write.conflict', ['theirs', 'b']], 'merge': ['write.conflict', ['theirs', 'b']],
    }],
    ['another column', "UPDATE t SET b = 'theirs' WHERE id = 'x'", {
      'last-writer-wins': ['ok', ['mine', 'theirs']], 'detect': ['write.conflict', ['a', 'theirs']], 'merge': ['ok', ['mine', 'theirs']],
    }],
    ['the same column to the same value', "UPDATE t SET a = 'mine' WHERE id = 'x'", {
      'last-writer-wins': ['ok', ['mine', 'b']], 'detect': ['write.conflict', ['mine', 'b']], 'merge': ['ok', ['mine', 'b']],
    }],
    ['the same column, and back', "UPDATE t SET a = 'theirs' WHERE id = 'x'; UPDATE t SET a = 'a' WHERE id = 'x'", {
      'last-writer-wins': ['ok', ['mine', 'b']], 'detect': ['ok', ['mine', 'b']], 'merge': ['ok', ['mine', 'b']],
    }],
    ['the same column, in type alone', "UPDATE t SET a = CAST('a' AS BLOB) WHERE id = 'x'", {
      'last-writer-wins': ['ok', ['mine', 'b']], 'detect': ['write.conflict', [new Uint8Array([97]), 'b']], 'merge': ['write.conflict', [new Uint8Array([97]), 'b']],
    }],
    ['another column, in letters alone', "UPDATE t SET code = 'CX' WHERE id = 'x'", {
      'last-writer-wins': ['ok', ['mine', 'b']], 'detect': ['write.conflict', ['a', 'b']], 'merge': ['ok', ['mine', 'b']],
    }],
    ['by deleting it', "DELETE FROM t WHERE id = 'x'", {
      'last-writer-wins': ['write.not-found', undefined], 'detect': ['write.not-found', undefined], 'merge': ['write.not-found', undefined],
    }],
    ['so that it left the share', "UPDATE t SET owner = 'bob' WHERE id = 'x'", {
      'last-writer-wins': ['write.not-found', ['a', 'b']], 'detect': ['write.not-found', ['a', 'b']], 'merge': ['write.not-found', ['a', 'b']],
    }],
  ];
  for (const [what, theirs, wanted] of cases) {
    it.each(MODES)(`S74 S75 I16 ${what}: %s`, (mode) => withMode(mode, async ({ business, device, row }) => {
      business.exec(theirs);
      const [code, left] = wanted[mode];
      expect([await device.code(UPDATE), row()]).toEqual([code, left]);
      expect((await device.errors()).map(({ error_code, owner, seq }) => [error_code, owner, seq])).toEqual(code === 'ok' ? [] : [[code, 'ann', 1]]);
    }));
  }

  it('S74 are compared letter by letter and by type, also where the column compares otherwise', () => withMode('detect', async ({ business, device }) => {
    business.exec("UPDATE t SET n = 2, parent = NULL WHERE id = 'y'");
    const seen = { b: 'b', code: 'cy', n: 2, parent: null };
    const edit = (base: object): Promise<string> => device.code({ update: 't', key: ['y'], set: { a: ['a', 'a'] }, base: { ...seen, ...base } });
    expect(await edit({ n: { r: '2' } })).toBe('write.conflict');
    expect(await edit({ parent: '' })).toBe('write.conflict');
    expect(await edit({ code: 'CY' })).toBe('write.conflict');
    expect(await edit({})).toBe('ok');
  }));

  it('S74 the message names the columns that somebody else has changed', () => withMode('detect', async ({ business, device }) => {
    business.exec("UPDATE t SET a = 'theirs', n = 7 WHERE id = 'x'");
    const outcome = await device.one(UPDATE);
    expect(outcome?.refused?.message).toMatch(/a, n\.$/);
  }));
});

describe('deletes of a row that somebody else has changed', () => {
  const cases: readonly [string, string, Record<ConflictMode, readonly [string, boolean]>][] = [
    ['in a value', "UPDATE t SET b = 'theirs' WHERE id = 'x'", { 'last-writer-wins': ['ok', false], 'detect': ['write.conflict', true], 'merge': ['write.conflict', true] }],
    ['by deleting it', "DELETE FROM t WHERE id = 'x'", { 'last-writer-wins': ['ok', false], 'detect': ['ok', false], 'merge': ['ok', false] }],
    ['so that it left the share', "UPDATE t SET owner = 'bob' WHERE id = 'x'", { 'last-writer-wins': ['ok', true], 'detect': ['ok', true], 'merge': ['ok', true] }],
  ];
  for (const [what, theirs, wanted] of cases) {
    it.each(MODES)(`S74 S75 I16 ${what}: %s`, (mode) => withMode(mode, async ({ business, device, row }) => {
      business.exec(theirs);
      expect([await device.code(DELETE), row() !== undefined]).toEqual(wanted[mode]);
    }));
  }
});

describe.each(MODES)('what the business database does not allow, with %s,', (mode) => {
  const insert = (id: string, set: object = {}): { insert: string; key: string[]; set: Record<string, unknown> } => ({ insert: 't', key: [id], set: { owner: 'ann', ...set } });
  const update = (column: string, old: unknown, value: unknown): typeof UPDATE =>
    ({ update: 't', key: ['x'], set: { [column]: [old, value] }, base: Object.fromEntries(Object.entries(BASE).filter(([name]) => name !== column)) }) as unknown as typeof UPDATE;

  const both = async (work: (device: EditingDevice) => Promise<string>, code: string): Promise<void> => withMode(mode, async ({ business, device }) => {
    const before = business.prepare('SELECT * FROM t').all();
    expect(await work(device)).toBe(code);
    expect(business.prepare('SELECT * FROM t').all()).toEqual(before);
    expect((await device.errors()).map(({ error_code, type }) => [error_code, type])).toEqual([[code, code === 'write.exists' ? 2 : 3]]);
  });

  it('S76 is a row that exists already', () => both((device) => device.code(insert('y')), 'write.exists'));
  it('S76 S75 is a row that somebody else has, of whom nothing is told', () => withMode(mode, async ({ device }) => {
    const [mine, others] = [await device.one(insert('y')), await device.one(insert('z'))];
    expect(others?.refused).toEqual({ ...mine?.refused, error: 'phone:2' });
  }));
  it('S76 is another row with a unique value, inserted', () => both((device) => device.code(insert('new', { code: 'cy' })), 'write.unique'));
  it('S76 is another row with a unique value, updated', () => both((device) => device.code(update('code', 'cx', 'cy')), 'write.unique'));
  it('S76 is a reference to nothing, inserted', () => both((device) => device.code(insert('new', { parent: 'q' })), 'write.reference'));
  it('S76 is a reference to nothing, updated', () => both((device) => device.code(update('parent', 'p', 'q')), 'write.reference'));
  it('S76 is taking away what others refer to', () => both((device) => device.code({ delete: 'parent', key: ['p'] }), 'write.reference'));
  it('S76 is a value that CHECK refuses, inserted', () => both((device) => device.code(insert('new', { n: 100 })), 'write.rejected'));
  it('S76 is a value that CHECK refuses, updated', () => both((device) => device.code(update('n', 1, 100)), 'write.rejected'));
  it('S76 is what a trigger raises, inserted', () => both((device) => device.code(insert('new', { a: 'war' })), 'write.rejected'));
  it('S76 is what a trigger raises, updated', () => both((device) => device.code(update('a', 'a', 'war')), 'write.rejected'));
  it('S75 is a new row outside of the person\'s share', () => both((device) => device.code(insert('new', { owner: 'bob' })), 'write.outside-share'));
  it('S75 S18 is a new row of one whose name differs in letters', () => both((device) => device.code(insert('new', { owner: 'Ann' })), 'write.outside-share'));
  it('S75 is a new row of nobody', () => both((device) => device.code({ insert: 't', key: ['new'] }), 'write.outside-share'));
  it('S75 does not hinder handing a row over to somebody else', () => withMode(mode, async ({ device, business }) => {
    expect(await device.code(update('owner', 'ann', 'bob'))).toBe('ok');
    expect(business.prepare("SELECT owner FROM t WHERE id = 'x'").get()).toMatchObject({ owner: 'bob' });
    expect(await device.code({ ...update('a', 'a', 'again') })).toBe('write.not-found');
  }));
});
