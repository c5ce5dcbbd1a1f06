import { countAnswered, Edits, ERROR_TABLE, Writer } from '@carryon/client';
import { CarryonError } from '@carryon/protocol';
import { rm } from 'node:fs/promises';
import { systemClock } from './clock.ts';
import { deviceFile, lockFolder, packsFolder, requireDevice } from './folder.ts';
import { NodeSqlite } from './sqlite.ts';

/** A device's edits without its engine. */
export interface OpenEdits {
  readonly edits: Edits;
  close(): Promise<void>;
}

/**
 * Opens the edits of a device's folder, whether or not a process is syncing into it: that one sends what is edited here. Throws
 * `device.not-a-device`.
 */
export function openEdits(folder: string): OpenEdits {
  const sqlite = new NodeSqlite(requireDevice(folder));
  const writer = new Writer(sqlite, systemClock);
  const edits = new Edits({ sqlite, writer, log: { debug: () => undefined, warn: () => undefined }, resolvers: {}, mayNumber: () => true, onWrote: () => undefined });
  return { edits, close: () => writer.run(() => sqlite.close()) };
}

/**
 * Removes everything that a device's folder holds of the person. Throws `device.pending-edits` when the server lacks edits and they are not to be
 * given up, `device.in-use` while a process is syncing into it, `device.not-a-device`; then nothing was removed.
 */
export async function signOut(folder: string, options: { readonly discardEdits?: boolean } = {}): Promise<void> {
  requireDevice(folder);
  const unlock = await lockFolder(folder);
  try {
    if (!options.discardEdits) await refusePending(folder);
    for (const ending of ['', '-wal', '-shm', '-journal']) await rm(deviceFile(folder) + ending, { force: true });
    await rm(packsFolder(folder), { recursive: true, force: true });
  } finally {
    unlock();
  }
}

async function refusePending(folder: string): Promise<void> {
  const { edits, close } = openEdits(folder);
  try {
    const { pending, drafts } = await edits.export();
    // That an error was dismissed is no work of the person's.
    const waiting = pending.filter(({ table }) => table !== ERROR_TABLE).length;
    const parts = [...(waiting > 0 ? [`changes that have not been sent (${waiting})`] : []), ...(drafts.length > 0 ? [`refused edits that wait for a decision (${drafts.length})`] : [])];
    if (parts.length > 0) throw new CarryonError('device.pending-edits', `${folder} holds what the server does not have: ${parts.join(' and ')}.`);
  } finally {
    await close();
  }
}

/** How many transactions of a device the server has accepted or refused since the one of that number. Rejects with `device.not-a-device`. */
export async function countSent(folder: string, after: number): Promise<number> {
  const db = new NodeSqlite(requireDevice(folder), { readOnly: true });
  try {
    return await countAnswered(db, after);
  } finally {
    await db.close();
  }
}
