import { DatabaseSync } from 'node:sqlite';
import { deviceFile } from '@carryon/hosts/node';
import { quoteName } from '@carryon/protocol';
import { inspect } from '@carryon/server';

const SHOWN_ROWS = 3;
const SHOWN_CHARS = 200;

/** What a device must hold: tables, and for those that a person gets a part of the SQL condition of that part. */
export type Share = Readonly<Record<string, string>>;

/** All rows of all these tables. */
export const wholeTables = (names: readonly string[]): Share => Object.fromEntries(names.map((name) => [name, 'true']));

/** Where a device's tables differ from the business database's, in any value or its type; no differences: none. */
export function differences(database: string, folder: string, share: Share): string[] {
  const keys = new Map(inspect(database).tables.map((table) => [table.name, table.key]));
  const db = new DatabaseSync(deviceFile(folder), { readOnly: true, timeout: 10_000 });
  try {
    db.prepare('ATTACH ? AS app').run(database);
    db.exec('BEGIN');
    const wanted = Object.keys(share).sort();
    const there = visibleTables(db);
    const surplus = there.filter((name) => !wanted.includes(name)).map((name) => `the device has a table ${name}`);
    return [...surplus, ...wanted.flatMap((name) => (there.includes(name) ? compare(db, name, keys.get(name) ?? [], share[name] ?? 'true') : [`the device has no table ${name}`]))];
  } finally {
    db.close();
  }
}

/** The tables of an app that it can read on a device; the sync errors are none of them. */
export function visibleTables(db: DatabaseSync): string[] {
  return db.prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND substr(name, 1, 9) <> '_carryon_' AND substr(name, 1, 7) <> 'sqlite_' AND name <> 'carryon_sync_error' ORDER BY name").all().map((row) => String(row['name']));
}

function compare(db: DatabaseSync, table: string, key: readonly string[], where: string): string[] {
  const columns = columnsOf(db, 'app', table);
  const own = columnsOf(db, 'main', table).filter((name) => name !== '_rid' && name !== '_ver');
  if (own.join() !== columns.join()) return [`${table} has the columns ${own.join()} instead of ${columns.join()}`];
  const exact = columns.map(quoteName).map((name) => `CASE typeof(${name}) WHEN 'text' THEN 'text ' || hex(${name}) WHEN 'blob' THEN 'blob ' || hex(${name}) ELSE typeof(${name}) || ' ' || quote(${name}) END`).join(', ');
  const filled = key.map((name) => `${quoteName(name)} IS NOT NULL`);
  const right = `SELECT ${exact} FROM app.${quoteName(table)} WHERE ${[...filled, `(${where})`].join(' AND ')}`;
  const left = `SELECT ${exact} FROM main.${quoteName(table)}`;
  const counted = [left, right].map((sql) => Number(db.prepare(`SELECT count(*) AS n FROM (${sql})`).get()?.['n']));
  return [
    ...(counted[0] === counted[1] ? [] : [`${table} has ${counted[0]} rows instead of ${counted[1]}`]),
    ...rows(db, `${right} EXCEPT ${left}`).map((row) => `${table} lacks ${row}`),
    ...rows(db, `${left} EXCEPT ${right}`).map((row) => `${table} must not have ${row}`),
  ];
}

function columnsOf(db: DatabaseSync, schema: string, table: string): string[] {
  return db.prepare('SELECT name FROM pragma_table_xinfo(?, ?) WHERE hidden <> 1').all(table, schema).map((row) => String(row['name']));
}

function rows(db: DatabaseSync, sql: string): string[] {
  return db.prepare(`SELECT * FROM (${sql}) LIMIT ${SHOWN_ROWS}`).all().map((row) => Object.values(row).join(', ').slice(0, SHOWN_CHARS));
}

/** How a database looks to others: every object's SQL, with the version that changes with them left out. */
export function schemaDump(file: string): string[] {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all().map((row) => JSON.stringify(row));
  } finally {
    db.close();
  }
}
