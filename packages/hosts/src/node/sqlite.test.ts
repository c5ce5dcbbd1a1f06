import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sqliteContract } from '@carryon/client/testing';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../testing/folder.ts';
import { NodeSqlite } from './sqlite.ts';

sqliteContract('Node', async () => {
  const folder = temporaryFolder();
  const file = join(folder.path, 'ä space%20.db');
  const db = new NodeSqlite(file);
  let packs = 0;
  const packFile = (): string => join(folder.path, `pack ${packs++}?#%.db`);
  return {
    db,
    other: async () => new NodeSqlite(file, { busyMs: 20 }),
    pack: async (sql) => {
      const path = packFile();
      const pack = new DatabaseSync(path);
      pack.exec(sql);
      pack.close();
      return { path };
    },
    rawPack: async (bytes) => {
      const path = packFile();
      writeFileSync(path, bytes);
      return { path };
    },
    end: async () => {
      await db.close();
      folder.remove();
    },
  };
});

it('SQLITE-11 a file that is no database, a folder that is not there and a damaged file have codes of their own', async () => {
  const folder = temporaryFolder();
  const garbage = join(folder.path, 'garbage.db');
  writeFileSync(garbage, 'no database at all '.repeat(500));
  const db = new NodeSqlite(garbage);
  await expect(db.all('SELECT * FROM sqlite_schema')).rejects.toThrow(expect.objectContaining({ code: 'device.database-corrupt' }));
  await db.close();
  expect(() => new NodeSqlite(join(folder.path, 'nowhere', 'x.db'))).toThrow(expect.objectContaining({ code: 'device.storage' }));
  folder.remove();
});
