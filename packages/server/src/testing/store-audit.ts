import { DatabaseSync } from 'node:sqlite';
import { quoteName, type FeedValue, type SqlValue } from '@carryon/protocol';
import type { Config, SyncedTable } from '../core/config.ts';
import type { RuleNode } from '../core/rule.ts';
import { digestOfRows, keyText, rowText } from './model-device.ts';

interface StoredRow { readonly rid: number; readonly ver: number; readonly live: boolean; readonly values: readonly SqlValue[]; readonly hidden: readonly SqlValue[] }
interface Member { readonly rid: number; readonly seq: number; readonly live: boolean }
interface StoredScope { readonly id: number; readonly node: number; readonly param: string; readonly head: number; readonly rows: number; readonly sum: number }

/** The rows of a table that a scope must have at the checkpoint, as sorted texts of its columns; no scope: all rows, with the hidden columns after the others. */
export type Expected = (table: SyncedTable, scope?: { readonly node: number; readonly param: string }) => readonly string[];

export const sortedTexts = (rows: Iterable<readonly FeedValue[]>): string[] => [...rows].map(rowText).sort();

/** Compares everything in a store with what it would be if it were computed from nothing; remembers what must not change. */
export class StoreAudit {
  readonly #file: string;
  #store: DatabaseSync;
  #config: Config;
  /** Which row id stands for a key, as "table key" to rid. */
  readonly #ridOfKey = new Map<string, number>();
  readonly #keyOfRid = new Map<string, string>();
  /** Live rids per scope at the last audit, and where the others have left. */
  readonly #live = new Map<number, ReadonlySet<number>>();
  readonly #left = new Map<number, Map<number, number>>();

  constructor(file: string, config: Config) {
    this.#file = file;
    this.#store = new DatabaseSync(file, { readOnly: true });
    this.#config = config;
  }

  /** The server was restarted: the store is opened anew, what must not change is still known. */
  reopen(): this {
    this.#store = new DatabaseSync(this.#file, { readOnly: true });
    return this;
  }

  /** The store has gone over to other rules. What no rule is about any more is not compared again. */
  useConfig(config: Config): this {
    this.#config = config;
    return this;
  }

  close(): void {
    this.#store.close();
  }

  /** Throws on the first thing that is not as computed from nothing. */
  check(checkpoint: number, floor: number, expected: Expected): void {
    for (const table of this.#config.tables) {
      const rows = this.#rows(table);
      const live = rows.filter((row) => row.live);
      same(`I5 rows of ${table.name}`, sortedTexts(live.map((row) => [...row.values, ...row.hidden])), expected(table));
      this.#checkDead(table, rows.filter((row) => !row.live));
      this.#checkRids(table, rows);
      for (const node of this.#config.nodes.filter((one) => one.table === table.id)) {
        for (const scope of this.#scopes(node)) this.#checkScope(table, node, scope, rows, checkpoint, floor, expected);
      }
    }
  }

  /** The row ids of a table's live rows, by their keys as exact texts. */
  ridsOf(table: number): Map<string, number> {
    const spec = this.#config.tables.find(({ id }) => id === table);
    const live = spec ? this.#rows(spec).filter((row) => row.live) : [];
    return new Map(live.map(({ rid, values }) => [rowText((spec?.key ?? []).map((position) => values[position] ?? null)), rid]));
  }

  #checkScope(table: SyncedTable, node: RuleNode, scope: StoredScope, rows: readonly StoredRow[], checkpoint: number, floor: number, expected: Expected): void {
    const name = `of ${table.name} by ${node.text} for "${scope.param}"`;
    const byRid = new Map(rows.map((row) => [row.rid, row]));
    const members = this.#members(node, scope, rows);
    const live = members.filter((member) => member.live);
    const liveRows = live.map(({ rid }) => byRid.get(rid)).filter((row) => row !== undefined);
    same(`I5 members ${name}`, sortedTexts(liveRows.map((row) => row.values)), expected(table, scope));
    same(`I5 digest ${name}`, { rows: scope.rows, sum: scope.sum }, digestOfRows(liveRows));
    for (const { rid, seq } of live) ensure(`I5 seq >= ver ${name}`, seq >= (byRid.get(rid)?.ver ?? 0) && seq <= checkpoint);
    ensure(`I5 head ${name}`, scope.head <= checkpoint && members.every(({ seq }) => seq <= scope.head));
    this.#checkLeft(name, scope, members, checkpoint, floor);
  }

  /** Every row that left after the floor has a tombstone, and none at or below the floor is kept. */
  #checkLeft(name: string, scope: StoredScope, members: readonly Member[], checkpoint: number, floor: number): void {
    const live = new Set(members.filter((member) => member.live).map(({ rid }) => rid));
    const tombstones = members.filter((member) => !member.live).map(({ rid, seq }) => [rid, seq] as const);
    const left = this.#left.get(scope.id) ?? new Map(tombstones);
    for (const rid of this.#live.get(scope.id) ?? []) if (!live.has(rid)) left.set(rid, checkpoint);
    for (const [rid, at] of left) if (live.has(rid) || at <= floor) left.delete(rid);
    this.#live.set(scope.id, live);
    this.#left.set(scope.id, left);
    same(`I6 tombstones ${name}`, sorted(tombstones), sorted(left));
  }

  #checkDead(table: SyncedTable, dead: readonly StoredRow[]): void {
    for (const { values, hidden } of dead) ensure(`S16 dead rows of ${table.name} hold their key alone`, [...values, ...hidden].every((value, i) => value === null || table.key.includes(i)));
  }

  /** A row id stands for one key for ever; a key keeps its row id as long as the row or its tombstone exists. */
  #checkRids(table: SyncedTable, rows: readonly StoredRow[]): void {
    const present = new Set<string>();
    for (const { rid, values } of rows) {
      const key = `${table.id} ${keyText(table, values)}`;
      const id = `${table.id} ${rid}`;
      ensure(`I11 row ${rid} of ${table.name} stands for one key`, (this.#keyOfRid.get(id) ?? key) === key);
      ensure(`I11 key ${key} keeps its row id`, (this.#ridOfKey.get(key) ?? rid) === rid);
      this.#keyOfRid.set(id, key);
      this.#ridOfKey.set(key, rid);
      present.add(key);
    }
    for (const key of this.#ridOfKey.keys()) if (key.startsWith(`${table.id} `) && !present.has(key)) this.#ridOfKey.delete(key);
  }

  #rows({ id, columns, hidden }: SyncedTable): StoredRow[] {
    const names = [...columns, ...hidden].map((column) => quoteName(column.name)).join(', ');
    return this.#all(`SELECT _rid, _ver, _live, ${names} FROM row_${id}`)
      .map(([rid, ver, live, ...values]) => ({ rid: Number(rid), ver: Number(ver), live: live === 1n, values: values.slice(0, columns.length), hidden: values.slice(columns.length) }));
  }

  /** A scope of all rows has no members of its own: its rows are. */
  #members({ id, rule }: RuleNode, scope: StoredScope, rows: readonly StoredRow[]): Member[] {
    if (rule.kind === 'every') return rows.map(({ rid, ver, live }) => ({ rid, seq: ver, live }));
    return this.#all(`SELECT rid, seq, live FROM member_${id} WHERE scope = ${scope.id}`).map(([rid, seq, live]) => ({ rid: Number(rid), seq: Number(seq), live: live === 1n }));
  }

  #scopes({ id }: RuleNode): StoredScope[] {
    return this.#store.prepare('SELECT s.id, s.node, p.text AS param, s.head, s.rows, s.sum FROM sync_scope s JOIN sync_param p ON p.id = s.param WHERE s.node = ?').all(id) as unknown as StoredScope[];
  }

  #all(sql: string): SqlValue[][] {
    const statement = this.#store.prepare(sql);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    return statement.all() as unknown as SqlValue[][];
  }
}

const sorted = (pairs: Iterable<readonly [number, number]>): (readonly [number, number])[] => [...pairs].sort(([a], [b]) => a - b);

export function same(what: string, actual: unknown, wanted: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: ${a} but must be ${b}`);
}

export function ensure(what: string, holds: boolean): void {
  if (!holds) throw new Error(what);
}
