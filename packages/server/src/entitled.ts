import { CarryonError } from '@carryon/protocol';
import { entitle, type Entitlement } from './core/entitle.ts';
import type { Person, Snapshot, Storage } from './ports/storage.ts';

/** Somebody's share changes between two reads only if it has changed in between; more often than this in a row is too much of it. */
const MOST_READS = 10;

export interface Asker {
  /** Who asks, by the rules of the snapshot. */
  readonly personOf: (snapshot: Snapshot) => Person;
  readonly nowMs: () => number;
}

/**
 * Reads with what the person may have in that very snapshot. Scopes that are asked for the first time are made before. Rejects with
 * `server.busy` when the share changes again and again.
 */
export async function readEntitled<T>(storage: Storage, asker: Asker, use: (snapshot: Snapshot, entitlement: Entitlement) => T): Promise<T> {
  for (let reads = 0; reads < MOST_READS; reads++) {
    const found = await storage.read((snapshot) => {
      const entitled = entitle(snapshot, asker.personOf(snapshot), asker.nowMs());
      return 'activate' in entitled ? entitled : { result: use(snapshot, entitled) };
    });
    if ('result' in found) return found.result;
    await storage.activate(found.person, found.activate, asker.nowMs());
  }
  throw new CarryonError('server.busy', 'What this person may have changes faster than it can be read.', { retryAfterMs: 1000 });
}
