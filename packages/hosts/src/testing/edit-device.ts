import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Sqlite } from '@carryon/client';
import { digestRows, readPush, Store, takeOutcomes, type FakeRow, type Taken } from '@carryon/client/testing';
import type { FeedValue, Outcome, Push, TableSpec } from '@carryon/protocol';
import { NodeSqlite } from '../node/sqlite.ts';
import { temporaryFolder } from './folder.ts';

export interface ServerRow { readonly ver: number; readonly values: readonly FeedValue[] }
export type Row = Record<string, unknown>;

const DAY_MS = 24 * 3_600_000;

export const column = (name: string, type: string): TableSpec['columns'][number] => ({ name, type, collation: 'BINARY' });
const ALL: TableSpec['rights'] = ['create', 'update', 'delete'];
export const JOBS: TableSpec = { id: 1, name: 'jobs', columns: [column('id', 'TEXT'), column('title', 'TEXT'), column('hours', '')], key: [0], level: 0, rights: ALL, newKeys: 'uuid' };
export const SITES: TableSpec = { id: 2, name: 'site "A"', columns: [column('id', 'INTEGER'), column('name', 'TEXT'), column('parent', 'INTEGER')], key: [0], level: 0, rights: ALL, newKeys: 'temporary', references: [{ column: 2, table: 2 }] };
export const PARTS: TableSpec = { id: 3, name: 'parts', columns: [column('code', 'TEXT'), column('line', 'INTEGER'), column('site', 'INTEGER'), column('price', 'REAL'), column('total', 'REAL')], key: [0, 1], level: 0, rights: ALL, computed: [4], references: [{ column: 2, table: 2 }] };
export const READ_ONLY: TableSpec = { id: 4, name: 'prices', columns: [column('id', 'INTEGER'), column('price', 'REAL')], key: [0], level: 0 };
export const ERRORS: TableSpec = { id: 9, name: 'carryon_sync_error', columns: [column('id', 'TEXT'), column('message', 'TEXT')], key: [0], level: 0, rights: ['delete'] };
export const EDITED: readonly TableSpec[] = [JOBS, SITES, PARTS, READ_ONLY];

/** A device's store with its tables, the server's rows of them, and an app on a connection of its own. */
export class EditDevice {
  readonly #folder = temporaryFolder();
  readonly file = join(this.#folder.path, 'device.db');
  readonly rows = new Map<number, Map<number, ServerRow>>();
  readonly #seen = new Map<number, Map<number, ServerRow>>();
  #ids = 0;
  specs: readonly TableSpec[] = [];
  nowMs = 20 * 365 * DAY_MS;
  db: Sqlite = new NodeSqlite(this.file, { busyMs: 20 });
  store = new Store(this.db);
  app = this.connect();

  /** A further connection, as an app's own library opens one. */
  connect(): DatabaseSync {
    return new DatabaseSync(this.file, { timeout: 2000 });
  }

  /** The process ended and begins anew, with its database in a wrapper if one is given. */
  async restart(wrap: (db: Sqlite) => Sqlite = (db) => db): Promise<void> {
    await this.db.close();
    this.db = wrap(new NodeSqlite(this.file, { busyMs: 20 }));
    this.store = new Store(this.db);
    await this.open();
  }

  open(): ReturnType<Store['open']> {
    return this.store.open(() => `device-${++this.#ids}`);
  }

  put(table: TableSpec, rid: number, ...values: readonly FeedValue[]): this {
    const rows = this.rowsOf(table);
    rows.set(rid, { ver: (rows.get(rid)?.ver ?? 0) + 1, values });
    return this;
  }

  remove(table: TableSpec, rid: number): this {
    this.rowsOf(table).delete(rid);
    return this;
  }

  rowsOf({ id }: TableSpec): Map<number, ServerRow> {
    const rows = this.rows.get(id) ?? new Map<number, ServerRow>();
    this.rows.set(id, rows);
    return rows;
  }

  /** Plans these tables, without making them usable. */
  async plan(...specs: readonly TableSpec[]): Promise<void> {
    await this.open();
    this.specs = [...this.specs.filter(({ id }) => !specs.some((spec) => spec.id === id)), ...specs];
    await this.store.perform({ kind: 'plan', tables: specs, packs: [], token: 't', epoch: 'e', user: 'mia' }, this.nowMs);
    for (const table of (await this.open()).tables) if (table.load === 'filling') await this.store.perform({ kind: 'index', table }, this.nowMs);
    for (const { id } of specs) this.#seen.delete(id);
  }

  async download(...specs: readonly TableSpec[]): Promise<this> {
    await this.plan(...specs);
    await this.commit(0, ...specs);
    return this;
  }

  /** Brings these tables (default: all) up to the server's rows, with this acknowledgement. */
  async commit(ack: number, ...specs: readonly TableSpec[]): Promise<Awaited<ReturnType<Store['perform']>>> {
    const tables = specs.length > 0 ? specs : this.specs;
    const [puts, removes] = [new Map<number, (readonly FeedValue[])[]>(), new Map<number, number[]>()];
    for (const table of tables) {
      const [rows, seen] = [this.rowsOf(table), this.#seen.get(table.id) ?? new Map<number, ServerRow>()];
      puts.set(table.id, [...rows].filter(([rid, row]) => seen.get(rid) !== row).map(([rid, { ver, values }]) => [BigInt(rid), BigInt(ver), ...values]));
      removes.set(table.id, [...seen.keys()].filter((rid) => !rows.has(rid)));
    }
    const digests = tables.map((table) => ({ table: table.id, ...digestRows(this.rowsOf(table) as Map<number, FakeRow>) }));
    const commit = { checkpoint: 1, token: 't', tables: digests, ack };
    const segment = { puts, removes, lives: new Map(), rows: 1, token: 't', commit };
    const result = await this.store.perform({ kind: 'segment', segment, tables: (await this.open()).tables }, this.nowMs);
    for (const table of tables) this.#seen.set(table.id, new Map(this.rowsOf(table)));
    return result;
  }

  /** The server has told which tables the person has; `forget`: of which nothing is loaded further. */
  async tell(tables: readonly TableSpec[], forget: readonly number[] = []): Promise<void> {
    const commit = { checkpoint: 1, token: 't', tables: [], ack: Number((await this.open()).outbox.known) };
    const segment = { puts: new Map(), removes: new Map(), lives: new Map(), rows: 0, token: 't', commit };
    await this.store.perform({ kind: 'segment', segment, tables: [], told: { tables, epoch: 'e', user: 'mia', forget, packs: [] } }, this.nowMs);
  }

  /** What a request would send, with what was written so far. */
  async push(limits?: { readonly changes: number; readonly bytes: number }): Promise<Push | undefined> {
    await this.store.perform({ kind: 'collect' }, this.nowMs);
    return readPush(this.db, limits);
  }

  take(last: number, ...outcomes: readonly Outcome[]): Promise<Taken> {
    return takeOutcomes(this.db, { last, outcomes }, this.nowMs, () => `device-${++this.#ids}`);
  }

  query(sql: string, ...values: readonly (string | number)[]): Row[] {
    const statement = this.app.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all(...values).map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value])));
  }

  /** What an app sees of a table, by key, without the device's own columns. */
  visible(table: TableSpec): Row[] {
    const columns = table.columns.map(({ name }) => `"${name}"`).join(', ');
    return this.query(`SELECT ${columns} FROM "${table.name.replaceAll('"', '""')}" ORDER BY ${columns}`);
  }

  async end(): Promise<void> {
    this.app.close();
    await this.db.close();
    this.#folder.remove();
  }
}
