import { CarryonError } from '@carryon/protocol';
import { configText, type Config, type KnownIds } from '../../core/config.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Extent, IngestProgress, PackPart, PackRecord, Person, RawPack, ScopeKey, Snapshot, SyncErrorRow, Upload, Uploaded } from '../../ports/storage.ts';
import { checkCapture, installCapture, outboxAfter, tablesWithKeys, trimOutbox } from './capture.ts';
import { knownIds } from './compile-for.ts';
import { ConfigCache } from './config-cache.ts';
import { Database, openExisting, unlessLocked } from './driver.ts';
import { Evaluator } from './evaluate/evaluate.ts';
import { expire } from './expire.ts';
import { ingestTable } from './ingest.ts';
import { introspect } from './introspect.ts';
import { openSchema } from './open-schema.ts';
import { buildPack, changedSince, dropPacks, extentOf, findPack, packsNamed, savePack, setWidth, usePacks } from './packs.ts';
import { PeopleCache } from './people-cache.ts';
import { readSnapshot, type Caches } from './read.ts';
import { beginTables, checkIds, noteAltered, switchRules } from './reconfigure.ts';
import { readState } from './schema.ts';
import { activate } from './scopes.ts';
import { Access } from './upload/access.ts';
import { readErrors } from './upload/read-errors.ts';
import { takeUpload } from './upload/upload.ts';

export { compileFor } from './compile-for.ts';

const TRIM_ROWS = 20_000;
const TRIM_BUSY_MS = 20;
const PATIENT_BUSY_MS = 2000;
/** One thread writes after the other: a big change is a long transaction. */
const STORE_BUSY_MS = 60_000;

export interface StoreFiles {
  /** The business database. */
  readonly database: string;
  /** The store's own file. */
  readonly store: string;
}

/** Rules that the store is to go over to, and the time that its clock then shows at least. */
interface Coming { readonly config: Config; readonly nowMs: number }

/** One thread's connection to the store. Of all connections to a store only one is opened to evaluate; the others read what it has published. */
export class SqliteStore {
  readonly #db: Database;
  readonly #database: string;
  readonly #configs: ConfigCache;
  readonly #caches: Caches;
  #business: Database | undefined;
  #evaluator: Evaluator | undefined;
  #coming: Coming | undefined;
  #ingesting: Generator<IngestProgress> | undefined;
  #checkedSchema: number | undefined;

  constructor(files: StoreFiles) {
    this.#database = files.database;
    this.#db = new Database(files.store, { busyMs: STORE_BUSY_MS });
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16000; PRAGMA journal_size_limit = 67108864');
    this.#configs = new ConfigCache(this.#db);
    this.#caches = { configs: this.#configs, people: new PeopleCache(this.#db) };
  }

  /** Makes the store if it is new, puts capture into the business database and attaches it. Other rules than the store's are gone over to by `ingest`. */
  open(config: Config, newId: () => string): void {
    openSchema(this.#db, config, newId);
    this.#business = openExisting(this.#database);
    this.#evaluator = new Evaluator(this.#db, this.#configs.get());
    this.#prepareFor(config);
    // Edits of devices keep the foreign keys, whatever the application does.
    this.#business.exec(`PRAGMA busy_timeout = ${TRIM_BUSY_MS}; PRAGMA foreign_keys = ON`);
    this.#db.attach(this.#database, 'app');
    if (configText(config) !== configText(this.#configs.get())) this.#coming = { config, nowMs: 0 };
  }

  /** Reads what is new for the rules to come; `ingest` then does the rest. */
  beginReconfigure(config: Config, nowMs: number): void {
    this.#patiently(() => this.#prepareFor(config));
    this.#coming = { config, nowMs };
    this.#ingesting = undefined;
    this.#checkedSchema = undefined;
  }

  /** Captures what both the present rules and those to come need, and makes the tables of the latter. */
  #prepareFor(config: Config): void {
    const [business, before, state] = [this.#writable(), this.#configs.get(), readState(this.#db)];
    const position = { id: state.outbox_pos, mark: state.outbox_mark };
    if (position.id > 0) outboxAfter(business, 'main', position, state.store);
    checkIds(this.#db, before, config);
    noteAltered(this.#db, business, position.id > 0 ? before : { ...before, tables: [] }, config);
    const old = tablesWithKeys(business, before.tables.filter(({ id }) => !config.tables.some((table) => table.id === id)));
    const end = installCapture(business, [...config.tables, ...old], introspect(business), state.store, position);
    if (position.id === 0) this.#db.run('UPDATE sync_state SET outbox_pos = ?, outbox_mark = ?', end.id, end.mark);
    this.#theEvaluator().readAhead(beginTables(this.#db, business, before, config));
  }

  /** Reads the business database, some rows a step, and goes over to the rules to come. */
  *ingest(): Generator<IngestProgress> {
    const { config } = this.#coming ?? { config: this.#configs.get() };
    for (const table of config.tables) yield* ingestTable(this.#db, table, LIMITS.ingestRows);
    if (this.#coming) this.#goOver(this.#coming);
  }

  #goOver({ config, nowMs }: Coming): void {
    const before = this.#configs.get();
    if (configText(before) === configText(config)) this.#evaluator?.evaluate(nowMs);
    else {
      this.#evaluator = this.#db.transaction(() => switchRules(this.#db, before, config, nowMs));
      this.#dropOldCapture(config);
    }
    this.#coming = undefined;
    this.#checkedSchema = undefined;
  }

  /** What is captured in vain does no harm: where the business database is busy, the next start removes it. */
  #dropOldCapture(config: Config): void {
    const { store, outbox_pos: id, outbox_mark: mark } = readState(this.#db);
    unlessLocked(() => this.#patiently(() => installCapture(this.#writable(), config.tables, introspect(this.#writable()), store, { id, mark })));
  }

  /** The next step of reading; undefined when all was read. */
  ingestStep(): IngestProgress | undefined {
    const steps = this.#ingesting ?? this.ingest();
    // After an error the next step begins anew: a generator that has thrown would say that all was read.
    this.#ingesting = undefined;
    const step = steps.next();
    if (step.done !== true) this.#ingesting = steps;
    return step.value as IngestProgress | undefined;
  }

  /** True when devices have something new to hear. */
  evaluate(nowMs: number): boolean {
    if (!this.#isCaptured()) return false;
    const { outbox_pos: before } = readState(this.#db);
    const published = this.#theEvaluator().evaluate(nowMs);
    if (readState(this.#db).outbox_pos > before) this.#trim();
    return published;
  }

  /** Writes what a device has edited into the business database, and takes it in. */
  upload(upload: Upload): Uploaded {
    if (!this.#isCaptured()) throw new CarryonError('server.preparing', 'The server is fitting its rules to the altered business database.');
    const { clock_ms: clockMs, store } = readState(this.#db);
    const access = this.read((snapshot) => new Access(snapshot.config(), upload, snapshot.attributes(upload), clockMs));
    const taken = this.#patiently(() => takeUpload(this.#writable(), access, upload, store));
    return { ...taken, published: this.evaluate(upload.nowMs) };
  }

  /** False: the present rules cannot be followed any more, and others are coming. Throws `source.schema-changed` when none are. */
  #isCaptured(): boolean {
    const schema = this.schemaVersion();
    if (schema === this.#checkedSchema) return true;
    try {
      checkCapture(this.#db, 'app', this.#configs.get().tables);
    } catch (error) {
      if (this.#coming && error instanceof CarryonError && error.code === 'source.schema-changed') return false;
      throw error;
    }
    this.#checkedSchema = schema;
    return true;
  }

  schemaVersion(): number {
    return this.#db.get<{ schema_version: number }>('PRAGMA app.schema_version')?.schema_version ?? 0;
  }

  /** Removes read entries from the business database; a busy one is left for the next time. */
  #trim(): void {
    unlessLocked(() => this.#business && trimOutbox(this.#business, readState(this.#db).outbox_pos, TRIM_ROWS));
  }

  #patiently<T>(work: () => T): T {
    const business = this.#writable();
    business.exec(`PRAGMA busy_timeout = ${PATIENT_BUSY_MS}`);
    try {
      return work();
    } finally {
      business.exec(`PRAGMA busy_timeout = ${TRIM_BUSY_MS}`);
    }
  }

  #writable(): Database {
    if (!this.#business) throw new CarryonError('internal', 'This store does not write the business database.');
    return this.#business;
  }

  #theEvaluator(): Evaluator {
    if (!this.#evaluator) throw new CarryonError('internal', 'This store does not evaluate.');
    return this.#evaluator;
  }

  activate(person: Person, keys: readonly ScopeKey[], nowMs: number): void { activate(this.#db, this.#theEvaluator().plan, person, keys, nowMs); }
  known(): KnownIds { return knownIds(this.#db); }
  expire(beforeMs: number, idleBeforeMs?: number): void { expire(this.#db, beforeMs, idleBeforeMs); }
  errors(user: string | undefined, most: number): SyncErrorRow[] { return this.#db.transaction(() => readErrors(this.#db, this.#configs.get().tables, user, most)); }
  read<T>(use: (snapshot: Snapshot) => T): T { return readSnapshot(this.#db, this.#caches, use); }
  extent(scope: ScopeKey): Extent { return extentOf(this.#db, () => this.#configs.get(), scope); }
  setWidth(scope: ScopeKey, width: number): void { setWidth(this.#db, scope, width); }
  buildPack(parts: readonly PackPart[]): RawPack { return buildPack(this.#db, () => this.#configs.get(), parts); }
  savePack(pack: PackRecord, nowMs: number): void { savePack(this.#db, pack, nowMs); }
  usePacks(names: readonly string[], nowMs: number): void { usePacks(this.#db, names, nowMs); }
  findPack(key: string, codec: string): PackRecord | undefined { return findPack(this.#db, key, codec); }
  packsNamed(name: string): PackRecord[] { return packsNamed(this.#db, name); }
  changedSince(parts: readonly PackPart[], checkpoint: number, most: number): number { return changedSince(this.#db, () => this.#configs.get(), parts, checkpoint, most); }
  dropPacks(beforeMs: number): string[] { return dropPacks(this.#db, beforeMs); }

  close(): void {
    this.#business?.close();
    this.#db.close();
  }
}
