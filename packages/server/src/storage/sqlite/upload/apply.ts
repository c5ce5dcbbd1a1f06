import { CarryonError, keyColumns, type Changeset, type FeedValue, type TableSpec } from '@carryon/protocol';
import type { Database } from '../driver.ts';
import { columnOf, join, raw, sql, type Sql } from '../rules/sql.ts';
import { findRow, refuseConflict, type Finding } from './conflict.ts';
import { Created } from './created.ts';
import { readEdit, type Edit } from './edit.ts';
import { isNegative, type ReplacedKey } from './keys.ts';
import { faultOf, refusalOf } from './refusal.ts';
import { firstRow, hasKey, isThere, parameter, tableName } from './row.ts';
import { Words } from './words.ts';
import type { Workbench } from './workbench.ts';
import type { Written } from './written.ts';

/** A key that the app gives may be so far above the highest one. */
const MOST_AHEAD = 1_000_000n;

/**
 * Does what a changeset says, and returns the keys that its new rows got. Throws Refusal at the first change that cannot be done; the caller
 * then undoes the others.
 */
export function applyChangeset(bench: Workbench, changeset: Changeset, written: Written): ReplacedKey[] {
  const given: ReplacedKey[] = [];
  const created = new Created(bench);
  changeset.changes.forEach((change, i) => {
    try {
      const edit = bench.keys.replace(readEdit(change, bench.tables[change.table], bench.targets[change.table]));
      given.push(...apply(bench, edit, written, created, i));
    } catch (thrown) {
      throw refusalOf(thrown, i);
    }
  });
  const outside = created.outside();
  if (outside) throw refusalOf(outside.error, outside.change);
  return given;
}

function apply(bench: Workbench, edit: Edit, written: Written, created: Created, change: number): ReplacedKey[] {
  switch (edit.op) {
    case 'insert': return insert(bench, edit, written, created, change);
    case 'update': update(bench, edit, written, created); return [];
    case 'delete': remove(bench, edit, written, created); return [];
    default: return edit.op satisfies never;
  }
}

/** A row outside of the person's share is not told apart from one that is not there. */
function update(bench: Workbench, edit: Edit, written: Written, created: Created): void {
  const { table, set } = edit;
  if (set.length === 0) return;
  const found = findRow(bench, edit, written);
  if (!found.isVisible && !created.has(edit)) throw new CarryonError('write.not-found', `The row of "${table.name}" is not there any more, or not in the person's share.`);
  if (!created.has(edit)) refuseForbidden(edit, found);
  refuseConflict(edit, found);
  const assign = join(set.map(({ column, value }) => sql`${named(table, column)} = ${parameter(value)}`), ', ');
  if (run(bench, table, sql`UPDATE ${tableName(table)} SET ${assign} WHERE ${hasKey(table, edit.key)}`) === 0) throw ignored(table);
  created.update(edit);
  written.add(edit);
}

/** What is gone need not be deleted. */
function remove(bench: Workbench, edit: Edit, written: Written, created: Created): void {
  const { table } = edit;
  const found = findRow(bench, edit, written);
  if (!found.isVisible && !created.has(edit)) return;
  if (!created.has(edit)) refuseForbidden(edit, found);
  refuseConflict(edit, found);
  const changed = run(bench, table, sql`DELETE FROM ${tableName(table)} WHERE ${hasKey(table, edit.key)}`);
  if (changed === 0 && isThere(bench.db, table, edit.key)) throw ignored(table);
  created.remove(edit);
  written.add(edit);
}

/** The person has the right, but from a profile that does not give this row, or not all of the columns. */
function refuseForbidden({ op, table }: Edit, { isAllowed }: Finding): void {
  if (isAllowed) return;
  throw new CarryonError('write.forbidden', `No profile of the person lets them ${op} this row of "${table.name}"${op === 'update' ? ', or not in these columns' : ''}.`);
}

function insert(bench: Workbench, edit: Edit, written: Written, created: Created, change: number): ReplacedKey[] {
  const { db, keys } = bench;
  const { table } = edit;
  const [temporary = null] = edit.key;
  const isTemporary = table.newKeys === 'temporary' && isNegative(temporary);
  if (table.newKeys === 'temporary' && !isTemporary) checkGiven(db, table, temporary);
  if (!isTemporary && isThere(db, table, edit.key)) throw new CarryonError('write.exists', `There is already a row of "${table.name}" with this key.`);
  insertRow(bench, edit, isTemporary ? [] : edit.key);
  const given = isTemporary ? lastRowid(db) : undefined;
  const made = given === undefined ? edit : { ...edit, key: [given] };
  created.add(made, change);
  written.add(made);
  return given === undefined ? [] : [keys.remember(table, temporary as bigint, given)];
}

/** A key far above all others would leave SQLite none to give (https://www.sqlite.org/autoinc.html). */
function checkGiven(db: Database, table: TableSpec, key: FeedValue): void {
  const [highest] = firstRow(db, sql`SELECT max(rowid) FROM ${tableName(table)}`) ?? [];
  const last = BigInt((highest as bigint | null | undefined) ?? 0n);
  if (typeof key === 'bigint' && key <= (last > 0n ? last : 0n) + MOST_AHEAD) return;
  throw new CarryonError('write.rejected', `The business database gives the keys of "${table.name}"; this one is no whole number, or far above all others.`);
}

/** Without a key SQLite gives one. */
function insertRow(bench: Workbench, { table, set }: Edit, key: readonly FeedValue[]): void {
  const columns = [...key.map((_, i) => columnOf('', keyColumns(table)[i]?.name ?? '')), ...set.map(({ column }) => named(table, column))];
  const values = [...key, ...set.map(({ value }) => value)].map(parameter);
  const what = columns.length === 0 ? raw('DEFAULT VALUES') : sql`(${join(columns, ', ')}) VALUES(${join(values, ', ')})`;
  if (run(bench, table, sql`INSERT INTO ${tableName(table)} ${what}`) === 0) throw ignored(table);
}

function lastRowid(db: Database): bigint {
  const [rowid] = firstRow(db, raw('SELECT last_insert_rowid()')) ?? [];
  return rowid as bigint;
}

/** How many rows of the table it has changed. Only here the edit may be at fault, never where the person's rules are asked. */
function run({ db, access }: Workbench, table: TableSpec, { sql: text, values }: Sql): number {
  try {
    return db.run(text, ...values);
  } catch (thrown) {
    throw faultOf(thrown, table.name, new Words(db, access.tables));
  }
}

const named = (table: TableSpec, column: number): Sql => columnOf('', table.columns[column]?.name ?? '');

const ignored = (table: TableSpec): CarryonError => new CarryonError('write.rejected', `The business database has ignored a change of "${table.name}".`);
