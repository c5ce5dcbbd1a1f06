import { CarryonError, keyColumns, quoteName, type Changeset, type FeedValue } from '@carryon/protocol';
import type { SyncedTable } from '../../../ports/storage.ts';
import type { Database } from '../driver.ts';
import { findRow, refuseConflict } from './conflict.ts';
import { readEdit, type Edit } from './edit.ts';
import { isNegative, type ReplacedKey } from './keys.ts';
import { refusalOf } from './refusal.ts';
import { hasKey, inShare, isThere, parameter } from './row.ts';
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
  changeset.changes.forEach((change, i) => {
    const pushed = bench.tables[change.table];
    try {
      const edit = bench.keys.replace(readEdit(change, pushed, bench.targets[change.table]));
      given.push(...apply(bench, edit, written));
    } catch (thrown) {
      throw refusalOf(thrown, pushed?.name ?? '', i);
    }
  });
  return given;
}

function apply(bench: Workbench, edit: Edit, written: Written): ReplacedKey[] {
  switch (edit.op) {
    case 'insert': return insert(bench, edit, written);
    case 'update': update(bench, edit, written); return [];
    case 'delete': remove(bench, edit, written); return [];
    default: return edit.op satisfies never;
  }
}

/** A row outside of the person's share is not told apart from one that is not there. */
function update(bench: Workbench, edit: Edit, written: Written): void {
  const { table, set } = edit;
  if (set.length === 0) return;
  const found = findRow(bench, edit, written);
  if (!found.isVisible) throw new CarryonError('write.not-found', `The row of "${table.name}" is not there any more, or not in the person's share.`);
  refuseConflict(edit, found);
  const where = hasKey(table, edit.key);
  const values = set.map(({ value }) => parameter(value));
  const assign = set.map(({ column }, i) => `${nameOf(table, column)} = ${values[i]?.sql}`).join(', ');
  const changed = bench.db.run(`UPDATE ${quoteName(table.name)} SET ${assign} WHERE ${where.sql}`, ...values.map(({ value }) => value), ...where.values);
  if (changed === 0) throw ignored(table);
  written.add(edit);
}

/** What is gone need not be deleted. */
function remove(bench: Workbench, edit: Edit, written: Written): void {
  const { table } = edit;
  const found = findRow(bench, edit, written);
  if (!found.isVisible) return;
  refuseConflict(edit, found);
  const where = hasKey(table, edit.key);
  const changed = bench.db.run(`DELETE FROM ${quoteName(table.name)} WHERE ${where.sql}`, ...where.values);
  if (changed === 0 && isThere(bench.db, table, edit.key)) throw ignored(table);
  written.add(edit);
}

function insert(bench: Workbench, edit: Edit, written: Written): ReplacedKey[] {
  const { db, user, keys } = bench;
  const { table } = edit;
  const [temporary = null] = edit.key;
  const isTemporary = table.newKeys === 'temporary' && isNegative(temporary);
  if (table.newKeys === 'temporary' && !isTemporary) checkGiven(db, table, temporary);
  if (!isTemporary && isThere(db, table, edit.key)) throw new CarryonError('write.exists', `There is already a row of "${table.name}" with this key.`);
  insertRow(db, edit, isTemporary ? [] : edit.key);
  const given = isTemporary ? lastRowid(db) : undefined;
  const key = given === undefined ? edit.key : [given];
  const share = inShare(table, user);
  const where = hasKey(table, key);
  const isOwn = table.rule.kind === 'all' || db.get(`SELECT 1 FROM ${quoteName(table.name)} WHERE ${where.sql} AND ${share.sql}`, ...where.values, ...share.values) !== undefined;
  if (!isOwn) throw new CarryonError('write.outside-share', `The new row of "${table.name}" would not be in the person's own share.`);
  written.add({ ...edit, key });
  return isTemporary && given !== undefined ? [keys.remember(table, temporary, given)] : [];
}

/** A key far above all others would leave SQLite none to give (https://www.sqlite.org/autoinc.html). */
function checkGiven(db: Database, table: SyncedTable, key: FeedValue): void {
  const [row] = [...db.exact(`SELECT max(rowid) FROM ${quoteName(table.name)}`)];
  const last = BigInt((row?.[0] as bigint | null | undefined) ?? 0n);
  if (typeof key === 'bigint' && key <= (last > 0n ? last : 0n) + MOST_AHEAD) return;
  throw new CarryonError('write.rejected', `The business database gives the keys of "${table.name}"; this one is no whole number, or far above all others.`);
}

/** Without a key SQLite gives one. */
function insertRow(db: Database, { table, set }: Edit, key: readonly FeedValue[]): void {
  const columns = [...key.map((_, i) => keyColumns(table)[i]?.name ?? ''), ...set.map(({ column }) => table.columns[column]?.name ?? '')];
  const values = [...key, ...set.map(({ value }) => value)].map(parameter);
  const what = columns.length === 0 ? 'DEFAULT VALUES' : `(${columns.map(quoteName).join(', ')}) VALUES(${values.map(({ sql }) => sql).join(', ')})`;
  const changed = db.run(`INSERT INTO ${quoteName(table.name)} ${what}`, ...values.map(({ value }) => value));
  if (changed === 0) throw ignored(table);
}

function lastRowid(db: Database): bigint {
  const [row] = [...db.exact('SELECT last_insert_rowid()')];
  return row?.[0] as bigint;
}

const nameOf = (table: SyncedTable, column: number): string => quoteName(table.columns[column]?.name ?? '');

const ignored = (table: SyncedTable): CarryonError => new CarryonError('write.rejected', `The business database has ignored a change of "${table.name}".`);
