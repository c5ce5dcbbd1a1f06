import { afterEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../core/limits.ts';
import { createNorthwind, SqliteSetup } from '../../testing/sqlite-setup.ts';
import { seeded } from '../../testing/worst-case-changes.ts';
import { createWorstCase, mutateWorstCase, worstCaseProfile } from '../../testing/worst-case.ts';
import { Database } from './driver.ts';
import { ingestTable } from './ingest.ts';
import { SqliteStore } from './store.ts';

let setup: SqliteSetup;
afterEach(() => setup.end());

function openWorstCase(): SqliteSetup {
  setup = new SqliteSetup(createWorstCase);
  setup.open(worstCaseProfile());
  return setup;
}

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

function expectEqual(): void {
  setup.store.evaluate(1);
  expect(setup.differences()).toEqual([]);
}

describe('the store equals the source, row for row, value for value, type for type', () => {
  it('S10 S12 after reading the worst-case database', () => {
    openWorstCase();
    for (const _ of setup.store.ingest()) continue;
    expectEqual();
    expect(setup.tables.length).toBeGreaterThan(30);
  });

  it('S10 after reading Northwind', () => {
    setup = new SqliteSetup('');
    if (!createNorthwind(setup.files.database)) return;
    setup.start();
    expect(setup.tables).toHaveLength(13);
    expect(setup.differences()).toEqual([]);
  });

  it.each([1, 2, 7, 100])('S10 after reading in steps of %i rows', (rowsPerStep) => {
    openWorstCase();
    setup.business.exec('DELETE FROM many WHERE id > 150');
    ingest(rowsPerStep);
    expectEqual();
  });

  it('S13 after random changes, one checkpoint after another', () => {
    setup = new SqliteSetup(createWorstCase).start(worstCaseProfile());
    const random = seeded(20_260_310);
    for (let checkpoint = 2; checkpoint < 60; checkpoint++) {
      for (let i = 0; i < 5; i++) mutateWorstCase(setup.business, random);
      setup.store.evaluate(checkpoint);
      expect(setup.differences(), `checkpoint ${checkpoint}`).toEqual([]);
    }
  });
});

describe('a reading that is killed', () => {
  it('S10 goes on where it stopped: no step is done twice', () => {
    openWorstCase();
    const total = ingest(50);
    setup.end();
    openWorstCase();
    let steps = 0;
    for (;;) {
      const taken = ingest(50, 3);
      steps += taken;
      if (taken < 3) break;
      setup.closeStore();
      setup.open(worstCaseProfile());
    }
    expect(steps).toBe(total);
    expectEqual();
  });

  it('S10 goes on after the generator was dropped and the store closed', () => {
    const progress = openWorstCase().store.ingest();
    const seen = new Set<string>();
    for (let i = 0; i < 10; i++) seen.add((progress.next().value as { table: string }).table);
    setup.closeStore();
    for (const { table } of setup.open(worstCaseProfile()).ingest()) expect(seen.has(table), table).toBe(false);
    expectEqual();
  });

  it('S10 goes on in the middle of a table', () => {
    const rows = LIMITS.ingestRows + 5;
    setup = new SqliteSetup(`CREATE TABLE t(id INTEGER PRIMARY KEY, v); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) INSERT INTO t SELECT i, i FROM n`);
    expect(setup.open().ingest().next().value).toEqual({ table: 't', rows: LIMITS.ingestRows });
    setup.closeStore();
    expect([...setup.open().ingest()]).toEqual([{ table: 't', rows }]);
    expectEqual();
  });
});

describe('changes during the reading', () => {
  it('S11 arrive with the first checkpoint, before and behind the place that was reached', () => {
    openWorstCase();
    const random = seeded(7);
    ingest(40, Infinity, () => mutateWorstCase(setup.business, random));
    expectEqual();
  });

  it('S11 arrive also when the run was killed meanwhile', () => {
    openWorstCase();
    const random = seeded(11);
    while (ingest(100, 5, () => mutateWorstCase(setup.business, random)) === 5) {
      setup.closeStore();
      mutateWorstCase(setup.business, random);
      setup.open(worstCaseProfile());
    }
    expectEqual();
  });

  it('S11 are not published before everything was read', () => {
    setup = new SqliteSetup('CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1, 1)');
    setup.open();
    const reader = new SqliteStore(setup.files);
    const checkpoint = (): number => reader.read((snapshot) => snapshot.state().checkpoint);
    setup.business.exec('INSERT INTO t VALUES(2, 2)');
    for (const _ of setup.store.ingest()) expect(checkpoint()).toBe(0);
    setup.store.evaluate(1);
    expect(checkpoint()).toBe(1);
    reader.close();
  });
});
