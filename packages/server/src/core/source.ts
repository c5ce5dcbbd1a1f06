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
  /** Column sets of all unique indexes, by which REPLACE may remove other rows. */
  readonly uniques: readonly (readonly string[])[];
  readonly relations: readonly SourceRelation[];
}

export interface SourceRelation {
  readonly columns: readonly string[];
  readonly table: string;
}

export interface SkippedTable {
  readonly name: string;
  readonly why: string;
}

export interface Source {
  readonly tables: readonly SourceTable[];
  readonly skipped: readonly SkippedTable[];
}
