import { CarryonError, quoteName, type FeedValue } from '@carryon/protocol';
import type { Edit, Seen } from './edit.ts';
import { hasKey, inShare, parameter, type Sql } from './row.ts';
import type { Workbench } from './workbench.ts';
import type { Written } from './written.ts';

/** Whether the row of an update or delete is in the person's share, and as the device saw it. */
export interface Finding {
  readonly isVisible: boolean;
  /** Names of the columns that somebody else has changed. */
  readonly changed: readonly string[];
}

/** What the transaction itself has written is not compared again; what is as the device's last edit left it is no conflict. */
export function findRow({ db, user, left }: Workbench, edit: Edit, written: Written): Finding {
  const checks = checksOf(edit).filter(({ column }) => !written.has(edit, column));
  const share = inShare(edit.table, user);
  const where = hasKey(edit.table, edit.key);
  const terms = checks.map(({ test }) => `, ${test.sql}`).join('');
  const sql = `SELECT ${share.sql}${terms} FROM ${quoteName(edit.table.name)} WHERE ${where.sql}`;
  const [row] = [...db.exact(sql, ...share.values, ...checks.flatMap(({ test }) => test.values), ...where.values)];
  const [visible, ...same] = row ?? [];
  const differing = checks.filter((_, i) => same[i] !== 1n);
  const isVisible = visible === 1n;
  if (!isVisible || differing.length === 0) return { isVisible, changed: [] };
  const untouched = left.untouched(edit, differing.map(({ column }) => column));
  return { isVisible, changed: differing.filter(({ column }) => !untouched.has(column)).map(({ name }) => name) };
}

/** Throws `write.conflict`. */
export function refuseConflict({ op, table, hasBase }: Edit, { changed }: Finding): void {
  const isWhole = table.conflicts === 'detect' || (table.conflicts === 'merge' && op === 'delete');
  if (isWhole && !hasBase) throw new CarryonError('write.conflict', `This device does not know yet that rows of "${table.name}" are compared before they are changed; it has to download them anew.`);
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
    const name = table.columns[column]?.name ?? '';
    return { column, name, test: anyOf(name, either) };
  };
  switch (mode) {
    case 'last-writer-wins': return [];
    case 'detect': return [...set, ...base].map((seen) => check(seen, seen.old));
    case 'merge': return op === 'delete' ? base.map((seen) => check(seen, seen.old)) : set.map((seen) => check(seen, seen.old, seen.value));
    default: return mode satisfies never;
  }
}

function anyOf(column: string, either: readonly FeedValue[]): Sql {
  const tests = either.map((value) => isExactly(column, value));
  return { sql: `(${tests.map(({ sql }) => sql).join(' OR ')})`, values: tests.flatMap(({ values }) => values) };
}

/** Equal in value and type: 1 is not 1.0, and 'a' is not 'A' whatever the column's collation. */
function isExactly(column: string, value: FeedValue): Sql {
  const name = quoteName(column);
  const { sql, value: bound } = parameter(value);
  return { sql: `(${name} IS ${sql} COLLATE BINARY AND typeof(${name}) = '${typeOf(value)}')`, values: [bound] };
}

function typeOf(value: FeedValue): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return 'integer';
  if (typeof value === 'number') return 'real';
  return value instanceof Uint8Array ? 'blob' : 'text';
}
