import { constants, cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseProfile } from '@carryon/server';
import { compileFor, openDirectStorage, PackFiles, PackUrls, Planner, type Storage, type SyncedTable } from '@carryon/server/testing';
import { START_MS } from '../world/queue.ts';
import { LabRandom } from '../world/random.ts';
import type { Business } from './business.ts';

import { tempFolder } from './temp-folder.ts';

/** Where things are in a server's folder. */
export const serverFiles = (folder: string) => ({ database: join(folder, 'app.db'), store: join(folder, 'sync.db'), packs: join(folder, 'packs') });
export const PACK_KEY = new Uint8Array(32).fill(7);
const CLOCK = { nowMs: () => START_MS, after: () => () => undefined };

export const tablesOf = (folder: string, business: Business): SyncedTable[] =>
  compileFor(serverFiles(folder).database, parseProfile({ version: 1, tables: business.tables }));

const built = new Map<string, Promise<string>>();

/** The folder of a server of that business that has read its database and built its people's packs. Made once in a process; not to be changed. */
export function templateOf(business: Business): Promise<string> {
  const key = JSON.stringify(business);
  const found = built.get(key) ?? build(business);
  built.set(key, found);
  return found;
}

/** Copies what a server's folder holds; its files must be closed. */
export function copyFolder(from: string, to: string): void {
  if (!existsSync(to)) mkdirSync(to, { recursive: true });
  cpSync(from, to, { recursive: true, mode: constants.COPYFILE_FICLONE });
}

async function build(business: Business): Promise<string> {
  const folder = tempFolder('template');
  const files = serverFiles(folder);
  const db = new DatabaseSync(files.database);
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; BEGIN; ${business.sql}; COMMIT`);
  db.close();
  const tables = tablesOf(folder, business);
  const random = new LabRandom('template');
  const storage = openDirectStorage(files, tables, () => random.uuid());
  try {
    await prepare(storage, tables, business);
    const packs = new PackFiles(files.packs);
    await packs.open();
    await buildPacks(new Planner(storage, packs, new PackUrls(PACK_KEY), CLOCK), tables, business);
  } finally {
    await storage.close();
  }
  return folder;
}

/** Reads the business and cuts every scope by the wanted width; a scope without one would be bundled into few packs. */
export async function prepare(storage: Storage, tables: readonly SyncedTable[], business: Business): Promise<void> {
  await storage.prepare(() => undefined);
  await storage.evaluate(START_MS);
  for (const { id, rule } of tables) {
    const scopes = (rule.kind === 'all' ? [''] : business.users).map((param) => ({ table: id, param }));
    await storage.activate(scopes, START_MS);
    for (const scope of scopes) await storage.setWidth(scope, business.packRows);
  }
}

async function buildPacks(planner: Planner, tables: readonly SyncedTable[], { users }: Business): Promise<void> {
  for (const user of users) {
    const request = { user, token: { epoch: '', tables: new Map<number, never>() }, tables, codec: 'zstd', seal: (text: string) => text } as const;
    for await (const _ of planner.plan(request)) continue;
  }
}
