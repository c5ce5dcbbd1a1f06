import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseProfile } from '../core/profile.ts';
import type { Storage, SyncedTable } from '../ports/storage.ts';
import { openDirectStorage } from '../storage/sqlite/storage.ts';
import { compileFor, type StoreFiles } from '../storage/sqlite/store.ts';

export interface TempStore {
  readonly business: DatabaseSync;
  readonly files: StoreFiles;
  readonly tables: readonly SyncedTable[];
  readonly storage: Storage;
}

/** A folder that is there while the work goes on. */
export async function withFolder<T>(work: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'carryon-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A business database made by the SQL and a new store for it, with capture installed and nothing read yet. */
export function withStore<T>(sql: string, profileTables: object, work: (store: TempStore) => Promise<T>): Promise<T> {
  return withFolder(async (folder) => {
    const files = { database: join(folder, 'app.db'), store: join(folder, 'sync.db') };
    const business = new DatabaseSync(files.database);
    business.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; ${sql}`);
    const tables = compileFor(files.database, parseProfile({ version: 1, tables: profileTables }));
    let ids = 0;
    const storage = openDirectStorage(files, tables, () => `id-${++ids}`);
    try {
      return await work({ business, files, tables, storage });
    } finally {
      await storage.close();
      business.close();
    }
  });
}
