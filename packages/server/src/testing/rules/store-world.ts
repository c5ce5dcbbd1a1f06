import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Config, SyncedTable } from '../../core/config.ts';
import { parseProfile } from '../../core/profile.ts';
import { resolve, type Share } from '../../core/resolve.ts';
import type { Snapshot, Storage } from '../../ports/storage.ts';
import { openDirectStorage } from '../../storage/sqlite/storage.ts';
import { compileFor, type StoreFiles } from '../../storage/sqlite/store.ts';
import { ensure, same, sortedTexts, StoreAudit } from '../store-audit.ts';
import { alterTable, type Alteration } from './alter.ts';
import { runChanges, type Change } from './changes.ts';
import { Facts, type PersonFacts } from './facts.ts';
import { profileJson, type WorldProfile } from './profile.ts';
import { personOf, sqlOf, USERS, type WorldSchema } from './schema.ts';
import { ShareOracle } from './share-oracle.ts';

const TICK_MS = 1000;
const MINUTE_MS = 60_000;

/** What a world of rules is made of. */
export interface WorldPlan {
  readonly schema: WorldSchema;
  readonly filling: readonly Change[];
  /** The sets of profiles that the server may be given. */
  readonly profiles: readonly (readonly WorldProfile[])[];
}

/** A fault put in on purpose, to see that the checks find it. */
export interface Fault {
  /** What the store takes for the time. */
  readonly nowMs?: (nowMs: number) => number;
  /** Done before each evaluation. */
  readonly before?: (databases: { readonly business: DatabaseSync; readonly store: DatabaseSync }, config: Config) => void;
}

/** A store that follows a random business database by random profiles. Everything it keeps is compared with the oracle at every step. */
export class StoreWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'carryon-rules-'));
  readonly #files: StoreFiles = { database: join(this.folder, 'app.db'), store: join(this.folder, 'sync.db') };
  readonly #business: DatabaseSync;
  readonly #sets: WorldPlan['profiles'];
  readonly #fault: Fault;
  #schema: WorldSchema;
  #profiles: readonly WorldProfile[];
  #config: Config;
  #storage: Storage | undefined;
  #audit: StoreAudit | undefined;
  #oracle: ShareOracle | undefined;
  /** By checkpoint. */
  readonly #oracles: ShareOracle[] = [];
  #copies: DatabaseSync[] = [];
  /** Row ids that were ever in a person's share, by person and table. */
  readonly #known = new Map<string, Set<number>>();
  #clockMs = 0;
  #published: number[] = [];
  #isUntouched = true;
  #ids = 0;
  nowMs: number;

  /** Throws `profile.invalid` for profiles that cannot be served. */
  constructor({ schema, filling, profiles }: WorldPlan, fault: Fault = {}) {
    this.#fault = fault;
    this.#schema = schema;
    this.nowMs = schema.start.ms;
    this.#sets = profiles;
    this.#profiles = profiles[0] ?? [];
    this.#business = new DatabaseSync(this.#files.database, { enableForeignKeyConstraints: false });
    this.#business.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; ${sqlOf(schema)}`);
    try {
      this.#config = this.#compile();
      for (const set of profiles) this.#compile(set);
    } catch (error) {
      this.#business.close();
      rmSync(this.folder, { recursive: true, force: true });
      throw error;
    }
    runChanges(this.#business, schema, filling);
  }

  get storage(): Storage {
    if (!this.#storage) throw new Error('the world was not started');
    return this.#storage;
  }

  get config(): Config {
    return this.#config;
  }

  get schema(): WorldSchema {
    return this.#schema;
  }

  /** What must be, as of the last evaluation. */
  get oracle(): ShareOracle {
    if (!this.#oracle) throw new Error('nothing was evaluated yet');
    return this.#oracle;
  }

  /** What must be, as of a checkpoint. */
  oracleAt(checkpoint: number): ShareOracle {
    const oracle = this.#oracles[checkpoint];
    if (!oracle) throw new Error(`nothing is known of checkpoint ${checkpoint}`);
    return oracle;
  }

  /** Whether the row was ever in the person's share. */
  mayKnow(user: string, table: number, rid: number): boolean {
    return this.#known.get(`${user} ${table}`)?.has(rid) ?? false;
  }

  get checkpoint(): number {
    return this.#oracles.length - 1;
  }

  /** Starts the server: the first checkpoint is there afterwards. */
  async start(): Promise<void> {
    this.#open();
    await this.storage.prepare(() => undefined);
    ensure('the first evaluation publishes', await this.evaluate());
  }

  async close(): Promise<void> {
    this.#audit?.close();
    await this.#storage?.close();
    for (const copy of this.#copies) copy.close();
    this.#business.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  transaction(changes: readonly Change[], rolledBack = false): void {
    runChanges(this.#business, this.#schema, changes, rolledBack);
    if (!rolledBack) this.#isUntouched = false;
  }

  /** Takes in what changed; what was published, or left unpublished, must be what the business database says. */
  async evaluate(): Promise<boolean> {
    const before = this.#oracle && this.#everything();
    this.nowMs += TICK_MS;
    this.#spoil();
    const published = await this.storage.evaluate(this.#fault.nowMs?.(this.nowMs) ?? this.nowMs);
    await this.#look();
    if (published && before !== undefined && this.#isUntouched) ensure('S13 I17 a checkpoint is published only when something has changed', before !== this.#everything());
    this.#isUntouched = true;
    return published;
  }

  /** The clock goes on, or back; nothing is evaluated. */
  pass(minutes: number): void {
    this.nowMs += minutes * MINUTE_MS;
  }

  /** The person's share, with its scopes made. */
  async activate(user: string): Promise<readonly Share[]> {
    const person = personOf(user);
    const shares = await this.storage.read((snapshot) => this.sharesIn(snapshot, user));
    this.nowMs += TICK_MS;
    await this.storage.activate(person, shares.map(({ scope }) => scope), this.nowMs);
    return shares;
  }

  /** The person's share as the store tells it, which must be what the oracle says. */
  sharesIn(snapshot: Snapshot, user: string): readonly Share[] {
    const attributes = snapshot.attributes(personOf(user));
    const person = this.oracle.facts.person(user);
    same(`I5 attributes of ${user}`, attributes && { user: [...attributes.user], teams: [...attributes.teams].sort(), unit: [...attributes.unit].sort(), units: [...attributes.units].sort() }, person);
    const shares = resolve(snapshot.config(), personOf(user), attributes);
    const given = shares.map(({ table }) => [table.name, table.columns.map(({ name }) => name)] as const);
    same(`I12 tables and columns of ${user}`, [...given].sort(byName), [...this.oracle.columnsOf(user)].sort(byName));
    return shares;
  }

  /** Forgets tombstones of all but the last checkpoints, and scopes that nobody has used for so long. */
  async expire(keep: number, idleMs?: number): Promise<void> {
    const at = this.#published[Math.max(0, this.#published.length - 1 - keep)] ?? 0;
    await this.storage.expire(at + 1, idleMs === undefined ? undefined : this.nowMs - idleMs);
    await this.check();
  }

  /** The process ends and another one starts, with other profiles perhaps. */
  async restart(set?: number): Promise<void> {
    this.#audit?.close();
    await this.storage.close();
    if (set !== undefined) this.#choose(set);
    this.#open();
    if (set !== undefined) await this.#settle(() => this.storage.prepare(() => undefined));
    else await this.check();
  }

  /** Other profiles, while changes go on. */
  async reconfigure(set: number, meanwhile: readonly Change[] = []): Promise<void> {
    this.#choose(set);
    let rest = meanwhile;
    this.nowMs += TICK_MS;
    await this.#settle(() => this.storage.reconfigure(this.#config, this.nowMs, () => {
      if (rest.length > 0) this.transaction(rest.slice(0, 1));
      rest = rest.slice(1);
    }));
  }

  /** The business database changes its form; the same profiles are fitted to it anew. */
  async alter(at: number, how: Alteration): Promise<void> {
    const table = this.#schema.tables[at % this.#schema.tables.length];
    const altered = table && alterTable(this.#business, table, how, this.#sets);
    if (!altered) return;
    this.#schema = { ...this.#schema, tables: this.#schema.tables.map((one) => (one === table ? altered : one)) };
    this.#config = this.#compile();
    this.nowMs += TICK_MS;
    await this.#settle(() => this.storage.reconfigure(this.#config, this.nowMs, () => undefined));
  }

  /** Compares everything in the store with what it must be. */
  async check(): Promise<void> {
    const { checkpoint, floor } = await this.storage.read((snapshot) => snapshot.state());
    for (let cp = Math.max(1, this.#oracles.length); cp <= checkpoint; cp++) this.#oracles[cp] = this.oracle;
    while (this.#published.length < checkpoint) this.#published.push(this.nowMs);
    this.#audit?.check(checkpoint, floor, (table, scope) => sortedTexts(scope ? this.#membersOf(table, scope.node, scope.param) : this.#rowsOf(table)));
    for (const user of USERS) await this.storage.read((snapshot) => this.sharesIn(snapshot, user));
    for (const table of this.#config.tables) this.#noteKnown(table);
  }

  #noteKnown({ id, name }: SyncedTable): void {
    const rids = this.#audit?.ridsOf(id) ?? new Map<string, number>();
    for (const user of USERS) {
      const known = this.#known.get(`${user} ${id}`) ?? new Set<number>();
      this.#known.set(`${user} ${id}`, known);
      for (const key of this.oracle.keysFor(user, name)) known.add(rids.get(key) ?? 0);
    }
  }

  /** Goes over to other rules; the state after it is one at which the business database was looked at. */
  async #settle(go: () => Promise<void>): Promise<void> {
    await go();
    this.#audit?.useConfig(this.#config);
    await this.evaluate();
  }

  #choose(set: number): void {
    this.#profiles = this.#sets[set % this.#sets.length] ?? [];
    this.#config = this.#compile();
  }

  #compile(profiles = this.#profiles): Config {
    const store = this.#storage ? this.#files.store : undefined;
    return compileFor(this.#files.database, profiles.map((profile) => parseProfile(profileJson(profile, this.#schema))), store);
  }

  #open(): void {
    const storage = openDirectStorage(this.#files, this.#config, () => `id-${++this.#ids}`);
    this.#storage = { ...storage, activate: async (person, keys, nowMs) => {
      await storage.activate(person, keys, nowMs);
      await this.check();
    } };
    this.#audit = this.#audit ? this.#audit.reopen() : new StoreAudit(this.#files.store, this.#config);
  }

  /** The business database was just evaluated: what it says now is what must be, until the next time. */
  async #look(): Promise<void> {
    this.#clockMs = Math.max(this.#clockMs, Math.floor(this.nowMs / MINUTE_MS) * MINUTE_MS);
    const copy = new DatabaseSync(':memory:');
    const bytes = this.#business.serialize();
    // No database in memory has a write-ahead log, and the header says that this one has: https://www.sqlite.org/fileformat.html section 1.3.3
    bytes.fill(1, 18, 20);
    copy.deserialize(bytes);
    this.#copies.push(copy);
    this.#oracle = new ShareOracle(new Facts(copy, this.#schema), this.#profiles, this.#clockMs);
    const { checkpoint } = await this.storage.read((snapshot) => snapshot.state());
    this.#oracles[checkpoint] = this.#oracle;
    await this.check();
  }

  #spoil(): void {
    if (!this.#fault.before) return;
    const store = new DatabaseSync(this.#files.store);
    this.#fault.before({ business: this.#business, store }, this.#config);
    store.close();
  }

  #rowsOf({ name, columns, hidden }: SyncedTable): ReturnType<ShareOracle['valuesOf']> {
    return this.oracle.valuesOf(name, undefined, [...columns, ...hidden].map((column) => column.name));
  }

  #membersOf({ id, name, columns }: SyncedTable, node: number, param: string): ReturnType<ShareOracle['valuesOf']> {
    const person = { user: [], teams: [], unit: [], units: [], profiles: [], ...(param === '' ? {} : (JSON.parse(param) as object)) } as PersonFacts & { readonly profiles: readonly string[] };
    const sets = this.#config.unions[id] === node ? [person.profiles] : this.#config.profiles.filter(({ shares }) => shares.some((share) => share.table === id && share.node === node)).map((profile) => [profile.name]);
    ensure(`I5 the rule ${node} of ${name} is of some profile`, sets.length > 0);
    const members = sets.map((profiles) => this.oracle.keysOf(name, profiles, person));
    for (const other of members) same(`I5 profiles of one rule ${node} of ${name}`, [...other].sort(), [...(members[0] ?? [])].sort());
    return this.oracle.valuesOf(name, members[0], columns.map((column) => column.name));
  }

  /** What the store holds, as one text: to see whether anything has changed. */
  #everything(): string {
    const scopes = this.#withStore((store) => store.prepare('SELECT id, rows, sum FROM sync_scope ORDER BY id').all());
    return JSON.stringify([scopes, this.#config.tables.map((table) => sortedTexts(this.#rowsOf(table)))]);
  }

  #withStore<T>(look: (store: DatabaseSync) => T): T {
    const store = new DatabaseSync(this.#files.store, { readOnly: true });
    try {
      return look(store);
    } finally {
      store.close();
    }
  }
}

const byName = ([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]): number => (a < b ? -1 : 1);
