import { localChangesAfter, measure, readOutbox, resetStore } from '@carryon/client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EditDevice, EDITED, JOBS, SITES } from '../testing/edit-device.ts';

let device: EditDevice;
beforeEach(async () => {
  device = new EditDevice();
  await device.put(JOBS, 5, 'a', 'roof', 1n).put(JOBS, 6, 'b', 'door', 2n).put(SITES, 1, 7n, 'north', null).download(...EDITED);
});
afterEach(() => device.end());

/** What an app sees of the row that is edited. */
const seen = (): unknown => device.visible(JOBS).find(({ id }) => id === 'a' || id === 'n') ?? 'gone';
const edit = { update: "UPDATE jobs SET title = 'mine' WHERE id = 'a'", remove: "DELETE FROM jobs WHERE id = 'a'", insert: "DELETE FROM jobs WHERE id = 'b'; INSERT INTO jobs(id, title) VALUES('n', 'mine')" };
const incoming: Readonly<Record<string, () => unknown>> = {
  nothing: () => undefined,
  change: () => device.put(JOBS, 5, 'a', 'theirs', 99n),
  'change under another row id': () => device.remove(JOBS, 5).put(JOBS, 50, 'a', 'theirs', 99n),
  removal: () => device.remove(JOBS, 5),
  'row of the same key': () => device.put(JOBS, 51, 'n', 'theirs', 99n),
  'row id of another row': () => device.put(JOBS, 5, 'z', 'theirs', 99n),
};

describe('edits over the server\'s rows', () => {
  const shown: readonly [keyof typeof edit, string, unknown, unknown][] = [
    ['update', 'nothing', { id: 'a', title: 'mine', hours: 1 }, { id: 'a', title: 'roof', hours: 1 }],
    ['update', 'change', { id: 'a', title: 'mine', hours: 99 }, { id: 'a', title: 'theirs', hours: 99 }],
    ['update', 'change under another row id', { id: 'a', title: 'mine', hours: 99 }, { id: 'a', title: 'theirs', hours: 99 }],
    ['update', 'removal', { id: 'a', title: 'mine', hours: 1 }, 'gone'],
    ['update', 'row id of another row', { id: 'a', title: 'mine', hours: 1 }, 'gone'],
    ['remove', 'nothing', 'gone', { id: 'a', title: 'roof', hours: 1 }],
    ['remove', 'change', 'gone', { id: 'a', title: 'theirs', hours: 99 }],
    ['remove', 'change under another row id', 'gone', { id: 'a', title: 'theirs', hours: 99 }],
    ['remove', 'removal', 'gone', 'gone'],
    ['insert', 'removal', { id: 'n', title: 'mine', hours: null }, 'gone'],
    ['insert', 'row of the same key', { id: 'a', title: 'roof', hours: 1 }, { id: 'a', title: 'roof', hours: 1 }],
  ];
  it.each(shown)('D45 an %s over a %s is seen until a commit confirms it; then the server\'s row', async (op, what, mine, theirs) => {
    device.app.exec(edit[op]);
    incoming[what]?.();
    expect((await device.commit(0)).differing).toEqual([]);
    expect(seen()).toEqual(mine);
    if (what === 'row of the same key') expect(device.visible(JOBS).find(({ id }) => id === 'n')).toEqual({ id: 'n', title: 'mine', hours: null });
    await device.push();
    await device.take(1);
    // Known, but not in the tables yet: nothing flickers.
    await device.commit(0);
    expect(seen()).toEqual(mine);
    expect((await device.commit(1)).differing).toEqual([]);
    expect(seen()).toEqual(theirs);
    expect(await readOutbox(device.db)).toMatchObject({ operations: 0, tables: [] });
  });

  it.each(Object.keys(edit) as (keyof typeof edit)[])('D45 an %s stays to be seen when its table is downloaded anew', async (op) => {
    device.app.exec(edit[op]);
    const mine = device.visible(JOBS);
    await device.store.perform({ kind: 'forget', tables: [1], packs: [] }, 1);
    await device.plan(JOBS);
    expect(device.visible(JOBS)).toEqual(mine);
    expect((await device.commit(0, JOBS)).differing).toEqual([]);
    expect(device.visible(JOBS)).toEqual(mine);
  });

  it('D45 digests, counts and checks are about the server\'s rows', async () => {
    const before = { measured: await measure(device.db, JOBS), counted: device.query('SELECT rows, sum FROM _carryon_table ORDER BY id') };
    device.app.exec("UPDATE jobs SET hours = 5; INSERT INTO jobs(id) VALUES('n'), ('m'); DELETE FROM jobs WHERE id = 'b'; REPLACE INTO jobs(id) VALUES('a')");
    expect(await measure(device.db, JOBS)).toEqual(before.measured);
    const { rows, differing } = await device.commit(0);
    expect([rows?.get(1), differing]).toEqual([2, []]);
    expect({ measured: await measure(device.db, JOBS), counted: device.query('SELECT rows, sum FROM _carryon_table ORDER BY id') }).toEqual(before);
  });

  it('D46 an edit is confirmed only by a commit of its own table, and never before its outcome is known', async () => {
    device.app.exec(`BEGIN; UPDATE jobs SET title = 'mine' WHERE id = 'a'; UPDATE "site ""A""" SET name = 'mine'; COMMIT`);
    await device.push();
    await device.commit(1, JOBS, SITES);
    expect(await readOutbox(device.db)).toMatchObject({ tables: [1, 2], operations: 2 });
    await device.take(1);
    await device.commit(1, JOBS);
    expect([device.visible(JOBS)[0]?.['title'], device.visible(SITES)[0]?.['name']]).toEqual(['roof', 'mine']);
    expect(await readOutbox(device.db)).toMatchObject({ tables: [2], operations: 1, records: 1 });
    await device.commit(1, SITES);
    expect(await readOutbox(device.db)).toMatchObject({ tables: [], operations: 0 });
  });

  it('D46 edits that have no number yet are not confirmed by anything', async () => {
    device.app.exec("UPDATE jobs SET title = 'one' WHERE id = 'a'");
    await device.push();
    await device.take(1);
    device.app.exec("UPDATE jobs SET hours = 50 WHERE id = 'a'");
    device.put(JOBS, 5, 'a', 'one', 1n);
    await device.commit(1);
    expect(seen()).toEqual({ id: 'a', title: 'one', hours: 50 });
    expect(await readOutbox(device.db)).toMatchObject({ loose: 1, operations: 1 });
  });

  it('D46 what was accepted is kept for a day, then forgotten; row ids and temporary keys are not used again', async () => {
    device.app.exec("INSERT INTO jobs(id) VALUES('n')");
    await device.push();
    await device.take(1);
    await device.commit(1);
    const rid = Number(device.query('SELECT min(rid) AS rid FROM _carryon_log')[0]?.['rid']);
    device.nowMs += 86_400_000;
    await device.commit(1);
    expect(device.query('SELECT count(*) AS n FROM _carryon_edit_1')).toEqual([{ n: 1 }]);
    device.nowMs += 1;
    await device.commit(1);
    expect(device.query('SELECT (SELECT count(*) FROM _carryon_edit_1) AS edits, (SELECT count(*) FROM _carryon_changeset) AS changesets, (SELECT count(*) FROM _carryon_log WHERE op IS NOT NULL) AS log')).toEqual([{ edits: 0, changesets: 0, log: 0 }]);
    device.app.exec("INSERT INTO jobs(id) VALUES('m')");
    expect(Number(device.query("SELECT _rid AS rid FROM jobs WHERE id = 'm'")[0]?.['rid'])).toBeLessThan(rid);
    expect((await device.push())?.changesets[0]?.seq).toBe(2);
  });

  it('D53 who follows the app\'s writes is told rows by table, each once', async () => {
    const { last } = await localChangesAfter(device.db, 0);
    device.app.exec("UPDATE jobs SET hours = 5; UPDATE jobs SET hours = 6 WHERE id = 'a'; INSERT OR IGNORE INTO jobs(id) VALUES('a')");
    const told = await localChangesAfter(device.db, last);
    expect(told.tables).toEqual([{ id: 1, name: 'jobs', rids: [5, 6] }]);
    expect(await localChangesAfter(device.db, told.last)).toEqual({ last: told.last, tables: [] });
    device.app.exec(`INSERT INTO "site ""A"""(name) VALUES('x')`);
    expect((await localChangesAfter(device.db, told.last)).tables).toMatchObject([{ name: 'site "A"', rids: [expect.any(Number)] }]);
  });

  it('D45 a trigger that needs a function of the app\'s own rests while the engine writes, and an index of the app\'s own is not UNIQUE for long', async () => {
    device.app.function('mine', (value) => value);
    device.app.exec("CREATE TABLE seen(id); CREATE TRIGGER of_app AFTER UPDATE ON jobs BEGIN INSERT INTO seen VALUES(mine(NEW.id)); END; CREATE UNIQUE INDEX of_app_too ON jobs(title)");
    device.app.exec("UPDATE jobs SET title = 'mine' WHERE id = 'a'");
    await device.push();
    device.put(JOBS, 7, 'c', 'mine', 1n);
    await device.commit(0);
    expect(device.visible(JOBS).filter(({ title }) => title === 'mine')).toHaveLength(2);
    device.app.exec("UPDATE jobs SET hours = 9 WHERE id = 'c'");
    expect(device.query('SELECT id FROM seen')).toEqual([{ id: 'a' }, { id: 'c' }]);
    expect(device.query("SELECT sql FROM sqlite_schema WHERE name = 'of_app_too'")).toEqual([{ sql: 'CREATE INDEX of_app_too ON jobs(title)' }]);
  });

  it('D45 triggers of the app\'s own that write to synced tables rest while the engine writes; those that keep an index do not', async () => {
    device.app.exec(`CREATE TABLE words(id, word); CREATE TRIGGER words AFTER INSERT ON jobs BEGIN INSERT INTO words VALUES(NEW.id, NEW.title); END;
      CREATE TRIGGER stamp AFTER UPDATE OF title ON jobs BEGIN UPDATE "jobs" SET hours = hours + 1 WHERE id = NEW.id; END`);
    device.app.exec("UPDATE jobs SET title = 'mine' WHERE id = 'a'");
    device.put(JOBS, 9, 'x', 'new', 1n).put(JOBS, 6, 'b', 'theirs', 5n);
    await device.commit(0);
    expect(device.visible(JOBS)).toEqual([{ id: 'a', title: 'mine', hours: 2 }, { id: 'b', title: 'theirs', hours: 5 }, { id: 'x', title: 'new', hours: 1 }]);
    expect(device.query("SELECT count(*) AS n FROM words WHERE id = 'x'")).toEqual([{ n: 1 }]);
    device.app.exec("UPDATE jobs SET title = 'again' WHERE id = 'a'");
    expect(seen()).toEqual({ id: 'a', title: 'again', hours: 3 });
  });
});

describe('a reset with edits', () => {
  it('D52 loses none: they follow their tables by name, whatever ids and columns those get', async () => {
    device.app.exec("UPDATE jobs SET title = 'mine' WHERE id = 'a'; INSERT INTO jobs(id, title) VALUES('n', 'new')");
    await device.push();
    await resetStore(device.db);
    device.app.exec("UPDATE jobs SET hours = 5 WHERE id = 'a'");
    const moved = { ...JOBS, id: 2, columns: [...JOBS.columns.slice(0, 2), { name: 'more', type: 'TEXT', collation: 'BINARY' as const }] };
    const sites = { ...SITES, id: 1, references: [{ column: 2, table: 1 }] };
    device.rows.clear();
    device.specs = [];
    device.put(moved, 70, 'a', 'roof', 'more').put(sites, 71, 7n, 'north', null);
    await device.plan(moved, sites);
    device.app.exec("UPDATE jobs SET hours = 6 WHERE id = 'a'");
    expect((await device.commit(0)).differing).toEqual([]);
    expect(device.visible(moved)).toEqual([{ id: 'a', title: 'mine', more: 'more' }, { id: 'n', title: 'new', more: null }]);
    device.app.exec("UPDATE jobs SET more = 'x' WHERE id = 'a'");
    const push = await device.push();
    expect(push?.tables.map(({ name, columns }) => [name, columns])).toEqual([['jobs', ['id', 'title', 'hours']], ['jobs', ['id', 'title', 'more']]]);
    expect(push?.changesets.flatMap(({ changes }) => changes.map(({ set }) => set))).toEqual([[[1, 'roof', 'mine']], [[1, 'new']], [[2, 1, 5]], [[2, 5, 6]], [[2, 'more', 'x']]]);
    expect((await readOutbox(device.db)).tables).toEqual([2]);
  });

  it('D52 edits of a table that the new plan lacks are sent all the same, and become drafts when they are refused', async () => {
    device.app.exec("UPDATE jobs SET title = 'mine' WHERE id = 'a'");
    await resetStore(device.db);
    device.specs = [];
    await device.plan(SITES);
    expect(seen()).toEqual({ id: 'a', title: 'mine', hours: 1 });
    expect(() => device.app.exec("UPDATE jobs SET title = 'more'")).toThrow('carryon write.unknown');
    expect((await device.push())?.changesets).toMatchObject([{ seq: 1, changes: [{ op: 'update', key: ['a'], set: [[1, 'roof', 'mine']] }] }]);
    await device.take(1, { seq: 1, refused: { code: 'write.unknown', message: 'no such table', change: 0, error: 'e' } });
    expect(await readOutbox(device.db)).toMatchObject({ operations: 0, drafts: 1, tables: [], left: [], gone: 0 });
    expect(device.query("SELECT name FROM sqlite_schema WHERE name = 'jobs'")).toEqual([]);
    await device.restart();
    await device.commit(1);
    expect(await readOutbox(device.db)).toMatchObject({ drafts: 1 });
  });

  it('D52 D41 a table that may only be read after a reset cannot be written any more, and edits made before are seen and sent', async () => {
    device.app.exec("UPDATE jobs SET title = 'mine' WHERE id = 'a'");
    await resetStore(device.db);
    const { rights: _rights, ...readOnly } = JOBS;
    device.specs = [];
    await device.plan(readOnly, SITES);
    await device.commit(0);
    expect(seen()).toEqual({ id: 'a', title: 'mine', hours: 1 });
    expect(() => device.app.exec("UPDATE jobs SET title = 'x'")).toThrow('carryon write.forbidden');
    expect((await device.push())?.changesets).toHaveLength(1);
    await device.take(1, { seq: 1, refused: { code: 'write.forbidden', message: 'no', change: 0, error: 'e' } });
    await device.commit(1);
    expect(seen()).toEqual({ id: 'a', title: 'roof', hours: 1 });
  });
});
