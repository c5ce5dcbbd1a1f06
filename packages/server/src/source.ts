import type { Source, SourceTable } from './core/source.ts';
import { removeCapture } from './storage/sqlite/capture.ts';
import { openExisting } from './storage/sqlite/driver.ts';
import { countNullKeys, introspect } from './storage/sqlite/introspect.ts';

/** Finds out what tables a database has and which of them can be synced; changes nothing. */
export function inspect(database: string): Source {
  const db = openExisting(database, { readOnly: true });
  try {
    return introspect(db);
  } finally {
    db.close();
  }
}

/** How many rows of a table cannot be synced because their key is NULL; changes nothing. */
export function countUnsyncable(database: string, table: SourceTable): number {
  const db = openExisting(database, { readOnly: true });
  try {
    return countNullKeys(db, table);
  } finally {
    db.close();
  }
}

/** Removes triggers and outbox from a business database; returns how many triggers there were. */
export function detach(database: string): number {
  const db = openExisting(database);
  try {
    return removeCapture(db);
  } finally {
    db.close();
  }
}
