import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { PackSource, Sqlite } from '@carryon/client';
import { CarryonError, type ErrorCode, type SqlValue } from '@carryon/protocol';

const STATEMENTS_KEPT = 200;
const BUSY_MS = 5000;
/** How often to look whether another connection has committed: one read of shared memory. */
const LOOK_MS = 50;

/** SQLite's primary result codes: https://www.sqlite.org/rescode.html */
const CODES: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  5: ['device.database-locked', 'Another program holds the device\'s database locked'],
  6: ['device.database-locked', 'Another program holds the device\'s database locked'],
  8: ['device.storage', 'The device\'s database cannot be written'],
  10: ['device.storage', 'The device\'s database could not be read or written'],
  11: ['device.database-corrupt', 'The device\'s database is damaged'],
  13: ['device.disk-full', 'The device\'s disk is full'],
  14: ['device.storage', 'The device\'s database could not be opened'],
  26: ['device.database-corrupt', 'The file is not an SQLite database'],
};

/** Node's built-in SQLite behind the engine's port. */
export class NodeSqlite implements Sqlite {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #listeners = new Set<() => void>();
  #looking: NodeJS.Timeout | undefined;
  #version: unknown;

  /** Opens the file, creating it unless readOnly; waits for others' locks up to busyMs. Throws as the port says. */
  constructor(file: string, options: { readonly readOnly?: boolean; readonly busyMs?: number } = {}) {
    this.#db = guard(() => new DatabaseSync(file, { readOnly: options.readOnly ?? false, timeout: options.busyMs ?? BUSY_MS, enableForeignKeyConstraints: false }));
  }

  async exec(sql: string): Promise<void> {
    guard(() => this.#db.exec(sql));
  }

  async run(sql: string, ...values: readonly SqlValue[]): Promise<number> {
    return guard(() => Number(this.#prepare(sql).run(...values.map(bindable)).changes));
  }

  async runMany(sql: string, rows: Iterable<readonly SqlValue[]>): Promise<void> {
    guard(() => {
      const statement = this.#prepare(sql);
      for (const row of rows) statement.run(...(row as SQLInputValue[]));
    });
  }

  async all<T>(sql: string, ...values: readonly SqlValue[]): Promise<T[]> {
    return guard(() => this.#prepare(sql).all(...values.map(bindable)).map(plainIntegers)) as T[];
  }

  async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.exec('BEGIN IMMEDIATE');
    try {
      const result = await work();
      await this.exec('COMMIT');
      return result;
    } catch (error) {
      await this.exec('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  async attachPack(source: PackSource): Promise<void> {
    if (!('path' in source)) throw new RangeError('on Node a pack is a file');
    await this.run("ATTACH ? AS pack", `${pathToFileURL(source.path).href}?mode=ro&immutable=1`);
  }

  async detachPack(): Promise<void> {
    this.#statements.clear();
    await this.exec('DETACH pack');
  }

  onWrite(listener: () => void): () => void {
    // A wrapper, so that the same function may listen twice.
    const entry = (): void => listener();
    this.#listeners.add(entry);
    if (!this.#looking) {
      this.#version = this.#dataVersion();
      this.#looking = setInterval(() => this.#look(), LOOK_MS).unref();
    }
    return () => {
      this.#listeners.delete(entry);
      if (this.#listeners.size === 0) this.#stopLooking();
    };
  }

  /** A number that changes when another connection has committed. It may have, where it cannot be told. */
  #dataVersion(): unknown {
    try {
      return this.#prepare('PRAGMA data_version').get()?.['data_version'];
    } catch {
      return undefined;
    }
  }

  #look(): void {
    const version = this.#dataVersion();
    if (version !== undefined && version === this.#version) return;
    this.#version = version;
    for (const listener of [...this.#listeners]) listener();
  }

  #stopLooking(): void {
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.#stopLooking();
    this.#statements.clear();
    if (this.#db.isOpen) this.#db.close();
  }

  #prepare(sql: string): StatementSync {
    const kept = this.#statements.get(sql);
    if (kept) return kept;
    if (this.#statements.size >= STATEMENTS_KEPT) this.#statements.clear();
    const statement = this.#db.prepare(sql);
    statement.setReadBigInts(true);
    this.#statements.set(sql, statement);
    return statement;
  }
}

const bindable = (value: SqlValue): SQLInputValue => (Number.isSafeInteger(value) ? BigInt(value as number) : value);

function plainIntegers(row: Record<string, unknown>): Record<string, unknown> {
  for (const [key, value] of Object.entries(row)) {
    if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) row[key] = Number(value);
  }
  return row;
}

function guard<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw sqliteError(cause);
  }
}

/** SQLite's error as ours. */
export function sqliteError(cause: unknown): unknown {
  if (cause instanceof CarryonError || !(cause instanceof Error)) return cause;
  const code = (cause as { errcode?: number }).errcode;
  if (code === undefined) return cause;
  const [known, message] = CODES[code & 255] ?? ['sql.error', 'The SQL statement failed'];
  return new CarryonError(known, `${message}: ${cause.message}.`, { cause });
}
