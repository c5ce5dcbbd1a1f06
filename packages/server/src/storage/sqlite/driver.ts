import { statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { CarryonError, type SqlValue } from '@carryon/protocol';

export type Row = Record<string, SQLInputValue>;

/** A number that is bound as REAL, with a fraction or without. */
export class Real {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

export type Bound = SqlValue | Real;

const STATEMENTS_KEPT = 2000;

/** A connection to SQLite. Whole JS numbers are bound as INTEGER; reads give numbers unless asked to be exact. */
export class Database {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(file: string, options: { readonly readOnly?: boolean; readonly busyMs?: number } = {}) {
    try {
      this.#db = new DatabaseSync(file, { readOnly: options.readOnly ?? false, timeout: options.busyMs ?? 10_000, enableForeignKeyConstraints: false });
      this.#db.prepare('SELECT count(*) FROM sqlite_schema').get();
    } catch (cause) {
      throw sqliteError(cause, file);
    }
  }

  exec(sql: string): void {
    this.#guard(() => this.#db.exec(sql));
  }

  run(sql: string, ...values: Bound[]): number {
    return this.#guard(() => Number(this.#prepare(sql).run(...values.map(bindable)).changes));
  }

  get<T = Row>(sql: string, ...values: Bound[]): T | undefined {
    return this.#guard(() => this.#prepare(sql).get(...values.map(bindable))) as T | undefined;
  }

  all<T = Row>(sql: string, ...values: Bound[]): T[] {
    return this.#guard(() => this.#prepare(sql).all(...values.map(bindable))) as T[];
  }

  /** Rows as arrays of exact values: INTEGER as bigint, REAL as number. */
  exact(sql: string, ...values: Bound[]): IterableIterator<SqlValue[]> {
    return this.#guard(() => {
      const statement = this.#prepare(`/*exact*/ ${sql}`);
      statement.setReadBigInts(true);
      statement.setReturnArrays(true);
      return statement.iterate(...values.map(bindable)) as unknown as IterableIterator<SqlValue[]>;
    });
  }

  /** Runs the work in one transaction: deferred, so that attached databases stay free for writers. */
  transaction<T>(work: () => T, begin = 'BEGIN'): T {
    this.exec(begin);
    try {
      const result = work();
      this.exec('COMMIT');
      return result;
    } catch (error) {
      try {
        this.exec('ROLLBACK');
      } catch { /* SQLite has rolled back by itself */ }
      throw error;
    }
  }

  /** Does what can as well be done another time: at once, or not at all while another connection writes. */
  ifFree(work: () => unknown): void {
    const { timeout } = this.get<{ timeout: number }>('PRAGMA busy_timeout') ?? { timeout: 0 };
    this.exec('PRAGMA busy_timeout = 0');
    try {
      unlessLocked(work);
    } finally {
      this.exec(`PRAGMA busy_timeout = ${timeout}`);
    }
  }

  serialize(schema: string): Uint8Array {
    return this.#guard(() => this.#db.serialize(schema));
  }

  attach(file: string, as: string): void {
    this.run(`ATTACH ? AS ${as}`, file);
  }

  detach(schema: string): void {
    this.#statements.clear();
    this.exec(`DETACH ${schema}`);
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  #prepare(sql: string): StatementSync {
    const kept = this.#statements.get(sql);
    if (kept) return kept;
    if (this.#statements.size >= STATEMENTS_KEPT) this.#statements.clear();
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw sqliteError(cause);
    }
  }
}

function bindable(value: Bound): SQLInputValue {
  if (value instanceof Real) return value.value;
  return Number.isSafeInteger(value) ? BigInt(value as number) : value;
}

/** SQLite's own result codes: https://www.sqlite.org/rescode.html */
const CODES = { busy: 5, locked: 6, readOnly: 8, corrupt: 11, full: 13, cannotOpen: 14, notDatabase: 26 };

function sqliteError(cause: unknown, file = 'The database'): unknown {
  if (cause instanceof CarryonError || !(cause instanceof Error)) return cause;
  const code = Number((cause as { errcode?: number }).errcode ?? 0) & 255;
  if (code === CODES.busy || code === CODES.locked) return new CarryonError('source.locked', `${file} is locked by another program: ${cause.message}.`, { cause });
  if (code === CODES.readOnly) return new CarryonError('source.read-only', `${file} cannot be written: ${cause.message}.`, { cause });
  if (code === CODES.notDatabase) return new CarryonError('source.not-sqlite', `${file} is not an SQLite database.`, { cause });
  if (code === CODES.full) return new CarryonError('device.disk-full', `The disk is full: ${cause.message}.`, { cause });
  return cause;
}

/** What another connection's lock keeps from being done is left. */
export function unlessLocked(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof CarryonError && error.code === 'source.locked')) throw error;
  }
}

/** Opens a business database that must exist. */
export function openExisting(file: string, options: { readonly readOnly?: boolean; readonly busyMs?: number } = {}): Database {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) throw new CarryonError('source.not-found', `There is no file ${file}.`);
  if (!found.isFile()) throw new CarryonError('source.not-sqlite', `${file} is not a file.`);
  return new Database(file, options);
}

/** Holds a lock that the operating system frees when the process ends, however it ends. Throws when another holds it. */
export function holdLock(file: string): () => void {
  let lock: Database | undefined;
  try {
    lock = new Database(file, { busyMs: 0 });
    lock.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  } catch (cause) {
    lock?.close();
    if (!(cause instanceof CarryonError && cause.code === 'source.locked')) throw cause;
    throw new CarryonError('server.data-in-use', 'Another server process uses this data directory.', { cause });
  }
  const held = lock;
  return () => held.close();
}
