/** What was found out about a table of the business database. */
export interface SourceColumn {
  readonly name: string;
  /** Declared type in a form that can be repeated on devices; '' for none. */
  readonly type: string;
  readonly collation: string;
  readonly generated: boolean;
}

export interface SourceTable {
  readonly name: string;
  readonly columns: readonly SourceColumn[];
  /** The best key: columns of the primary key, or of a unique index without NULLs. */
  readonly key: readonly string[];
  readonly keyFrom: string;
  /** Every key that could be used. */
  readonly keys: readonly (readonly string[])[];
  /** What else must differ from row to row, by which REPLACE may remove other rows. */
  readonly uniques: readonly UniqueIndex[];
  /** The columns of each index over all rows, the primary key's included, up to the first that is an expression. */
  readonly indexes: readonly (readonly string[])[];
  readonly relations: readonly SourceRelation[];
  /** The relations of one column, with what they refer to. */
  readonly pointers: readonly SourcePointer[];
  /** The column that stands for the rowid (INTEGER PRIMARY KEY), whose values SQLite gives. */
  readonly rowid: string | undefined;
  /** What will not be synced as one might expect, each a clause for a person to read. */
  readonly warnings: readonly string[];
}

/** A unique index that is no key: on expressions, on some rows only, or with NULLs. */
export interface UniqueIndex {
  /** The columns that the following read. */
  readonly columns: readonly string[];
  /** SQL of what is indexed, over unqualified column names, each with its collation. */
  readonly terms: readonly string[];
  /** SQL of which rows are indexed; '' for all. */
  readonly where: string;
}

export interface SourceRelation {
  readonly columns: readonly string[];
  readonly table: string;
  /** What they refer to, column for column; undefined: the other table's primary key. */
  readonly to: readonly string[] | undefined;
}

export interface SourcePointer {
  readonly column: string;
  readonly table: string;
  /** Undefined: the other table's primary key. */
  readonly to: string | undefined;
}

export interface SkippedTable {
  readonly name: string;
  readonly why: string;
}

export interface Source {
  readonly tables: readonly SourceTable[];
  readonly skipped: readonly SkippedTable[];
}
