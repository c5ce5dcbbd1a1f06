import { CarryonError } from '@carryon/protocol';
import { compileProfile } from '../../core/compile.ts';
import type { Profile } from '../../core/profile.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Extent, IngestProgress, PackPart, PackRecord, RawPack, ScopeKey, Snapshot, SyncedTable, SyncErrorRow, Upload, Uploaded } from '../../ports/storage.ts';
import { checkCapture, installCapture, trimOutbox } from './capture.ts';
import { Database, openExisting } from './driver.ts';
import { activateScope, evaluate, expire } from './evaluate.ts';
import { ingestTable } from './ingest.ts';
import { introspect } from './introspect.ts';
import { buildPack, changedSince, dropPacks, extentOf, findPack, packsNamed, savePack, usePacks } from './packs.ts';
import { readSnapshot } from './read.ts';
import { openSchema } from './schema.ts';
import { readErrors, storedErrors } from './upload/read-errors.ts';
import { takeUpload } from './upload/upload.ts';

const TRIM_ROWS = 20_000;
const TRIM_BUSY_MS = 20;
const UPLOAD_BUSY_MS = 2000;

export interface StoreFiles {
  /** The business database. */
  readonly database: string;
  /** The store's own file. */
  readonly store: string;
}

/** Fits the profile to the database at hand, without changing either. */
export function compileFor(database: string, profile: Profile): SyncedTable[] {
  const db = openExisting(database, { readOnly: true });
  try {
    return compileProfile(profile, introspect(db));
  } finally {
    db.close();
  }
}

/** One thread's connection to the store. Of all connections to a store only one evaluates. */
export class SqliteStore {
  readonly #db: Database;
  readonly #database: string;
  readonly #tables: ReadonlyMap<number, SyncedTable>;
  #business: Database | undefined;
  #ingesting: Generator<IngestProgress> | undefined;
  #checkedSchema: number | undefined;

  constructor(files: StoreFiles, tables: readonly SyncedTable[]) {
    this.#database = files.database;
    this.#tables = new Map(tables.map((table) => [table.id, table]));
    this.#db = new Database(files.store);
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16000; PRAGMA journal_size_limit = 67108864');
  }

  /** Makes the store if it is new, puts capture into the business database and attaches it. */
  open(newId: () => string): void {
    const tables = [...this.#tables.values()];
    openSchema(this.#db, tables, newId);
    const business = openExisting(this.#database);
    this.#business = business;
    const state = this.#state();
    const position = installCapture(business, tables, introspect(business), state.store, { id: state.outbox_pos, mark: state.outbox_mark }, storedErrors(this.#db, tables));
    this.#db.run('UPDATE sync_state SET outbox_pos = ?, outbox_mark = ?', position.id, position.mark);
    // Edits of devices keep the foreign keys, whatever the application does.
    business.exec(`PRAGMA busy_timeout = ${TRIM_BUSY_MS}; PRAGMA foreign_keys = ON`);
    this.#db.attach(this.#database, 'app');
  }

  /** Reads the business database, some rows a step. */
  *ingest(): Generator<IngestProgress> {
    for (const table of this.#tables.values()) yield* ingestTable(this.#db, table, LIMITS.ingestRows);
  }

  /** The next step of reading; undefined when all was read. */
  ingestStep(): IngestProgress | undefined {
    const steps = this.#ingesting ?? this.ingest();
    // After an error the next step begins anew: a generator that has thrown would say that all was read.
    this.#ingesting = undefined;
    const step = steps.next();
    this.#ingesting = steps;
    return step.value as IngestProgress | undefined;
  }

  /** True when devices have something new to hear. */
  evaluate(nowMs: number): boolean {
    this.#checkCapture();
    const { outbox_pos: before } = this.#state();
    const published = evaluate(this.#db, [...this.#tables.values()], nowMs);
    if (this.#state().outbox_pos > before) this.#trim();
    return published;
  }

  /** Writes what a device has edited into the business database, and takes it in. */
  upload(upload: Upload): Uploaded {
    const business = this.#business;
    if (!business) throw new CarryonError('internal', 'This store does not write the business database.');
    this.#checkCapture();
    business.exec(`PRAGMA busy_timeout = ${UPLOAD_BUSY_MS}`);
    try {
      const taken = takeUpload(business, [...this.#tables.values()], upload, this.#state().store);
      return { ...taken, published: this.evaluate(upload.nowMs) };
    } finally {
      business.exec(`PRAGMA busy_timeout = ${TRIM_BUSY_MS}`);
    }
  }

  #checkCapture(): void {
    const schema = this.#db.get<{ schema_version: number }>('PRAGMA app.schema_version')?.schema_version;
    if (schema !== this.#checkedSchema) checkCapture(this.#db, 'app', [...this.#tables.values()]);
    this.#checkedSchema = schema;
  }

  /** Removes read entries from the business database; a busy one is left for the next time. */
  #trim(): void {
    try {
      if (this.#business) trimOutbox(this.#business, this.#state().outbox_pos, TRIM_ROWS);
    } catch (error) {
      if (!(error instanceof CarryonError && error.code === 'source.locked')) throw error;
    }
  }

  activate(keys: readonly ScopeKey[], nowMs: number): void {
    for (const key of keys) {
      const table = this.#tables.get(key.table);
      if (table) activateScope(this.#db, table, key.param, nowMs);
    }
  }

  expire(beforeMs: number): void { expire(this.#db, [...this.#tables.values()], beforeMs); }
  errors(user: string | undefined, most: number): SyncErrorRow[] { return readErrors(this.#db, [...this.#tables.values()], user, most); }
  read<T>(use: (snapshot: Snapshot) => T): T { return readSnapshot(this.#db, this.#tables, use); }
  extent(scope: ScopeKey): Extent { return extentOf(this.#db, this.#tables, scope); }
  setWidth(scope: ScopeKey, width: number): void { this.#db.run('UPDATE sync_scope SET width = ? WHERE tbl = ? AND param = ?', width, scope.table, scope.param); }
  buildPack(parts: readonly PackPart[]): RawPack { return buildPack(this.#db, this.#tables, parts); }
  savePack(pack: PackRecord, nowMs: number): void { savePack(this.#db, pack, nowMs); }
  usePacks(names: readonly string[], nowMs: number): void { usePacks(this.#db, names, nowMs); }
  findPack(key: string, codec: string): PackRecord | undefined { return findPack(this.#db, key, codec); }
  packsNamed(name: string): PackRecord[] { return packsNamed(this.#db, name); }
  changedSince(parts: readonly PackPart[], checkpoint: number, most: number): number { return changedSince(this.#db, this.#tables, parts, checkpoint, most); }
  dropPacks(beforeMs: number): string[] { return dropPacks(this.#db, beforeMs); }

  close(): void {
    this.#business?.close();
    this.#db.close();
  }

  #state(): { store: string; outbox_pos: number; outbox_mark: number } {
    const state = this.#db.get<{ store: string; outbox_pos: number; outbox_mark: number }>('SELECT store, outbox_pos, outbox_mark FROM sync_state');
    if (!state) throw new CarryonError('internal', 'The store has no state.');
    return state;
  }
}
