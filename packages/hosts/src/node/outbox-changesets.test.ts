import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDrafts, readOutbox, writeEdits } from '@carryon/client/testing';
import type { TableSpec } from '@carryon/protocol';
import { EditDevice, EDITED, JOBS, PARTS } from '../testing/edit-device.ts';

let device: EditDevice;
beforeEach(() => { device = new EditDevice(); });
afterEach(() => device.end());

const fill = (...specs: readonly TableSpec[]): Promise<EditDevice> =>
  device.put(JOBS, 5, 'a', 'roof', 1n).put(JOBS, 6, 'b', 'door', 2n).put(JOBS, 7, 'c', 'wall', 3n).put(PARTS, 1, 'p', 1n, null, 2.5, 5).download(...(specs.length > 0 ? specs : EDITED));
/** Lets entries of the log lie apart, as if they had been written at other times or by other connections. */
const set = (what: string): void => device.app.exec(`UPDATE _carryon_log SET ${what}`);
const sizes = async (): Promise<unknown> => (await device.push())?.changesets.map(({ seq, changes }) => [seq, changes.length]);

describe('changesets', () => {
  it('D43 what is seen at one look is one changeset, and the next look makes the next number', async () => {
    await fill();
    device.app.exec("BEGIN; UPDATE jobs SET hours = 9; DELETE FROM jobs WHERE id = 'b'; COMMIT");
    expect(await sizes()).toEqual([[1, 4]]);
    device.app.exec("UPDATE jobs SET hours = 10 WHERE id = 'a'");
    expect(await sizes()).toEqual([[1, 4], [2, 1]]);
    expect(await readOutbox(device.db)).toEqual({ gone: 0, left: [], loose: 0, made: 2, known: 0, tables: [1], operations: 5, records: 3, drafts: 0 });
  });

  it('D43 what was written while no engine ran is divided where more than five seconds lie between, or the connection changed', async () => {
    await fill();
    for (let hours = 11; hours <= 16; hours++) device.app.exec(`UPDATE jobs SET hours = ${hours} WHERE id = 'a'`);
    const [first] = device.query('SELECT min(id) AS id FROM _carryon_log WHERE op IS NOT NULL');
    const from = Number(first?.['id']);
    set(`at_ms = 1000 + (id - ${from}) * 5000 + (id >= ${from + 2}), total = 100 + id - (id >= ${from + 4}) * 50`);
    expect(await readOutbox(device.db)).toMatchObject({ loose: 6, made: 0 });
    expect(await sizes()).toEqual([[1, 2], [2, 2], [3, 2]]);
  });

  it('D43 a clock that was set back does not divide a transaction', async () => {
    await fill();
    device.app.exec('UPDATE jobs SET hours = 9');
    set('at_ms = 1000000 - id * 10000');
    expect(await sizes()).toEqual([[1, 3]]);
  });

  it('D43 writeEdits numbers its transaction alone, and what others wrote before it before it', async () => {
    await fill();
    device.app.exec("UPDATE jobs SET hours = 9 WHERE id = 'a'");
    await writeEdits(device.db, async (edits) => {
      await edits.update('jobs', ['b'], { hours: 1 });
      await edits.update('jobs', ['c'], { hours: 1 });
    });
    await writeEdits(device.db, async () => undefined);
    await writeEdits(device.db, (edits) => edits.update('jobs', ['c'], { hours: 2 }));
    expect(await sizes()).toEqual([[1, 1], [2, 2], [3, 1]]);
  });

  it('D44 a push has the changesets after the last one known, as many as fit, at least one', async () => {
    await fill();
    expect(await device.push()).toBeUndefined();
    for (let i = 0; i < 5; i++) await writeEdits(device.db, (edits) => edits.update('jobs', ['a'], { title: 'x'.repeat(1000 * (i + 1)), hours: i + 2 }));
    const seqs = async (changes: number, bytes: number): Promise<unknown> => (await device.push({ changes, bytes }))?.changesets.map(({ seq }) => seq);
    expect(await seqs(3, 1e6)).toEqual([1, 2, 3]);
    expect(await seqs(0, 0)).toEqual([1]);
    expect(await seqs(100, 4000)).toEqual([1]);
    expect(await seqs(100, 8000)).toEqual([1, 2]);
    await device.take(2);
    expect(await device.push()).toMatchObject({ known: 2, changesets: [{ seq: 3 }, { seq: 4 }, { seq: 5 }] });
    await device.take(5);
    expect(await device.push()).toBeUndefined();
  });

  it('D44 nothing is told twice the same way or otherwise: a push repeated is the same', async () => {
    await fill();
    device.app.exec("UPDATE jobs SET hours = 9; INSERT INTO jobs(id) VALUES('n')");
    const first = await device.push();
    await device.restart();
    expect(await device.push()).toEqual(first);
  });

  it('D44 with the default, changes tell the columns changed; merge and detect tell what was seen besides', async () => {
    const pushed = async (conflicts: TableSpec['conflicts']): Promise<unknown> => {
      await device.end();
      device = new EditDevice();
      await fill({ ...JOBS, conflicts }, { ...PARTS, conflicts });
      device.app.exec("UPDATE jobs SET title = 'mine' WHERE id = 'a'; DELETE FROM jobs WHERE id = 'b'; INSERT INTO parts(code, line, price) VALUES('q', 1, 2); UPDATE parts SET price = 3 WHERE code = 'p'");
      return (await device.push())?.changesets[0]?.changes.map(({ op, key, base, set: values }) => [op, key[0], values, base]);
    };
    const [update, remove, insert, part] = [['update', 'a', [[1, 'roof', 'mine']]], ['delete', 'b', undefined], ['insert', 'q', [[3, { r: '2' }]], undefined], ['update', 'p', [[3, 2.5, { r: '3' }]]]];
    expect(await pushed(undefined)).toEqual([[...update, undefined], [...remove, undefined], insert, [...part, undefined]]);
    expect(await pushed('merge')).toEqual([[...update, undefined], [...remove, [[1, 'door'], [2, 2]]], insert, [...part, undefined]]);
    expect(await pushed('detect')).toEqual([[...update, [[2, 1]]], [...remove, [[1, 'door'], [2, 2]]], insert, [...part, [[2, null]]]]);
  });

  it('D44 what was seen besides is the server\'s row as it came since', async () => {
    await fill({ ...JOBS, conflicts: 'detect' });
    device.app.exec("UPDATE jobs SET title = 'mine' WHERE id = 'a'");
    device.put(JOBS, 5, 'a', 'roof', 77n);
    await device.commit(0);
    expect((await device.push())?.changesets[0]?.changes[0]).toMatchObject({ set: [[1, 'roof', 'mine']], base: [[2, 77]] });
  });

  it('D44 where rows are compared, an edit waits until an earlier one of its row has come back', async () => {
    await fill({ ...JOBS, conflicts: 'merge' });
    device.app.exec("UPDATE jobs SET title = 'one' WHERE id = 'a'");
    await device.push();
    device.app.exec("UPDATE jobs SET title = 'other' WHERE id = 'b'");
    await device.push();
    await device.take(1);
    device.app.exec("UPDATE jobs SET title = 'two' WHERE id = 'a'");
    expect((await device.push())?.changesets.map(({ seq }) => seq)).toEqual([2]);
    await device.take(2);
    expect(await device.push()).toEqual({ known: 2, sent: 2, user: 'mia', tables: [], changesets: [] });
    device.put(JOBS, 5, 'a', 'one', 1n);
    await device.commit(2);
    expect((await device.push())?.changesets.map(({ seq }) => seq)).toEqual([3]);
  });

  it('D44 a transaction that does not fit into a request becomes a draft, and its number is sent empty', async () => {
    await fill();
    const big = 'x'.repeat(5_000_000);
    device.app.prepare("UPDATE jobs SET title = ? || id, hours = 1 WHERE id IN ('a', 'b', 'c')").run(big);
    await device.push();
    device.app.exec("UPDATE jobs SET hours = 50 WHERE id = 'c'");
    expect(await sizes()).toEqual([[1, 0], [2, 1]]);
    expect((await readDrafts(device.db)).map(({ seq, error, changes }) => [seq, error.code, error.id, changes.length])).toEqual([[1, 'write.too-large', '', 3]]);
    await device.take(2);
    device.put(JOBS, 7, 'c', 'wall', 50n);
    await device.commit(2);
    expect(device.visible(JOBS)).toEqual([{ id: 'a', title: 'roof', hours: 1 }, { id: 'b', title: 'door', hours: 2 }, { id: 'c', title: 'wall', hours: 50 }]);
    expect(await readOutbox(device.db)).toMatchObject({ drafts: 1, operations: 0 });
  });

  it('D44 text that only grows as JSON counts as it is sent', async () => {
    await fill();
    device.app.prepare("UPDATE jobs SET title = ? WHERE id = 'a'").run('\u0001'.repeat(2_100_000));
    device.app.prepare("UPDATE jobs SET hours = ? WHERE id = 'b'").run(new Uint8Array(4_000_000));
    await device.push();
    expect(await readDrafts(device.db)).toHaveLength(1);
  });
});
