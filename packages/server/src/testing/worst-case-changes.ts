import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { quoteName } from '@carryon/protocol';
import { WORST_CASE_TABLES, WORST_EXPRESSIONS, WORST_VALUES } from './worst-case-data.ts';

/** A number from 0 up to, and without, 1. */
export type Fraction = () => number;

/** A small seeded generator (mulberry32). */
export function seeded(seed: number): Fraction {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

interface Column { readonly name: string; readonly type: string; readonly strict: boolean }

/**
 * Commits one random transaction of one to four statements on any of the tables; some of its statements are rolled back to a savepoint,
 * and what breaks a constraint is left out. The same generator and database give the same change.
 */
export function mutateWorstCase(db: DatabaseSync, random: Fraction): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    const statements = 1 + Math.floor(random() * 4);
    for (let i = 0; i < statements; i++) mutateOnce(db, random);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function mutateOnce(db: DatabaseSync, random: Fraction): void {
  db.exec('SAVEPOINT step');
  try {
    const table = pick(WORST_CASE_TABLES, random);
    const change = pick(CHANGES, random);
    change(new Target(db, table.name, table.key, random));
    if (random() < 0.1) db.exec('ROLLBACK TO step');
  } catch (error) {
    if (!/constraint|datatype mismatch|cannot store/i.test(String(error))) throw error;
    db.exec('ROLLBACK TO step');
  }
  db.exec('RELEASE step');
}

function pick<T>(items: readonly T[], random: Fraction): T {
  return items[Math.floor(random() * items.length)] as T;
}

/** One table, and random rows and values for it. */
class Target {
  readonly db: DatabaseSync;
  readonly table: string;
  readonly key: readonly string[];
  readonly random: Fraction;
  readonly #columns: readonly Column[];

  constructor(db: DatabaseSync, name: string, key: readonly string[], random: Fraction) {
    this.db = db;
    this.table = quoteName(name);
    this.key = key;
    this.random = random;
    const strict = db.prepare("SELECT strict FROM pragma_table_list WHERE schema = 'main' AND name = ?").get(name)?.['strict'] === 1;
    this.#columns = db.prepare('SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden = 0').all(name)
      .map((row) => ({ name: String(row['name']), type: String(row['type']), strict }));
  }

  columns(part: 'all' | 'rest'): readonly Column[] {
    return part === 'all' ? this.#columns : this.#columns.filter((column) => !this.key.includes(column.name));
  }

  /** The key of a random row: SQL with parameters, and their values. */
  aRow(): { where: string; values: SQLInputValue[] } {
    const { n } = this.db.prepare(`SELECT count(*) AS n FROM ${this.table}`).get() as { n: number };
    const keys = this.key.map(quoteName).join(', ');
    const statement = this.db.prepare(`SELECT ${keys} FROM ${this.table} ORDER BY ${keys} LIMIT 1 OFFSET ?`);
    statement.setReadBigInts(true);
    const row = Object.values(statement.get(BigInt(Math.floor(this.random() * n))) ?? {});
    return { where: row.length === 0 ? 'false' : this.key.map((name) => `${quoteName(name)} IS ?`).join(' AND '), values: row };
  }

  /** SQL of a random value that fits into the column, mostly one that does not clash. */
  value(column: Column): string {
    if (column.strict) return this.#strictValue(column.type);
    if (/^(?:parent|up)$/.test(column.name)) return pick(['NULL', '1', '2', '3', '4', '5', '6', '7', '8'], this.random);
    if (this.random() < 0.5) return literal(BigInt(Math.floor(this.random() * 40)));
    return this.random() < 0.2 ? pick(WORST_EXPRESSIONS, this.random) : literal(pick(WORST_VALUES, this.random));
  }

  #strictValue(type: string): string {
    if (type === 'ANY') return literal(pick(WORST_VALUES, this.random));
    if (type === 'TEXT') return pick(["''", "'text'", 'char(0)', 'NULL'], this.random);
    if (type === 'REAL') return pick(['1.0', '1e308', '0.1', 'NULL'], this.random);
    return type === 'BLOB' ? pick(["x''", "x'00ff'", 'NULL'], this.random) : literal(BigInt(Math.floor(this.random() * 2000)));
  }
}

function literal(value: SQLInputValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'bigint') return value === -9_223_372_036_854_775_808n ? '(-9223372036854775807 - 1)' : String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value.toExponential() : `${value < 0 ? '-' : ''}9e999`;
  if (typeof value === 'string') return `CAST(x'${Buffer.from(value).toString('hex')}' AS TEXT)`;
  return `x'${Buffer.from(value as Uint8Array).toString('hex')}'`;
}

const insertWith = (verb: string, more = '') => (target: Target): void => {
  const columns = target.columns('all');
  target.db.exec(`${verb} INTO ${target.table}(${columns.map(({ name }) => quoteName(name)).join(', ')}) VALUES(${columns.map((column) => target.value(column)).join(', ')})${more}`);
};

function updateRow(target: Target, verb: string, part: 'all' | 'rest'): void {
  const columns = target.columns(part).filter(() => target.random() < 0.6).slice(0, 8);
  if (columns.length === 0) return;
  const { where, values } = target.aRow();
  const set = columns.map((column) => `${quoteName(column.name)} = ${target.value(column)}`).join(', ');
  target.db.prepare(`${verb} ${target.table} SET ${set} WHERE ${where}`).run(...values);
}

function upsert(target: Target): void {
  const [column] = target.columns('rest');
  if (!column) return;
  insertWith('INSERT', ` ON CONFLICT(${target.key.map(quoteName).join(', ')}) DO UPDATE SET ${quoteName(column.name)} = excluded.${quoteName(column.name)}`)(target);
}

function deleteRow(target: Target): void {
  const { where, values } = target.aRow();
  target.db.prepare(`DELETE FROM ${target.table} WHERE ${where}`).run(...values);
}

/** Without WHERE, but not of the large table every time. */
function deleteAll(target: Target): void {
  if (target.random() < 0.1) target.db.exec(`DELETE FROM ${target.table}`);
}

const CHANGES: readonly ((target: Target) => void)[] = [
  insertWith('INSERT'), insertWith('INSERT'), insertWith('INSERT OR REPLACE'), insertWith('REPLACE'), insertWith('INSERT OR IGNORE'), upsert,
  (target) => updateRow(target, 'UPDATE', 'rest'),
  (target) => updateRow(target, 'UPDATE', 'rest'),
  (target) => updateRow(target, 'UPDATE OR REPLACE', 'all'),
  (target) => updateRow(target, 'UPDATE OR IGNORE', 'all'),
  deleteRow, deleteRow, deleteAll,
];
