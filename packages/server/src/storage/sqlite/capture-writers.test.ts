import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setImmediate } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { rowTable } from './schema.ts';
import { SqliteSetup } from '../../testing/sqlite-setup.ts';
import { WRITER_SCHEMA } from '../../testing/writer.ts';

const WRITER = fileURLToPath(new URL('../../testing/writer.ts', import.meta.url));

let setup: SqliteSetup;
let writers: Writer[] = [];
afterEach(async () => {
  for (const writer of writers.splice(0)) await writer.kill();
  setup.end();
});

/** A writing process. */
class Writer {
  readonly #process: ChildProcess;
  readonly #ended: Promise<string>;
  #errors = '';

  constructor(number: number, kind: 'change' | 'beat') {
    this.#process = spawn(process.execPath, [WRITER, setup.files.database, String(number), kind], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#ended = new Promise((resolve) => {
      this.#process.stderr?.on('data', (bytes: Buffer) => { this.#errors += bytes.toString(); });
      this.#process.on('close', (code) => resolve(code === 0 ? '' : `ended with ${code}: ${this.#errors}`));
    });
    writers.push(this);
  }

  /** '' when it ended well. */
  ended(): Promise<string> { return this.#ended; }

  /** Throws when the process is no longer there. */
  check(): void {
    if (this.#process.exitCode !== null && this.#process.exitCode !== 0) throw new Error(`a writer ended with ${this.#process.exitCode}: ${this.#errors}`);
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }
}

const number = (sql: string): number => Number(Object.values(setup.business.prepare(sql).get() ?? {})[0] ?? 0);

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    for (const writer of writers) writer.check();
    await setImmediate();
  }
}

/** Tells the writers to stop and waits until they have. */
async function stopWriters(): Promise<void> {
  setup.business.exec('UPDATE control SET stop = 1');
  expect(await Promise.all(writers.map((writer) => writer.ended()))).toEqual(writers.map(() => ''));
}

interface Halves { readonly first: readonly unknown[]; readonly second: readonly unknown[] }

function halvesIn(store: DatabaseSync): Halves {
  const read = (name: string): unknown[] => {
    const id = setup.tables.find((table) => table.name === name)?.id ?? 0;
    return store.prepare(`SELECT writer, n FROM ${rowTable(id)} WHERE _live ORDER BY writer`).all();
  };
  return { first: read('first_half'), second: read('second_half') };
}

describe.each(['wal', 'delete'])('with three writing processes in journal mode %s', (mode) => {
  it('S3 and S4: the store ends as the business database, and no published checkpoint holds half of a transaction', { timeout: 120_000 }, async () => {
    setup = new SqliteSetup(`PRAGMA journal_mode = ${mode}; ${WRITER_SCHEMA}`);
    setup.open();
    for (let i = 1; i <= 3; i++) new Writer(i, 'change');
    await until(() => number('SELECT count(*) FROM first_half') === 3);
    for (const _ of setup.store.ingest()) continue;
    const store = new DatabaseSync(setup.files.store, { readOnly: true });
    let published = 0;
    const steps = new Set<unknown>();
    await until(() => {
      if (setup.store.evaluate(published + 1)) published++;
      const { first, second } = halvesIn(store);
      expect(first).toEqual(second);
      steps.add(JSON.stringify(first));
      return published >= 60 && number('SELECT min(n) FROM first_half') > 100;
    });
    await stopWriters();
    setup.store.evaluate(published + 1);
    store.close();
    expect(setup.differences()).toEqual([]);
    expect(steps.size).toBeGreaterThan(20);
    expect(number('SELECT count(*) FROM stuff')).toBeGreaterThan(5);
    expect(number("SELECT count(*) FROM stuff WHERE v LIKE 'never%'")).toBe(0);
  });
});

/** A change that takes the evaluator a good while. */
function changeMuch(): void {
  setup.business.exec("WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 30000) INSERT OR REPLACE INTO stuff SELECT n, 'long ' || n, hex(randomblob(50)) FROM i");
}

describe('a writer in another process', () => {
  it('S5 goes on committing while a checkpoint is made of a database in WAL mode', async () => {
    setup = new SqliteSetup(`PRAGMA journal_mode = wal; ${WRITER_SCHEMA}`).start({ version: 1, tables: { stuff: {} } });
    new Writer(1, 'beat');
    await until(() => number('SELECT n FROM beats') > 10);
    changeMuch();
    const before = number('SELECT n FROM beats');
    expect(setup.store.evaluate(2)).toBe(true);
    expect(number('SELECT n FROM beats') - before).toBeGreaterThan(10);
    await stopWriters();
    expect(setup.differences()).toEqual([]);
  });

  it('S5 waits for no more than a moment, and is never refused, in a database with a rollback journal', async () => {
    setup = new SqliteSetup(`PRAGMA journal_mode = delete; ${WRITER_SCHEMA}`).start({ version: 1, tables: { stuff: {} } });
    new Writer(1, 'beat');
    await until(() => number('SELECT n FROM beats') > 10);
    for (let checkpoint = 2; checkpoint < 6; checkpoint++) {
      changeMuch();
      const before = number('SELECT n FROM beats');
      expect(setup.store.evaluate(checkpoint)).toBe(true);
      await until(() => number('SELECT n FROM beats') > before + 1);
    }
    await stopWriters();
    expect(setup.differences()).toEqual([]);
  });

  it.each(['wal', 'delete'])('S5 goes on while the database is read for the first time (%s)', async (mode) => {
    setup = new SqliteSetup(`PRAGMA journal_mode = ${mode}; ${WRITER_SCHEMA}`);
    changeMuch();
    setup.open();
    new Writer(1, 'beat');
    await until(() => number('SELECT n FROM beats') > 10);
    for (const _ of setup.store.ingest()) {
      const before = number('SELECT n FROM beats');
      await until(() => number('SELECT n FROM beats') > before + 1);
    }
    await stopWriters();
    setup.store.evaluate(1);
    expect(setup.differences()).toEqual([]);
  });
});
