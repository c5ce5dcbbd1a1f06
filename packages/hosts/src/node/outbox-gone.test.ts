import { dropDraft, readDrafts, readOutbox, retryDraft } from '@carryon/client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EditDevice, EDITED, JOBS, SITES, type Row } from '../testing/edit-device.ts';

let device: EditDevice;
beforeEach(async () => {
  device = await new EditDevice().put(JOBS, 5, 'a', 'roof', 1n).put(JOBS, 6, 'b', 'door', 2n).put(SITES, 1, 7n, 'north', null).download(...EDITED);
});
afterEach(() => device.end());

const REFUSED = { code: 'write.not-found', message: 'no such row', change: 0, error: 'e' };
const state = (): Row[] => device.query("SELECT table_name, rid > 0 AS isServers, state, gone FROM carryon_state ORDER BY table_name");
const visible = (): Row[] => device.visible(JOBS);
const MINE = { id: 'a', title: 'mine', hours: 1 };
const DOOR = { id: 'b', title: 'door', hours: 2 };

/** The row leaves the share with an edit of it pending: nobody but the server knows by which rule. */
async function leave(statement = "UPDATE jobs SET title = 'mine' WHERE id = 'a'"): Promise<void> {
  device.app.exec(statement);
  await device.push();
  await device.remove(JOBS, 5).commit(0);
}

/** The server has no such row: the edit is refused, and a commit tells so. */
async function refuse(): Promise<void> {
  await device.take(1, { seq: 1, refused: REFUSED });
  await device.commit(1);
}

describe('a row that leaves while an edit of it is pending', () => {
  it('D72 stays visible, and says that the server\'s row is gone', async () => {
    await leave();
    expect(visible()).toEqual([MINE, DOOR]);
    expect(state()).toEqual([{ table_name: 'jobs', isServers: 0, state: 'pending', gone: 1 }]);
    expect(await readOutbox(device.db)).toMatchObject({ records: 1, gone: 1, drafts: 0 });
  });

  it('D72 goes with the commit that tells of its refusal; the draft says that the server has no such row, and can be dropped', async () => {
    await leave();
    await device.take(1, { seq: 1, refused: REFUSED });
    expect(visible()).toEqual([MINE, DOOR]);
    expect(state()).toEqual([{ table_name: 'jobs', isServers: 0, state: 'error', gone: 1 }]);
    await device.commit(1);
    expect(visible()).toEqual([DOOR]);
    expect(await readOutbox(device.db)).toMatchObject({ operations: 0, gone: 0, drafts: 1 });
    expect(await readDrafts(device.db)).toMatchObject([{ changes: [{ op: 'update', base: { title: 'roof' }, mine: MINE, theirs: undefined }] }]);
    await expect(retryDraft(device.db, 1)).rejects.toMatchObject({ code: 'write.not-found' });
    await dropDraft(device.db, 1);
    expect([visible(), state()]).toEqual([[DOOR], []]);
  });

  it('D72 D49 has the server\'s values when it comes back, under the edit while that is pending; its draft can be retried then', async () => {
    await leave();
    device.put(JOBS, 77, 'a', 'theirs', 9n);
    expect((await device.commit(0)).differing).toEqual([]);
    expect(visible()).toEqual([{ ...MINE, hours: 9 }, DOOR]);
    expect(state()).toEqual([{ table_name: 'jobs', isServers: 1, state: 'pending', gone: 0 }]);
    await device.remove(JOBS, 77).commit(0);
    expect(state()).toEqual([{ table_name: 'jobs', isServers: 0, state: 'pending', gone: 1 }]);
    await refuse();
    await device.put(JOBS, 78, 'a', 'theirs', 9n).commit(1);
    expect(visible()).toEqual([{ id: 'a', title: 'theirs', hours: 9 }, DOOR]);
    expect(await readDrafts(device.db)).toMatchObject([{ changes: [{ theirs: { title: 'theirs' } }] }]);
    await retryDraft(device.db, 1);
    expect(visible()).toEqual([{ ...MINE, hours: 9 }, DOOR]);
  });

  it('D72 a new row is not gone, nor one whose making was refused while an edit of it waits', async () => {
    device.app.exec("INSERT INTO jobs(id, title) VALUES('n', 'new')");
    await device.push();
    device.app.exec("UPDATE jobs SET title = 'newer' WHERE id = 'n'");
    await device.push();
    await refuse();
    expect(visible()).toContainEqual({ id: 'n', title: 'newer', hours: null });
    expect(await readOutbox(device.db)).toMatchObject({ gone: 0, drafts: 1, operations: 1 });
  });
});
