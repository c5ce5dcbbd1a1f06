import { countAnswered, Edits, ERROR_TABLE, upgradeStore, Writer, type ExportedEdits } from '@carryon/client';
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
 * `device.not-a-device` or `device.newer-store`.
 */
export async function openEdits(folder: string): Promise<OpenEdits> {
  const sqlite = new NodeSqlite(requireDevice(folder));
  await upgradeStore(sqlite).catch(async (thrown: unknown) => {
    await sqlite.close();
    throw thrown;
  });
  const writer = new Writer(sqlite, systemClock);
  const edits = new Edits({ sqlite, writer, log: { debug: () => undefined, warn: () => undefined }, resolvers: {}, mayNumber: () => true, onWrote: () => undefined });
  return { edits, close: () => writer.run(() => sqlite.close()) };
}

export interface SignOutOptions {
  /** The edits that the server does not have are thrown away. */
  readonly discardEdits?: boolean;
  /** Is given what the server does not have, to put it somewhere else; when it throws, nothing is removed. */
  readonly keepEdits?: (edits: ExportedEdits) => void | Promise<void>;
}

/**
 * Removes everything that a device's folder holds of the person; resolves with what the server did not have. Rejects with `device.pending-edits` when that
 * is to be neither kept nor thrown away, `device.in-use` while a process is syncing into the folder, `device.not-a-device`; then nothing was removed.
 */
export async function signOut(folder: string, { discardEdits = false, keepEdits }: SignOutOptions = {}): Promise<ExportedEdits> {
  requireDevice(folder);
  const unlock = await lockFolder(folder);
  try {
    const edits = await exportEdits(folder);
    if (keepEdits) await keepEdits(edits);
    else if (!discardEdits) refusePending(folder, edits);
    for (const ending of ['', '-wal', '-shm', '-journal']) await rm(deviceFile(folder) + ending, { force: true });
    await rm(packsFolder(folder), { recursive: true, force: true });
    return edits;
  } finally {
    unlock();
  }
}

async function exportEdits(folder: string): Promise<ExportedEdits> {
  const { edits, close } = await openEdits(folder);
  try {
    return await edits.export();
  } finally {
    await close();
  }
}

function refusePending(folder: string, { pending, drafts }: ExportedEdits): void {
  // That an error was dismissed is no work of the person's.
  const waiting = pending.filter(({ table }) => table !== ERROR_TABLE).length;
  const parts = [...(waiting > 0 ? [`changes that have not been sent (${waiting})`] : []), ...(drafts.length > 0 ? [`refused edits that wait for a decision (${drafts.length})`] : [])];
  if (parts.length > 0) throw new CarryonError('device.pending-edits', `${folder} holds what the server does not have: ${parts.join(' and ')}.`);
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
