import { CarryonError, encodeValue, type FeedValue, type Outcome, type TableSpec } from '@carryon/protocol';
import type { Database } from '../driver.ts';
import type { Edit } from './edit.ts';
import { isThere } from './row.ts';
import { KEYS } from './tables.ts';

export type ReplacedKey = NonNullable<Outcome['keys']>[number];

/** Which keys a device's temporary ones have become; remembered for good, since later edits may still name them. */
export class TemporaryKeys {
  readonly #db: Database;
  readonly #user: string;
  readonly #device: string;
  readonly #tables: ReadonlyMap<number, TableSpec>;

  constructor(db: Database, user: string, device: string, tables: readonly TableSpec[]) {
    this.#db = db;
    this.#user = user;
    this.#device = device;
    this.#tables = new Map(tables.map((table) => [table.id, table]));
  }

  remember(table: TableSpec, temporary: bigint, key: bigint): ReplacedKey {
    this.#db.run(`INSERT INTO ${KEYS} VALUES(?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET key = excluded.key`, this.#user, this.#device, table.name, temporary, key);
    return { table: table.name, temporary: encodeValue(temporary), key: encodeValue(key) };
  }

  /** The edit with real keys in the place of temporary ones. Throws `write.reference` where a row refers to one that never was made. */
  replace(edit: Edit): Edit {
    const { table } = edit;
    const referred = new Map((table.references ?? []).map(({ column, table: id }) => [column, this.#tables.get(id)]));
    const key = edit.key.map((value, i) => this.#replaceKey(edit, referred.get(table.key[i] ?? -1), value));
    const targets = new Map([...(table.newKeys === 'temporary' ? table.key.map((column) => [column, table] as const) : []), ...referred]);
    const known = (column: number, value: FeedValue): FeedValue => this.#find(targets.get(column), value) ?? value;
    return {
      ...edit, key,
      set: edit.set.map(({ column, old, value }) => ({ column, old: known(column, old), value: this.#refer(table, targets.get(column), value) })),
      base: edit.base.map(({ column, old }) => ({ column, old: known(column, old) })),
    };
  }

  /** A key may itself refer to another table's new row. A negative key that is not known may be a real one. */
  #replaceKey({ op, table }: Edit, to: TableSpec | undefined, value: FeedValue): FeedValue {
    if (to && to !== table) return op === 'insert' ? this.#refer(table, to, value) : this.#find(to, value) ?? value;
    return op === 'insert' || table.newKeys !== 'temporary' ? value : this.#find(table, value) ?? value;
  }

  #refer(from: TableSpec, to: TableSpec | undefined, value: FeedValue): FeedValue {
    if (!to || !isNegative(value)) return value;
    const found = this.#find(to, value);
    if (found !== undefined) return found;
    if (isThere(this.#db, to, [value])) return value;
    throw new CarryonError('write.reference', `A row of "${from.name}" refers to a new row of "${to.name}" that was not accepted.`);
  }

  #find(table: TableSpec | undefined, value: FeedValue): bigint | undefined {
    if (!table || !isNegative(value)) return undefined;
    const sql = `SELECT key FROM ${KEYS} WHERE user = ? AND device = ? AND tbl = ? AND temporary = ?`;
    const [row] = [...this.#db.exact(sql, this.#user, this.#device, table.name, value)];
    return row?.[0] as bigint | undefined;
  }
}

export const isNegative = (value: FeedValue): value is bigint => typeof value === 'bigint' && value < 0n;
