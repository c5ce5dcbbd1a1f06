import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { keyColumns, quoteName } from '@carryon/protocol';
import { parseProfile } from '../core/profile.ts';
import type { Config, SyncedTable } from '../core/config.ts';
import { inspect } from '../source.ts';
import { rowTable } from '../storage/sqlite/schema.ts';
import { compileFor, SqliteStore, type StoreFiles } from '../storage/sqlite/store.ts';

/** A business database in a folder of its own, the application's connection to it, and a store that follows it. */
export class SqliteSetup {
  readonly folder: string;
  readonly files: StoreFiles;
  readonly business: DatabaseSync;
  config: Config | undefined;
  #store: SqliteStore | undefined;

  constructor(make: string | ((file: string) => void)) {
    this.folder = mkdtempSync(join(tmpdir(), 'carryon-sqlite-'));
    this.files = { database: join(this.folder, 'business.db'), store: join(this.folder, 'sync.db') };
    if (typeof make === 'function') make(this.files.database);
    this.business = new DatabaseSync(this.files.database, { timeout: 10_000 });
    this.business.exec('PRAGMA synchronous = off');
    if (typeof make === 'string') this.business.exec(make);
  }

  get tables(): readonly SyncedTable[] {
    return this.config?.tables ?? [];
  }

  get store(): SqliteStore {
    if (!this.#store) throw new Error('the store is not open');
    return this.#store;
  }

  /** Opens the store; default profile: all rows of all tables that can be synced. */
  open(profile?: unknown): SqliteStore {
    const everything = { version: 1, tables: Object.fromEntries(inspect(this.files.database).tables.map(({ name }) => [name, {}])) };
    this.config = compileFor(this.files.database, [parseProfile(profile ?? everything)], this.files.store);
    this.#store = new SqliteStore(this.files);
    this.#store.open(this.config, randomUUID);
    return this.#store;
  }

  /** Opens the store, reads everything and publishes the first checkpoint. */
  start(profile?: unknown): this {
    for (const _ of this.open(profile).ingest()) continue;
    this.store.evaluate(1);
    return this;
  }

  closeStore(): void {
    this.#store?.close();
    this.#store = undefined;
  }

  /** Where the store's live rows differ from the business database, in any value or type; no differences: none. */
  differences(): string[] {
    const store = new DatabaseSync(this.files.store, { readOnly: true });
    try {
      return this.tables.flatMap((table) => {
        const columns = table.columns.map(({ name }) => name);
        const filled = keyColumns(table).map(({ name }) => `${quoteName(name)} IS NOT NULL`).join(' AND ');
        const wanted = rowsOf(this.business, table.name, columns, filled);
        const found = rowsOf(store, rowTable(table.id), columns, '_live');
        return compare(table.name, wanted, found);
      });
    } finally {
      store.close();
    }
  }

  /** Closes all and deletes the folder. */
  end(): void {
    this.closeStore();
    if (this.business.isOpen) this.business.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Each row as one line of exact values, sorted. */
export function rowsOf(db: DatabaseSync, table: string, columns: readonly string[], where = 'true'): string[] {
  const exact = columns.map(quoteName).map((name) => `CASE typeof(${name}) WHEN 'text' THEN 't' || hex(${name}) WHEN 'blob' THEN 'x' || hex(${name}) ELSE quote(${name}) END`);
  const statement = db.prepare(`SELECT ${exact.join(', ')} FROM ${quoteName(table)} WHERE ${where}`);
  statement.setReturnArrays(true);
  return statement.all().map((row) => (row as unknown as string[]).join(' ')).sort();
}

function compare(table: string, wanted: readonly string[], found: readonly string[]): string[] {
  const inFound = new Set(found);
  const inWanted = new Set(wanted);
  const missing = wanted.filter((row) => !inFound.has(row)).map((row) => `${table} lacks ${row.slice(0, 300)}`);
  const surplus = found.filter((row) => !inWanted.has(row)).map((row) => `${table} has ${row.slice(0, 300)}`);
  return missing.length + surplus.length > 0 || wanted.length === found.length ? [...missing, ...surplus] : [`${table} has ${found.length} rows, not ${wanted.length}`];
}

const NORTHWIND = resolve(import.meta.dirname, '../../../../../shared/data/northwind.sql');

/** Makes the Northwind sample database; false when its script is not beside the checkout. */
export function createNorthwind(file: string): boolean {
  if (!existsSync(NORTHWIND)) {
    console.warn('shared/data/northwind.sql is not there: the tests on Northwind check nothing');
    return false;
  }
  const db = new DatabaseSync(file);
  // Its thousands of statements are no transaction.
  db.exec('PRAGMA synchronous = off; PRAGMA journal_mode = memory');
  db.exec(readFileSync(NORTHWIND, 'utf8'));
  db.close();
  return true;
}
