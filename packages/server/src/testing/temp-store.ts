import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { paramOf, type Attributes } from '../core/attributes.ts';
import type { Config } from '../core/config.ts';
import { parseProfile, type Profile } from '../core/profile.ts';
import type { ScopeKey, Storage, SyncedTable } from '../ports/storage.ts';
import { openDirectStorage } from '../storage/sqlite/storage.ts';
import { compileFor, type StoreFiles } from '../storage/sqlite/store.ts';

export interface TempStore {
  readonly business: DatabaseSync;
  readonly files: StoreFiles;
  readonly config: Config;
  /** Of the rules. */
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

/** The tables of one profile, or whole profiles. */
export type Profiles = object | readonly object[];

export const profilesOf = (profiles: Profiles): Profile[] =>
  Array.isArray(profiles) ? profiles.map((profile: object) => parseProfile({ version: 1, ...profile })) : [parseProfile({ version: 1, tables: profiles })];

/** A business database made by the SQL and a new store for it, with capture installed and nothing read yet. */
export function withStore<T>(sql: string, profiles: Profiles, work: (store: TempStore) => Promise<T>): Promise<T> {
  return withFolder(async (folder) => {
    const files = { database: join(folder, 'app.db'), store: join(folder, 'sync.db') };
    const business = new DatabaseSync(files.database);
    business.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; ${sql}`);
    const config = compileFor(files.database, profilesOf(profiles));
    let ids = 0;
    const storage = openDirectStorage(files, config, () => `id-${++ids}`);
    try {
      return await work({ business, files, config, tables: config.tables, storage });
    } finally {
      await storage.close();
      business.close();
    }
  });
}

/** The scope that a profile gives of a table to somebody with these attributes; a text is a person's id. */
export function scopeOf(config: Config, table: string, who: string | Partial<Attributes> = '', profile = 0): ScopeKey {
  const spec = config.tables.find(({ name }) => name === table);
  const share = config.profiles[profile]?.shares.find((one) => one.table === spec?.id);
  const node = config.nodes.find(({ id }) => id === share?.node);
  if (!share || !node) throw new Error(`the profile has no table ${table}`);
  const attributes: Attributes = { user: [], teams: [], unit: [], units: [], profiles: [], ...(typeof who === 'string' ? { user: [who] } : who) };
  return { table: share.table, node: node.id, param: paramOf(node.uses, attributes), columns: share.columns };
}
