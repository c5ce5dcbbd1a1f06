import { zstdCompressSync } from 'node:zlib';
import { packTableName, packTableSql, quoteName, type TableSpec } from '@carryon/protocol';
import type { Attributes } from '../../../core/attributes.ts';
import type { Config } from '../../../core/config.ts';
import { profilesOf, resolve, type Share } from '../../../core/resolve.ts';
import type { Person } from '../../../ports/storage.ts';
import { Database, Real, type Bound } from '../driver.ts';
import { columnNames } from '../schema.ts';
import { readAttributes } from './people.ts';
import { ShareSql } from './share.ts';
import { NEVER, raw, sql, type Sql } from './sql.ts';

/** A person's share by some profiles, as the business database is at the moment. Nothing is written. */
export class SharePreview {
  /** Undefined: nobody. */
  readonly attributes: Attributes | undefined;
  /** By the name of the table. */
  readonly shares: ReadonlyMap<string, Share>;
  readonly #db: Database;
  readonly #config: Config;
  readonly #clockMs: number;
  readonly #rows = new Map<string, number>();

  constructor(db: Database, config: Config, person: Person, clockMs: number) {
    this.#db = db;
    this.#config = config;
    this.#clockMs = clockMs;
    const attributes = readAttributes(db, config, person);
    this.attributes = attributes && { ...attributes, profiles: profilesOf(config, person, attributes).map(({ name }) => name) };
    this.shares = new Map(resolve(config, person, attributes).map((share) => [share.table.name, share]));
  }

  /** How many rows the share has of the table, and what they take. */
  measure({ table }: Share): Measured {
    const rows = this.rows(table.name);
    const { sampled, rawBytes, bytes } = rows === 0 ? NOTHING : sample(this.#db, table, this.#condition(table.name), rows);
    const scale = (size: number): number => (sampled === 0 ? 0 : Math.ceil((size / sampled) * rows));
    const [ofAll = 0] = rows === 0 ? [] : this.#count(sql`SELECT count(*) AS rows FROM ${from(table.name)}`);
    return { rows, ofAll, rawBytes: scale(rawBytes), bytes: scale(bytes) };
  }

  /** How many rows the share has of the table. */
  rows(table: string): number {
    const known = this.#rows.get(table);
    if (known !== undefined) return known;
    const [rows = 0] = hasTable(this.#db, table) ? this.#count(sql`SELECT count(*) AS rows FROM ${from(table)} WHERE ${this.#condition(table)}`) : [];
    this.#rows.set(table, rows);
    return rows;
  }

  /** What would come to the table, go from it and stay in it if the share were the other one, of the same person by other profiles. */
  compareTo(other: SharePreview, table: string): Compared {
    const [one, then] = [this.#condition(table), other.#condition(table)];
    if (one.sql === then.sql && one.values.every((value, i) => value === then.values[i])) return { enter: 0, leave: 0, stay: this.rows(table) };
    if (!hasTable(this.#db, table)) return { enter: 0, leave: 0, stay: 0 };
    const [stay = 0] = this.#count(sql`SELECT count(*) AS rows FROM ${from(table)} WHERE ${one} AND ${then}`);
    return { enter: other.rows(table) - stay, leave: this.rows(table) - stay, stay };
  }

  #count({ sql: text, values }: Sql): number[] {
    return this.#db.all<{ rows: number }>(text, ...values).map(({ rows }) => rows);
  }

  /** The condition that row r of the table is in the share; it never is where the person does not have the table. */
  #condition(table: string): Sql {
    const share = this.shares.get(table);
    return share && this.attributes ? new ShareSql(this.#config, this.attributes, this.#clockMs, true).of(share.scope.node, 'r') : NEVER;
  }
}

export interface Measured {
  readonly rows: number;
  /** Rows of the whole table. */
  readonly ofAll: number;
  /** About what they take in a pack, before compression and after it. */
  readonly rawBytes: number;
  readonly bytes: number;
}

export interface Compared { readonly enter: number; readonly leave: number; readonly stay: number }

const from = (table: string): Sql => raw(`${quoteName(table)} r`);

const NOTHING = { sampled: 0, rawBytes: 0, bytes: 0 };

/** Rows are taken in runs, since packs hold neighbours, and what lies together is alike. */
const RUN_ROWS = 200;
const RUNS = 20;

/** A pack of some of the rows: how many these are, and its size before and after compression. */
function sample(db: Database, table: TableSpec, condition: Sql, rows: number): { readonly sampled: number; readonly rawBytes: number; readonly bytes: number } {
  const columns = columnNames(table).join(', ');
  const every = Math.max(1, Math.ceil(rows / (RUN_ROWS * RUNS)));
  const { sql: text, values } = sql`SELECT ${raw(columns)} FROM (SELECT ${raw(columnNames(table).map((name) => `r.${name}`).join(', '))}, row_number() OVER () - 1 AS _n
    FROM ${from(table.name)} WHERE ${condition}) WHERE (_n / ${raw(String(RUN_ROWS))}) % ${raw(String(every))} = 0`;
  const pack = new Database(':memory:');
  try {
    pack.exec(packTableSql(table));
    const insert = `INSERT INTO ${packTableName(table.id)}(_rid, _ver, ${columns}) VALUES(?, 1${', ?'.repeat(table.columns.length)})`;
    let sampled = 0;
    pack.transaction(() => { for (const row of db.exact(text, ...values)) pack.run(insert, ++sampled, ...row.map(exactly)); });
    const bytes = pack.serialize('main');
    return { sampled, rawBytes: bytes.length, bytes: zstdCompressSync(bytes).length };
  } finally {
    pack.close();
  }
}

const exactly = (value: Bound): Bound => (typeof value === 'number' ? new Real(value) : value);

/** The table of sync errors is made with the first edits. */
const hasTable = (db: Database, name: string): boolean => db.get("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", name) !== undefined;
