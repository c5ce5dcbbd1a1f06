import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TableSpec } from '@carryon/protocol';
import type { Config, SyncedTable } from '../core/config.ts';
import { parseProfile } from '../core/profile.ts';
import { PackFiles } from '../packs/files.ts';
import { Planner } from '../packs/planner.ts';
import { PackUrls } from '../packs/url.ts';
import type { Clock } from '../ports/clock.ts';
import type { Storage } from '../ports/storage.ts';
import { openDirectStorage } from '../storage/sqlite/storage.ts';
import { compileFor, type StoreFiles } from '../storage/sqlite/store.ts';
import { ownersOf, ownIn, PROFILE, runTransaction, SCHEMA, USERS, type Step, type Write } from './history.ts';
import { rowText } from './model-device.ts';
import { shareOf } from './oracle.ts';
import { ensure, same, sortedTexts, StoreAudit } from './store-audit.ts';
import { SyncDevices, type Session, type Truth } from './sync-devices.ts';
import type { Mutant } from './sync-mutants.ts';

const TICK_MS = 1000;

/** The rows of a table as sorted texts; without a person: all. */
type Shares = (table: TableSpec, user?: string) => readonly string[];

/** A business database of fixed form, a server's core and storage around it, and model devices: everything moves by calls alone. */
export class SyncWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'carryon-world-'));
  readonly tables: readonly SyncedTable[];
  readonly devices: SyncDevices;
  readonly #config: Config;
  readonly #business: DatabaseSync;
  readonly #files: StoreFiles = { database: join(this.folder, 'app.db'), store: join(this.folder, 'sync.db') };
  readonly #packFiles = new PackFiles(join(this.folder, 'packs'));
  readonly #packWidth: number;
  readonly #shares: Shares[] = [];
  readonly #publishedMs: number[] = [];
  #storage: Storage | undefined;
  #audit: StoreAudit | undefined;
  #planner: Planner | undefined;
  #nowMs = 1_000_000;
  #ids = 0;

  constructor(options: { readonly mutant?: Mutant; readonly packWidth?: number } = {}) {
    this.#packWidth = options.packWidth ?? 0;
    this.#business = new DatabaseSync(this.#files.database);
    this.#business.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; ${SCHEMA}`);
    this.#config = compileFor(this.#files.database, [parseProfile(PROFILE)]);
    this.tables = this.#config.tables;
    this.devices = new SyncDevices(join(this.folder, 'packs'), () => ({ storage: this.storage, planner: this.#planner as Planner, nowMs: this.#clock.nowMs, personOf: (user) => ({ user, claims: {} }) }), this.#truth, options.mutant);
  }

  /** Starts the server: the first checkpoint is there afterwards. */
  async start(): Promise<void> {
    await this.#packFiles.open();
    this.#open();
    await this.storage.prepare(() => undefined);
    ensure('the first evaluation publishes', await this.evaluate());
  }

  async close(): Promise<void> {
    this.#audit?.close();
    await this.#storage?.close();
    this.#business.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The process ends and another one starts. */
  async restart(): Promise<void> {
    this.#audit?.close();
    await this.storage.close();
    this.#open(true);
  }

  get storage(): Storage {
    if (!this.#storage) throw new Error('the world was not started');
    return this.#storage;
  }

  get checkpoint(): number {
    return this.#shares.length - 1;
  }

  join(user: string, start: Session['start']): Session {
    return this.devices.join(user, start);
  }

  transaction(writes: readonly Write[], rolledBack = false): void {
    runTransaction(this.#business, writes, rolledBack);
  }

  /** Takes in what changed; what was published, or left unpublished, must be what the business database holds. */
  async evaluate(): Promise<boolean> {
    this.#nowMs += TICK_MS;
    const published = await this.storage.evaluate(this.#nowMs);
    const shares = this.#oracle();
    if (published) await this.#note(shares);
    else for (const table of this.tables) same('I4 nothing is published and nothing has changed', shares(table), this.#shares.at(-1)?.(table));
    return published;
  }

  /** Forgets tombstones of all but the last checkpoints. */
  async expire(keep: number): Promise<void> {
    const at = this.#publishedMs[Math.max(0, this.#publishedMs.length - 1 - keep)] ?? 0;
    await this.storage.expire(at + 1);
    await this.#check();
  }

  /** One step of a history. */
  async play(step: Step): Promise<void> {
    switch (step.op) {
      case 'transaction': return this.transaction(step.writes, step.rolledBack);
      case 'evaluate': return void (await this.evaluate());
      case 'expire': return this.expire(step.keep);
      case 'restart': return this.restart();
      case 'crash': return this.devices.crash(this.devices.session(step.device));
      case 'fresh': return this.devices.fresh(this.devices.session(step.device), step.tables);
      case 'sync': return this.devices.sync(this.devices.session(step.device), step);
      default: return step satisfies never;
    }
  }

  readonly #truth: Truth = {
    // Which rows were whose is not remembered here.
    mayKnow: () => true,
    tables: () => new Map(this.tables.map(({ name, columns }) => [name, columns.map((column) => column.name)])),
    rows: (checkpoint, user, table) => this.#sharesAt(checkpoint)(table, user),
    publicRows: (checkpoint, table) => (ownersOf(table.name) === undefined ? this.#sharesAt(checkpoint)(table) : []),
  };

  #sharesAt(checkpoint: number): Shares {
    const shares = this.#shares[checkpoint];
    if (!shares) throw new Error(`nothing is known of checkpoint ${checkpoint}`);
    return shares;
  }

  /** The shares as the business database has them now, remembered as they are. */
  #oracle(): Shares {
    const all = new Map(this.tables.map((table) => [table.id, shareOf(this.#business, table).map(rowText).sort()]));
    const own = new Map<string, string[]>();
    for (const table of this.tables) {
      const column = ownersOf(table.name);
      for (const user of column === undefined ? [] : USERS) own.set(`${table.id} ${user}`, sortedTexts(shareOf(this.#business, table, { column: column ?? '', user })));
    }
    return ({ id, name }, user) => {
      const found = user === undefined || ownersOf(name) === undefined ? all.get(id) : own.get(`${id} ${user}`);
      if (!found) throw new Error(`nothing is known of ${name} for ${user}`);
      return found;
    };
  }

  /** Notes the shares of every checkpoint published since. */
  async #note(shares: Shares): Promise<void> {
    const { checkpoint } = await this.storage.read((snapshot) => snapshot.state());
    for (let cp = Math.max(1, this.#shares.length); cp <= checkpoint; cp++) {
      this.#shares[cp] = shares;
      this.#publishedMs.push(this.#nowMs);
    }
    await this.#check();
  }

  async #check(): Promise<void> {
    const { checkpoint, floor } = await this.storage.read((snapshot) => snapshot.state());
    this.#audit?.check(checkpoint, floor, (table, scope) => this.#sharesAt(checkpoint)(table, scope && ownIn(table.name, scope.param)?.user));
  }

  #open(again = false): void {
    const storage = openDirectStorage(this.#files, this.#config, () => `id-${++this.#ids}`);
    this.#storage = { ...storage, activate: async (person, keys, nowMs) => {
      await storage.activate(person, keys, nowMs);
      for (const key of keys) if (this.#packWidth > 0) await storage.setWidth(key, this.#packWidth);
      const last = this.#shares.at(-1);
      if (last) await this.#note(last);
    } };
    this.#planner = new Planner(this.#storage, this.#packFiles, new PackUrls(new Uint8Array(32)), this.#clock);
    this.#audit = again && this.#audit ? this.#audit.reopen() : new StoreAudit(this.#files.store, this.#config);
  }

  /** Each call is a moment later. */
  readonly #clock: Clock = { nowMs: () => ++this.#nowMs, after: () => () => undefined };
}
