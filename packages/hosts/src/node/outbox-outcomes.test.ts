import { dropDraft, readDrafts, readOutbox, takeOutcomes, writeEdits } from '@carryon/client/testing';
import type { Outcome } from '@carryon/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EditDevice, EDITED, JOBS, PARTS, SITES } from '../testing/edit-device.ts';

let device: EditDevice;
beforeEach(async () => {
  device = new EditDevice();
  await device.put(JOBS, 5, 'a', 'roof', 1n).put(SITES, 1, 7n, 'north', null).put(PARTS, 1, 'p', 1n, 7n, 2.5, 5).download(...EDITED);
});
afterEach(() => device.end());

const write = (sql: string): Promise<void> => writeEdits(device.db, async (edits) => void (await edits.sql(sql)));
const refused = (seq: number): Outcome => ({ seq, refused: { code: 'write.rejected', message: 'no', change: 0, error: `e${seq}` } });
const titles = (): unknown[] => device.visible(JOBS).map(({ title }) => title);
const S = '"site ""A"""';

describe('outcomes', () => {
  it('D47 what is not told was accepted; a refusal makes a draft; both only once', async () => {
    for (const title of ['one', 'two', 'three']) await write(`UPDATE jobs SET title = '${title}'`);
    expect(await device.take(2, refused(2))).toEqual({ accepted: 1, refused: 1, again: 0, lost: 0 });
    expect(await readOutbox(device.db)).toMatchObject({ made: 3, known: 2, drafts: 1, operations: 3 });
    expect(await device.take(2, refused(2))).toEqual({ accepted: 0, refused: 0, again: 0, lost: 0 });
    expect(await device.take(3)).toEqual({ accepted: 1, refused: 0, again: 0, lost: 0 });
    expect(await readOutbox(device.db)).toMatchObject({ known: 3, drafts: 1, operations: 3 });
    expect(titles()).toEqual(['three']);
    device.put(JOBS, 5, 'a', 'three', 1n);
    await device.commit(3);
    expect(await readOutbox(device.db)).toMatchObject({ drafts: 1, operations: 0, tables: [] });
  });

  it('D47 a refused edit is seen until the commit that tells of it, then the server\'s row', async () => {
    await write("UPDATE jobs SET title = 'bad'");
    await device.take(1, refused(1));
    await device.commit(0);
    expect(titles()).toEqual(['bad']);
    await device.commit(1);
    expect(titles()).toEqual(['roof']);
    await device.commit(1);
    expect(titles()).toEqual(['roof']);
  });

  it('D42 temporary keys become the real ones in rows, references, later edits and drafts', async () => {
    await writeEdits(device.db, async (edits) => {
      const [parent] = await edits.insert('site "A"', { name: 'parent' });
      await edits.insert('site "A"', { name: 'child', parent: parent ?? null });
      await edits.insert('parts', { code: 'q', line: 1, site: parent ?? null });
    });
    const [parent, child] = device.query(`SELECT id FROM ${S} WHERE id < 0 ORDER BY id DESC`).map(({ id }) => Number(id));
    await write(`UPDATE parts SET site = ${parent} WHERE code = 'p'`);
    await write(`UPDATE ${S} SET name = 'later' WHERE id = ${child}`);
    await write(`DELETE FROM ${S} WHERE id = 7`);
    const push = await device.push();
    expect(push?.changesets[0]?.changes.map(({ key, set }) => [...key, ...(set ?? [])])).toEqual([[parent, [1, 'parent']], [child, [1, 'child'], [2, parent]], ['q', 1, [2, parent]]]);
    await device.take(3, { seq: 1, keys: [{ table: SITES.name, temporary: parent, key: 100 }, { table: SITES.name, temporary: child, key: 101 }] }, refused(2), refused(3));
    expect(device.visible(SITES)).toEqual([{ id: 100, name: 'parent', parent: null }, { id: 101, name: 'later', parent: 100 }]);
    expect(device.visible(PARTS).map(({ site }) => site)).toEqual([100, 100]);
    const drafts = await readDrafts(device.db);
    expect(drafts.map(({ changes: [change] }) => [change?.key, change?.mine])).toEqual([[['p', 1], { code: 'p', line: 1, site: 100, price: 2.5, total: 5 }], [[101], { id: 101, name: 'later', parent: 100 }]]);
    expect(device.query('SELECT temporary, key FROM _carryon_key ORDER BY temporary DESC')).toEqual([{ temporary: parent, key: 100 }, { temporary: child, key: 101 }]);
    device.put(SITES, 20, 100n, 'parent', null).put(SITES, 21, 101n, 'child', 100n);
    expect((await device.commit(1)).differing).toEqual([]);
    expect(device.visible(SITES)).toEqual([{ id: 100, name: 'parent', parent: null }, { id: 101, name: 'later', parent: 100 }]);
    expect(device.query(`SELECT _rid FROM ${S} ORDER BY _rid`)).toEqual([{ _rid: 20 }, { _rid: 21 }]);
    expect(() => device.app.exec(`INSERT INTO ${S}(id) VALUES(${parent})`)).toThrow('carryon write.exists');
  });

  it('D42 real keys may come with a commit before the outcome is known: for that long both rows are there, then one', async () => {
    await write(`INSERT INTO ${S}(name) VALUES('new')`);
    const [[temporary]] = [(await device.push())?.changesets[0]?.changes[0]?.key ?? []];
    device.put(SITES, 30, 100n, 'new', null);
    await device.commit(1);
    expect(device.visible(SITES).map(({ id }) => id)).toEqual([temporary, 7, 100]);
    await device.take(1, { seq: 1, keys: [{ table: SITES.name, temporary, key: 100 }] });
    expect(device.visible(SITES).map(({ id }) => id)).toEqual([7, 100]);
    await device.commit(1);
    expect(device.query(`SELECT _rid, id FROM ${S} ORDER BY id`)).toEqual([{ _rid: 1, id: 7 }, { _rid: 30, id: 100 }]);
  });

  it('D47 an edit made between the answer and its outcome keeps the key that it was made with until then', async () => {
    await write(`INSERT INTO ${S}(name) VALUES('new')`);
    const temporary = Number((await device.push())?.changesets[0]?.changes[0]?.key[0]);
    device.app.exec(`UPDATE ${S} SET name = 'newer' WHERE id = ${temporary}; INSERT INTO parts(code, line, site) VALUES('z', 1, ${temporary})`);
    await device.take(1, { seq: 1, keys: [{ table: SITES.name, temporary, key: 100 }] });
    expect((await device.push())?.changesets[0]?.changes.map(({ key, set }) => [...key, ...(set ?? [])])).toEqual([[100, [1, 'new', 'newer']], ['z', 1, [2, 100]]]);
  });
});

describe('a server restored from a backup', () => {
  const accepted = async (): Promise<void> => {
    for (const title of ['one', 'two', 'three']) await write(`UPDATE jobs SET title = '${title}'`);
    await device.take(3, refused(2));
    device.put(JOBS, 5, 'a', 'three', 1n);
    await device.commit(3);
  };

  it('D48 gets again what it lacks, by an answer that knows less', async () => {
    await accepted();
    await write("UPDATE jobs SET title = 'four'");
    device.put(JOBS, 5, 'a', 'one', 1n);
    expect(await device.take(1)).toEqual({ accepted: 0, refused: 0, again: 2, lost: 0 });
    await device.commit(1);
    expect(titles()).toEqual(['four']);
    expect((await device.push())?.changesets.map(({ seq, changes }) => [seq, changes[0]?.set])).toEqual([[2, undefined], [3, [[1, 'two', 'three']]], [4, [[1, 'three', 'four']]]]);
    expect(await readOutbox(device.db)).toMatchObject({ known: 1, drafts: 1, operations: 2 });
    await device.take(4);
    device.put(JOBS, 5, 'a', 'four', 1n);
    await device.commit(4);
    expect(await readOutbox(device.db)).toMatchObject({ operations: 0, drafts: 1 });
  });

  it('D48 is asked once more when a commit lacks what it has accepted, and nothing comes of it where it only lags', async () => {
    await write("UPDATE jobs SET title = 'one'");
    await write("UPDATE jobs SET title = 'bad'");
    await device.take(2, refused(2));
    await device.commit(0);
    expect(titles()).toEqual(['bad']);
    expect((await device.push())?.changesets.map(({ seq, changes }) => [seq, changes.length])).toEqual([[1, 1], [2, 0]]);
    await device.take(2);
    await device.commit(0);
    expect(await device.push()).toBeUndefined();
    expect(await readOutbox(device.db)).toMatchObject({ known: 2, drafts: 1 });
  });

  it('D48 may refuse then what it had accepted before', async () => {
    await write("UPDATE jobs SET title = 'one'");
    await device.take(1);
    await device.commit(0);
    await device.take(1, refused(1));
    expect(await readOutbox(device.db)).toMatchObject({ known: 1, drafts: 1 });
  });

  it('D48 gets again what it lacks, by a commit with a lower acknowledgement, when nobody has anything to send', async () => {
    await accepted();
    await write(`INSERT INTO parts(code, line) VALUES('q', 1)`);
    await device.take(4);
    device.put(PARTS, 2, 'q', 1n, null, null, null);
    await device.commit(4);
    expect(await device.push()).toBeUndefined();
    device.put(JOBS, 5, 'a', 'one', 1n).remove(PARTS, 2);
    await device.commit(1, JOBS);
    expect(titles()).toEqual(['three']);
    await device.commit(1, PARTS);
    expect(device.visible(PARTS)).toHaveLength(2);
    expect((await device.push())?.changesets.map(({ seq }) => seq)).toEqual([2, 3, 4]);
  });

  it('D48 what the device no longer has is told as lost, and what it still has follows', async () => {
    await accepted();
    device.nowMs += 100_000_000;
    await device.commit(3);
    for (const title of ['four', 'five']) await write(`UPDATE jobs SET title = '${title}'`);
    await device.take(5);
    device.put(JOBS, 5, 'a', 'five', 1n);
    await device.commit(5);
    // Number 2 is a draft, 1 and 3 are forgotten.
    expect(await device.take(0)).toEqual({ accepted: 0, refused: 0, again: 2, lost: 3 });
    expect(await device.push()).toMatchObject({ known: 0, lost: 3, changesets: [{ seq: 4 }, { seq: 5 }] });
    expect(await readOutbox(device.db)).toMatchObject({ drafts: 1 });
    await device.take(5);
    expect(await device.push()).toBeUndefined();
  });

  it('D48 a draft that was dropped leaves its number, so that later ones can be sent again', async () => {
    await accepted();
    await device.store.perform({ kind: 'collect' }, 1);
    await dropDraft(device.db, 2);
    await device.take(1);
    expect((await device.push())?.changesets.map(({ seq, changes }) => [seq, changes.length])).toEqual([[2, 0], [3, 1]]);
  });
});

describe('a device restored from a backup', () => {
  it('D48 makes new rows of a restored server again under new keys: those of before may have gone to others', async () => {
    const site = `"${SITES.name.replaceAll('"', '""')}"`;
    device.app.exec(`INSERT INTO ${site}(id, name) VALUES(-5, 'mine'); INSERT INTO parts(code, line, site) VALUES('p', 9, -5)`);
    await device.push();
    device.put(SITES, 30, 17n, 'mine', null).put(PARTS, 31, 'p', 9n, 17n, null, null);
    await device.take(1, { seq: 1, keys: [{ table: SITES.name, temporary: -5, key: 17 }] });
    await device.commit(1);
    device.app.exec(`UPDATE ${site} SET name = 'mine, changed' WHERE id = 17`);
    await device.push();
    // Another person's new row has the key now.
    device.put(SITES, 30, 17n, 'theirs', null).remove(PARTS, 31);
    expect(await device.take(0)).toMatchObject({ again: 1 });
    await device.commit(0);
    expect(device.query(`SELECT id, name FROM ${site} WHERE name LIKE 'mine%'`)).toEqual([{ id: -5, name: 'mine, changed' }]);
    expect((await device.push())?.changesets.map(({ changes }) => changes.map(({ op, key, set }) => [op, ...key, set?.at(-1)]))).toEqual([
      [['insert', -5, [1, 'mine']], ['insert', 'p', 9, [2, -5]]], [['update', -5, [1, 'mine', 'mine, changed']]],
    ]);
    await device.take(2, { seq: 1, keys: [{ table: SITES.name, temporary: -5, key: 18 }] });
    device.put(SITES, 32, 18n, 'mine, changed', null).put(PARTS, 33, 'p', 9n, 18n, null, null);
    await device.commit(2);
    expect(device.query(`SELECT id, name FROM ${site} WHERE id IN (17, 18) ORDER BY id`)).toEqual([{ id: 17, name: 'theirs' }, { id: 18, name: 'mine, changed' }]);
  });

  it('D48 whose record was made anew on the same data gets only what was not sent', async () => {
    const take = (last: number, ledger: string): ReturnType<typeof takeOutcomes> => takeOutcomes(device.db, { last, ledger, outcomes: [] }, device.nowMs, () => 'another');
    device.app.exec("UPDATE jobs SET title = 'accepted' WHERE id = 'a'");
    await device.push();
    await take(1, 'one');
    device.put(JOBS, 5, 'a', 'newer, by somebody else', 1n);
    await device.commit(1);
    device.app.exec("INSERT INTO jobs(id, title) VALUES('b', 'unsent')");
    await device.push();
    expect(await take(0, 'two')).toMatchObject({ device: 'another', again: 1 });
    expect(device.query("SELECT title FROM jobs WHERE id = 'a'")).toEqual([{ title: 'newer, by somebody else' }]);
    expect((await device.push())?.changesets.map(({ seq, changes }) => [seq, ...changes.map(({ key }) => key[0])])).toEqual([[1, 'b']]);
    expect(await take(1, 'two')).toMatchObject({ accepted: 1 });
  });

  it('D48 becomes another device, with its unsent edits and its drafts', async () => {
    for (const title of ['one', 'bad', 'three', 'four']) await write(`UPDATE jobs SET title = '${title}'`);
    await device.take(2, refused(2));
    const { device: before } = await device.open();
    const taken = await device.take(9);
    expect(taken).toMatchObject({ again: 2, device: expect.stringMatching(/^device-/) });
    expect((await device.open()).device).toBe(taken.device);
    expect(taken.device).not.toBe(before);
    expect((await device.push())?.changesets.map(({ seq, changes }) => [seq, changes[0]?.set])).toEqual([[1, [[1, 'bad', 'three']]], [2, [[1, 'three', 'four']]]]);
    expect(titles()).toEqual(['four']);
    const [draft] = await readDrafts(device.db);
    expect([draft?.changes[0]?.mine?.['title'], (draft?.seq ?? 0) < 0]).toEqual(['bad', true]);
    await write("UPDATE jobs SET title = 'five'");
    expect((await device.push())?.changesets.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    await device.take(3);
    device.put(JOBS, 5, 'a', 'five', 1n);
    await device.commit(3);
    expect([titles(), await readOutbox(device.db)]).toMatchObject([['five'], { drafts: 1, operations: 0, known: 3, made: 3 }]);
  });
});
