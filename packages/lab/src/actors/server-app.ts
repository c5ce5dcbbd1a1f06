import type { Changes, createApp, Snapshot, Storage } from '@carryon/server/testing';
import type { World } from '../world/world.ts';
import type { Lane } from './lane.ts';
import type { LabRequest } from './server.ts';

/** The address under which devices know the server. */
export const SERVER_URL = 'http://server.lab/';

export type App = ReturnType<typeof createApp>;

/** What the app answers to a request without a network. */
export interface Injected {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, number | string | string[] | undefined>>;
  readonly rawPayload: Buffer;
}

/** Asks the app without a network. */
export async function inject(app: App, { method, url, headers = {}, body }: LabRequest): Promise<Injected> {
  const { pathname, search } = new URL(url, SERVER_URL);
  // As a stream: an answer as a whole is made into a string too, which takes longer than everything else for a pack.
  const answer = await app.inject({ method, url: pathname + search, headers, payloadAsStream: true, ...(body === undefined ? {} : { payload: body }) });
  const pieces: Buffer[] = [];
  for await (const piece of answer.stream() as AsyncIterable<Buffer>) pieces.push(piece);
  return { statusCode: answer.statusCode, headers: answer.headers, rawPayload: Buffer.concat(pieces) };
}

/** A storage that gives out so many rows of a table at a time, so that a few changes take several pages. */
export function paged(storage: Storage, pageRows: number | undefined): Storage {
  if (pageRows === undefined) return storage;
  return {
    ...storage,
    read: (use) => storage.read((snapshot) => use(withPages(snapshot, pageRows))),
  };
}

const withPages = (snapshot: Snapshot, pageRows: number): Snapshot => ({
  state: () => snapshot.state(), config: () => snapshot.config(), attributes: (person) => snapshot.attributes(person), claims: (user) => snapshot.claims(user),
  scope: (key) => snapshot.scope(key), grants: (user) => snapshot.grants(user), liveRids: (scope) => snapshot.liveRids(scope),
  acked: (user, device) => snapshot.acked(user, device),
  feed: (scope, after, maxRows, maxBytes, unless) => snapshot.feed(scope, after, Math.min(maxRows, pageRows), maxBytes, unless),
  leavers: (held, scope, most) => snapshot.leavers(held, scope, most),
  rangeDigests: (scope, width, most) => snapshot.rangeDigests(scope, width, most),
  rowsBetween: (scope, low, high, maxRows, maxBytes) => snapshot.rowsBetween(scope, low, high, maxRows, maxBytes),
});

/** A question that waits for the next change waits for virtual time. */
export function countWaiting(changes: Changes, world: World, lane: Lane): Changes {
  const next = changes.next.bind(changes);
  const isOver = (): boolean => (changes as { closed?: boolean }).closed === true;
  changes.next = (withinMs) => {
    if (isOver()) return next(withinMs);
    lane.stepAside();
    world.waiting(1);
    return next(withinMs).finally(() => world.waiting(-1));
  };
  return changes;
}
