import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import {
  decodeValue, digestOf, encodeValue, keyColumns, packTableName, packTableSql, rangesOf,
  type CommitFrame, type FeedValue, type Frame, type PackSpec, type PlanFrame, type RangeFrame, type SqlValue, type TableSpec,
} from '@carryon/protocol';
import { formOf } from '../core/resolve.ts';

export interface DeviceRow {
  readonly rid: number;
  readonly ver: number;
  readonly values: readonly FeedValue[];
}

type Commit = CommitFrame['commit'];
type Rows = Map<number, DeviceRow>;

/** What was received of a table since its last commit; undefined marks a row that left. */
interface Staged {
  readonly rows: Map<number, DeviceRow | undefined>;
  /** The commit starts from nothing: what the table held is no longer trusted. */
  readonly fresh: boolean;
  /** The table as the plan described it: it has this form from the commit on. */
  readonly spec?: TableSpec;
  live?: [number, number][];
  /** An answer to a check: all rows with these row ids are among `rows`. */
  ranges?: (readonly [number, number])[];
}

/** A row's values as one text, types included: the form in which rows are compared. */
export const rowText = (values: readonly FeedValue[]): string => JSON.stringify(values.map(encodeValue));

/**
 * The simplest device there can be, in memory: it follows the protocol's rules and nothing else, and throws when a commit's digests are
 * not those of its own rows.
 */
export class ModelDevice {
  readonly user: string;
  token: string | null = null;
  #committedToken: string | null = null;
  /** The tables in the form that they have here. */
  readonly #specs = new Map<number, TableSpec>();
  /** What the server told of all tables of the person; it counts from the next commit on. */
  #told: readonly TableSpec[] | undefined;
  readonly #versionCheck: boolean;
  #tables = new Map<number, Rows>();
  #staged: Map<number, Staged> = new Map();
  /** What was staged when the committed token was given: it belongs to that token. */
  #committedStaged: Map<number, Staged> = new Map();
  #current = 0;

  constructor(user: string, tables: readonly TableSpec[], options: { readonly versionCheck?: boolean } = {}) {
    this.user = user;
    this.#versionCheck = options.versionCheck ?? true;
    for (const table of tables) this.#specs.set(table.id, table);
  }

  /** The committed rows of a table; undefined before its first commit. */
  rows(table: number): DeviceRow[] | undefined {
    const rows = this.#tables.get(table);
    return rows && [...rows.values()];
  }

  /** The person's tables, as the server described them last; those that wait for a plan are not in the form that they have here. */
  get specs(): readonly TableSpec[] {
    return [...this.#specs.values()];
  }

  /** Whether every table was committed and nothing waits for a commit. */
  get isCommitted(): boolean {
    return this.#told === undefined && [...this.#specs.keys()].every((table) => this.#tables.has(table) && !this.#staged.has(table));
  }

  /** The process dies: the device is as it was at its last commit. */
  crash(): void {
    this.#staged = copyOf(this.#committedStaged);
    this.#told = undefined;
    this.token = this.#committedToken;
  }

  takePlan({ plan }: PlanFrame): void {
    for (const spec of plan.tables) this.#staged.set(spec.id, { rows: new Map(), fresh: true, spec });
    this.token = plan.token;
  }

  /** Checks a pack as sent and stages its rows. The feed may already have told that a row left: that is newer than any pack. */
  takePack(spec: PackSpec, bytes: Uint8Array): void {
    for (const { table, rows, sum } of spec.parts) {
      const found = packRows(spec, bytes, this.#spec(table));
      const digest = digestOfRows(found);
      if (digest.rows !== rows || digest.sum !== sum) throw new Error('a part of a pack holds other rows than announced');
      const { rows: staged } = this.#stage(table);
      for (const row of found) {
        if (!staged.has(row.rid) || staged.get(row.rid)) this.#put(table, row);
      }
    }
  }

  /** Takes one frame; gives the commit when it was one. */
  take(frame: Frame): Commit | undefined {
    if ('tables' in frame) this.#told = frame.tables;
    else if ('table' in frame) this.#current = frame.table;
    else if ('live' in frame) this.#stage(frame.live.table).live = rangesOf(frame.live.runs);
    else if ('range' in frame) this.#startRange(frame.range);
    else if ('page' in frame) this.token = frame.page.token;
    else if ('commit' in frame) return this.#commit(frame.commit);
    else if (0 in frame && frame[0] === 'P') this.#put(this.#current, { rid: frame[1], ver: frame[2], values: frame.slice(3).map(decodeValue) });
    else if (0 in frame && frame[0] === 'R') this.#stage(this.#current).rows.set(frame[1], undefined);
    else if ('error' in frame) throw new Error(frame.error.message);
    return undefined;
  }

  /** The digests of a table's committed rows by ranges of row ids, as a check sends them. */
  measure(table: number, width: number): number[] {
    const digests = new Map<number, { rows: number; sum: number }>();
    for (const { rid, ver } of this.rows(table) ?? []) {
      const i = Math.floor(rid / width);
      const before = digests.get(i) ?? { rows: 0, sum: 0 };
      digests.set(i, { rows: before.rows + 1, sum: before.sum + digestOf(rid, ver) });
    }
    return [...digests].sort(([a], [b]) => a - b).flatMap(([i, { rows, sum }]) => [i, rows, sum]);
  }

  /** Something else than the sync changes a committed table. */
  damage(table: number, change: (rows: Map<number, DeviceRow>) => void): void {
    const rows = new Map(this.#tables.get(table));
    change(rows);
    this.#tables.set(table, rows);
  }

  /** Begins a check's answer: what was staged before is older than it. */
  beginCheck(table: number): void {
    this.#staged.set(table, { rows: new Map(), fresh: false, ranges: [] });
  }

  #startRange({ table, low, high }: RangeFrame['range']): void {
    const { ranges } = this.#stage(table);
    if (!ranges) throw new Error('a range that was not asked for');
    ranges.push([low, high]);
  }

  #put(table: number, row: DeviceRow): void {
    const { rows, fresh, ranges } = this.#stage(table);
    if (ranges) {
      if (!ranges.some(([low, high]) => row.rid >= low && row.rid <= high)) throw new Error('a row outside of its range');
      return void rows.set(row.rid, row);
    }
    const local = rows.has(row.rid) || fresh ? rows.get(row.rid) : this.#tables.get(table)?.get(row.rid);
    if (this.#versionCheck && local && row.ver < local.ver) return;
    rows.set(row.rid, row);
  }

  /** All tables of the commit change together, or none does. */
  #commit(commit: Commit): Commit {
    this.#takeTold();
    const next = new Map(this.#tables);
    for (const { table, rows, sum } of commit.tables) {
      const merged = this.#merge(table);
      const digest = digestOfRows(merged.values());
      if (digest.rows !== rows || digest.sum !== sum) {
        throw new Error(`I20 digest of table ${table} at checkpoint ${commit.checkpoint}: the device has ${JSON.stringify(digest)}, the server ${JSON.stringify({ rows, sum })}`);
      }
      next.set(table, merged);
    }
    this.#tables = next;
    for (const { table } of commit.tables) {
      this.#specs.set(table, this.#spec(table));
      this.#staged.delete(table);
    }
    this.#committedStaged = copyOf(this.#staged);
    this.token = commit.token;
    this.#committedToken = commit.token;
    return commit;
  }

  /** Tables that are not named go, the others are described anew; one of another form keeps the one that it has until its plan's commit. */
  #takeTold(): void {
    const told = this.#told;
    if (!told) return;
    this.#told = undefined;
    for (const id of [...this.#specs.keys(), ...this.#tables.keys(), ...this.#staged.keys()]) {
      if (told.some((spec) => spec.id === id)) continue;
      this.#specs.delete(id);
      this.#tables.delete(id);
      this.#staged.delete(id);
    }
    for (const spec of told) {
      const own = this.#specs.get(spec.id);
      if (!own || formOf(own) === formOf(spec) || !this.#tables.has(spec.id)) this.#specs.set(spec.id, spec);
    }
  }

  #merge(table: number): Rows {
    const { rows: staged, fresh, live, ranges = [] } = this.#stage(table);
    const merged = new Map(fresh ? [] : this.#tables.get(table));
    for (const rid of merged.keys()) if (ranges.some(([low, high]) => rid >= low && rid <= high)) merged.delete(rid);
    for (const [rid, row] of staged) {
      if (row) merged.set(rid, row);
      else merged.delete(rid);
    }
    for (const rid of live ? merged.keys() : []) {
      if (!live?.some(([first, last]) => rid >= first && rid <= last)) merged.delete(rid);
    }
    this.#replaceByKey(table, merged, staged);
    return merged;
  }

  /** A row that came in replaces another one with the same key. */
  #replaceByKey(table: number, merged: Rows, staged: Staged['rows']): void {
    const holders = new Map<string, number>();
    for (const rid of [...merged.keys()].sort((a, b) => Number(staged.has(a)) - Number(staged.has(b)) || a - b)) {
      const key = keyText(this.#spec(table), merged.get(rid)?.values ?? []);
      const holder = holders.get(key);
      if (holder !== undefined) merged.delete(holder);
      holders.set(key, rid);
    }
  }

  #stage(table: number): Staged {
    const staged = this.#staged.get(table) ?? { rows: new Map(), fresh: false };
    this.#staged.set(table, staged);
    return staged;
  }

  #spec(table: number): TableSpec {
    const spec = this.#staged.get(table)?.spec ?? this.#specs.get(table);
    if (!spec) throw new Error(`the device knows no table ${table}`);
    return spec;
  }
}

const copyOf = (stages: ReadonlyMap<number, Staged>): Map<number, Staged> =>
  new Map([...stages].map(([table, staged]) => [table, { ...staged, rows: new Map(staged.rows) }]));

/** A key as its columns compare: NOCASE folds ASCII letters, RTRIM drops spaces at the end. */
export function keyText(table: TableSpec, values: readonly FeedValue[]): string {
  const collations = keyColumns(table).map((column) => column.collation);
  return rowText(table.key.map((position, i) => {
    const value = values[position] ?? null;
    if (typeof value !== 'string') return value;
    if (collations[i] === 'NOCASE') return value.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    return collations[i] === 'RTRIM' ? value.replace(/ +$/, '') : value;
  }));
}

export function digestOfRows(rows: Iterable<{ readonly rid: number; readonly ver: number }>): { rows: number; sum: number } {
  const digest = { rows: 0, sum: 0 };
  for (const { rid, ver } of rows) {
    digest.rows += 1;
    digest.sum += digestOf(rid, ver);
  }
  return digest;
}

/** The rows of a table in a pack as sent. Throws when it is not the file that was announced. */
export function packRows(spec: PackSpec, bytes: Uint8Array, table: TableSpec): DeviceRow[] {
  const name = createHash('sha256').update(bytes).digest('hex');
  if (name !== spec.name || bytes.length !== spec.bytes) throw new Error('a pack is not the file that was announced');
  const raw = spec.codec === 'gzip' ? gunzipSync(bytes) : zstdDecompressSync(bytes);
  if (raw.length !== spec.rawBytes) throw new Error('a pack has another size than announced');
  return readPack(raw, table);
}

function readPack(raw: Uint8Array, table: TableSpec): DeviceRow[] {
  const db = new DatabaseSync(':memory:');
  try {
    db.deserialize(raw);
    const name = packTableName(table.id);
    const schema = db.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').get(name) as { sql: string } | undefined;
    if (schema?.sql !== packTableSql(table)) throw new Error(`a pack's table ${name} has another form: ${schema?.sql}`);
    const statement = db.prepare(`SELECT * FROM ${name} ORDER BY _rid`);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    const rows = statement.all() as unknown as SqlValue[][];
    return rows.map(([rid, ver, ...values]) => ({ rid: Number(rid), ver: Number(ver), values }));
  } finally {
    db.close();
  }
}
