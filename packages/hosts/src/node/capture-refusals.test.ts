import type { TableSpec } from '@carryon/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { column, EditDevice, EDITED, JOBS, PARTS, SITES } from '../testing/edit-device.ts';

let device: EditDevice;
beforeEach(() => { device = new EditDevice(); });
afterEach(() => device.end());

const attempt = (sql: string): string => {
  try {
    device.app.exec(sql);
    return 'done';
  } catch (error) {
    return String((error as Error).message);
  }
};
const nothingKept = async (): Promise<void> => expect(await device.push()).toBeUndefined();

describe('what the device refuses', () => {
  it('D41 a table without rights cannot be written at all', async () => {
    await device.put({ ...JOBS, id: 4 }, 1, 1n, 2.5).download(...EDITED);
    expect(attempt('INSERT INTO prices(id) VALUES(1)')).toBe('carryon write.forbidden: the profile does not let you add rows to prices');
    expect(attempt('UPDATE prices SET price = 0')).toBe('carryon write.forbidden: the profile does not let you change rows of prices');
    expect(attempt('DELETE FROM prices')).toBe('carryon write.forbidden: the profile does not let you delete rows of prices');
    expect(attempt('INSERT OR IGNORE INTO prices(id) VALUES(1)')).toContain('carryon write.forbidden');
    await nothingKept();
  });

  const rights: readonly [NonNullable<TableSpec['rights']>, Readonly<Record<string, boolean>>][] = [
    [['create'], { insert: true, update: false, remove: false, upsert: false, replace: false, ignore: true }],
    [['update'], { insert: false, update: true, remove: false, upsert: true, replace: true, ignore: true }],
    [['delete'], { insert: false, update: false, remove: true, upsert: false, replace: false, ignore: true }],
    [['create', 'update'], { insert: true, update: true, remove: false, upsert: true, replace: true, ignore: true }],
    [['update', 'delete'], { insert: false, update: true, remove: true, upsert: true, replace: true, ignore: true }],
  ];
  const statements: Readonly<Record<string, string>> = {
    insert: "INSERT INTO jobs(id) VALUES('n')", update: "UPDATE jobs SET hours = 7 WHERE id = 'a'", remove: "DELETE FROM jobs WHERE id = 'b'",
    upsert: "INSERT INTO jobs(id, hours) VALUES('a', 8) ON CONFLICT(id) DO UPDATE SET hours = excluded.hours", replace: "REPLACE INTO jobs(id) VALUES('a')", ignore: "INSERT OR IGNORE INTO jobs(id, hours) VALUES('a', 9)",
  };
  it.each(rights)('D41 with the rights %j only what they allow is done', async (only, allowed) => {
    await device.put(JOBS, 1, 'a', 'x', 1n).put(JOBS, 2, 'b', 'y', 1n).download({ ...JOBS, rights: only });
    const done = Object.fromEntries(Object.entries(statements).map(([name, sql]) => [name, attempt(sql) === 'done']));
    expect(done).toEqual(allowed);
    expect(attempt('UPDATE jobs SET hours = hours')).toBe('done');
  });

  it('D41 a refused statement leaves nothing, the rest of its transaction stays', async () => {
    await device.put(JOBS, 1, 'a', 'x', 1n).download({ ...JOBS, rights: ['create'] });
    device.app.exec("BEGIN; INSERT INTO jobs(id) VALUES('n')");
    expect(attempt("REPLACE INTO jobs(id) VALUES('m'), ('a')")).toContain('carryon write.forbidden: the profile does not let you change rows of jobs');
    device.app.exec('COMMIT');
    expect(device.visible(JOBS).map(({ id }) => id)).toEqual(['a', 'n']);
    expect((await device.push())?.changesets.map(({ changes }) => changes.map(({ key }) => key))).toEqual([[['n']]]);
  });

  it('D41 keys, row ids, versions and computed columns cannot be changed', async () => {
    await device.put(JOBS, 5, 'a', 'x', 1n).put(JOBS, 6, 'b', 'y', 1n).put(PARTS, 1, 'p', 1n, null, 1.5, 3).download(...EDITED);
    const fixed = 'the key and computed columns of jobs, _rid and _ver cannot be changed';
    for (const sql of ["UPDATE jobs SET id = 'z' WHERE id = 'a'", 'UPDATE jobs SET _rid = 99 WHERE _rid = 5', 'UPDATE jobs SET _ver = 9', 'UPDATE jobs SET _rid = -4, title = 1 WHERE _rid = 5']) {
      expect(attempt(sql)).toBe(`carryon write.forbidden: ${fixed}`);
    }
    expect(attempt('UPDATE parts SET line = 2')).toContain('carryon write.forbidden');
    expect(attempt('UPDATE parts SET total = 9')).toContain('carryon write.forbidden');
    expect(attempt("REPLACE INTO jobs(_rid, id) VALUES(5, 'other')")).toBe('carryon write.forbidden: row ids (_rid) of jobs are given by the server');
    expect(attempt("INSERT INTO jobs(_rid, id) VALUES(5, 'a')")).toContain('UNIQUE');
    expect(attempt("INSERT INTO jobs(id) VALUES('a')")).toContain('UNIQUE');
    await nothingKept();
  });

  it('D41 a column outside the profile is not there', async () => {
    await device.download(...EDITED);
    expect(attempt('UPDATE jobs SET secret = 1')).toContain('no such column: secret');
  });

  it('D41 a table that is still being downloaded says so, whatever is done with it', async () => {
    await device.plan(...EDITED);
    for (const sql of ['SELECT * FROM jobs', 'SELECT count(*) FROM jobs', 'SELECT title FROM JOBS WHERE id = 1', "INSERT INTO jobs(id) VALUES('a')", "UPDATE jobs SET title = 'x'", 'DELETE FROM jobs']) {
      expect(attempt(sql), sql).toContain('carryon device.not-usable: jobs is still being downloaded');
    }
    // Statements that change the schema look at every view.
    device.app.exec('CREATE TABLE mine(a, b); ALTER TABLE mine RENAME TO mine2; ALTER TABLE mine2 RENAME COLUMN a TO c; ALTER TABLE mine2 DROP COLUMN b; DROP TABLE mine2');
    await device.commit(0, JOBS);
    expect(attempt("INSERT INTO jobs(id) VALUES('a')")).toBe('done');
    expect(attempt('SELECT * FROM parts')).toContain('parts is still being downloaded');
  });

  it('D41 a table that is downloaded anew stays writable, and its copy is too', async () => {
    await device.put(JOBS, 5, 'a', 'x', 1n).download(...EDITED);
    await device.store.perform({ kind: 'forget', tables: [1], packs: [] }, 1);
    await device.plan(JOBS);
    expect(attempt("UPDATE jobs SET title = 'mine'")).toBe('done');
    await device.commit(0, JOBS);
    expect(device.visible(JOBS)).toEqual([{ id: 'a', title: 'mine', hours: 1 }]);
    expect(attempt("UPDATE jobs SET hours = 2")).toBe('done');
    expect((await device.push())?.changesets.flatMap(({ changes }) => changes)).toHaveLength(2);
  });

  it('D42 a text key that is left out becomes a UUID of version 7', async () => {
    await device.download(...EDITED);
    device.app.exec("INSERT INTO jobs(title) VALUES('x'), ('y'); INSERT INTO jobs(id, title) VALUES(NULL, 'z'), ('own', 'w')");
    const ids = device.query('SELECT id FROM jobs ORDER BY title').map(({ id }) => String(id));
    for (const id of ids.slice(1)) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(ids).size).toBe(4);
    expect(Math.abs(Number.parseInt(ids[1]?.replaceAll('-', '').slice(0, 12) ?? '', 16) - Date.now())).toBeLessThan(60_000);
    expect((await device.push())?.changesets[0]?.changes.map(({ key }) => key[0])).toEqual([...ids.slice(1), 'own']);
  });

  it('D42 a number that the business database gives is negative until then, and never the same twice', async () => {
    await device.put(SITES, 1, -3n, 'really negative', null).download(...EDITED);
    device.app.exec(`INSERT INTO "site ""A"""(name) VALUES('one'), ('two'); DELETE FROM "site ""A""" WHERE name = 'two'; INSERT INTO "site ""A"""(id, name) VALUES(-500, 'own'), (40, 'given'); INSERT INTO "site ""A"""(name) VALUES('three')`);
    const ids = device.query('SELECT id, name FROM "site ""A""" ORDER BY id');
    expect(ids.map(({ name }) => name)).toEqual(['three', 'own', 'one', 'really negative', 'given']);
    const keys = (await device.push())?.changesets[0]?.changes.filter(({ op }) => op === 'insert').map(({ key }) => Number(key[0])) ?? [];
    expect(new Set(keys).size).toBe(5);
    expect(device.query('SELECT temporary FROM _carryon_key ORDER BY temporary').map(({ temporary }) => temporary)).toEqual(keys.filter((key) => key < 0).sort((a, b) => a - b));
  });

  it('D42 a key that nobody can make must be given', async () => {
    await device.download(...EDITED, { ...JOBS, id: 5, name: 'codes', newKeys: undefined });
    expect(attempt("INSERT INTO parts(code) VALUES('p')")).toBe('carryon write.rejected: a new row of parts needs its key');
    expect(attempt("INSERT INTO codes(title) VALUES('p')")).toBe('carryon write.rejected: a new row of codes needs its key');
    await nothingKept();
  });

  it('D42 D53 a row just written is found by the log, in the same transaction', async () => {
    await device.download(...EDITED);
    device.app.exec("BEGIN; INSERT INTO jobs(title) VALUES('x')");
    expect(device.query('SELECT title FROM jobs WHERE _rid = -(SELECT max(id) FROM _carryon_log)')).toEqual([{ title: 'x' }]);
    device.app.exec('COMMIT');
  });

  it('D34 tables that became usable under an older version can be written once it is brought up to date', async () => {
    await device.put(JOBS, 5, 'a', 'x', 1n).download(...EDITED);
    const own = device.query("SELECT type, name FROM sqlite_schema WHERE type IN ('trigger', 'view') OR name IN ('_carryon_log', '_carryon_form', '_carryon_changeset', '_carryon_key', '_carryon_quiet', '_carryon_move') OR name LIKE '_carryon_base%' OR name LIKE '_carryon_edit%'");
    for (const { type, name } of own) device.app.exec(`DROP ${String(type)} "${String(name).replaceAll('"', '""')}"`);
    device.app.exec("UPDATE _carryon_meta SET value = 2 WHERE key = 'version'");
    await device.restart();
    expect(attempt("UPDATE jobs SET hours = 2; DELETE FROM prices; INSERT INTO parts(code, line) VALUES('p', 1)")).toBe('done');
    expect(attempt('INSERT INTO prices(id) VALUES(1)')).toContain('carryon write.forbidden');
    expect((await device.push())?.changesets[0]?.changes.map(({ op, key }) => [op, key[0]])).toEqual([['update', 'a'], ['insert', 'p']]);
    await device.restart();
    expect((await device.commit(0)).differing).toEqual([]);
  });

  it('D41 tables with very many columns can be edited, or only be read where they have too many', async () => {
    const wide = (id: number, count: number): TableSpec => ({ ...JOBS, id, name: `wide${id}`, columns: [column('id', 'TEXT'), ...Array.from({ length: count }, (_, i) => column(`c${i}`, ''))] });
    await device.download(wide(1, 890), wide(2, 950));
    expect(attempt("INSERT INTO wide1(c0, c889) VALUES(1, 2); UPDATE wide1 SET c5 = 5")).toBe('done');
    expect(attempt('INSERT INTO wide2(c0) VALUES(1)')).toContain('carryon write.forbidden');
    expect((await device.push())?.changesets[0]?.changes.map(({ set }) => set)).toEqual([[[1, 1], [890, 2]], [[6, null, 5]]]);
    await device.commit(0);
    expect(device.query('SELECT c0, c5 FROM wide1')).toEqual([{ c0: 1, c5: 5 }]);
  });
});
