import { CarryonError } from './errors.ts';
import { quoteName } from './name.ts';
import { fields, list, oneOf, optional, text, whole, type TypeOf } from './shape.ts';

export const columnSpec = fields({
  name: text,
  /** The declared type, as written in the business database; may be empty. */
  type: text,
  collation: oneOf('BINARY', 'NOCASE', 'RTRIM'),
});
export type ColumnSpec = TypeOf<typeof columnSpec>;

/** How edits of a row that somebody else has changed meanwhile are treated. */
export const conflictMode = oneOf('last-writer-wins', 'detect', 'merge');
export type ConflictMode = TypeOf<typeof conflictMode>;

export const tableSpec = fields({
  /** Small number that stands for the table on the wire; never reused within an epoch. */
  id: whole,
  name: text,
  columns: list(columnSpec, 2000),
  /** Positions in `columns` of the key's columns, in the key's order. */
  key: list(whole, 100),
  /** Tables of a lower level become usable first. */
  level: whole,
  /** How often the table is synced where changes do not come live; absent: as the device does by itself. */
  everyMinutes: optional(whole),
  /** What the person may do with rows besides reading them; absent: nothing. */
  rights: optional(list(oneOf('create', 'update', 'delete'), 3)),
  /** Absent: the last writer of each column wins. */
  conflicts: optional(conflictMode),
  /** How a device makes the key of a new row that has none: a UUID, or a temporary negative number; absent: the app gives it. */
  newKeys: optional(oneOf('uuid', 'temporary')),
  /** Positions of columns that nobody can write: the business database computes them. */
  computed: optional(list(whole, 2000)),
  /** Columns that hold a key of a table whose new keys are temporary: the column's position and the table's id. */
  references: optional(list(fields({ column: whole, table: whole }), 2000)),
});
export type TableSpec = TypeOf<typeof tableSpec>;

const RESERVED = new Set('PRIMARY KEY UNIQUE CHECK DEFAULT REFERENCES COLLATE GENERATED ALWAYS AS NOT NULL CONSTRAINT AUTOINCREMENT'.split(' '));

/** Whether a declared type can stand in SQL as it is: words and a size, none of them a constraint's keyword. */
export function isPlainType(type: string): boolean {
  if (!/^[A-Za-z_][A-Za-z0-9_]*( [A-Za-z_][A-Za-z0-9_]*)*( ?\( ?[+-]?[0-9.]+( ?, ?[+-]?[0-9.]+)? ?\))?$/.test(type)) return type === '';
  return !type.toUpperCase().split(/[^A-Z0-9_]+/).some((word) => RESERVED.has(word));
}

/** A column's SQL. Throws `protocol.bad-answer` for a type that could smuggle in a constraint. */
export function columnSql(column: ColumnSpec): string {
  if (!isPlainType(column.type)) throw new CarryonError('protocol.bad-answer', `Column ${column.name} has the unusable type ${column.type}.`);
  const type = column.type === '' ? '' : ` ${column.type}`;
  const collation = column.collation === 'BINARY' ? '' : ` COLLATE ${column.collation}`;
  return `${quoteName(column.name)}${type}${collation}`;
}

/** The columns of a table's local form, which packs and devices share, so that SQLite can copy records as they are. */
export function columnsSql(table: TableSpec): string {
  return ['_rid INTEGER PRIMARY KEY', '_ver INTEGER', ...table.columns.map(columnSql)].join(', ');
}

export const packTableName = (id: number): string => `t${id}`;

/** The one statement that a pack's schema holds for a table; devices compare it letter by letter. */
export function packTableSql(table: TableSpec): string {
  return `CREATE TABLE ${packTableName(table.id)}(${columnsSql(table)})`;
}

export const keyColumns = (table: TableSpec): ColumnSpec[] =>
  table.key.map((position) => table.columns[position]).filter((column) => column !== undefined);
