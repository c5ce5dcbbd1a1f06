import type { DatabaseSync } from 'node:sqlite';
import type { EditTransaction } from '@carryon/client';

export const EDITED_TABLES = ['customers', 'jobs', 'notes', 'parts', 'steps'] as const;
export type EditedTable = (typeof EDITED_TABLES)[number];

type Values = Readonly<Record<string, string | number | null>>;

/** What the app does to a table. Rows are meant by their place in the order of keys, so that it fits whatever the device holds. `set`: values of columns besides. */
export type AppStatement =
  | { readonly op: 'insert'; readonly table: EditedTable; readonly count: number; readonly set?: Values }
  | { readonly op: 'update'; readonly table: EditedTable; readonly at: number; readonly count: number; readonly set?: Values }
  | { readonly op: 'delete'; readonly table: EditedTable; readonly at: number; readonly count: number };

/** What an edit did to a row: its key, the text that it wrote, which nobody else writes, and the text that was there. */
export type Written =
  | { readonly op: 'insert'; readonly table: string; readonly info: string }
  | { readonly op: 'update'; readonly table: string; readonly id: number; readonly info: string; readonly before: string | null }
  | { readonly op: 'delete'; readonly table: string; readonly id: number; readonly before: string | null };

interface Row { readonly id: number; readonly info: string | null }

/** How a connection of the app, or the engine for it, carries out statements. */
interface Hand {
  insert(table: string, values: Values): unknown;
  /** Gives each of these rows its text, and all of them the values. */
  update(table: string, rows: readonly { readonly id: number; readonly info: string }[], values: Values): unknown;
  remove(table: string, rows: readonly number[]): unknown;
}

/**
 * Carries out the statements on the tables that are usable, in the order given; returns what they did. Yields what each call of the hand gives,
 * to be waited for where that is a promise. `name` begins every text and is used once.
 */
export function* carryOut(statements: readonly AppStatement[], reader: DatabaseSync, hand: Hand, user: string, name: string): Generator<unknown, Written[]> {
  const written: Written[] = [];
  const sofar = new Map<string, string | undefined>();
  for (const [i, statement] of statements.entries()) {
    if (!isUsable(reader, statement.table)) continue;
    const one = { reader, hand, user, name: `${name}.${i}`, sofar };
    written.push(...yield* statement.op === 'insert' ? inserts(one, statement) : changes(one, statement));
  }
  return written;
}

interface One {
  readonly reader: DatabaseSync;
  readonly hand: Hand;
  readonly user: string;
  readonly name: string;
  /** Texts that the edit has written by table and key, which the reader may not see yet; undefined: it has deleted the row. */
  readonly sofar: Map<string, string | undefined>;
}

function* inserts({ reader, hand, user, name }: One, { table, count, set }: Extract<AppStatement, { op: 'insert' }>): Generator<unknown, Written[]> {
  const written: Written[] = [];
  for (let k = 0; k < count; k++) {
    const info = `${name}:new${k}`;
    yield hand.insert(table, { ...newRow(reader, table, user), ...set, info });
    written.push({ op: 'insert', table, info });
  }
  return written;
}

function* changes({ reader, hand, name, sofar }: One, statement: Exclude<AppStatement, { op: 'insert' }>): Generator<unknown, Written[]> {
  const { op, table, at, count } = statement;
  const place = (id: number): string => `${table} ${id}`;
  const found = rowsAt(reader, table, at, count).filter(({ id }) => !sofar.has(place(id)) || sofar.get(place(id)) !== undefined);
  const rows = found.map(({ id, info }) => ({ id, info: sofar.get(place(id)) ?? info }));
  if (rows.length === 0) return [];
  if (op === 'delete') {
    for (const { id } of rows) sofar.set(place(id), undefined);
    yield hand.remove(table, rows.map(({ id }) => id));
    return rows.map(({ id, info }) => ({ op, table, id, before: info }));
  }
  const told = rows.map(({ id, info }) => ({ id, before: info, info: `${name}:${id}` }));
  for (const { id, info } of told) sofar.set(place(id), info);
  yield hand.update(table, told, statement.set ?? {});
  return told.map((row) => ({ op, table, ...row }));
}

/** The text that a row shows; null: there is no such row or table, or it has none. */
export const textOf = (db: DatabaseSync, table: string, id: number): string | null =>
  (isUsable(db, table) ? (db.prepare(`SELECT info FROM ${table} WHERE id = ?`).get(id) as { info: string | null } | undefined)?.info ?? null : null);

const isUsable = (db: DatabaseSync, table: string): boolean => db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(table) !== undefined;

function rowsAt(db: DatabaseSync, table: string, at: number, count: number): Row[] {
  const { n } = db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number };
  return db.prepare(`SELECT id, info FROM ${table} ORDER BY id LIMIT ? OFFSET ?`).all(count, at % Math.max(1, n)) as unknown as Row[];
}

const firstJob = (db: DatabaseSync): number | null => (isUsable(db, 'jobs') ? (db.prepare('SELECT min(id) AS id FROM jobs').get() as { id: number | null }).id : null);

/** The first job is one that only this device has, if there is any: its key is negative. */
function newRow(db: DatabaseSync, table: EditedTable, user: string): Values {
  switch (table) {
    case 'customers': return { name: 'new' };
    case 'jobs': return { owner: user, state: 'new' };
    case 'notes': return { owner: user, job: firstJob(db) };
    case 'steps': return { job: firstJob(db) };
    case 'parts': return { name: 'new', price: 1.5 };
    default: return table satisfies never;
  }
}

/** Plain SQL, one statement for all rows where SQL can. */
export function sqlHand(db: DatabaseSync): Hand {
  const list = (count: number): string => Array.from({ length: count }, () => '?').join(', ');
  return {
    insert: (table, values) => db.prepare(`INSERT INTO ${table}(${Object.keys(values).join(', ')}) VALUES(${list(Object.keys(values).length)})`).run(...Object.values(values)),
    update: (table, rows, values) => {
      const [{ id, info } = { id: 0, info: '' }] = rows;
      const set = Object.keys(values).map((column) => `, ${column} = ?`).join('');
      const text = info.slice(0, info.length - String(id).length);
      db.prepare(`UPDATE ${table} SET info = ? || id${set} WHERE id IN (${list(rows.length)})`).run(text, ...Object.values(values), ...rows.map((row) => row.id));
    },
    remove: (table, ids) => db.prepare(`DELETE FROM ${table} WHERE id IN (${list(ids.length)})`).run(...ids),
  };
}

/** The engine's own interface. */
export function engineHand(transaction: EditTransaction): Hand {
  return {
    insert: (table, values) => transaction.insert(table, values),
    update: async (table, rows, values) => { for (const { id, info } of rows) await transaction.update(table, [id], { ...values, info }); },
    remove: async (table, ids) => { for (const id of ids) await transaction.remove(table, [id]); },
  };
}
