import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../core/limits.ts';
import { seeded } from '../../testing/worst-case-changes.ts';
import { createWorstCase, mutateWorstCase, worstCaseProfile } from '../../testing/worst-case.ts';
import { createNorthwind, SqliteSetup } from '../../testing/sqlite-setup.ts';
import { Database } from './driver.ts';
import { ingestTable } from './ingest.ts';
import { SqliteStore } from './store.ts';

let setup: SqliteSetup;
afterEach(() => setup.end());

/** Ingests in steps of some rows on a connection of its own; stops after so many steps. Returns how many steps it took. */
function ingest(rowsPerStep: number, most = Infinity, between = (): void => undefined): number {
  const db = new Database(setup.files.store);
  db.attach(setup.files.database, 'app');
  let steps = 0;
  try {
    for (const table of setup.tables) {
      for (const _ of ingestTable(db, table, rowsPerStep)) {
        steps++;
        if (steps >= most) return steps;
        between();
      }
    }
    return steps;
  } finally {
    db.close();
  }
}

describe('after an ingest the store equals the source, row for row, value for value, type for type', () => {
  it('for the worst-case database', () => {
    setup = new SqliteSetup(createWorstCase).start(worstCaseProfile());
    expect(setup.tables.map(({ name }) => name)).toContain('many');
    expect(setup.differences()).toEqual([]);
  });

  it('for Northwind', () => {
    setup = new SqliteSetup('');
    if (!createNorthwind(setup.files.database)) return;
    setup.start();
    expect(setup.tables).toHaveLength(13);
    expect(setup.differences()).toEqual([]);
  });

  it.each([1, 2, 7, 100])('in steps of %i rows', (rowsPerStep) => {
    setup = new SqliteSetup(createWorstCase);
    setup.business.exec('DELETE FROM many WHERE id > 150');
    setup.open(worstCaseProfile());
    ingest(rowsPerStep);
    setup.store.evaluate(1);
    expect(setup.differences()).toEqual([]);
  });

  it('for random changes, one checkpoint after another', () => {
    setup = new SqliteSetup(createWorstCase).start(worstCaseProfile());
    const random = seeded(20_260_310);
    for (let checkpoint = 2; checkpoint < 60; checkpoint++) {
      for (let i = 0; i < 5; i++) mutateWorstCase(setup.business, random);
      setup.store.evaluate(checkpoint);
      expect(setup.differences(), `checkpoint ${checkpoint}`).toEqual([]);
    }
  });
});

describe('an ingest that is killed', () => {
  it('goes on where it stopped: no row is read twice', () => {
    setup = new SqliteSetup(createWorstCase);
    setup.open(worstCaseProfile());
    const uninterrupted = new SqliteSetup(createWorstCase);
    uninterrupted.open(worstCaseProfile());
    const total = ((): number => {
      const own = setup;
      setup = uninterrupted;
      const steps = ingest(50);
      setup = own;
      uninterrupted.end();
      return steps;
    })();
    let steps = 0;
    for (let run = 0; run < 1000; run++) {
      const taken = ingest(50, 3);
      steps += taken;
      if (taken < 3) break;
      setup.closeStore();
      setup.open(worstCaseProfile());
    }
    expect(steps).toBe(total);
    setup.store.evaluate(1);
    expect(setup.differences()).toEqual([]);
  });

  it('goes on after the generator was dropped and the store closed', () => {
    setup = new SqliteSetup(createWorstCase);
    const first = setup.open(worstCaseProfile());
    const progress = first.ingest();
    const seen = new Set<string>();
    for (let i = 0; i < 10; i++) seen.add((progress.next().value as { table: string }).table);
    setup.closeStore();
    for (const { table } of setup.open(worstCaseProfile()).ingest()) expect(seen.has(table), table).toBe(false);
    setup.store.evaluate(1);
    expect(setup.differences()).toEqual([]);
  });

  it('leaves nothing of a step that was not committed', () => {
    setup = new SqliteSetup(`CREATE TABLE t(id INTEGER PRIMARY KEY, v); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${LIMITS.ingestRows + 5}) INSERT INTO t SELECT i, i FROM n`);
    const store = setup.open();
    expect(store.ingest().next().value).toEqual({ table: 't', rows: LIMITS.ingestRows });
    setup.closeStore();
    const progress = [...setup.open().ingest()];
    expect(progress).toEqual([{ table: 't', rows: LIMITS.ingestRows + 5 }]);
    setup.store.evaluate(1);
    expect(setup.differences()).toEqual([]);
  });
});

describe('changes during an ingest', () => {
  it('arrive with the first checkpoint, before and behind the reading position', () => {
    setup = new SqliteSetup(createWorstCase);
    setup.open(worstCaseProfile());
    const random = seeded(7);
    ingest(40, Infinity, () => mutateWorstCase(setup.business, random));
    expect(setup.store.evaluate(1)).toBe(true);
    expect(setup.differences()).toEqual([]);
  });

  it('arrive also when the run was killed meanwhile', () => {
    setup = new SqliteSetup(createWorstCase);
    setup.open(worstCaseProfile());
    const random = seeded(11);
    while (ingest(100, 5, () => mutateWorstCase(setup.business, random)) === 5) {
      setup.closeStore();
      mutateWorstCase(setup.business, random);
      setup.open(worstCaseProfile());
    }
    setup.store.evaluate(1);
    expect(setup.differences()).toEqual([]);
  });

  it('do not make the store publish before everything was read', () => {
    setup = new SqliteSetup('CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1, 1)');
    const other = new SqliteStore(setup.files, setup.open() && setup.tables);
    expect(other.read((snapshot) => snapshot.state().checkpoint)).toBe(0);
    for (const _ of setup.store.ingest()) continue;
    expect(other.read((snapshot) => snapshot.state().checkpoint)).toBe(0);
    setup.store.evaluate(1);
    expect(other.read((snapshot) => snapshot.state().checkpoint)).toBe(1);
    other.close();
    expect(randomUUID()).not.toBe('');
  });
});
