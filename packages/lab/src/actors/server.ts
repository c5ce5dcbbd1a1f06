import { rmSync } from 'node:fs';
import { CarryonError } from '@carryon/protocol';
import { signToken } from '@carryon/server';
import { Auth, Changes, createApp, Metrics, openDirectStorage, PackFiles, PackUrls, Planner, type Context, type Storage, type SyncedTable } from '@carryon/server/testing';
import { pino, type Logger } from 'pino';
import type { LabRandom } from '../world/random.ts';
import type { World } from '../world/world.ts';
import { BusinessDatabase } from './business-database.ts';
import { demo, type Business } from './business.ts';
import { Lane } from './lane.ts';
import { copyFolder, PACK_KEY, serverFiles, tablesOf, templateOf } from './template.ts';
import { tempFolder } from './temp-folder.ts';

export interface LabServerOptions {
  readonly business?: Business;
  /** `copy`: files of its own. `shared`: the template's own files, for many runs on much data that change none of it. */
  readonly folder?: 'copy' | 'shared';
}

export interface LabRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query, or a whole address. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface LabAnswer {
  readonly status: number;
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The address under which devices know the server. */
export const SERVER_URL = 'http://server.lab/';
const SECRET = new TextEncoder().encode('a secret of thirty-two characters');
const DAY_MS = 86_400_000;
/** So soon the real server sees a change of the business database. */
const POLL_MS = 50;

type App = ReturnType<typeof createApp>;

/** What the app answers to a request without a network. */
interface Injected {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, number | string | string[] | undefined>>;
  readonly rawPayload: Buffer;
}

/** What runs while the server is up. */
interface Running {
  readonly app: App;
  readonly context: Context;
  readonly requests: Set<Promise<unknown>>;
}

/** The real server on real files, on the world's time. A business application writes beside it. */
export class LabServer {
  readonly business: Business;
  readonly tables: readonly SyncedTable[];
  readonly folder: string;
  readonly #world: World;
  readonly #ownFolder: boolean;
  readonly #db: BusinessDatabase;
  readonly #lane = new Lane();
  readonly #ids: LabRandom;
  /** What the server complained of since its last answer. */
  readonly #complaints: string[] = [];
  #running: Running | undefined;

  private constructor(world: World, business: Business, folder: string, ownFolder: boolean) {
    this.#world = world;
    this.business = business;
    this.folder = folder;
    this.#ownFolder = ownFolder;
    this.#ids = world.random.fork('server');
    this.tables = tablesOf(folder, business);
    this.#db = new BusinessDatabase(serverFiles(folder).database);
  }

  /** Starts a server, before the world runs. */
  static async start(world: World, options: LabServerOptions = {}): Promise<LabServer> {
    const business = options.business ?? demo();
    const template = await templateOf(business);
    const isShared = options.folder === 'shared';
    const folder = isShared ? template : tempFolder('server');
    if (!isShared) copyFolder(template, folder);
    const server = new LabServer(world, business, folder, !isShared);
    await server.#open();
    return server;
  }

  get isUp(): boolean {
    return this.#running !== undefined;
  }

  /** Asks the server. Rejects with `server.unreachable` when it is down, or goes down before it answers. */
  async request(request: LabRequest): Promise<LabAnswer> {
    const running = this.#running;
    if (!running) throw refused();
    const asked = this.#lane.run(() => inject(running.app, request));
    running.requests.add(asked);
    const tracked = this.#world.track(asked.finally(() => running.requests.delete(asked)), `${request.method} ${request.url.slice(0, 40)}`);
    const answer = await tracked.finally(() => this.#noteComplaints());
    if (this.#running !== running) throw refused();
    return { status: answer.statusCode, headers: this.#headers(answer), body: answer.rawPayload };
  }

  /** A person's token, valid for so long from now. */
  token(user: string, validMs = 30 * DAY_MS): Promise<string> {
    return this.#world.track(signToken(SECRET, user, this.#world.queue.nowMs, validMs), 'token');
  }

  /** The business application writes. The server sees it with the next `publish`. */
  write(sql: string): void {
    this.#mayChange();
    this.#db.write(sql);
    this.#world.trace.add('business', 'write', sql);
  }

  /** Takes in what was written and answers those who wait. */
  publish(): Promise<void> {
    return this.#world.track(this.#publish(), 'publish');
  }

  /** Writes, and lets the server see it as soon as the real one would. */
  change(sql: string): void {
    this.write(sql);
    this.#world.queue.after(POLL_MS, () => void this.publish());
  }

  /** The hourly housekeeping: forgets tombstones and packs that are older. */
  keepHouse(tombstoneKeepMs = 30 * DAY_MS, packKeepMs = 7 * DAY_MS): Promise<void> {
    this.#world.trace.add('server', 'housekeeping');
    return this.#world.track(this.#keepHouse(tombstoneKeepMs, packKeepMs), 'housekeeping');
  }

  /** The process ends, answers under way break off; nobody can connect until `up`. */
  down(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    this.#world.trace.add('server', 'down');
    return this.#world.track(running ? end(running) : Promise.resolve(), 'down');
  }

  async up(): Promise<void> {
    await this.#world.track(this.#open(), 'up');
    this.#world.trace.add('server', 'up');
    // It looks at once for what was written meanwhile.
    this.#world.queue.after(POLL_MS, () => void this.publish());
  }

  async restart(): Promise<void> {
    await this.down();
    await this.up();
  }

  /** The server's data directory is lost: it is made anew, as another epoch. */
  async loseData(): Promise<void> {
    this.#mayChange();
    if (this.isUp) await this.down();
    const { store, packs } = serverFiles(this.folder);
    for (const path of [store, `${store}-wal`, `${store}-shm`, packs]) rmSync(path, { recursive: true, force: true });
    await this.up();
    await this.#world.track(this.#ingest(), 'ingest');
    this.#world.trace.add('server', 'new epoch');
  }

  /** A copy of the business database, as somebody makes each night. */
  backUp(): void {
    this.#mayChange();
    this.#db.backUp();
    this.#world.trace.add('server', 'backed up');
  }

  get hasBackup(): boolean {
    return this.#db.hasBackup;
  }

  /** The copy is put back, with all that devices had sent until then, and no more; the sync data is made anew, as the server asks for. */
  async restore(): Promise<void> {
    this.#mayChange();
    await this.down();
    this.#db.putBack();
    this.#world.trace.add('server', 'restored');
    await this.loseData();
  }

  /** What a person must hold of a table, by one plain query of the business database; compare with `rowLines` of the device's. */
  share(user: string, table: string): string[] {
    const found = this.#table(table);
    const own = found.rule.kind === 'own' ? found.rule.column : undefined;
    const columns = this.columns(table);
    return own === undefined ? this.#db.lines(table, columns, 'true') : this.#db.lines(table, columns, `CAST("${own}" AS TEXT) = ?`, user);
  }

  /** The columns of a table that are synced. */
  columns(table: string): string[] {
    return this.#table(table).columns.map(({ name }) => name);
  }

  /** Ends the server and removes its files. */
  async close(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (running) await end(running);
    this.#db.close();
    if (this.#ownFolder) rmSync(this.folder, { recursive: true, force: true });
  }

  #mayChange(): void {
    if (!this.#ownFolder) throw new Error('a shared folder is not to be changed: start this server with a copy');
  }

  #table(name: string): SyncedTable {
    const found = this.tables.find((table) => table.name === name);
    if (!found) throw new Error(`no table ${name}`);
    return found;
  }

  async #open(): Promise<void> {
    const files = serverFiles(this.folder);
    const { clock } = this.#world;
    const storage = this.#told(paged(openDirectStorage(files, this.tables, () => this.#ids.uuid()), this.business.pageRows));
    const packs = new PackFiles(files.packs);
    await packs.open();
    const urls = new PackUrls(PACK_KEY);
    const log = this.#log();
    const context: Context = {
      storage, tables: this.tables, files: packs, urls, clock, log, auth: new Auth({ secret: SECRET }, clock),
      planner: new Planner(storage, packs, urls, clock), changes: countWaiting(new Changes(clock), this.#world, this.#lane), metrics: new Metrics(),
    };
    const app = createApp(context, log);
    await app.ready();
    this.#running = { app, context, requests: new Set() };
  }

  /** The trace tells what uploads bring. */
  #told(storage: Storage): Storage {
    return {
      ...storage,
      upload: async (upload) => {
        const uploaded = await storage.upload(upload);
        if (uploaded.taken > 0) this.#world.trace.add('server', 'upload', { user: upload.user, last: uploaded.last, taken: uploaded.taken, refused: uploaded.refused });
        if (uploaded.published) this.#world.trace.add('server', 'published');
        return uploaded;
      },
    };
  }

  #log(): Logger {
    const write = (line: string): void => {
      const { level, code, msg } = JSON.parse(line) as { level: number; code?: string; msg: string };
      this.#complaints.push(JSON.stringify({ level, code, msg }));
    };
    return pino({ level: 'warn', base: null, timestamp: false }, { write });
  }

  /** Complaints are part of the history; sorted, for answers made at the same time complain in an order of chance. */
  #noteComplaints(): void {
    for (const complaint of this.#complaints.splice(0).sort()) this.#world.trace.add('server', 'log', complaint);
  }

  async #ingest(): Promise<void> {
    await this.#running?.context.storage.prepare(() => undefined);
    await this.#publish();
  }

  async #publish(): Promise<void> {
    const { context } = this.#running ?? {};
    const published = await context?.storage.evaluate(this.#world.queue.nowMs);
    if (!published) return;
    this.#world.trace.add('server', 'published');
    context?.changes.wake();
  }

  async #keepHouse(tombstoneKeepMs: number, packKeepMs: number): Promise<void> {
    const { context } = this.#running ?? {};
    const nowMs = this.#world.queue.nowMs;
    await context?.storage.expire(nowMs - tombstoneKeepMs);
    for (const name of (await context?.storage.dropPacks(nowMs - packKeepMs)) ?? []) await context?.files.remove(name);
  }

  /** The header `date` would tell the real time. */
  #headers(answer: Injected): Record<string, string> {
    const known = Object.entries(answer.headers).filter(([name, value]) => value !== undefined && name !== 'date');
    return { ...Object.fromEntries(known.map(([name, value]) => [name, String(value)])), date: new Date(this.#world.queue.nowMs).toUTCString() };
  }
}

const refused = (): CarryonError => new CarryonError('server.unreachable', 'Nobody answers at the server\'s address.');

async function inject(app: App, { method, url, headers = {}, body }: LabRequest): Promise<Injected> {
  const { pathname, search } = new URL(url, SERVER_URL);
  // As a stream: an answer as a whole is made into a string too, which takes longer than everything else for a pack.
  const answer = await app.inject({ method, url: pathname + search, headers, payloadAsStream: true, ...(body === undefined ? {} : { payload: body }) });
  const pieces: Buffer[] = [];
  for await (const piece of answer.stream() as AsyncIterable<Buffer>) pieces.push(piece);
  return { statusCode: answer.statusCode, headers: answer.headers, rawPayload: Buffer.concat(pieces) };
}

async function end({ app, context, requests }: Running): Promise<void> {
  context.changes.close();
  await Promise.allSettled(requests);
  await app.close();
  await context.storage.close();
}

/** A storage that gives out so many rows of a table at a time, so that a few changes take several pages. */
function paged(storage: Storage, pageRows: number | undefined): Storage {
  if (pageRows === undefined) return storage;
  return {
    ...storage,
    read: (use) => storage.read((snapshot) => use({
      state: () => snapshot.state(), scope: (key) => snapshot.scope(key), liveRids: (scope) => snapshot.liveRids(scope),
      acked: (user, device) => snapshot.acked(user, device),
      feed: (scope, after, maxRows, maxBytes) => snapshot.feed(scope, after, Math.min(maxRows, pageRows), maxBytes),
      rangeDigests: (scope, width, most) => snapshot.rangeDigests(scope, width, most),
      rowsBetween: (scope, low, high, maxRows, maxBytes) => snapshot.rowsBetween(scope, low, high, maxRows, maxBytes),
    })),
  };
}

/** A question that waits for the next change waits for virtual time. */
function countWaiting(changes: Changes, world: World, lane: Lane): Changes {
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
