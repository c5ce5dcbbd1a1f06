import type { SqlValue } from '@carryon/protocol';

/** A pack ready to be read: a file's path, or the bytes themselves where there are no files. */
export type PackSource = { readonly path: string } | { readonly bytes: Uint8Array };

/**
 * One connection to the device's database. Whole numbers are bound as INTEGER and read as number (as bigint beyond 2^53).
 * Rejects with `device.disk-full`, `device.database-locked`, `device.database-corrupt`, `device.storage` or `sql.error`.
 */
export interface Sqlite {
  /** One or more statements without values. */
  exec(sql: string): Promise<void>;
  /** One statement; the number of rows it changed. */
  run(sql: string, ...values: readonly SqlValue[]): Promise<number>;
  /** One statement for each list of values, prepared once. REAL stays REAL: values are bound as they are. */
  runMany(sql: string, rows: Iterable<readonly SqlValue[]>): Promise<void>;
  all<T>(sql: string, ...values: readonly SqlValue[]): Promise<T[]>;
  /** All or nothing; takes the write lock at the start. Calls must not be nested or overlap. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  /** Opens a pack read-only under the schema name `pack`. Its schema is not trusted. */
  attachPack(source: PackSource): Promise<void>;
  detachPack(): Promise<void>;
  /** Calls the function after another connection, of this or another process, has committed; a moment late, and sometimes for nothing. Returns how to end that. */
  onWrite(listener: () => void): () => void;
  close(): Promise<void>;
}

/** The first row, if any. */
export async function first<T>(db: Sqlite, sql: string, ...values: readonly SqlValue[]): Promise<T | undefined> {
  return (await db.all<T>(sql, ...values))[0];
}
