import type { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import type { SqlValue } from '@carryon/protocol';
import type { Own } from './oracle.ts';
import type { SyncStep } from './sync-devices.ts';

/**
 * A small business database in which most things that can go wrong fit: rules `all` and `own`, levels, integer, text, composite and
 * NOCASE keys, NULL keys, owners of several types, a second unique column, a column that is not synced.
 */
export const SCHEMA = `
  CREATE TABLE item(id INTEGER PRIMARY KEY, owner TEXT, v, serial INTEGER UNIQUE, secret);
  CREATE TABLE job(code TEXT PRIMARY KEY, owner TEXT COLLATE NOCASE, v REAL, serial INTEGER UNIQUE, secret);
  CREATE TABLE link(a INTEGER, b TEXT, owner, v TEXT, serial INTEGER UNIQUE, secret, PRIMARY KEY(a, b)) WITHOUT ROWID;
  CREATE TABLE tag(name TEXT COLLATE NOCASE PRIMARY KEY, owner TEXT, v NUMERIC, serial INTEGER UNIQUE, secret);`;

const synced = (...keys: string[]): string[] => [...keys, 'owner', 'v', 'serial'];

export const PROFILE = {
  version: 1,
  tables: {
    item: { rows: 'all', columns: synced('id'), priority: 0 },
    job: { rows: { own: 'owner' }, columns: synced('code'), priority: 1 },
    link: { rows: { own: 'owner' }, columns: synced('a', 'b'), priority: 1 },
    tag: { rows: 'all', columns: synced('name'), priority: 2 },
  },
};

/** The column that says whose a table's rows are; undefined: everybody's. */
export const ownersOf = (table: string): string | undefined => (table === 'job' || table === 'link' ? 'owner' : undefined);

/** Whose rows a scope with that param has. */
export function ownIn(table: string, param: string): Own | undefined {
  const column = ownersOf(table);
  return column === undefined || param === '' ? undefined : { column, user: (JSON.parse(param) as { user: [string] }).user[0] };
}

export const USERS = ['ann', 'Ann', '7'] as const;

interface Pool { readonly name: string; readonly columns: readonly string[]; readonly keys: readonly (readonly SqlValue[])[] }

const POOLS: readonly Pool[] = [
  { name: 'item', columns: ['id'], keys: [[1n], [2n], [3n], [-5n], [9007199254740993n]] },
  { name: 'job', columns: ['code'], keys: [['a'], ['A'], ['b'], ['b '], [null]] },
  { name: 'link', columns: ['a', 'b'], keys: [[1n, 'x'], [1n, 'X'], [2n, 'x'], ['z', ''], [2n, 'y']] },
  { name: 'tag', columns: ['name'], keys: [['red'], ['RED'], ['blue'], ['Blue'], ['é']] },
];
const OWNERS: readonly SqlValue[] = ['ann', 'Ann', '7', 7n, 7, null];
const VALUES: readonly SqlValue[] = [null, 0n, 1n, 1, 1.5, '1', 'a', 'A', 9007199254740993n, new Uint8Array([0, 255])];
const SERIALS: readonly SqlValue[] = [null, null, 1n, 2n, 3n];

const KINDS = ['insert', 'insert', 'insert', 'replace', 'replace', 'value', 'value', 'owner', 'owner', 'move', 'move-replace', 'serial-replace', 'touch', 'secret', 'delete', 'delete', 'clear'] as const;

export interface Write {
  readonly table: number;
  readonly kind: (typeof KINDS)[number];
  readonly key: number;
  readonly toKey: number;
  readonly owner: number;
  readonly value: number;
  readonly serial: number;
}

const index = (length: number): fc.Arbitrary<number> => fc.nat(length - 1);

const write: fc.Arbitrary<Write> = fc.record({
  table: index(POOLS.length), kind: fc.constantFrom(...KINDS), key: index(5), toKey: index(5),
  owner: index(OWNERS.length), value: index(VALUES.length), serial: index(SERIALS.length),
});

export type Step =
  | { readonly op: 'transaction'; readonly writes: readonly Write[]; readonly rolledBack: boolean }
  | { readonly op: 'evaluate' }
  | SyncStep
  /** Tombstones of all but so many checkpoints are forgotten. */
  | { readonly op: 'expire'; readonly keep: number }
  | { readonly op: 'crash'; readonly device: number }
  /** The device downloads some tables again. */
  | { readonly op: 'fresh'; readonly device: number; readonly tables: readonly number[] }
  | { readonly op: 'restart' };

export const DEVICES = 6;

const transaction = fc.record({ op: fc.constant('transaction' as const), writes: fc.array(write, { minLength: 1, maxLength: 8 }), rolledBack: fc.nat(9).map((n) => n === 9) });
export const syncStep: fc.Arbitrary<SyncStep> = fc.record({
  op: fc.constant('sync' as const), device: index(DEVICES), answers: fc.integer({ min: 1, max: 8 }), pageRows: fc.integer({ min: 1, max: 7 }),
  lost: fc.nat(3).map((n) => n === 3), twice: fc.boolean(), latePacks: fc.boolean(),
  tables: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.uniqueArray(index(POOLS.length), { minLength: 1, maxLength: 3 }) }),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: transaction },
  { weight: 5, arbitrary: fc.constant({ op: 'evaluate' as const }) },
  { weight: 8, arbitrary: syncStep },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('expire' as const), keep: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('crash' as const), device: index(DEVICES) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('fresh' as const), device: index(DEVICES), tables: fc.uniqueArray(index(POOLS.length), { minLength: 1 }) }) },
  { weight: 1, arbitrary: fc.constant({ op: 'restart' as const }) },
);

export interface History {
  /** What is there before the server starts. */
  readonly before: readonly Write[];
  readonly steps: readonly Step[];
  /** Width in rids of packs; 0: all bundled. */
  readonly packWidth: number;
}

export const history: fc.Arbitrary<History> = fc.record({
  before: fc.array(write, { maxLength: 12 }), steps: fc.array(step, { minLength: 4, maxLength: 40, size: 'max' }), packWidth: fc.nat(3),
});

/** Runs the writes as one transaction; a write that breaks a constraint is left out, as an app would. */
export function runTransaction(business: DatabaseSync, writes: readonly Write[], rolledBack: boolean): void {
  business.exec('BEGIN IMMEDIATE');
  for (const one of writes) {
    const { sql, values } = statementOf(one);
    try {
      business.prepare(sql).run(...values);
    } catch (error) {
      if (!/constraint failed/.test(String(error))) throw error;
    }
  }
  business.exec(rolledBack ? 'ROLLBACK' : 'COMMIT');
}

function statementOf(one: Write): { sql: string; values: SqlValue[] } {
  const { name, columns, keys } = POOLS[one.table] as Pool;
  const key = keys[one.key] ?? [];
  const owner = OWNERS[one.owner] ?? null;
  const value = VALUES[one.value] ?? null;
  const serial = SERIALS[one.serial] ?? null;
  const isKey = columns.map((column) => `${column} IS ?`).join(' AND ');
  const setKey = columns.map((column) => `${column} = ?`).join(', ');
  const insert = `INTO ${name}(${columns.join(', ')}, owner, v, serial, secret) VALUES(${columns.map(() => '?').join(', ')}, ?, ?, ?, 'hidden')`;
  switch (one.kind) {
    case 'insert': return { sql: `INSERT ${insert}`, values: [...key, owner, value, serial] };
    case 'replace': return { sql: `REPLACE ${insert}`, values: [...key, owner, value, serial] };
    case 'value': return { sql: `UPDATE ${name} SET v = ? WHERE ${isKey}`, values: [value, ...key] };
    case 'owner': return { sql: `UPDATE ${name} SET owner = ? WHERE ${isKey}`, values: [owner, ...key] };
    case 'move': return { sql: `UPDATE ${name} SET ${setKey} WHERE ${isKey}`, values: [...(keys[one.toKey] ?? []), ...key] };
    case 'move-replace': return { sql: `UPDATE OR REPLACE ${name} SET ${setKey} WHERE ${isKey}`, values: [...(keys[one.toKey] ?? []), ...key] };
    case 'serial-replace': return { sql: `UPDATE OR REPLACE ${name} SET serial = ? WHERE ${isKey}`, values: [serial, ...key] };
    case 'touch': return { sql: `UPDATE ${name} SET v = v WHERE ${isKey}`, values: [...key] };
    case 'secret': return { sql: `UPDATE ${name} SET secret = coalesce(secret, '') || 'x' WHERE ${isKey}`, values: [...key] };
    case 'delete': return { sql: `DELETE FROM ${name} WHERE ${isKey}`, values: [...key] };
    case 'clear': return { sql: `DELETE FROM ${name}`, values: [] };
    default: return one.kind satisfies never;
  }
}
