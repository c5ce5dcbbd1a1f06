import { CarryonError, type FeedValue } from '@carryon/protocol';
import { columnOf, join, raw, sql, type Sql } from '../rules/sql.ts';
import { RIGHTS, type Edit, type Seen } from './edit.ts';
import { firstRow, hasKey, parameter, ROW, tableRow } from './row.ts';
import type { Workbench } from './workbench.ts';
import type { Written } from './written.ts';

/** Whether the row of an update or delete is in the person's share, and as the device saw it. */
export interface Finding {
  readonly isVisible: boolean;
  /** A profile of the person lets them do this with this row. */
  readonly isAllowed: boolean;
  /** Names of the columns that somebody else has changed. */
  readonly changed: readonly string[];
}

/** What the transaction itself has written is not compared again; what is as the device's last edit left it is no conflict. */
export function findRow({ db, access, left }: Workbench, edit: Edit, written: Written): Finding {
  const { op, table, set, key } = edit;
  const checks = checksOf(edit).filter(({ column }) => !written.has(edit, column));
  const allowed = access.allows(RIGHTS[op], table, set.map(({ column }) => nameOf(table, column)));
  const terms = [access.sees(table), allowed, ...checks.map(({ test }) => test)];
  const [visible, may, ...same] = firstRow(db, sql`SELECT ${join(terms, ', ')} FROM ${tableRow(table)} WHERE ${hasKey(table, key)}`) ?? [];
  const differing = checks.filter((_, i) => same[i] !== 1n);
  const found = { isVisible: visible === 1n, isAllowed: may === 1n };
  if (!found.isVisible || differing.length === 0) return { ...found, changed: [] };
  const untouched = left.untouched(edit, differing.map(({ column }) => column));
  return { ...found, changed: differing.filter(({ column }) => !untouched.has(column)).map(({ name }) => name) };
}

/** Throws `write.conflict`. */
export function refuseConflict({ op, table, hasBase }: Edit, { changed }: Finding): void {
  const isWhole = table.conflicts === 'detect' || (table.conflicts === 'merge' && op === 'delete');
  if (isWhole && !hasBase) throw new CarryonError('write.conflict', `This edit was made before the device knew that rows of "${table.name}" are compared, so it does not say what the row was like: look at the row as it is now, and retry.`);
  if (changed.length > 0) throw new CarryonError('write.conflict', `Somebody else has changed the same row of "${table.name}" meanwhile: ${changed.join(', ')}.`);
}

interface Check { readonly column: number; readonly name: string; readonly test: Sql }

/**
 * `detect` wants the whole row to be as the device saw it, `merge` only the columns changed, or that they already are what the device makes
 * them. A row to be deleted must be whole in both.
 */
function checksOf({ op, table, set, base }: Edit): Check[] {
  const mode = table.conflicts ?? 'last-writer-wins';
  const check = ({ column }: Seen, ...either: FeedValue[]): Check => {
    const name = nameOf(table, column);
    return { column, name, test: sql`(${join(either.map((value) => isExactly(name, value)), ' OR ')})` };
  };
  switch (mode) {
    case 'last-writer-wins': return [];
    case 'detect': return [...set, ...base].map((seen) => check(seen, seen.old));
    case 'merge': return op === 'delete' ? base.map((seen) => check(seen, seen.old)) : set.map((seen) => check(seen, seen.old, seen.value));
    default: return mode satisfies never;
  }
}

/** Equal in value and type: 1 is not 1.0, and 'a' is not 'A' whatever the column's collation. */
function isExactly(column: string, value: FeedValue): Sql {
  const name = columnOf(ROW, column);
  return sql`(${name} IS ${parameter(value)} COLLATE BINARY AND typeof(${name}) = '${raw(typeOf(value))}')`;
}

const nameOf = (table: Edit['table'], column: number): string => table.columns[column]?.name ?? '';

function typeOf(value: FeedValue): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return 'integer';
  if (typeof value === 'number') return 'real';
  return value instanceof Uint8Array ? 'blob' : 'text';
}
