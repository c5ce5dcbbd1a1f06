import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CarryonError } from '@carryon/protocol';
import { sqliteError } from './sqlite.ts';

/** Where things are in a device folder. */
export const deviceFile = (folder: string): string => join(folder, 'carryon.db');
export const packsFolder = (folder: string): string => join(folder, 'packs');

/** Makes the folder and takes its lock, which the operating system frees when the process ends, however it ends. Throws `device.in-use`. */
export async function lockFolder(folder: string): Promise<() => void> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new CarryonError('device.storage', `The folder ${folder} could not be made: ${(cause as { code?: string }).code}.`, { cause });
  });
  const lock = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
  try {
    lock.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    const error = sqliteError(cause);
    if (error instanceof CarryonError && error.code === 'device.database-locked') throw new CarryonError('device.in-use', `Another process is syncing into ${folder}.`, { cause });
    throw error;
  }
  return () => { if (lock.isOpen) lock.close(); };
}

/** The device's database in the folder. Throws `device.not-a-device` when there is none. */
export function requireDevice(folder: string): string {
  const file = deviceFile(folder);
  if (!existsSync(file)) throw new CarryonError('device.not-a-device', `${folder} holds no Carryon database.`);
  return file;
}
