import { discardEdits, dropDraft, exportEdits, readDrafts, readOutbox, retryDraft, writeEdits } from '@carryon/client/testing';
import type { SqlValue } from '@carryon/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EditDevice, EDITED, ERRORS, JOBS, PARTS, SITES } from '../testing/edit-device.ts';

let device: EditDevice;
beforeEach(async () => {
  device = new EditDevice();
  await device.put(JOBS, 5, 'a', 'roof', 1n).put(JOBS, 6, 'b', 'door', 2n).put(SITES, 1, 7n, 'north', null).download(...EDITED, ERRORS);
});
afterEach(() => device.end());

const write = (sql: string): Promise<number> => writeEdits(device.db, (edits) => edits.sql(sql));
const code = (wanted: string): unknown => expect.objectContaining({ code: wanted });
const S = '"site ""A"""';

/** One edit that was refused, with the server's rows as they are now. */
async function refuse(sql: string): Promise<void> {
  await writeEdits(device.db, async (edits) => { for (const one of sql.split(';')) await edits.sql(one); });
  const { outbox } = await device.open();
  device.put(ERRORS, 90 + outbox.made, `e${outbox.made}`, 'told');
  await device.take(outbox.made, { seq: outbox.made, refused: { code: 'write.conflict', message: 'somebody else', change: 0, error: `e${outbox.made}` } });
  await device.commit(outbox.made);
}

const pushed = async (): Promise<unknown> => (await device.push())?.changesets.map(({ changes }) => changes.map(({ op, key, set }) => [op, ...key, ...(set ?? [])]));

describe('drafts', () => {
  it('D49 show the row as it was, as it was wanted and as it is', async () => {
    device.put(JOBS, 5, 'a', 'theirs', 9n);
    await refuse("UPDATE jobs SET title = 'mine' WHERE id = 'a'; DELETE FROM jobs WHERE id = 'b'; INSERT INTO jobs(id) VALUES('n')");
    expect(await readDrafts(device.db)).toEqual([{
      seq: 1, atMs: device.nowMs, error: { code: 'write.conflict', message: 'somebody else', change: 0, id: 'e1' },
      changes: [
        { op: 'update', table: 'jobs', key: ['a'], base: { id: 'a', title: 'roof', hours: 1 }, mine: { id: 'a', title: 'mine', hours: 1 }, theirs: { id: 'a', title: 'theirs', hours: 9 } },
        { op: 'delete', table: 'jobs', key: ['b'], base: { id: 'b', title: 'door', hours: 2 }, mine: undefined, theirs: { id: 'b', title: 'door', hours: 2 } },
        { op: 'insert', table: 'jobs', key: ['n'], base: undefined, mine: { id: 'n', title: null, hours: null }, theirs: undefined },
      ],
    }]);
    expect(device.visible(JOBS)).toEqual([{ id: 'a', title: 'theirs', hours: 9 }, { id: 'b', title: 'door', hours: 2 }]);
  });

  it('D49 a later edit lies over the row; theirs is still the server\'s', async () => {
    await refuse("UPDATE jobs SET title = 'mine' WHERE id = 'a'");
    device.app.exec("UPDATE jobs SET hours = 50 WHERE id = 'a'");
    expect((await readDrafts(device.db))[0]?.changes[0]?.theirs).toEqual({ id: 'a', title: 'roof', hours: 1 });
  });

  it('D49 a retry is an ordinary edit of the rows as they are, as one changeset; draft and sync error are gone', async () => {
    device.put(JOBS, 5, 'a', 'theirs', 9n);
    await refuse("UPDATE jobs SET title = 'mine' WHERE id = 'a'; DELETE FROM jobs WHERE id = 'b'; INSERT INTO jobs(id, hours) VALUES('n', x'00ff')");
    await retryDraft(device.db, 1);
    expect(await pushed()).toEqual([[['update', 'a', [1, 'theirs', 'mine']], ['delete', 'b'], ['insert', 'n', [2, { b: 'AP8=' }]]], [['delete', 'e1']]]);
    expect(device.visible(JOBS).map(({ id, title }) => [id, title])).toEqual([['a', 'mine'], ['n', null]]);
    expect(await readDrafts(device.db)).toEqual([]);
    await expect(retryDraft(device.db, 1)).rejects.toThrow(code('usage') as Error);
  });

  it('D49 a retry takes other values, and leaves out what it shall', async () => {
    await refuse("UPDATE jobs SET title = 'mine' WHERE id = 'a'; UPDATE jobs SET title = 'b2' WHERE id = 'b'; INSERT INTO jobs(id, title) VALUES('n', 'new')");
    await retryDraft(device.db, 1, { 0: { title: 'mended', HOURS: 5n }, 1: 'leave', 2: { id: 'm' } });
    expect(await pushed()).toEqual([[['update', 'a', [1, 'roof', 'mended'], [2, 1, 5]], ['insert', 'm', [1, 'new']]], [['delete', 'e1']]]);
  });

  it('D49 a retry before the commit that tells of the refusal is captured all the same', async () => {
    await write("UPDATE jobs SET title = 'mine' WHERE id = 'a'");
    await device.take(1, { seq: 1, refused: { code: 'write.rejected', message: 'no', change: 0, error: 'e1' } });
    await retryDraft(device.db, 1);
    expect(await pushed()).toEqual([[['update', 'a', [1, 'roof', 'mine']]], [['delete', 'e1']]]);
    // The sync error comes only now: it is gone for the person already.
    device.put(ERRORS, 91, 'e1', 'told');
    await device.commit(1);
    expect(device.visible(ERRORS)).toEqual([]);
    await device.take(3);
    device.remove(ERRORS, 91);
    await device.commit(3);
    expect(await readOutbox(device.db)).toMatchObject({ operations: 0, drafts: 0 });
  });

  it('D49 a new row keeps its temporary key, which other rows may have taken up', async () => {
    await refuse(`INSERT INTO ${S}(name) VALUES('new')`);
    const [key] = (await readDrafts(device.db))[0]?.changes[0]?.key ?? [];
    expect(device.visible(SITES)).toHaveLength(1);
    await retryDraft(device.db, 1, { 0: { name: 'better' } });
    expect(await pushed()).toEqual([[['insert', key, [1, 'better']]], [['delete', 'e1']]]);
  });

  const impossible: readonly [string, string, () => unknown, Readonly<Record<string, SqlValue>>, string][] = [
    ['whose row is gone', "UPDATE jobs SET title = 'x' WHERE id = 'a'", () => device.remove(JOBS, 5), {}, 'write.not-found'],
    ['whose key another row has', "INSERT INTO jobs(id) VALUES('n')", () => device.put(JOBS, 50, 'n', 'theirs', 1n), {}, 'sql.error'],
    ['with a column that is not there', "UPDATE jobs SET title = 'x' WHERE id = 'a'", () => undefined, { nonsense: 1 }, 'write.unknown'],
    ['with another key', "UPDATE jobs SET title = 'x' WHERE id = 'a'", () => undefined, { id: 'other' }, 'write.forbidden'],
  ];
  it.each(impossible)('D49 a retry of one %s fails, and the draft stays', async (_, sql, meanwhile, mended, wanted) => {
    await refuse(sql);
    meanwhile();
    await device.commit(1);
    const before = await readDrafts(device.db);
    await expect(retryDraft(device.db, 1, { 0: mended })).rejects.toThrow(code(wanted) as Error);
    expect(await readDrafts(device.db)).toEqual(before);
    expect(await readOutbox(device.db)).toMatchObject({ loose: 0, operations: 0, made: 1 });
  });

  it('D49 a retry of a deletion whose row is gone is done with it', async () => {
    await refuse("DELETE FROM jobs WHERE id = 'a'");
    device.remove(JOBS, 5);
    await device.commit(1);
    await retryDraft(device.db, 1);
    expect(await pushed()).toEqual([[['delete', 'e1']]]);
  });

  it('D49 dropping a draft leaves the server\'s values, and takes the sync error along', async () => {
    await refuse("UPDATE jobs SET title = 'mine' WHERE id = 'a'");
    await dropDraft(device.db, 1);
    expect(await pushed()).toEqual([[['delete', 'e1']]]);
    expect([await readDrafts(device.db), device.visible(JOBS)[0], device.visible(ERRORS)]).toEqual([[], { id: 'a', title: 'roof', hours: 1 }, []]);
    await expect(dropDraft(device.db, 1)).rejects.toThrow(code('usage') as Error);
  });
});

describe('writeEdits', () => {
  it('D50 adds, changes and removes rows, and tells the keys of new ones', async () => {
    const keys = await writeEdits(device.db, async (edits) => {
      const made = [await edits.insert('jobs', { title: 'x' }), await edits.insert('site "A"', {}), await edits.insert('parts', { code: 'q', line: 2n, price: 1 })];
      await edits.update('jobs', made[0] ?? [], { title: 'y' });
      await edits.update('PARTS', ['q', 2], { price: 2 });
      await edits.remove('jobs', ['b']);
      return made;
    });
    expect(keys).toEqual([[expect.stringMatching(/^[0-9a-f-]{36}$/)], [expect.any(Number)], ['q', 2]]);
    expect(device.visible(JOBS).map(({ title }) => title).sort()).toEqual(['roof', 'y']);
    expect(device.visible(PARTS)).toEqual([{ code: 'q', line: 2, site: null, price: 2, total: null }]);
    expect((await device.push())?.changesets.map(({ changes }) => changes.length)).toEqual([6]);
  });

  it('D50 takes a temporary key that was replaced meanwhile for the real one', async () => {
    const key = await writeEdits(device.db, (edits) => edits.insert(SITES.name, { name: 'new' }));
    await device.push();
    await device.take(1, { seq: 1, keys: [{ table: SITES.name, temporary: Number(key[0]), key: 70 }] });
    await writeEdits(device.db, (edits) => edits.update(SITES.name, key, { name: 'renamed' }));
    expect(device.query(`SELECT id, name FROM ${S} WHERE id = 70`)).toEqual([{ id: 70, name: 'renamed' }]);
  });

  it('D50 refuses statements that would end its transaction', async () => {
    for (const sql of ['COMMIT', ' -- so\n/* and so */ rollback', 'SAVEPOINT s', 'PRAGMA foreign_keys = ON']) {
      await expect(writeEdits(device.db, async (edits) => {
        await edits.sql("UPDATE jobs SET title = 'half' WHERE id = 'a'");
        await edits.sql(sql);
      })).rejects.toThrow(code('sql.refused') as Error);
    }
    expect(device.visible(JOBS).filter(({ title }) => title === 'half')).toEqual([]);
  });

  it('D50 fails with a code that says why, and then nothing was changed', async () => {
    const attempt = (work: Parameters<typeof writeEdits>[1]): Promise<unknown> => writeEdits(device.db, async (edits) => {
      await edits.update('jobs', ['a'], { hours: 99 });
      await work(edits);
    }).catch((error: { code?: string }) => error.code ?? error);
    expect(await attempt((edits) => edits.insert('nowhere', {}))).toBe('write.unknown');
    expect(await attempt((edits) => edits.insert('jobs', { secret: 1 }))).toBe('write.unknown');
    expect(await attempt((edits) => edits.update('jobs', ['z'], { hours: 1 }))).toBe('write.not-found');
    expect(await attempt((edits) => edits.remove('jobs', ['z']))).toBe('write.not-found');
    expect(await attempt((edits) => edits.insert('prices', { id: 1 }))).toBe('write.forbidden');
    expect(await attempt((edits) => edits.update('jobs', ['a'], { id: 'z' }))).toBe('write.forbidden');
    expect(await attempt((edits) => edits.insert('parts', { code: 'x' }))).toBe('write.rejected');
    expect(await attempt((edits) => edits.insert('jobs', { id: 'a' }))).toBe('sql.error');
    expect(await attempt((edits) => edits.sql('nonsense'))).toBe('sql.error');
    expect(await attempt((edits) => edits.remove('parts', ['p']))).toBe('usage');
    const mine = new Error('mine');
    expect(await attempt(async () => { throw mine; })).toBe(mine);
    expect(device.visible(JOBS)[0]).toEqual({ id: 'a', title: 'roof', hours: 1 });
    expect(await device.push()).toBeUndefined();
  });

  it('D50 a refusal is told in a sentence, and a table on its way is not usable', async () => {
    await expect(writeEdits(device.db, (edits) => edits.sql('DELETE FROM prices'))).resolves.toBe(0);
    device.put({ ...JOBS, id: 4 }, 1, 1n, 2);
    await device.commit(0);
    await expect(writeEdits(device.db, (edits) => edits.sql('DELETE FROM prices'))).rejects.toThrow('The profile does not let you delete rows of prices.');
    await device.plan({ ...JOBS, id: 30, name: 'coming' });
    await expect(writeEdits(device.db, (edits) => edits.insert('coming', {}))).rejects.toThrow(code('device.not-usable') as Error);
    await expect(writeEdits(device.db, (edits) => edits.sql('DELETE FROM coming'))).rejects.toThrow(code('device.not-usable') as Error);
  });
});

describe('everything at once', () => {
  const prepare = async (): Promise<void> => {
    await refuse("UPDATE jobs SET title = 'bad' WHERE id = 'a'");
    await write("UPDATE jobs SET hours = 9007199254740993 WHERE id = 'b'");
    await write(`INSERT INTO ${S}(name) VALUES('new')`);
    device.app.exec("DELETE FROM jobs WHERE id = 'a'");
  };

  it('D51 can be exported: what is on its way, what has no number yet, and drafts', async () => {
    await prepare();
    const exported = await exportEdits(device.db);
    expect(JSON.parse(JSON.stringify(exported))).toEqual({
      device: 'device-1', user: 'mia',
      pending: [
        { transaction: 2, op: 'update', table: 'jobs', key: ['b'], old: { id: 'b', title: 'door', hours: 2 }, new: { id: 'b', title: 'door', hours: { i: '9007199254740993' } } },
        { transaction: 3, op: 'insert', table: 'site "A"', key: [expect.any(Number)], new: { id: expect.any(Number), name: 'new', parent: null } },
        { transaction: null, op: 'delete', table: 'jobs', key: ['a'], old: { id: 'a', title: 'roof', hours: 1 } },
      ],
      drafts: [{ transaction: 1, error: { code: 'write.conflict', message: 'somebody else', change: 0, id: 'e1' }, changes: [{ op: 'update', table: 'jobs', key: ['a'], old: { id: 'a', title: 'roof', hours: 1 }, new: { id: 'a', title: 'bad', hours: 1 } }] }],
    });
  });

  it('D51 can be thrown away: the server\'s rows stand, and numbers go on', async () => {
    await prepare();
    await discardEdits(device.db);
    expect(device.visible(JOBS)).toEqual([{ id: 'a', title: 'roof', hours: 1 }, { id: 'b', title: 'door', hours: 2 }]);
    expect(device.visible(SITES)).toHaveLength(1);
    expect(await exportEdits(device.db)).toMatchObject({ pending: [], drafts: [] });
    expect(await pushed()).toEqual([[], [], []]);
    await device.take(4);
    await write("UPDATE jobs SET hours = 3 WHERE id = 'a'");
    expect((await device.push())?.changesets.map(({ seq }) => seq)).toEqual([5]);
  });

  it('D51 of some tables only, with all of their transactions', async () => {
    await writeEdits(device.db, async (edits) => {
      await edits.update('jobs', ['a'], { hours: 5 });
      await edits.insert('parts', { code: 'q', line: 1 });
    });
    await write("UPDATE jobs SET hours = 6 WHERE id = 'b'");
    await discardEdits(device.db, ['Parts']);
    expect(device.visible(JOBS).map(({ hours }) => hours)).toEqual([1, 6]);
    expect(device.visible(PARTS)).toEqual([]);
  });
});
