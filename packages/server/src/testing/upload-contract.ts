import type { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorTable } from '../core/sync-errors.ts';
import type { Storage, SyncedTable, Uploaded } from '../ports/storage.ts';
import { activateAll, pushOf, scopesOf, type NamedChange } from './edits.ts';
import type { StorageSubject } from './storage-contract.ts';

const SQL = "CREATE TABLE item(id INTEGER PRIMARY KEY, v CHECK(v <> 'bad')); CREATE TABLE job(id TEXT PRIMARY KEY, owner TEXT, v); INSERT INTO item VALUES(1, 'a'); INSERT INTO job VALUES('b', 'bob', 1)";
const RIGHTS = ['create', 'read', 'update', 'delete'];
const READ_ONLY = { item: {}, job: { rows: { own: 'owner' } } };
const PROFILE = { item: { rights: RIGHTS }, job: { rows: { own: 'owner' }, rights: RIGHTS, conflicts: 'detect' } };
const text = (name: string, type = 'TEXT') => ({ name, type, collation: 'BINARY' as const });
const TABLES: readonly SyncedTable[] = [
  { id: 1, name: 'item', columns: [text('id', 'INTEGER'), text('v', '')], key: [0], level: 5, hidden: [] },
  { id: 2, name: 'job', columns: [text('id'), text('owner'), text('v', '')], key: [0], level: 5, hidden: [] },
  errorTable(3),
];

const job = (id: string, v: unknown = 1): NamedChange => ({ insert: 'job', key: [id], set: { owner: 'ann', v } });
const item = (from: unknown, to: unknown): NamedChange => ({ update: 'item', key: [1], set: { v: [from, to] } });
const BAD = item('a', 'bad');
const refusedOf = ({ outcomes }: Uploaded): unknown[] => outcomes.map(({ seq, refused }) => [seq, refused?.code]);

/** What every Storage does with the edits of devices. */
export function uploadContract(name: string, make: (sql: string, profileTables: object) => Promise<StorageSubject>): void {
  describe(`Storage: edits, ${name}`, () => {
    let subject: StorageSubject;
    let storage: Storage;
    let business: DatabaseSync;
    const start = async (profile: object = PROFILE): Promise<void> => {
      subject = await make(SQL, profile);
      ({ storage, business } = subject);
      await storage.prepare(() => undefined);
      await storage.evaluate(1);
      await activateAll(storage, 'ann');
    };
    beforeEach(() => start());
    afterEach(() => subject.end());

    const rows = (sql: string): unknown[] => business.prepare(sql).all().map((row) => Object.values(row));
    const jobs = (): unknown[] => rows("SELECT id FROM job WHERE owner = 'ann' ORDER BY id").flat();
    const send = (changesets: readonly NamedChange[][], options: { first?: number; known?: number; lost?: number } = {}, user = 'ann', device = 'phone', nowMs = 100): Promise<Uploaded> =>
      storage.upload({ user, claims: {}, device, push: pushOf(TABLES, changesets, options), nowMs });
    const acked = (user = 'ann', device = 'phone'): Promise<number> => storage.read((snapshot) => snapshot.acked(user, device));
    /** How many rows of the table Ann has. */
    const liveRows = async (table: string): Promise<number> => {
      const key = (await scopesOf(storage, 'ann')).get(table) ?? expect.fail(`no table ${table}`);
      return storage.read((snapshot) => snapshot.liveRids(snapshot.scope(key) ?? expect.fail('no scope')).length);
    };

    it('STORAGE-20 S70 S71 upload applies changesets in order, each once, whatever comes twice, late or with a gap', async () => {
      expect(await send([[job('1')], [job('2'), item('a', 'b')]])).toMatchObject({ last: 2, taken: 2, refused: 0, outcomes: [], published: true });
      expect(await send([[job('1')], [job('2'), item('a', 'b')], [job('3')]])).toMatchObject({ last: 3, taken: 1 });
      expect(await send([[job('1')]])).toMatchObject({ last: 3, taken: 0, refused: 0, published: false });
      expect(await send([[job('5')]], { first: 5 })).toMatchObject({ last: 3, taken: 0 });
      const gap = pushOf(TABLES, [[job('4')], [job('6')]], { first: 4 });
      expect(await storage.upload({ user: 'ann', claims: {}, device: 'phone', nowMs: 1, push: { ...gap, changesets: gap.changesets.map((one, i) => ({ ...one, seq: 4 + 2 * i })) } })).toMatchObject({ last: 4, taken: 1 });
      expect([jobs(), rows('SELECT v FROM item')]).toEqual([['1', '2', '3', '4'], [['b']]]);
    });

    it('STORAGE-20 S71 what the device has lost is not waited for', async () => {
      await send([[job('1')]]);
      expect(await send([[job('5')]], { first: 5, lost: 3 })).toMatchObject({ last: 3, taken: 0 });
      expect(await send([[job('4')], [job('5')]], { first: 4, lost: 3 })).toMatchObject({ last: 5, taken: 2 });
      expect(await send([], { lost: 2 })).toMatchObject({ last: 5 });
      expect([jobs(), await acked()]).toEqual([['1', '4', '5'], 5]);
    });

    it('STORAGE-21 S72 S73 outcomes are told until the device knows them, and the same ones again to the same push', async () => {
      const changesets = [[BAD], [job('1')], [{ insert: 'item', key: [-7], set: { v: 'new' } } as NamedChange], [job('2'), job('1')]];
      const first = await send(changesets);
      expect(first).toMatchObject({ last: 4, taken: 4, refused: 2, outcomes: [
        { seq: 1, refused: { code: 'write.rejected', change: 0, error: 'phone:1' } }, { seq: 3, keys: [{ table: 'item', temporary: -7, key: 2 }] }, { seq: 4, refused: { code: 'write.exists', change: 1 } },
      ] });
      storage = await subject.reopen();
      const again = await send(changesets);
      expect([again.outcomes, again.taken]).toEqual([first.outcomes, 0]);
      expect((await send(changesets, { known: 1 })).outcomes.map(({ seq }) => seq)).toEqual([3, 4]);
      expect((await send([], { known: 4 })).outcomes).toEqual([]);
      expect((await send(changesets)).outcomes, 'what the device knew is forgotten').toEqual([]);
      expect([jobs(), rows('SELECT seq FROM carryon_sync_error ORDER BY seq')]).toEqual([['1'], [[1], [4]]]);
    });

    it('STORAGE-22 S71 devices are told apart by person and name', async () => {
      await send([[job('1')]]);
      expect(await send([[job('2')]], {}, 'ann', 'tablet')).toMatchObject({ last: 1, taken: 1 });
      expect(await send([[{ insert: 'job', key: ['3'], set: { owner: 'bob' } }], [BAD]], {}, 'bob')).toMatchObject({ last: 2, taken: 2 });
      expect([await acked(), await acked('ann', 'tablet'), await acked('bob'), await acked('bob', 'tablet'), await acked('eve')]).toEqual([1, 1, 2, 0, 0]);
      expect((await send([])).outcomes).toEqual([]);
    });

    it('STORAGE-23 S80 S13 changesets that change nothing are acknowledged without a checkpoint, and that is news', async () => {
      const checkpoint = (): Promise<number> => storage.read((snapshot) => snapshot.state().checkpoint);
      const before = await checkpoint();
      expect(await send([[], [item('a', 'a')], [{ delete: 'job', key: ['none'] }]])).toMatchObject({ last: 3, published: true, outcomes: [] });
      expect([await acked(), await checkpoint()]).toEqual([3, before]);
      expect(await storage.evaluate(9)).toBe(false);
    });

    it('STORAGE-24 S82 errors are told newest first, of one person or of all, and are rows that are synced', async () => {
      await send([[BAD], [BAD]], {}, 'ann', 'phone', 1000);
      await send([[BAD]], {}, 'bob', 'phone', 3000);
      await send([[BAD]], {}, 'ann', 'tablet', 2000);
      const told = async (user?: string, most = 9): Promise<unknown[]> => (await storage.errors(user, most)).map(({ owner, id }) => [owner, id]);
      expect(await told('ann')).toEqual([['ann', 'tablet:1'], ['ann', 'phone:2'], ['ann', 'phone:1']]);
      expect(await told()).toEqual([['bob', 'phone:1+'], ...await told('ann')]);
      expect(await told(undefined, 1)).toEqual([['bob', 'phone:1+']]);
      expect([await told('Ann'), await liveRows('carryon_sync_error')]).toEqual([[], 3]);
      await send([[{ delete: 'carryon_sync_error', key: ['phone:1'] }]], { first: 3 });
      expect([await told('ann', 2), await liveRows('carryon_sync_error')]).toEqual([[['ann', 'tablet:1'], ['ann', 'phone:2']], 2]);
    });

    it('STORAGE-25 S72 what is no fault of an edit rejects, and the same push later is as if it were the first', async () => {
      business.exec('BEGIN IMMEDIATE');
      await expect(send([[job('1')]])).rejects.toThrow(expect.objectContaining({ code: 'source.locked' }) as Error);
      business.exec('ROLLBACK');
      expect([jobs(), await acked()]).toEqual([[], 0]);
      expect(await send([[job('1')]])).toMatchObject({ last: 1, taken: 1 });
    });

    it('STORAGE-26 S82 S53 a store made when nobody might write is extended in place, and goes back when rights are taken away', async () => {
      await subject.end();
      await start(READ_ONLY);
      const reopen = async (profile: object): Promise<void> => {
        storage = await subject.reopen(profile);
        await storage.prepare(() => undefined);
        await activateAll(storage, 'ann');
      };
      const epoch = (): Promise<string> => storage.read((snapshot) => snapshot.state().epoch);
      const before = await epoch();
      expect([await storage.errors(undefined, 9), rows("SELECT count(*) FROM sqlite_schema WHERE name = 'carryon_sync_error'")]).toEqual([[], [[0]]]);
      await reopen(PROFILE);
      await send([[BAD], [job('1')], [BAD]]);
      expect([await liveRows('carryon_sync_error'), await liveRows('job')]).toEqual([2, 1]);
      await reopen(READ_ONLY);
      expect([...(await scopesOf(storage, 'ann')).keys()]).toEqual(['item', 'job']);
      business.exec("DELETE FROM carryon_sync_error WHERE seq = 1; INSERT INTO carryon_sync_error SELECT 'new', error_time, message, type, record_table, record_key, owner, action, action_data, request_data, error_code, device, 9 FROM carryon_sync_error");
      expect([await storage.evaluate(9), await liveRows('job')]).toEqual([false, 1]);
      await reopen(PROFILE);
      await storage.evaluate(10);
      expect((await storage.errors('ann', 9)).map(({ id }) => id)).toEqual(['new', 'phone:3']);
      expect([await liveRows('carryon_sync_error'), await epoch()]).toEqual([2, before]);
    });

    it('STORAGE-17 after close upload and errors fail, and none hangs', async () => {
      await storage.close();
      const calls = [send([[job('1')]]), storage.errors('ann', 1)];
      expect((await Promise.allSettled(calls)).map(({ status }) => status)).toEqual(calls.map(() => 'rejected'));
    });
  });
}
