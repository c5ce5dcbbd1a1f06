import type { Source } from './core/source.ts';
import { removeCapture } from './storage/sqlite/capture.ts';
import { openExisting } from './storage/sqlite/driver.ts';
import { introspect } from './storage/sqlite/introspect.ts';

/** Finds out what tables a database has and which of them can be synced; changes nothing. */
export function inspect(database: string): Source {
  const db = openExisting(database, { readOnly: true });
  try {
    return introspect(db);
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
