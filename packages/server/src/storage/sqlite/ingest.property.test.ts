import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { history, ownIn, PROFILE, runTransaction, SCHEMA, type Write } from '../../testing/history.ts';
import { rowText } from '../../testing/model-device.ts';
import { shareOf } from '../../testing/oracle.ts';
import { ensure, sortedTexts, StoreAudit } from '../../testing/store-audit.ts';
import { scopeOf, withStore } from '../../testing/temp-store.ts';
import { LIMITS } from '../../core/limits.ts';
import { Database } from './driver.ts';
import { ingestTable } from './ingest.ts';
import { openDirectStorage } from './storage.ts';

const MOST_STEPS = 200;
const RUNS = 40 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);

const writes: fc.Arbitrary<Write[]> = history.map(({ before }) => [...before]);

describe('the first reading', () => {
  it('S10 S11 I4 I5 in steps of any size, with changes between them, gives the database as it is in the end', async () => {
    await fc.assert(fc.asyncProperty(writes, fc.array(writes, { maxLength: 12 }), fc.integer({ min: 1, max: 4 }), (before, between, rowsPerStep) =>
      withStore(SCHEMA, PROFILE.tables, async ({ business, files, config, tables, storage }) => {
        runTransaction(business, before, false);
        const db = new Database(files.store);
        db.attach(files.database, 'app');
        const changes = [...between];
        for (const table of tables) {
          let steps = 0;
          for (const _ of ingestTable(db, table, rowsPerStep)) {
            runTransaction(business, changes.pop() ?? [], false);
            ensure('S10 the reading ends', ++steps < MOST_STEPS);
          }
        }
        db.close();
        await storage.prepare(() => { throw new Error('there is nothing left to read'); });
        expect(await storage.evaluate(1)).toBe(true);
        const audit = new StoreAudit(files.store, config);
        audit.check(1, 0, (table, scope) => sortedTexts(shareOf(business, table, scope && ownIn(table.name, scope.param))));
        audit.close();
      })), { numRuns: RUNS });
  });

  it('S10 a killed run goes on where it stopped', async () => {
    const rows = LIMITS.ingestRows * 2 + 5;
    const sql = `CREATE TABLE item(id INTEGER PRIMARY KEY, v); INSERT INTO item WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT i, 'v' || i FROM n;`;
    await withStore(sql, { item: {} }, async ({ files, config, tables, storage, business }) => {
      const seen: number[] = [];
      const killed = storage.prepare((progress) => { seen.push(progress.rows); throw new Error('killed'); });
      await expect(killed).rejects.toThrow('killed');
      const again = openDirectStorage(files, config, () => 'another');
      await again.prepare((progress) => { expect(progress.table).toBe('item'); seen.push(progress.rows); });
      expect(seen).toEqual([LIMITS.ingestRows, LIMITS.ingestRows * 2, rows]);
      expect(await again.evaluate(1)).toBe(true);
      const scope = await again.read((snapshot) => snapshot.scope(scopeOf(config, 'item')));
      expect(scope?.digest.rows).toBe(rows);
      const stored = await again.read((snapshot) => (scope ? snapshot.feed(scope, { seq: 0, rid: 0 }, rows, 1e9).entries.map((entry) => rowText(entry.values ?? [])) : []));
      expect(stored.sort()).toEqual(shareOf(business, tables[0] ?? expect.fail()).map(rowText).sort());
      await again.close();
    });
  });

  it('S10 the business database is written neither by the first reading nor by evaluation, but for trimming the outbox', async () => {
    await withStore(SCHEMA, PROFILE.tables, async ({ business, storage }) => {
      business.exec("INSERT INTO item(id) VALUES(1); BEGIN IMMEDIATE; INSERT INTO item(id) VALUES(2)");
      await storage.prepare(() => undefined);
      expect(await storage.evaluate(1)).toBe(true);
      business.exec('COMMIT');
      expect(await storage.evaluate(2)).toBe(true);
    });
  });
});
