import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { detach, inspect } from '../../source.ts';
import { createNorthwind, rowsOf, SqliteSetup } from '../../testing/sqlite-setup.ts';
import { seeded } from '../../testing/worst-case-changes.ts';
import { createWorstCase, mutateWorstCase, worstCaseProfile } from '../../testing/worst-case.ts';

const setups: SqliteSetup[] = [];
afterEach(() => { for (const setup of setups.splice(0)) setup.end(); });

function made(make: string | ((file: string) => void)): SqliteSetup {
  const setup = new SqliteSetup(make);
  setups.push(setup);
  return setup;
}

/** Everything there is to see in a database: its schema, its settings and every row of every table, also of those that SQLite keeps. */
function dump(db: DatabaseSync): Record<string, unknown> {
  const schema = db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all();
  const settings = ['user_version', 'application_id', 'journal_mode', 'encoding', 'page_size', 'auto_vacuum'].map((name) => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  const tables = schema.filter((entry) => entry['type'] === 'table' && !/^CREATE VIRTUAL/.test(String(entry['sql']))).map((entry) => String(entry['name']));
  const rows = tables.map((name) => [name, rowsOf(db, name, db.prepare('SELECT name FROM pragma_table_xinfo(?)').all(name).map((column) => String(column['name'])))]);
  return { schema: schema.map((entry) => JSON.stringify(entry)), settings, rows: Object.fromEntries(rows) };
}

/** Runs SQL in the business database, takes it in, and expects the store to be the same as the business database. */
function expectTaken(setup: SqliteSetup, sql: string): void {
  setup.business.exec(sql);
  setup.store.evaluate(2);
  expect(setup.differences(), sql).toEqual([]);
}

const READ_ONLY = ['read only', worstCaseProfile()] as const;
const EDITABLE = ['with edits', editable()] as const;

/** The profile of the worst case, with all rights on all tables. */
function editable(): object {
  const { tables, ...rest } = worstCaseProfile() as { tables: Record<string, object> };
  return { ...rest, tables: Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, { ...table, rights: ['create', 'read', 'update', 'delete'] }])) };
}

const outbox = (setup: SqliteSetup): unknown[] => setup.business.prepare('SELECT t, k0 FROM _carryon_outbox WHERE t > 0 ORDER BY id').all().map((row) => row['k0']);
const count = (db: DatabaseSync, table: string): unknown => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'];

describe('what is put into the business database', () => {
  it('S1 is one outbox table and triggers, nothing else', () => {
    const setup = made(createWorstCase);
    const before = dump(setup.business);
    setup.start(worstCaseProfile());
    const added = (dump(setup.business)['schema'] as string[]).filter((entry) => !(before['schema'] as string[]).includes(entry)).map((entry) => JSON.parse(entry) as { type: string; name: string });
    expect(added.filter(({ type }) => type !== 'trigger')).toMatchObject([{ type: 'table', name: '_carryon_outbox' }]);
    expect(added.every(({ name }) => name.startsWith('_carryon_'))).toBe(true);
    expect(dump(setup.business)).toMatchObject({ settings: before['settings'], rows: before['rows'] as object });
  });

  it('S1 is also what uploads need, where people may write', () => {
    const setup = made('CREATE TABLE t(id INTEGER PRIMARY KEY)').start({ version: 1, tables: { t: { rights: ['read', 'delete'] } } });
    const tables = setup.business.prepare("SELECT name FROM sqlite_schema WHERE type <> 'trigger' ORDER BY name").all().map(({ name }) => name);
    expect(tables).toEqual(['_carryon_device', '_carryon_key', '_carryon_ledger', '_carryon_left', '_carryon_outbox', '_carryon_outcome', 'carryon_sync_error', 't']);
    expect(inspect(setup.files.database)).toMatchObject({ tables: [{ name: 't' }], skipped: [] });
  });

  it('S1 never touches a table of the application that has the name of that of sync errors', () => {
    const setup = made('CREATE TABLE t(id INTEGER PRIMARY KEY); CREATE TABLE carryon_sync_error(id TEXT PRIMARY KEY, mine)');
    const before = dump(setup.business);
    expect(() => setup.start({ version: 1, tables: { t: { rights: ['read', 'delete'] } } })).toThrow(/has a table "carryon_sync_error" of its own/);
    setup.closeStore();
    detach(setup.files.database);
    expect(dump(setup.business)).toEqual(before);
  });

  it.each([READ_ONLY, EDITABLE])('S1 is not added to by a second start: %s', (_, profile) => {
    const setup = made(createWorstCase).start(profile);
    const once = dump(setup.business);
    setup.closeStore();
    setup.open(profile);
    expect(dump(setup.business)).toEqual(once);
  });

  it('S1 does not disturb last_insert_rowid(), changes() and RETURNING of the application', () => {
    const schema = `CREATE TABLE t(id INTEGER PRIMARY KEY, code TEXT UNIQUE, v); CREATE TABLE k(code TEXT PRIMARY KEY, v); INSERT INTO t VALUES(1, 'a', 0), (5, 'b', 0); INSERT INTO k VALUES('x', 0)`;
    const watched = made(schema).start();
    const control = made(schema);
    const statements = ["INSERT INTO t(code) VALUES('c'), ('d')", "REPLACE INTO t VALUES(9, 'a', 1)", "INSERT OR IGNORE INTO t VALUES(9, 'z', 1)", 'UPDATE t SET v = 2 WHERE id > 1', "INSERT INTO k VALUES('y', 1)",
      "UPDATE OR REPLACE t SET code = 'c' WHERE id = 5", 'UPDATE t SET id = id + 100', "INSERT INTO t VALUES(7, 'c', 1) ON CONFLICT DO UPDATE SET v = 3", 'DELETE FROM t WHERE id > 100', 'DELETE FROM k', 'DELETE FROM t'];
    for (const sql of statements) {
      const [seen, expected] = [watched, control].map(({ business }) => {
        const returned = business.prepare(`${sql} RETURNING *, last_insert_rowid() AS last`).all();
        return { returned, after: business.prepare('SELECT last_insert_rowid() AS last, changes() AS changes').get() };
      });
      expect(seen, sql).toEqual(expected);
    }
  });

  it('S1 writes one entry for an insert, an update or a delete, and one more only where another row is concerned', () => {
    const setup = made("CREATE TABLE t(id INTEGER PRIMARY KEY, code TEXT UNIQUE, v); CREATE UNIQUE INDEX active ON t(v) WHERE v = 1; INSERT INTO t VALUES(1, 'a', 0), (2, 'b', 0), (3, 'c', 1)").start();
    const entries = (sql: string): unknown[] => {
      setup.business.exec('BEGIN; DELETE FROM _carryon_outbox WHERE t > 0');
      setup.business.exec(sql);
      const found = outbox(setup);
      setup.business.exec('ROLLBACK');
      return found;
    };
    expect(entries("INSERT INTO t VALUES(4, 'd', 0)")).toEqual([4]);
    expect(entries("UPDATE t SET code = 'e' WHERE id = 1")).toEqual([1]);
    expect(entries('UPDATE t SET id = 7 WHERE id = 1')).toEqual([1, 7]);
    expect(entries('DELETE FROM t WHERE id = 1')).toEqual([1]);
    expect(entries("REPLACE INTO t VALUES(1, 'a', 5)")).toEqual([1, 1]);
    expect(entries("REPLACE INTO t VALUES(4, 'a', 1)")).toEqual([1, 3, 4].toSorted());
  });
});

describe('detach', () => {
  it.each(['worst case', 'northwind'])('S2 leaves no trace: %s', (which) => {
    const setup = made(which === 'northwind' ? '' : createWorstCase);
    if (which === 'northwind' && !createNorthwind(setup.files.database)) return;
    const before = dump(setup.business);
    setup.start();
    setup.closeStore();
    expect(detach(setup.files.database)).toBeGreaterThan(30);
    expect(dump(setup.business)).toEqual(before);
    expect(detach(setup.files.database)).toBe(0);
  });

  it.each([READ_ONLY, EDITABLE])('S2 leaves what the application did meanwhile as it would be without capture: %s', (_, profile) => {
    const setup = made(createWorstCase);
    const control = join(setup.folder, 'control.db');
    copyFileSync(setup.files.database, control);
    const twin = new DatabaseSync(control);
    setup.start(profile);
    for (const db of [setup.business, twin]) {
      const random = seeded(99);
      for (let i = 0; i < 200; i++) mutateWorstCase(db, random);
      db.exec('ANALYZE');
    }
    setup.store.evaluate(2);
    setup.closeStore();
    detach(setup.files.database);
    expect(dump(setup.business)).toEqual(dump(twin));
    twin.close();
  });
});

const UNIQUES = `
  CREATE TABLE t(id INTEGER PRIMARY KEY, code TEXT UNIQUE, tenant, login TEXT COLLATE NOCASE, email TEXT, main INTEGER, UNIQUE(tenant, login));
  CREATE UNIQUE INDEX email_nocase ON t(email COLLATE NOCASE); CREATE UNIQUE INDEX one_main ON t(tenant) WHERE main = 1; CREATE UNIQUE INDEX doubled ON t(tenant * 2, lower(email));
  CREATE TABLE k(code TEXT PRIMARY KEY COLLATE NOCASE, v); CREATE TABLE w(a, b, v UNIQUE, PRIMARY KEY(a, b)) WITHOUT ROWID;
  CREATE TABLE g(id INTEGER PRIMARY KEY, email TEXT, plain TEXT AS (lower(email)) UNIQUE);
  CREATE TABLE n(id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE); CREATE UNIQUE INDEX fine ON n(name COLLATE BINARY); INSERT INTO n VALUES(1, 'bob'), (2, 'BOB'), (3, 'Bob');
  INSERT INTO t VALUES(1, 'a', 1, 'Ann', 'ann@x', 1), (2, 'b', 1, 'Bob', 'bob@x', 0), (3, 'c', 2, 'ann', NULL, 1), (4, NULL, NULL, NULL, 'Eve@x', NULL);
  INSERT INTO k VALUES('abc', 1), ('def', 2), (NULL, 3); INSERT INTO w VALUES(1, 1, 'x'), (1, 2, 'y'), (2, 1, NULL); INSERT INTO g(id, email) VALUES(1, 'A@x'), (2, 'b@x');`;

describe('every committed change arrives', () => {
  it.each([
    ['REPLACE on the primary key', "REPLACE INTO t(id, code) VALUES(1, 'new')"],
    ['REPLACE on a unique column', "REPLACE INTO t(id, code) VALUES(10, 'a')"],
    ['REPLACE on several unique indexes at once', "REPLACE INTO t(id, code, tenant, login) VALUES(1, 'b', 2, 'ANN')"],
    ['REPLACE on a unique index of two columns, one NOCASE', "REPLACE INTO t(id, tenant, login) VALUES(10, 1, 'BOB')"],
    ['REPLACE on a NOCASE index of a BINARY column', "REPLACE INTO t(id, email) VALUES(10, 'EVE@X')"],
    ['REPLACE on a BINARY index of a NOCASE column', "REPLACE INTO n VALUES(9, 'BOB')"],
    ['REPLACE on a partial index', 'REPLACE INTO t(id, tenant, main) VALUES(10, 2, 1)'],
    ['REPLACE that a partial index does not concern', 'REPLACE INTO t(id, tenant, main) VALUES(10, 2, 0)'],
    ['REPLACE on an index of expressions', "UPDATE t SET email = 'OLD@x' WHERE id = 3; REPLACE INTO t(id, tenant, email) VALUES(10, 2, 'old@X')"],
    ['REPLACE of an automatic id', "REPLACE INTO t(code) VALUES('a'), ('b'), ('a')"],
    ['REPLACE on a NOCASE key', "REPLACE INTO k VALUES('ABC', 9)"],
    ['REPLACE on the hidden rowid', "REPLACE INTO k(rowid, code) VALUES(2, 'other')"],
    ['REPLACE in a table without rowid', "REPLACE INTO w VALUES(5, 5, 'x')"],
    ['REPLACE on a generated column', "REPLACE INTO g(id, email) VALUES(9, 'a@X')"],
    ['REPLACE from the table itself', 'REPLACE INTO w SELECT b, a, v FROM w'],
    ['UPDATE OR REPLACE of a unique column', "UPDATE OR REPLACE t SET code = 'a' WHERE id = 2"],
    ['UPDATE OR REPLACE of all rows', "UPDATE OR REPLACE t SET code = 'same'"],
    ['UPDATE OR REPLACE of the key', 'UPDATE OR REPLACE t SET id = 2 WHERE id = 1'],
    ['UPDATE OR REPLACE of the hidden rowid', "UPDATE OR REPLACE k SET rowid = 1 WHERE code = 'def'"],
    ['UPDATE OR REPLACE through a generated column', "UPDATE OR REPLACE g SET email = 'a@x' WHERE id = 2"],
    ['UPDATE OR REPLACE of letters alone', "UPDATE OR REPLACE n SET name = 'bob' WHERE id = 3"],
    ['UPDATE OR REPLACE into a partial index', 'UPDATE OR REPLACE t SET main = 1 WHERE id = 2'],
    ['UPDATE of a key', "UPDATE k SET code = 'xyz' WHERE code = 'abc'; UPDATE w SET a = a + 10; UPDATE t SET id = -id"],
    ['UPDATE of a key in its letters alone', "UPDATE k SET code = 'ABC' WHERE code = 'abc'"],
    ['UPDATE that exchanges keys', 'UPDATE w SET a = CASE WHEN b = 1 THEN 7 - a ELSE a END'],
    ['UPDATE of a NULL key', "UPDATE k SET code = 'filled' WHERE code IS NULL; UPDATE k SET code = NULL WHERE code = 'def'"],
    ['UPDATE of the type alone', 'UPDATE k SET v = 1.0 WHERE v = 1; UPDATE w SET a = 2.0 WHERE a = 2'],
    ['UPDATE of letters in a NOCASE column', "UPDATE t SET login = 'ANN' WHERE id = 1"],
    ['UPSERT', "INSERT INTO t(id, code) VALUES(1, 'up') ON CONFLICT(id) DO UPDATE SET code = excluded.code; INSERT INTO t(code) VALUES('b') ON CONFLICT(code) DO UPDATE SET id = 77, email = 'up'"],
    ['UPSERT that does nothing', "INSERT INTO t(id, code) VALUES(1, 'up'), (50, 'new') ON CONFLICT DO NOTHING"],
    ['INSERT OR IGNORE', "INSERT OR IGNORE INTO t(id, code) VALUES(1, 'z'), (60, 'a'), (61, 'fresh')"],
    ['DELETE without WHERE', 'DELETE FROM t; DELETE FROM k; DELETE FROM w'],
    ['DELETE and INSERT again', "DELETE FROM t WHERE id = 1; INSERT INTO t(id, code) VALUES(1, 'again')"],
    ['INSERT and DELETE again', "INSERT INTO t(id) VALUES(100); DELETE FROM t WHERE id = 100"],
  ])('S3 %s', (_, sql) => {
    for (const recursive of ['off', 'on']) {
      const setup = made(UNIQUES).start();
      setup.business.exec(`PRAGMA recursive_triggers = ${recursive}`);
      expectTaken(setup, sql);
    }
  });

  it('S3 also by cascades and by triggers of the application', () => {
    const setup = made(createWorstCase).start(worstCaseProfile());
    expectTaken(setup, 'DELETE FROM parents WHERE id = 1');
    expect(count(setup.business, 'children_cascade WHERE parent = 1') === 0 && count(setup.business, 'children_null WHERE parent IS NULL') === 3).toBe(true);
    expectTaken(setup, 'UPDATE parents SET id = 200 WHERE id = 2');
    expectTaken(setup, "REPLACE INTO parents VALUES(3, 'parent 4')");
    expectTaken(setup, 'DELETE FROM tree WHERE id = 1');
    expect(count(setup.business, 'tree')).toBe(0);
    expectTaken(setup, "UPDATE plain SET name = 'audited'");
    expectTaken(setup, "UPDATE overview SET name = 'through a view' WHERE id = 5");
    expect(count(setup.business, 'audit')).toBeGreaterThan(8);
  });

  it('S3 also of another key than the primary one', () => {
    const setup = made("CREATE TABLE t(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, v); INSERT INTO t VALUES(1, 'a', 1), (2, 'b', 2), (3, 'c', 3)");
    setup.start({ version: 1, tables: { t: { key: ['code'] } } });
    expectTaken(setup, "REPLACE INTO t VALUES(1, 'new', 0)");
    expectTaken(setup, "UPDATE OR REPLACE t SET id = 2 WHERE id = 3");
    expectTaken(setup, "UPDATE t SET id = 40 WHERE id = 2; REPLACE INTO t VALUES(50, 'c', 0)");
  });

  it('S3 while a table grows in another connection and after a restart of the server', () => {
    const setup = made('CREATE TABLE t(id INTEGER PRIMARY KEY, v)').start();
    const other = new DatabaseSync(setup.files.database);
    other.exec('INSERT INTO t VALUES(1, 1)');
    setup.closeStore();
    other.exec('INSERT INTO t VALUES(2, 2); DELETE FROM t WHERE id = 1');
    setup.open();
    other.exec('INSERT INTO t VALUES(3, 3)');
    other.close();
    expectTaken(setup, 'INSERT INTO t VALUES(4, 4)');
    expect(count(setup.business, 't')).toBe(3);
  });

  it('S3 or the loss is noticed: a table that was made anew is refused while the server runs, and read again after a restart', () => {
    const anew = 'CREATE TABLE t2(id INTEGER PRIMARY KEY, v); INSERT INTO t2 VALUES(9, 9); DROP TABLE t; ALTER TABLE t2 RENAME TO t';
    const refused: Error = expect.objectContaining({ code: 'source.schema-changed' }) as Error;
    const setup = made('CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1, 1)').start();
    setup.business.exec(anew);
    expect(() => setup.store.evaluate(2)).toThrow(refused);
    setup.closeStore();
    expect(setup.open().evaluate(2)).toBe(true);
    expectTaken(setup, 'UPDATE t SET v = 2');
    const renamed = made('CREATE TABLE t(id INTEGER PRIMARY KEY, v)').start();
    renamed.business.exec('ALTER TABLE t RENAME COLUMN v TO w; INSERT INTO t VALUES(1, 1)');
    expect(() => renamed.store.evaluate(2)).toThrow(refused);
  });

  it('S3 and other changes of the schema do no harm', () => {
    const setup = made('CREATE TABLE t(id INTEGER PRIMARY KEY, v)').start();
    expectTaken(setup, 'CREATE TABLE other(x); CREATE INDEX tv ON t(v); ALTER TABLE t ADD COLUMN w DEFAULT 5; INSERT INTO t VALUES(1, 1, 1); VACUUM');
  });
});

describe('what was rolled back', () => {
  const T = 'CREATE TABLE t(id INTEGER PRIMARY KEY, code TEXT UNIQUE); INSERT INTO t VALUES(1, \'a\')';

  it.each([
    ['a transaction', "BEGIN; INSERT INTO t VALUES(2, 'b'); DELETE FROM t WHERE id = 1; ROLLBACK"],
    ['a savepoint', "BEGIN; SAVEPOINT s; REPLACE INTO t VALUES(2, 'a'); ROLLBACK TO s; COMMIT"],
  ])('S4 never appears: %s', (_, sql) => {
    const setup = made(T).start();
    setup.business.exec(sql);
    expect(setup.store.evaluate(2)).toBe(false);
    expect(setup.differences()).toEqual([]);
  });

  it('S4 never appears: a statement that failed halfway', () => {
    const setup = made(T).start();
    expect(() => setup.business.exec("INSERT INTO t VALUES(2, 'b'), (3, 'a')")).toThrow('UNIQUE');
    expect(setup.store.evaluate(2)).toBe(false);
    expect(() => setup.business.exec("INSERT OR FAIL INTO t VALUES(2, 'b'), (3, 'a')")).toThrow('UNIQUE');
    expectTaken(setup, '');
    expect(count(setup.business, 't')).toBe(2);
  });

  it('S4 never appears while it is not yet committed', () => {
    const setup = made(`PRAGMA journal_mode = wal; ${T}`).start();
    setup.business.exec("BEGIN; INSERT INTO t VALUES(2, 'b')");
    expect(setup.store.evaluate(2)).toBe(false);
    setup.business.exec('SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; COMMIT');
    expect(setup.store.evaluate(2)).toBe(true);
    expect(setup.differences()).toEqual([]);
  });
});

describe('an outbox that is not the one followed', () => {
  const T = 'CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1, 1)';
  const replaced = expect.objectContaining({ code: 'source.replaced' });
  const grow = (setup: SqliteSetup, rows: number): void => { for (let i = 0; i < rows; i++) setup.business.exec('INSERT INTO t(v) VALUES(0)'); };

  it('S6 is refused when capture was removed, running or restarted', () => {
    const setup = made(T).start();
    detach(setup.files.database);
    expect(() => setup.store.evaluate(2)).toThrowError(replaced);
    setup.closeStore();
    expect(() => setup.open()).toThrowError(replaced);
    expect(count(setup.business, "sqlite_schema WHERE name LIKE '\\_carryon%' ESCAPE '\\'")).toBe(0);
  });

  it.each([0, 2, 50])('S6 is refused when an older copy was put in its place, %i changes later', (later) => {
    const setup = made(T).start();
    const backup = join(setup.folder, 'backup.db');
    copyFileSync(setup.files.database, backup);
    grow(setup, 10);
    setup.store.evaluate(2);
    setup.closeStore();
    copyFileSync(backup, setup.files.database);
    grow(setup, later);
    expect(() => setup.open()).toThrowError(replaced);
  });

  it('S6 is refused when another store has taken it over, and that store is left alone', () => {
    const setup = made(T).start();
    const rival = made(T);
    Object.assign(rival, { files: { database: setup.files.database, store: rival.files.store } });
    rival.start();
    grow(setup, 3);
    expect(() => setup.store.evaluate(2)).toThrowError(replaced);
    setup.closeStore();
    expect(() => setup.open()).toThrowError(replaced);
    grow(setup, 3);
    expect(rival.store.evaluate(2)).toBe(true);
    rival.closeStore();
    rival.open();
  });

  it('S6 is not refused after a crash between capture and store', () => {
    const setup = made(T);
    setup.open();
    setup.closeStore();
    const store = new DatabaseSync(setup.files.store);
    store.exec('UPDATE sync_state SET outbox_pos = 0, outbox_mark = 0');
    store.close();
    grow(setup, 2);
    setup.start();
    expect(setup.differences()).toEqual([]);
  });

  it('S6 is trimmed to its newest entry and goes on, also when nothing came of the changes', () => {
    const setup = made(T).start();
    for (let turn = 0; turn < 5; turn++) {
      grow(setup, 20);
      setup.store.evaluate(turn + 2);
      setup.business.exec('UPDATE t SET v = v');
      expect(setup.store.evaluate(turn + 2)).toBe(false);
    }
    expect(outbox(setup)).toHaveLength(1);
    expectTaken(setup, 'DELETE FROM t');
  });
});
