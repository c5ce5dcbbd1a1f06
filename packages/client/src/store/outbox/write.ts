import { CarryonError, isErrorCode, keyColumns, quoteName, type SqlValue, type TableSpec } from '@carryon/protocol';
import { first, type Sqlite } from '../../ports/sqlite.ts';
import { durably } from '../durably.ts';
import { collect, collectAsOne } from './collect.ts';
import { editTable, readForms } from './form.ts';

/** Statements that begin or end transactions, or are about the connection. */
const CONTROL = /^(?:\s|;|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*(?:begin|commit|end|rollback|savepoint|release|attach|detach|pragma|vacuum)\b/i;

/** A row's values by its columns' names. */
export type Values = Readonly<Record<string, SqlValue>>;

/** Edits within one transaction. Keys are the values of the key's columns, in their order. */
export interface EditTransaction {
  /** Adds a row; resolves with its key, which is made where the table's keys are and it was left out. */
  insert(table: string, values: Values): Promise<readonly SqlValue[]>;
  /** Sets columns of a row. Rejects with `write.not-found` when there is none. */
  update(table: string, key: readonly SqlValue[], values: Values): Promise<void>;
  /** Deletes a row. Rejects with `write.not-found` when there is none. */
  remove(table: string, key: readonly SqlValue[]): Promise<void>;
  /** Any writing statement; resolves with the number of rows that it changed. Rejects with `sql.refused` for one that begins or ends a transaction. */
  sql(statement: string, ...values: readonly SqlValue[]): Promise<number>;
  /** Reads, within the transaction. */
  query<T>(statement: string, ...values: readonly SqlValue[]): Promise<T[]>;
}

/**
 * Does the work in one transaction, which becomes exactly one changeset. Rejects with `device.not-usable`, `write.unknown`, `write.forbidden`,
 * `write.not-found`, `sql.error`, or what the work throws; then nothing was changed.
 */
export async function writeEdits<T>(db: Sqlite, work: (transaction: EditTransaction) => Promise<T>): Promise<T> {
  return durably(db, () => db.transaction(async () => {
    await collect(db);
    const result = await work(new Writing(db));
    await collectAsOne(db);
    return result;
  })).catch((thrown: unknown) => { throw writeError(thrown); });
}

class Writing implements EditTransaction {
  readonly #db: Sqlite;
  readonly #specs = new Map<string, TableSpec>();

  constructor(db: Sqlite) {
    this.#db = db;
  }

  async insert(table: string, values: Values): Promise<readonly SqlValue[]> {
    const spec = await this.#spec(table, Object.keys(values));
    const columns = Object.keys(values);
    const list = columns.length === 0 ? 'DEFAULT VALUES' : `(${columns.map(quoteName).join(', ')}) VALUES(${columns.map(() => '?').join(', ')})`;
    await this.#run(`INSERT INTO ${quoteName(spec.name)}${list.startsWith('(') ? list : ` ${list}`}`, ...Object.values(values));
    return lastKey(this.#db, spec);
  }

  async update(table: string, key: readonly SqlValue[], values: Values): Promise<void> {
    const spec = await this.#spec(table, Object.keys(values));
    const columns = Object.keys(values);
    if (columns.length === 0) return;
    const rows = await this.#run(`UPDATE ${quoteName(spec.name)} SET ${columns.map((name) => `${quoteName(name)} = ?`).join(', ')} WHERE ${whereKey(spec)}`, ...Object.values(values), ...(await this.#key(spec, key)));
    if (rows === 0) throw notFound(spec.name);
  }

  async remove(table: string, key: readonly SqlValue[]): Promise<void> {
    const spec = await this.#spec(table, []);
    if (await this.#run(`DELETE FROM ${quoteName(spec.name)} WHERE ${whereKey(spec)}`, ...(await this.#key(spec, key))) === 0) throw notFound(spec.name);
  }

  async sql(statement: string, ...values: readonly SqlValue[]): Promise<number> {
    if (CONTROL.test(statement)) throw new CarryonError('sql.refused', 'Within a transaction of edits no statement may begin or end one, or change the connection.');
    return this.#run(statement, ...values);
  }

  query<T>(statement: string, ...values: readonly SqlValue[]): Promise<T[]> {
    return this.#db.all<T>(statement, ...values);
  }

  /** An app may still hold a temporary key that has been replaced. */
  async #key(spec: TableSpec, key: readonly SqlValue[]): Promise<readonly SqlValue[]> {
    const given = keyOf(spec, key);
    if (spec.newKeys !== 'temporary') return given;
    const found = await first<{ key: SqlValue }>(this.#db, 'SELECT key FROM _carryon_key WHERE tbl = ? AND temporary = ? AND key IS NOT NULL', spec.name, given[0] ?? null);
    return found ? [found.key] : given;
  }

  #run(statement: string, ...values: readonly SqlValue[]): Promise<number> {
    return this.#db.run(statement, ...values).catch((thrown: unknown) => { throw writeError(thrown); });
  }

  async #spec(name: string, columns: readonly string[]): Promise<TableSpec> {
    const spec = this.#specs.get(name) ?? await usableSpec(this.#db, name);
    this.#specs.set(name, spec);
    const known = new Set(spec.columns.map((column) => column.name.toLowerCase()));
    const unknown = columns.find((column) => !known.has(column.toLowerCase()));
    if (unknown !== undefined) throw new CarryonError('write.unknown', `Table ${spec.name} has no column ${unknown} in this person's profile.`);
    return spec;
  }
}

/** The description of a table that can be written. Throws `write.unknown` or `device.not-usable`. */
export async function usableSpec(db: Sqlite, name: string): Promise<TableSpec> {
  const found = await first<{ spec: string; usable: number }>(db, 'SELECT spec, usable FROM _carryon_table WHERE name = ? COLLATE NOCASE', name);
  if (!found) throw new CarryonError('write.unknown', `There is no synced table ${name}.`);
  const spec = JSON.parse(found.spec) as TableSpec;
  if (found.usable === 0) throw new CarryonError('device.not-usable', `Table ${spec.name} is still being downloaded.`);
  // While a table is downloaded anew, its description may be that of the next copy.
  return (await readForms(db, [name])).find(({ isCurrent }) => isCurrent)?.spec ?? spec;
}

export const notFound = (table: string): CarryonError => new CarryonError('write.not-found', `Table ${table} has no such row.`);
export const whereKey = (spec: TableSpec): string => keyColumns(spec).map(({ name }) => `${quoteName(name)} = ?`).join(' AND ');

function keyOf(spec: TableSpec, key: readonly SqlValue[]): readonly SqlValue[] {
  if (key.length === spec.key.length) return key;
  throw new CarryonError('usage', `A key of table ${spec.name} has ${spec.key.length} values, and ${key.length} were given.`);
}

/** The key of the row that was inserted last. */
async function lastKey(db: Sqlite, spec: TableSpec): Promise<readonly SqlValue[]> {
  const form = (await readForms(db, [spec.name])).find(({ isCurrent }) => isCurrent);
  if (!form) return [];
  const slots = spec.key.map((i) => `n${i}`);
  const row = await first<Record<string, SqlValue>>(db, `SELECT ${slots.join(', ')} FROM ${editTable(form)} WHERE id = (SELECT max(id) FROM _carryon_log WHERE form = ? AND op IN ('insert', 'update'))`, form.id);
  return slots.map((slot) => row?.[slot] ?? null);
}

/** What a trigger refuses has its code in the message. */
export function writeError(thrown: unknown): unknown {
  if (!(thrown instanceof CarryonError) || thrown.code !== 'sql.error') return thrown;
  const [, code = '', why = ''] = /carryon ([a-z]+\.[a-z-]+): (.*?)[.']*$/.exec(thrown.message) ?? [];
  return isErrorCode(code) ? new CarryonError(code, `${why.slice(0, 1).toUpperCase()}${why.slice(1)}.`, { cause: thrown }) : thrown;
}
