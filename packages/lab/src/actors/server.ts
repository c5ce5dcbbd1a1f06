import { rmSync } from 'node:fs';
import { CarryonError, toCarryonError } from '@carryon/protocol';
import { signToken } from '@carryon/server';
import { Auth, Changes, createApp, Metrics, openDirectStorage, PackFiles, PackUrls, Planner, type Context, type Storage } from '@carryon/server/testing';
import { pino, type Logger } from 'pino';
import type { LabRandom } from '../world/random.ts';
import type { World } from '../world/world.ts';
import { BusinessDatabase } from './business-database.ts';
import { demo, type Business, type BusinessProfile } from './business.ts';
import { Lane } from './lane.ts';
import { Rights } from './rights.ts';
import { countWaiting, inject, paged, SERVER_URL, type App, type Injected } from './server-app.ts';
import { configOf, copyFolder, PACK_KEY, serverFiles, templateOf } from './template.ts';
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

const SECRET = new TextEncoder().encode('a secret of thirty-two characters');
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** So soon the real server sees a change of the business database. */
const POLL_MS = 50;

/** What runs while the server is up. */
interface Running {
  readonly app: App;
  readonly context: Context;
  readonly requests: Set<Promise<unknown>>;
  /** The version of the business database's schema that the rules were fitted to; undefined: the server has just been started. */
  schema: number | undefined;
  /** The profiles that it begins with, where the one before it had others. */
  readonly begins: readonly BusinessProfile[] | undefined;
}

/** The real server on real files, on the world's time. A business application writes beside it. */
export class LabServer {
  readonly business: Business;
  readonly folder: string;
  /** Who has what, by the rules that the server has gone over to. */
  readonly rights: Rights;
  readonly #world: World;
  readonly #ownFolder: boolean;
  readonly #db: BusinessDatabase;
  readonly #lane = new Lane();
  /** Changes are taken in, and rules are changed, one after another. */
  readonly #turns = new Lane();
  readonly #ids: LabRandom;
  readonly #listeners = new Set<(user: string, request: LabRequest, answer: LabAnswer) => void>();
  /** What the server complained of since its last answer. */
  readonly #complaints: string[] = [];
  #running: Running | undefined;
  /** The profiles as their files say it: what the server begins with when it is started. */
  #profiles: readonly BusinessProfile[];
  /** Those that the last process was to go by. */
  #served: readonly BusinessProfile[];

  private constructor(world: World, business: Business, folder: string, ownFolder: boolean) {
    this.#world = world;
    this.business = business;
    this.folder = folder;
    this.#ownFolder = ownFolder;
    this.#ids = world.random.fork('server');
    this.#db = new BusinessDatabase(serverFiles(folder).database);
    this.#profiles = business.profiles.usual;
    this.#served = this.#profiles;
    this.rights = new Rights(this.#db, this.#profiles);
    this.rights.tick(world.queue.nowMs);
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
    // Nothing is written where many run on the same files.
    if (business.ticks && !isShared) server.#tick();
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
    const told = { status: answer.statusCode, headers: this.#headers(answer), body: answer.rawPayload };
    for (const listener of this.#listeners) listener(askerOf(request), request, told);
    return told;
  }

  /** Tells of each answer, and to whom it is, until the function returned is called. */
  onAnswer(listener: (user: string, request: LabRequest, answer: LabAnswer) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
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

  /** The hourly housekeeping: forgets tombstones and packs that are older, and scopes that nobody has used for so long. */
  keepHouse(tombstoneKeepMs = 30 * DAY_MS, packKeepMs = 7 * DAY_MS, scopeKeepMs = 30 * DAY_MS): Promise<void> {
    this.#world.trace.add('server', 'housekeeping');
    return this.#world.track(this.#keepHouse(tombstoneKeepMs, packKeepMs, scopeKeepMs), 'housekeeping');
  }

  /**
   * Somebody changes the profiles' files and has the server read them. What does not fit is refused, and nothing changes. `how` killed: the
   * server's process ends as soon as it has begun to read what is new, and is started again.
   */
  async reload(to: string, how?: 'killed'): Promise<void> {
    this.#mayChange();
    const profiles = this.business.profiles[to];
    if (!profiles) throw new Error(`no profiles ${to}`);
    this.#world.trace.add('server', 'reload', to);
    const isUp = this.isUp;
    await this.#world.track(this.#turns.run(() => this.#reload(profiles, how)), 'reload');
    if (isUp && how === 'killed') await this.restart();
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
    await this.#world.track(this.#publish(), 'ingest');
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

  /** What a person must hold of a table, by plain queries of the business database; compare with `rowLines` of the device's. */
  share(user: string, table: string): string[] {
    return this.rights.share(user, table);
  }

  /** In what a device's tables are not what its person must hold. */
  differences(device: { readonly name: string; readonly user: string; tables(): string[]; rows(table: string): string[] | undefined }): string[] {
    const has = this.rights.tablesOf(device.user);
    return [...new Set([...has, ...device.tables()])].flatMap((name) => {
      const rows = device.rows(name);
      if (!has.includes(name)) return [`${device.name} has table ${name} with ${rows?.length} rows, which is not in the share`];
      const share = this.share(device.user, name);
      return JSON.stringify(rows) === JSON.stringify(share) ? [] : [`on ${device.name} table ${name} has ${rows?.length ?? 'no'} rows, the share ${share.length}, or they differ`];
    });
  }

  /** Answers a request without a network, and beside the history. */
  async ask(request: LabRequest): Promise<LabAnswer> {
    const running = this.#running;
    if (!running) throw refused();
    const answer = await this.#world.track(inject(running.app, request), 'question');
    return { status: answer.statusCode, headers: this.#headers(answer), body: answer.rawPayload };
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

  async #open(): Promise<void> {
    const files = serverFiles(this.folder);
    const { clock } = this.#world;
    const storage = this.#told(paged(openDirectStorage(files, configOf(this.folder, this.#profiles), () => this.#ids.uuid()), this.business.pageRows));
    const packs = new PackFiles(files.packs);
    await packs.open();
    const urls = new PackUrls(PACK_KEY);
    const log = this.#log();
    const context: Context = {
      storage, files: packs, urls, clock, log, auth: new Auth({ secret: SECRET }, clock),
      planner: new Planner(storage, packs, urls, clock), changes: countWaiting(new Changes(clock), this.#world, this.#lane), metrics: new Metrics(), health: { trouble: undefined },
    };
    const app = createApp(context, log);
    await app.ready();
    this.#running = { app, context, requests: new Set(), schema: undefined, begins: this.#served === this.#profiles ? undefined : this.#profiles };
    this.#served = this.#profiles;
  }

  /** The trace tells what uploads bring, and new checkpoints of people who come. */
  #told(storage: Storage): Storage {
    return {
      ...storage,
      upload: async (upload) => {
        const uploaded = await storage.upload(upload);
        this.rights.tick(upload.nowMs);
        if (uploaded.taken > 0) this.#world.trace.add('server', 'upload', { user: upload.user, last: uploaded.last, taken: uploaded.taken, refused: uploaded.refused });
        if (uploaded.published) this.#world.trace.add('server', 'published');
        return uploaded;
      },
      activate: async (...args) => {
        const before = await checkpointOf(storage);
        await storage.activate(...args);
        if ((await checkpointOf(storage)) > before) this.#world.trace.add('server', 'published');
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

  /** The server looks at the clock at every full minute. */
  #tick(): void {
    const { queue } = this.#world;
    queue.after(MINUTE_MS - (queue.nowMs % MINUTE_MS), () => {
      void this.publish();
      this.#tick();
    });
  }

  #publish(): Promise<void> {
    return this.#turns.run(async () => {
      const running = this.#running;
      if (!running) return;
      const { storage, changes } = running.context;
      const nowMs = this.#world.queue.nowMs;
      const before = await checkpointOf(storage);
      await this.#fit(running);
      const published = await storage.evaluate(nowMs);
      this.rights.tick(nowMs);
      if (!published && (await checkpointOf(storage)) === before) return;
      this.#world.trace.add('server', 'published');
      changes.wake();
    });
  }

  /** Reads what was not read yet, and goes over to the profiles on the tables as they are now. */
  async #fit(running: Running): Promise<void> {
    const { storage } = running.context;
    if (running.schema !== undefined && (await storage.schemaVersion()) === running.schema) return;
    const isFirst = running.schema === undefined;
    if (isFirst) await storage.prepare(() => undefined);
    // Tables may have been altered since it was started.
    await this.#goOver(running, this.#profiles);
    if (isFirst && running.begins) this.rights.profiles = running.begins;
  }

  async #goOver(running: Running, profiles: readonly BusinessProfile[], goesOn = true): Promise<void> {
    const { storage } = running.context;
    await storage.reconfigure(configOf(this.folder, profiles), this.#world.queue.nowMs, () => goesOn);
    running.schema = await storage.schemaVersion();
  }

  async #reload(profiles: readonly BusinessProfile[], how: 'killed' | undefined): Promise<void> {
    const running = this.#running;
    const nowMs = this.#world.queue.nowMs;
    try {
      if (running) await this.#goOver(running, profiles, how !== 'killed');
      // A server that is down finds what is wrong when it is started, and somebody puts the old files back.
      else configOf(this.folder, profiles);
    } catch (thrown) {
      return this.#world.trace.add('server', 'reload refused', toCarryonError(thrown).code);
    }
    this.#profiles = profiles;
    if (!running || how === 'killed') return;
    this.#served = profiles;
    this.rights.profiles = profiles;
    this.rights.tick(nowMs);
    this.#world.trace.add('server', 'published');
    running.context.changes.wake();
  }

  async #keepHouse(tombstoneKeepMs: number, packKeepMs: number, scopeKeepMs: number): Promise<void> {
    const { context } = this.#running ?? {};
    const nowMs = this.#world.queue.nowMs;
    await context?.storage.expire(nowMs - tombstoneKeepMs, nowMs - scopeKeepMs);
    for (const name of (await context?.storage.dropPacks(nowMs - packKeepMs)) ?? []) await context?.files.remove(name);
  }

  /** The header `date` would tell the real time. */
  #headers(answer: Injected): Record<string, string> {
    const known = Object.entries(answer.headers).filter(([name, value]) => value !== undefined && name !== 'date');
    return { ...Object.fromEntries(known.map(([name, value]) => [name, String(value)])), date: new Date(this.#world.queue.nowMs).toUTCString() };
  }
}

const refused = (): CarryonError => new CarryonError('server.unreachable', 'Nobody answers at the server\'s address.');

const checkpointOf = (storage: Storage): Promise<number> => storage.read((snapshot) => snapshot.state().checkpoint);

/** The person that a token or the address of a pack names. */
function askerOf({ url, headers = {} }: LabRequest): string {
  const [, payload = ''] = headers['authorization']?.split('.') ?? [];
  if (payload === '') return new URL(url, SERVER_URL).searchParams.get('u') ?? '';
  return String((JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub?: unknown }).sub);
}

async function end({ app, context, requests }: Running): Promise<void> {
  context.changes.close();
  await Promise.allSettled(requests);
  await app.close();
  await context.storage.close();
}
