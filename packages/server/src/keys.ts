import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CarryonError } from '@carryon/protocol';
import type { Random } from './ports/random.ts';

const KEY_BYTES = 32;
const KEYS_FILE = 'keys.json';

/** The keys in a data directory: one signs the addresses of packs, the other signs tokens for trying things out. */
export interface Keys {
  readonly url: Uint8Array;
  readonly development: Uint8Array;
}

/** Reads the directory's keys, making them at first; the file is readable by its owner alone. */
export async function openKeys(dataDir: string, random: Random): Promise<Keys> {
  const file = join(dataDir, KEYS_FILE);
  if (!existsSync(file)) {
    await mkdir(dataDir, { recursive: true });
    const fresh = { url: Buffer.from(random.bytes(KEY_BYTES)).toString('base64'), development: Buffer.from(random.bytes(KEY_BYTES)).toString('base64') };
    await writeFile(file, JSON.stringify(fresh), { mode: 0o600, flag: 'wx' });
  }
  return readKeys(dataDir);
}

/** Reads the keys of a directory that a server has used. Throws `server.data-foreign` when there are none. */
export async function readKeys(dataDir: string): Promise<Keys> {
  try {
    const keys = JSON.parse(await readFile(join(dataDir, KEYS_FILE), 'utf8')) as { url: string; development: string };
    return { url: Buffer.from(keys.url, 'base64'), development: Buffer.from(keys.development, 'base64') };
  } catch (cause) {
    throw new CarryonError('server.data-foreign', `${dataDir} is not a server's data directory: it holds no keys.`, { cause });
  }
}
