import { CarryonError, decodeValue, keyColumns, type Change, type FeedValue, type PushedTable, type TableSpec } from '@carryon/protocol';

const MOST_NAME_CHARS = 100;

/** A table as a push names it, found among those of the person. */
export interface Target {
  readonly table: TableSpec;
  /** For each column of the push its position in the table; -1: the person has no such column. */
  readonly positions: readonly number[];
}

export interface Assignment { readonly column: number; readonly old: FeedValue; readonly value: FeedValue }
export interface Seen { readonly column: number; readonly old: FeedValue }

/** A change with exact values; columns are positions in the table. */
export interface Edit {
  readonly op: Change['op'];
  readonly table: TableSpec;
  readonly key: readonly FeedValue[];
  readonly set: readonly Assignment[];
  /** What else the device saw of the row. */
  readonly base: readonly Seen[];
  /** The device told that; one that does not know that rows are compared does not. */
  readonly hasBase: boolean;
}

/** Undefined: the person has no such table, or its rows are told apart by another key. */
export function findTarget(pushed: PushedTable, tables: readonly TableSpec[]): Target | undefined {
  const table = tables.find(({ name }) => name === pushed.name);
  if (!table) return undefined;
  const key = keyColumns(table).map(({ name }) => name);
  if (key.length !== pushed.key.length || key.some((name, i) => name !== pushed.columns[pushed.key[i] ?? -1])) return undefined;
  return { table, positions: pushed.columns.map((name) => table.columns.findIndex((column) => column.name === name)) };
}

/** Throws `write.unknown`, `write.forbidden` or `write.rejected`. */
export function readEdit(change: Change, pushed: PushedTable | undefined, target: Target | undefined): Edit {
  if (!pushed || !target) throw new CarryonError('write.unknown', `The person has no table "${shortName(pushed?.name)}", or its rows are told apart by another key.`);
  const { table } = target;
  if (change.key.length !== table.key.length) throw new CarryonError('write.unknown', `A key of "${table.name}" has ${table.key.length} columns, not ${change.key.length}.`);
  const key = change.key.map((value) => read(value, table));
  if (change.op === 'insert' && key.includes(null)) throw new CarryonError('write.rejected', `A new row of "${table.name}" has no key.`);
  const edit = {
    op: change.op, table, key,
    set: (change.set ?? []).map((entry) => readAssignment(change.op, entry, pushed, target)),
    hasBase: change.base !== undefined,
    // A device may have seen columns that the person no longer has: those are compared no more.
    base: (change.base ?? []).map(([column, old]) => ({ column: positionOf(column, target), old: read(old, table) })).filter(({ column }) => column >= 0),
  };
  checkRights(edit);
  return change.op === 'insert' ? withoutKey(edit) : edit;
}

function readAssignment(op: Change['op'], entry: readonly unknown[], pushed: PushedTable, target: Target): Assignment {
  const [old, value] = op === 'update' ? entry.slice(1, 3) : [null, entry[1]];
  return { column: columnOf(entry[0], pushed, target), old: read(old, target.table), value: read(value, target.table) };
}

function columnOf(position: unknown, pushed: PushedTable, target: Target): number {
  const column = positionOf(position, target);
  if (column < 0) throw new CarryonError('write.unknown', `The person has no column "${shortName(pushed.columns[position as number])}" in table "${target.table.name}".`);
  return column;
}

/** A name of which only the device knows is no reason for a long message. */
const shortName = (name: string | undefined): string => String(name).slice(0, MOST_NAME_CHARS);

/** -1: the person has no such column. */
const positionOf = (position: unknown, { positions }: Target): number => (typeof position === 'number' ? positions[position] ?? -1 : -1);

function read(value: unknown, table: TableSpec): FeedValue {
  try {
    return decodeValue(value);
  } catch (cause) {
    throw new CarryonError('write.rejected', `A value for table "${table.name}" could not be read.`, { cause });
  }
}

export const RIGHTS = { insert: 'create', update: 'update', delete: 'delete' } as const;

function checkRights({ op, table, set }: Edit): void {
  const nameOf = (column: number): string => table.columns[column]?.name ?? '';
  if (!table.rights?.includes(RIGHTS[op])) throw new CarryonError('write.forbidden', `No profile of the person lets them ${RIGHTS[op]} rows of "${table.name}".`);
  const key = op === 'update' ? set.find(({ column }) => table.key.includes(column)) : undefined;
  if (key) throw new CarryonError('write.forbidden', `The column "${nameOf(key.column)}" is the key of "${table.name}", so it cannot be changed.`);
  const computed = set.find(({ column, value }) => table.computed?.includes(column) && (op === 'update' || value !== null));
  if (computed) throw new CarryonError('write.forbidden', `The business database computes the column "${nameOf(computed.column)}" of "${table.name}".`);
}

/** Of a new row the key stands by itself, and what is computed is left to the database. */
const withoutKey = (edit: Edit): Edit =>
  ({ ...edit, set: edit.set.filter(({ column }) => !edit.table.key.includes(column) && !edit.table.computed?.includes(column)) });
