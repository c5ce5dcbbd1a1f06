import type { Sqlite } from '../ports/sqlite.ts';

/**
 * What the work commits is on the disk when it returns: a loss of power does not take it back. Otherwise the engine's commits wait for the next
 * checkpoint of the write-ahead log (https://www.sqlite.org/pragma.html#pragma_synchronous); what is lost of them then is done again.
 */
export async function durably<T>(db: Sqlite, work: () => Promise<T>): Promise<T> {
  await db.exec('PRAGMA synchronous = FULL');
  try {
    return await work();
  } finally {
    await db.exec('PRAGMA synchronous = NORMAL');
  }
}
