import { isPlainType, quoteName } from '@carryon/protocol';
import type { SkippedTable, Source, SourceColumn, SourcePointer, SourceRelation, SourceTable, UniqueIndex } from '../../core/source.ts';
import { ERROR_TABLE } from '../../core/sync-errors.ts';
import { Database } from './driver.ts';
import { describeIndex, type IndexColumn, type IndexInfo, indexesOf, searchedColumns } from './indexes.ts';

interface TableEntry { readonly name: string; readonly type: string; readonly strict: number; readonly wr: number; readonly sql: string | null }
interface ColumnEntry { readonly name: string; readonly type: string; readonly notnull: number; readonly pk: number; readonly hidden: number }

const OWN_PREFIX = '_carryon_';
const RESERVED_COLUMNS = ['_rid', '_ver', '_live'];
/** SQLite takes such a name for the value in some places, also where it is quoted. */
const VALUE_NAMES = ['true', 'false'];
const KNOWN_COLLATIONS = ['BINARY', 'NOCASE', 'RTRIM'];

/** Finds out what tables a database has, how their rows are identified, and which cannot be synced. */
export function introspect(db: Database, schema = 'main'): Source {
  const tables: SourceTable[] = [];
  const skipped: SkippedTable[] = [];
  const encoding = db.get<{ encoding: string }>(`PRAGMA ${schema}.encoding`)?.encoding ?? 'UTF-8';
  const entries = db.all<TableEntry>(
    `SELECT l.name, l.type, l.strict, l.wr, s.sql FROM pragma_table_list l LEFT JOIN ${schema}.sqlite_schema s ON s.name = l.name AND s.type = 'table'
     WHERE l.schema = ? AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY l.name`, schema);
  for (const entry of entries) {
    if (entry.name.startsWith(OWN_PREFIX) || entry.name === ERROR_TABLE || entry.type === 'view') continue;
    const found = whySkipped(entry, encoding) ?? readTable(db, schema, entry);
    if (typeof found === 'string') skipped.push({ name: entry.name, why: found });
    else tables.push(found);
  }
  return { tables, skipped };
}

function whySkipped(entry: TableEntry, encoding: string): string | undefined {
  if (entry.type !== 'table') return `it is a ${entry.type} table`;
  // SQLite attaches only databases of one encoding to each other, and devices have UTF-8.
  return encoding === 'UTF-8' ? undefined : `its database keeps text as ${encoding}, and only UTF-8 can be synced`;
}

/** How many rows of a table have a NULL in their key: they are not synced. Reads an index where there is one. */
export function countNullKeys(db: Database, table: SourceTable): number {
  const missing = table.key.map((name) => `${quoteName(name)} IS NULL`).join(' OR ');
  return db.get<{ rows: number }>(`SELECT count(*) AS rows FROM ${quoteName(table.name)} WHERE ${missing}`)?.rows ?? 0;
}

function readTable(db: Database, schema: string, entry: TableEntry): SourceTable | string {
  const columns = db.all<ColumnEntry>('SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?, ?)', entry.name, schema);
  const reserved = columns.find((column) => RESERVED_COLUMNS.includes(column.name.toLowerCase()));
  if (reserved) return `its column "${reserved.name}" has a name that Carryon uses itself`;
  const value = columns.find((column) => VALUE_NAMES.includes(column.name.toLowerCase()));
  if (value) return `its column "${value.name}" has a name that SQLite mistakes for a value`;
  const all = indexesOf(db, schema, entry.name);
  const indexes = all.filter(({ unique }) => unique);
  const copy = new EmptyCopy(entry);
  try {
    const collations = readCollations(copy, columns, indexes);
    const candidates = findKeys(columns, indexes);
    const keys = candidates.filter((key) => whyNoKey(key, collations) === undefined);
    const [key] = keys;
    if (!key) return candidates[0] ? whyNoKey(candidates[0], collations) ?? '' : 'it has no primary key and no unique index on columns declared NOT NULL, so its rows cannot be told apart';
    const { uniques, warnings } = readUniques(copy, columns, indexes.filter((index) => !keys.some((usable) => usable.index === index)));
    const foreign = readForeignKeys(db, schema, entry.name);
    return {
      name: entry.name,
      columns: columns.map((column) => readColumn(column, entry.strict === 1, collations)),
      key: key.columns,
      keyFrom: key.from,
      keys: keys.map((usable) => usable.columns),
      uniques: [...uniques, ...hiddenRowid(entry, columns, candidates)],
      indexes: [...candidates.filter(isRowid).map(({ columns: rowid }) => rowid), ...all.map(searchedColumns).filter((searched) => searched.length > 0)],
      relations: foreign.map(readRelation),
      pointers: foreign.flatMap(readPointer),
      rowid: candidates.find(isRowid)?.columns[0],
      warnings: copy.made ? warnings : [...warnings, 'it needs functions or collations that only its own program has, so devices compare its text byte by byte'],
    };
  } finally {
    copy.close();
  }
}

/** A table like the one of the database, without its rows, where things can be tried; not made where functions or collations of another program are needed. */
class EmptyCopy {
  readonly #name: string;
  readonly #db = new Database(':memory:');
  readonly made: boolean;

  constructor(entry: TableEntry) {
    this.#name = quoteName(entry.name);
    this.made = this.#try(() => this.#db.exec(entry.sql ?? '') ?? true) ?? false;
  }

  /** The collation of a column, which SQLite tells only of columns that are indexed. */
  collationOf(column: string): string | undefined {
    return this.#try(() => {
      this.#db.exec(`CREATE INDEX _probe ON ${this.#name}(${quoteName(column)})`);
      const index = this.#db.get<IndexColumn>("SELECT upper(coll) AS coll FROM pragma_index_xinfo('_probe')");
      this.#db.exec('DROP INDEX _probe');
      return index?.coll;
    });
  }

  understands(index: UniqueIndex): boolean {
    return this.#try(() => this.#db.all(`SELECT ${index.terms.join(', ')} FROM ${this.#name} WHERE ${index.where || 'true'}`)) !== undefined;
  }

  close(): void {
    this.#db.close();
  }

  #try<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch {
      return undefined;
    }
  }
}

interface Key { readonly columns: readonly string[]; readonly from: string; readonly index: IndexInfo | undefined }

function findKeys(columns: readonly ColumnEntry[], indexes: readonly IndexInfo[]): Key[] {
  const keys: Key[] = [];
  const primary = columns.filter((column) => column.pk > 0).sort((a, b) => a.pk - b.pk).map((column) => column.name);
  if (primary.length > 0) keys.push({ columns: primary, from: 'primary key', index: indexes.find((index) => index.origin === 'pk') });
  const filled = new Set(columns.filter((column) => column.notnull === 1).map((column) => column.name));
  for (const index of indexes) {
    const names = index.columns.map((column) => column.name);
    if (index.origin === 'pk' || index.partial || !names.every((name) => name !== null && filled.has(name))) continue;
    keys.push({ columns: names as string[], from: `unique index ${index.name}`, index });
  }
  return keys;
}

/** A key's columns must be compared the same way by everybody: by its index, by the column itself, and on devices. */
function whyNoKey(key: Key, collations: ReadonlyMap<string, string>): string | undefined {
  for (const { name, coll } of key.index?.columns ?? []) {
    if (!KNOWN_COLLATIONS.includes(coll)) return `its key column "${name}" uses the collation ${coll}, which only its own program has`;
    const usual = collations.get(name ?? '') ?? 'BINARY';
    if (coll !== usual) return `its key column "${name}" is compared by the collation ${coll} in the key and by ${usual} elsewhere`;
  }
  return undefined;
}

function readUniques(copy: EmptyCopy, columns: readonly ColumnEntry[], indexes: readonly IndexInfo[]): { uniques: UniqueIndex[]; warnings: string[] } {
  const uniques: UniqueIndex[] = [];
  const warnings: string[] = [];
  for (const index of indexes) {
    const unique = describeIndex(index, columns.map((column) => column.name));
    const onColumns = !index.partial && index.columns.every((column) => column.name !== null);
    if (onColumns || copy.understands(unique)) uniques.push(unique);
    else warnings.push(`the expressions of the unique index "${index.name}" cannot be repeated, so rows that REPLACE removes because of it stay on devices`);
  }
  return { uniques, warnings };
}

/** A primary key without an index of its own is the rowid under another name. */
const isRowid = (key: Key): boolean => key.from === 'primary key' && key.index === undefined;

/** Where no column stands for the rowid, it is a key of its own, by which REPLACE may remove rows just the same. */
function hiddenRowid(entry: TableEntry, columns: readonly ColumnEntry[], keys: readonly Key[]): UniqueIndex[] {
  const isColumn = keys.some(isRowid);
  const name = ['rowid', '_rowid_', 'oid'].find((alias) => !columns.some((column) => column.name.toLowerCase() === alias));
  return entry.wr === 1 || isColumn || name === undefined ? [] : [{ columns: [name], terms: [name], where: '' }];
}

function readColumn(column: ColumnEntry, strict: boolean, collations: ReadonlyMap<string, string>): SourceColumn {
  const collation = collations.get(column.name) ?? 'BINARY';
  return {
    name: column.name,
    type: portableType(column.type, strict),
    collation: KNOWN_COLLATIONS.includes(collation) ? collation : 'BINARY',
    generated: column.hidden === 2 || column.hidden === 3,
  };
}

/** The declared type, or a plain one of the same affinity (https://www.sqlite.org/datatype3.html section 3.1). */
function portableType(declared: string, strict: boolean): string {
  const type = declared.trim();
  // In a STRICT table ANY converts nothing; in an ordinary one the same word would mean NUMERIC.
  if (strict && type.toUpperCase() === 'ANY') return '';
  if (isPlainType(type)) return type;
  const upper = type.toUpperCase();
  if (upper.includes('INT')) return 'INTEGER';
  if (/CHAR|CLOB|TEXT/.test(upper)) return 'TEXT';
  if (upper.includes('BLOB')) return '';
  return /REAL|FLOA|DOUB/.test(upper) ? 'REAL' : 'NUMERIC';
}

/** Collations of all columns: from the copy; where there is none, those of indexed columns, and BINARY for the rest. */
function readCollations(copy: EmptyCopy, columns: readonly ColumnEntry[], indexes: readonly IndexInfo[]): Map<string, string> {
  const indexed = new Map(indexes.flatMap((index) => index.columns).map((column) => [column.name, column.coll]));
  return new Map(columns.map(({ name }) => [name, copy.collationOf(name) ?? indexed.get(name) ?? 'BINARY']));
}

interface ForeignKeyEntry { readonly id: number; readonly table: string; readonly from: string; readonly to: string | null }

/** The foreign keys, each as its columns. */
function readForeignKeys(db: Database, schema: string, table: string): ForeignKeyEntry[][] {
  const rows = db.all<ForeignKeyEntry>('SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?, ?) ORDER BY id, seq', table, schema);
  return [...new Set(rows.map((row) => row.id))].map((id) => rows.filter((row) => row.id === id));
}

function readRelation(key: readonly ForeignKeyEntry[]): SourceRelation {
  const to = key.flatMap((column) => (column.to === null ? [] : [column.to]));
  return { columns: key.map(({ from }) => from), table: key[0]?.table ?? '', to: to.length > 0 ? to : undefined };
}

function readPointer([only, ...others]: readonly ForeignKeyEntry[]): SourcePointer[] {
  return only && others.length === 0 ? [{ column: only.from, table: only.table, to: only.to ?? undefined }] : [];
}
