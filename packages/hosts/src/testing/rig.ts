import { existsSync, mkdirSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { DEFAULT_CONFIG, Engine, type EngineConfig, type Host, type PackStore, type Resolver, type Sqlite } from '@carryon/client';
import { FakeServer, ManualHost, VirtualClock, type FakeServerOptions } from '@carryon/client/testing';
import { CarryonError, type TableSpec } from '@carryon/protocol';
import { deviceFile, packsFolder } from '../node/folder.ts';
import { NodePackStore } from '../node/pack-store.ts';
import { NodeSqlite } from '../node/sqlite.ts';
import { temporaryFolder } from './folder.ts';

const column = (name: string, type: string): TableSpec['columns'][number] => ({ name, type, collation: 'BINARY' });

export const CUSTOMERS: TableSpec = { id: 1, name: 'customers', columns: [column('id', 'INTEGER'), column('name', 'TEXT')], key: [0], level: 0 };
export const ORDERS: TableSpec = { id: 2, name: 'Order Details', columns: [column('code', 'TEXT'), column('line', 'INTEGER'), column('price', 'DECIMAL(10, 2)'), column('photo', 'BLOB')], key: [0, 1], level: 1 };
export const NOTES: TableSpec = { id: 3, name: 'notes', columns: [column('id', 'TEXT'), column('text', '')], key: [0], level: 1 };

export interface OpenOptions {
  readonly config?: Partial<EngineConfig>;
  readonly host?: Host;
  readonly sqlite?: (inner: Sqlite) => Sqlite;
  readonly packs?: (inner: PackStore) => PackStore;
  readonly credentials?: () => Promise<string>;
  readonly resolvers?: Readonly<Record<string, Resolver>>;
}

export type Dump = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;

/** The same tables, which may be written. */
export const WRITABLE: readonly TableSpec[] = [CUSTOMERS, ORDERS, NOTES].map((table) => ({ ...table, rights: ['create', 'update', 'delete'] }));

const PATIENCE_MS = 20_000;

/** A device in a folder of its own against a server in this process; time stands still unless the device waits for it. */
export class Rig {
  readonly #folder = temporaryFolder();
  readonly #engines: Engine[] = [];
  readonly clock = new VirtualClock();
  readonly host = new ManualHost();
  readonly server: FakeServer;
  readonly folder: string;

  constructor({ tables = [CUSTOMERS, ORDERS, NOTES], ...options }: Partial<FakeServerOptions> & { readonly tables?: readonly TableSpec[] } = {}) {
    this.folder = this.#folder.path;
    mkdirSync(packsFolder(this.folder));
    this.server = new FakeServer(tables, { clock: this.clock, ...options });
  }

  /** Rows in every table: so many customers, twice as many order lines, some notes. */
  fill(customers: number): this {
    for (let i = 1; i <= customers; i++) {
      this.server.put(1, i, BigInt(i * 10), `customer ${i}`);
      this.server.put(2, i * 2, `o${i}`, 1n, i / 4, new Uint8Array([i & 255, 0]));
      this.server.put(2, i * 2 + 1, `o${i}`, 2n, i, null);
      if (i % 5 === 0) this.server.put(3, i, `n${i}`, i % 10 === 0 ? BigInt(i) : `note ${i}`);
    }
    return this;
  }

  async open(options: OpenOptions = {}): Promise<Engine> {
    const sqlite = new NodeSqlite(deviceFile(this.folder), { busyMs: 20 });
    const packs = await NodePackStore.open(packsFolder(this.folder));
    const engine = new Engine({
      clock: this.clock, random: { fraction: () => 0.5, uuid: () => 'device-1' }, net: this.server.net, host: options.host ?? this.host,
      sqlite: options.sqlite?.(sqlite) ?? sqlite, packs: options.packs?.(packs) ?? packs, log: { debug: () => undefined, warn: () => undefined },
    }, { serverUrl: 'http://server.test/', credentials: options.credentials ?? (async () => 'token'), config: { ...DEFAULT_CONFIG, ...options.config }, resolvers: options.resolvers ?? {} });
    this.#engines.push(engine);
    return engine;
  }

  /** Runs a sync of mode `once` in a new engine to its end; the error that ended it, if any. */
  async sync(options: OpenOptions = {}): Promise<CarryonError | undefined> {
    const engine = await this.open(options);
    const outcome = await this.finish(engine, engine.run());
    await engine.close();
    return outcome;
  }

  /** Drives a run to its end. */
  async finish(engine: Engine, run: Promise<void>): Promise<CarryonError | undefined> {
    let outcome: { readonly error?: unknown } | undefined;
    run.then(() => { outcome = {}; }, (error: unknown) => { outcome = { error }; });
    await this.until(engine, () => outcome !== undefined);
    if (outcome?.error !== undefined && !(outcome.error instanceof CarryonError)) throw outcome.error;
    return outcome?.error;
  }

  /** Lets the device work, and time pass while it waits for it (unless `still`), until something is so. */
  async until(engine: Engine, isSo: () => boolean, still?: 'still'): Promise<void> {
    const endMs = Date.now() + PATIENCE_MS;
    while (!isSo()) {
      if (Date.now() > endMs) throw new Error(`this did not come about: ${isSo.toString()}; the device says ${JSON.stringify(engine.status())}`);
      await new Promise((resolve) => { setImmediate(resolve); });
      const untilMs = engine.status().waiting?.untilMs;
      if (still === undefined && untilMs !== undefined && untilMs > this.clock.nowMs()) this.clock.advance(untilMs - this.clock.nowMs());
    }
  }

  /** Lets the device do all that it can do at this time. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => { setImmediate(resolve); });
  }

  /** The tables that an app sees. */
  visible(): Dump {
    if (!existsSync(deviceFile(this.folder))) return {};
    return this.#read((db) => {
      const names = db.prepare('SELECT name FROM sqlite_schema WHERE type = \'table\' AND name NOT LIKE \'\\_carryon\\_%\' ESCAPE \'\\\' AND name NOT LIKE \'sqlite\\_%\' ESCAPE \'\\\' ORDER BY name').all();
      return Object.fromEntries(names.map(({ name }) => [name, db.prepare(`SELECT * FROM "${String(name)}" ORDER BY _rid`).all().map((row) => ({ ...row }))]));
    });
  }

  /** What an app must see when all is well. */
  expected(): Dump {
    const share = this.server.tables.map((table) => [table.name, [...this.server.rowsOf(table.id)].sort(([a], [b]) => a - b).map(([rid, { ver, values }]) => ({
      _rid: rid, _ver: ver, ...Object.fromEntries(table.columns.map(({ name }, i) => [name, typeof values[i] === 'bigint' ? Number(values[i]) : values[i]])),
    }))] as const);
    return Object.fromEntries(share.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Runs a reading statement on the device's database. */
  query(sql: string): Record<string, unknown>[] {
    return this.#read((db) => db.prepare(sql).all().map((row) => ({ ...row })));
  }

  /** Throws when a transaction is open on the device's database. */
  writeFromOutside(): void {
    const db = new DatabaseSync(deviceFile(this.folder), { timeout: 0 });
    try {
      db.exec('BEGIN IMMEDIATE; ROLLBACK');
    } finally {
      db.close();
    }
  }

  #read<T>(read: (db: DatabaseSync) => T): T {
    const db = new DatabaseSync(deviceFile(this.folder), { readOnly: true });
    try {
      return read(db);
    } finally {
      db.close();
    }
  }

  async end(): Promise<void> {
    for (const engine of this.#engines) await engine.close().catch(() => undefined);
    this.#folder.remove();
  }
}
