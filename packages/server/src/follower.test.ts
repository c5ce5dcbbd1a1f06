import type { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { Follower } from './follower.ts';
import type { Storage } from './ports/storage.ts';
import { compileFor } from './storage/sqlite/store.ts';
import { withApp, type TempApp } from './testing/temp-app.ts';
import { profilesOf } from './testing/temp-store.ts';

const SQL = "CREATE TABLE item(id INTEGER PRIMARY KEY, v); INSERT INTO item VALUES(1, 'one')";
const REBUILT = 'CREATE TABLE copy(id INTEGER PRIMARY KEY, v, a); INSERT INTO copy SELECT * FROM item; DROP TABLE item; ALTER TABLE copy RENAME TO item';

interface Bench extends TempApp {
  /** Names of the columns that devices get of the table. */
  columns(): Promise<readonly string[]>;
  /** Lets a look pass, and what it begins. */
  look(): Promise<void>;
}

/** A follower whose business database is altered once more, by that SQL, in the moment in which its rules were fitted to the last change. */
async function withFollower(meanwhile: string, work: (bench: Bench) => Promise<void>): Promise<void> {
  let business: DatabaseSync | undefined;
  const altered = (storage: Storage): Storage => ({
    ...storage,
    async reconfigure(...args) {
      await storage.reconfigure(...args);
      business?.exec(meanwhile);
      business = undefined;
    },
  });
  await withApp(async (app) => {
    const follower = new Follower(app.context, { profiles: profilesOf({ item: {} }), compile: (profiles) => compileFor(app.files.database, profiles, app.files.store) });
    await follower.ready;
    business = app.business;
    try {
      await work({
        ...app,
        columns: () => app.context.storage.read((snapshot) => snapshot.config().tables.flatMap(({ columns }) => columns.map(({ name }) => name))),
        async look() {
          app.clock.pass(1000);
          for (let i = 0; i < 50; i++) await new Promise(setImmediate);
        },
      });
    } finally {
      await follower.stop();
    }
  }, { prepared: false, sql: SQL, profile: { item: {} }, storage: altered });
}

describe('a business database that is altered while its rules are being fitted', () => {
  it.each<[string, string, readonly string[]]>([
    ['gets a column', 'ALTER TABLE item ADD COLUMN b', ['id', 'v', 'a', 'b']],
    ['loses one', 'ALTER TABLE item DROP COLUMN a', ['id', 'v']],
    ['gets a table made anew', REBUILT, ['id', 'v', 'a']],
  ])('S95 %s: is followed on without a word', async (_, meanwhile, wanted) => {
    await withFollower(meanwhile, async ({ business, columns, look, context, log }) => {
      business.exec('ALTER TABLE item ADD COLUMN a');
      for (let i = 0; i < 6; i++) await look();
      expect(await columns()).toEqual(wanted);
      const { checkpoint } = await context.storage.read((snapshot) => snapshot.state());
      business.exec("INSERT INTO item(id, v) VALUES(2, 'two')");
      await look();
      expect((await context.storage.read((snapshot) => snapshot.state())).checkpoint).toBe(checkpoint + 1);
      expect([context.health.trouble, log.filter((line) => line.includes('"level":50'))]).toEqual([undefined, []]);
    });
  });
});
