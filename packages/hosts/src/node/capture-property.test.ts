import { decodeValue, type Push } from '@carryon/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EditDevice, JOBS } from '../testing/edit-device.ts';

const FUZZ = Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);

const id = fc.constantFrom("'a'", "'b'", "'c'", "'d'", "'e'");
const value = fc.constantFrom('NULL', '1', '2', '2.0', "'x'", "'X'", "x'61'", '-0.5', "title || '!'", 'hours');
const plain = fc.constantFrom('NULL', '1', '2.0', "'x'", "x'00'");
const where = fc.oneof(id.map((one) => `id = ${one}`), fc.tuple(id, id).map(([a, b]) => `id IN (${a}, ${b})`), fc.constantFrom('true', 'hours IS NULL', "title > 'm'", "typeof(hours) = 'real'"));
const rows = fc.array(fc.tuple(id, plain, plain), { minLength: 1, maxLength: 3 }).map((list) => list.map((row) => `(${row.join(', ')})`).join(', '));

/** Statements on the table; some of them fail, as they do without triggers. */
const statement = fc.oneof(
  fc.tuple(fc.constantFrom('', ' OR REPLACE', ' OR IGNORE', ' OR FAIL'), rows).map(([or, list]) => `INSERT${or} INTO jobs(id, title, hours) VALUES ${list}`),
  rows.map((list) => `INSERT INTO jobs(id, title, hours) VALUES ${list} ON CONFLICT(id) DO UPDATE SET title = excluded.title, hours = jobs.hours WHERE jobs.title IS NOT excluded.title`),
  rows.map((list) => `INSERT INTO jobs(id, title, hours) VALUES ${list} ON CONFLICT DO NOTHING`),
  fc.tuple(id, id).map(([from, to]) => `INSERT OR REPLACE INTO jobs(id, title, hours) SELECT ${to}, title, hours FROM jobs WHERE id = ${from}`),
  fc.tuple(fc.constantFrom('', ' OR IGNORE', ' OR REPLACE'), value, value, where).map(([or, a, b, which]) => `UPDATE${or} jobs SET title = ${a}, hours = ${b} WHERE ${which}`),
  fc.tuple(value, where).map(([a, which]) => `UPDATE jobs SET hours = ${a} WHERE ${which}`),
  where.map((which) => `DELETE FROM jobs WHERE ${which}`),
  fc.constantFrom('BEGIN', 'COMMIT', 'ROLLBACK', 'SAVEPOINT s', 'ROLLBACK TO s', 'RELEASE s'),
);

const SHOWN = 'SELECT id, typeof(title) AS t, hex(title) AS title, typeof(hours) AS h, hex(hours) AS hours FROM';

/** Applies what would be sent to a table, row by row, where each must fit. */
function apply(device: EditDevice, push: Push | undefined): void {
  const bind = (wire: unknown): string => decodeValue(wire) as string;
  for (const { op, key, set = [] } of push?.changesets.flatMap(({ changes }) => changes) ?? []) {
    const names = set.map(([column]) => JOBS.columns[Number(column)]?.name ?? '');
    const values = set.map((pair) => bind(pair.at(-1)));
    const there = device.query('SELECT title, hours FROM server WHERE id = ?', bind(key[0]));
    expect([op, there.length]).toEqual([op, op === 'insert' ? 0 : 1]);
    if (op === 'insert') device.app.prepare(`INSERT INTO server(${['id', ...names].join(', ')}) VALUES(${['id', ...names].map(() => '?').join(', ')})`).run(bind(key[0]), ...values);
    else if (op === 'delete') device.app.prepare('DELETE FROM server WHERE id = ?').run(bind(key[0]));
    else if (names.length > 0) {
      for (const [column, old] of set) {
        const [found] = device.query(`SELECT hex(?1) = hex(v) AND typeof(?1) = typeof(v) AS same FROM (SELECT "${JOBS.columns[Number(column)]?.name ?? ''}" AS v FROM server WHERE id = ?2)`, bind(old), bind(key[0]));
        expect(found).toEqual({ same: 1 });
      }
      device.app.prepare(`UPDATE server SET ${names.map((name) => `${name} = ?`).join(', ')} WHERE id = ?`).run(...values, bind(key[0]));
    }
  }
}

it('D40 D45 whatever statements run, the table is what it would be without triggers, and what is sent makes the server\'s the same', async () => {
  await fc.assert(fc.asyncProperty(fc.boolean(), fc.array(statement, { minLength: 1, maxLength: 25, size: 'max' }), async (isRecursive, statements) => {
    const device = new EditDevice();
    try {
      await device.put(JOBS, 5, 'a', 'roof', 1n).put(JOBS, 6, 'b', null, 2).put(JOBS, 7, 'c', 'x', new Uint8Array([97])).download(JOBS);
      device.app.exec(`CREATE TABLE server(id TEXT PRIMARY KEY, title TEXT, hours); INSERT INTO server SELECT id, title, hours FROM jobs; CREATE TABLE twin(_rid INTEGER PRIMARY KEY, _ver, id TEXT UNIQUE, title TEXT, hours);
        INSERT INTO twin SELECT * FROM jobs; PRAGMA recursive_triggers = ${isRecursive ? 'ON' : 'OFF'}`);
      const run = (sql: string): string => {
        try {
          device.app.exec(sql);
          return 'done';
        } catch (error) {
          return String((error as Error).message).replaceAll(/\b(jobs|twin)\b/g, 'table');
        }
      };
      for (const sql of statements) {
        // BEGIN and its like are for both tables at once.
        const isOfTable = /jobs/.test(sql);
        const outcome = run(sql);
        if (isOfTable) expect(run(sql.replaceAll('jobs', 'twin')), sql).toBe(outcome);
      }
      run('COMMIT');
      const seen = device.query(`${SHOWN} jobs ORDER BY id`);
      expect(seen).toEqual(device.query(`${SHOWN} twin ORDER BY id`));
      apply(device, await device.push());
      expect(device.query(`${SHOWN} server ORDER BY id`)).toEqual(seen);
      await device.commit(0);
      expect(device.query(`${SHOWN} jobs ORDER BY id`)).toEqual(seen);
      // Rows of the server's keep their row ids.
      expect(device.query("SELECT _rid FROM jobs WHERE _rid > 0").every(({ _rid: rid }) => [5, 6, 7].includes(Number(rid)))).toBe(true);
    } finally {
      await device.end();
    }
  }), { numRuns: 40 * FUZZ });
}, 120_000 * FUZZ);
