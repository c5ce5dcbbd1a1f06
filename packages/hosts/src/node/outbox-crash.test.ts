import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import type { Sqlite } from '@carryon/client';
import { collect, discardEdits, dropDraft, failAt, retryDraft, Store, takeOutcomes, tripSqlite, writeEdits } from '@carryon/client/testing';
import type { TableSpec } from '@carryon/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EditDevice, EDITED, ERRORS, JOBS, PARTS, READ_ONLY, SITES } from '../testing/edit-device.ts';
import { temporaryFolder } from '../testing/folder.ts';
import { NodeSqlite } from './sqlite.ts';

const S = '"site ""A"""';
const NOW_MS = 5_000_000;
const folder = temporaryFolder();
const file = join(folder.path, 'device.db');
/** Makes a commit of the server's rows as they are at the end of the scene. */
let segment: Parameters<Store['perform']>[0];
let temporary = 0;

/** A device with edits of every kind: confirmed, refused, known, sent, without a number, begun and ignored. */
beforeAll(async () => {
  const device = new EditDevice();
  await device.put(JOBS, 5, 'a', 'roof', 1n).put(JOBS, 6, 'b', 'door', 2n).put(SITES, 1, 7n, 'north', null).put(PARTS, 1, 'p', 1n, 7n, 2.5, 5).download(...EDITED, ERRORS);
  const write = (sql: string): Promise<number> => writeEdits(device.db, (edits) => edits.sql(sql));
  await write("UPDATE jobs SET title = 'one' WHERE id = 'a'");
  await write("UPDATE jobs SET title = 'bad' WHERE id = 'b'");
  device.put(ERRORS, 90, 'e2', 'told');
  await device.take(2, { seq: 2, refused: { code: 'write.conflict', message: 'no', change: 0, error: 'e2' } });
  device.put(JOBS, 5, 'a', 'one', 1n);
  await device.commit(2);
  await write("DELETE FROM jobs WHERE id = 'b'");
  await device.take(3);
  await write(`INSERT INTO ${S}(name) VALUES('new')`);
  temporary = Number(device.query(`SELECT min(id) AS id FROM ${S}`)[0]?.['id']);
  await write(`INSERT INTO parts(code, line, site) VALUES('q', 1, ${temporary})`);
  device.app.exec("INSERT OR IGNORE INTO jobs(id) VALUES('a'); UPDATE jobs SET hours = 50; INSERT INTO jobs(id) VALUES('n')");
  device.put(JOBS, 5, 'a', 'theirs', 9n).remove(PARTS, 1).put(SITES, 4, 100n, 'new', null).remove(JOBS, 6);
  // Only what the commit would be is wanted.
  const perform = device.store.perform.bind(device.store);
  device.store.perform = async (step, ...rest) => {
    segment = step;
    return step.kind === 'segment' ? {} : perform(step, ...rest);
  };
  await device.commit(4);
  await device.db.close();
  device.app.close();
  copyFileSync(device.file, file);
  await device.end().catch(() => undefined);
});
afterAll(() => folder.remove());

/** A commit without tables that tells which there are. */
const telling = (...tables: readonly TableSpec[]): Parameters<Store['perform']>[0] => ({
  kind: 'segment', tables: [], told: { tables, epoch: 'e', user: 'mia', forget: [], packs: [] },
  segment: { puts: new Map(), removes: new Map(), lives: new Map(), rows: 0, token: 'other', commit: { checkpoint: 5, token: 'other', tables: [], ack: 2 } },
});

const steps: readonly [string, (db: Sqlite, store: Store) => Promise<unknown>][] = [
  ['the numbering of changes', (db) => db.transaction(() => collect(db))],
  ['outcomes with real keys and a refusal', (db) => takeOutcomes(db, { last: 5, outcomes: [{ seq: 4, keys: [{ table: SITES.name, temporary, key: 100 }] }, { seq: 5, refused: { code: 'write.unique', message: 'no', change: 0, error: 'e5' } }] }, NOW_MS, () => 'another')],
  ['outcomes of a restored server', (db) => takeOutcomes(db, { last: 0, outcomes: [] }, NOW_MS, () => 'another')],
  ['outcomes of a restored device', (db) => takeOutcomes(db, { last: 99, outcomes: [] }, NOW_MS, () => 'another')],
  ['a commit', (_, store) => store.perform(segment, NOW_MS)],
  ['a reset', (_, store) => store.perform({ kind: 'reset', packs: [] }, NOW_MS)],
  ['a plan after a reset', async (_, store) => {
    await store.perform({ kind: 'reset', packs: [] }, NOW_MS);
    await store.perform({ kind: 'plan', tables: [{ ...SITES, id: 1 }, { ...JOBS, id: 2 }], packs: [], token: 't', epoch: 'e2', user: 'mia' }, NOW_MS);
  }],
  ['the loss of tables, with others given, a right taken and a form changed', (_, store) => store.perform(telling(
    { ...SITES, id: 3 }, { ...JOBS, rights: ['update'] }, { ...ERRORS, columns: [...ERRORS.columns, PARTS.columns[0] as TableSpec['columns'][number]] }, { ...READ_ONLY, id: 20, name: 'other' },
  ), NOW_MS)],
  ['the loss of all tables', (_, store) => store.perform(telling(), NOW_MS)],
  ['writeEdits', (db) => writeEdits(db, async (edits) => {
    await edits.insert('parts', { code: 'z', line: 1 });
    await edits.update('jobs', ['a'], { hours: 51 });
  })],
  ['a retry', (db) => retryDraft(db, 2, { 0: 'leave' })],
  ['the end of a draft', (db) => dropDraft(db, 2)],
  ['the end of all edits', (db) => discardEdits(db)],
];

/** All that the database holds, but for times. */
function dump(at: string): string {
  const db = new DatabaseSync(at, { readOnly: true });
  try {
    const names = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all().map(({ name }) => String(name));
    const rows = (name: string): unknown[] => db.prepare(`SELECT * FROM "${name.replaceAll('"', '""')}"`).all().map(({ at_ms: _atMs, total: _total, ...row }) => ({ ...row }));
    const schema = db.prepare("SELECT type, name, tbl_name FROM sqlite_schema ORDER BY name").all().map((row) => Object.values(row).join(' '));
    return JSON.stringify([schema, names.map((name) => [name, rows(name)])], (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  } finally {
    db.close();
  }
}

/** Carries out a step whose n-th call fails, as of a process that is killed there; what the disk has then. */
async function fail(step: (db: Sqlite, store: Store) => Promise<unknown>, call: number): Promise<{ readonly left: string; readonly again: string; readonly calls: number }> {
  const copy = join(folder.path, `copy-${call}.db`);
  writeFileSync(copy, readFileSync(file));
  let calls = 0;
  const wire = failAt('device.storage', () => { calls++; return calls >= call; });
  const db = new NodeSqlite(copy);
  const error = await step(tripSqlite(db, wire), new Store(tripSqlite(db, wire))).then(() => undefined, (thrown: unknown) => thrown);
  await db.close();
  const left = dump(copy);
  const next = new NodeSqlite(copy);
  const store = new Store(next);
  await store.open(() => 'nobody');
  // Done already, some steps cannot be done again: a draft is gone.
  if (error !== undefined) await step(next, store).catch(() => undefined);
  await next.close();
  const again = dump(copy);
  for (const ending of ['', '-wal', '-shm']) rmSync(copy + ending, { force: true });
  return { left, again, calls };
}

/** The first and the last calls, and every fourth between. */
const someOf = (calls: number): number[] => Array.from({ length: calls }, (_, i) => i + 1).filter((call) => call < 6 || call > calls - 6 || call % 4 === 0);

describe('a device that is killed with edits', () => {
  it.each(steps.filter(([name]) => name !== 'a plan after a reset'))('D54 at any call of %s has done it or not, and does it then', async (_, step) => {
    const before = dump(file);
    const { left: after, calls } = await fail(step, Infinity);
    expect(after).not.toBe(before);
    expect(calls).toBeGreaterThan(8);
    for (const call of someOf(calls)) {
      const { left, again } = await fail(step, call);
      expect([before, after], `call ${call}`).toContain(left);
      if (left === before) expect(again, `again after call ${call}`).toBe(after);
    }
  });

  it('D54 D52 between a reset and the plan after it edits are there, whichever ids the tables get', async () => {
    const [, step = async () => undefined] = steps.find(([name]) => name === 'a plan after a reset') ?? [];
    const { left: after, calls } = await fail(step, Infinity);
    const edits = (text: string): unknown => (JSON.parse(text) as [unknown, [string, unknown][]])[1].filter(([name]) => /_carryon_(log|edit_\d+|changeset)$/.test(name));
    for (const call of someOf(calls)) {
      const { left, again } = await fail(step, call);
      expect(edits(left), `call ${call}`).toEqual(edits(after));
      expect(edits(again), `again after call ${call}`).toEqual(edits(after));
    }
  });
});
