import { constants, cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseProfile, type Profile } from '@carryon/server';
import { compileFor, openDirectStorage, PackFiles, PackUrls, Planner, readEntitled, type Config, type Storage } from '@carryon/server/testing';
import { START_MS } from '../world/queue.ts';
import { LabRandom } from '../world/random.ts';
import type { Business, BusinessProfile } from './business.ts';
import { tempFolder } from './temp-folder.ts';

/** Where things are in a server's folder. */
export const serverFiles = (folder: string) => ({ database: join(folder, 'app.db'), store: join(folder, 'sync.db'), packs: join(folder, 'packs') });
export const PACK_KEY = new Uint8Array(32).fill(7);
const CLOCK = { nowMs: () => START_MS, after: () => () => undefined };

/** Fits profiles to the business database and the store of a server's folder. Throws what the server throws. */
export function configOf(folder: string, profiles: readonly BusinessProfile[]): Config {
  const { database, store } = serverFiles(folder);
  return compileFor(database, profiles.map(asInFile), store);
}

const asInFile = ({ file, tables }: BusinessProfile): Profile =>
  parseProfile({ version: 1, ...file, tables: Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, table.file])) });

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
  const random = new LabRandom('template');
  const storage = openDirectStorage(files, configOf(folder, business.profiles.usual), () => random.uuid());
  try {
    await prepare(storage, business);
    const packs = new PackFiles(files.packs);
    await packs.open();
    await buildPacks(storage, new Planner(storage, packs, new PackUrls(PACK_KEY), CLOCK), business);
  } finally {
    await storage.close();
  }
  return folder;
}

/** Reads the business and cuts every scope by the wanted width; a scope without one would be bundled into few packs. */
async function prepare(storage: Storage, { users, packRows }: Business): Promise<void> {
  await storage.prepare(() => undefined);
  await storage.evaluate(START_MS);
  for (const user of users) {
    const scopes = await readEntitled(storage, askerOf(user), (_, { shares }) => shares.map(({ scope }) => scope));
    for (const scope of scopes) await storage.setWidth(scope, packRows);
  }
}

const askerOf = (user: string) => ({ personOf: () => ({ user, claims: {} }), nowMs: () => START_MS });

async function buildPacks(storage: Storage, planner: Planner, { users }: Business): Promise<void> {
  const token = { epoch: '', specs: '', tables: new Map<number, never>() };
  for (const user of users) {
    const found = await readEntitled(storage, askerOf(user), (snapshot, entitlement) => ({ entitlement, checkpoint: snapshot.state().checkpoint }));
    const request = { ...found, token, shares: found.entitlement.shares, codec: 'zstd', seal: (text: string) => text } as const;
    for await (const _ of planner.plan(request)) continue;
  }
}
