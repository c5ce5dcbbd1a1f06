import { isPlainType, quoteName } from '@carryon/protocol';
import type { SkippedTable, Source, SourceColumn, SourceRelation, SourceTable } from '../../core/source.ts';
import { Database } from './driver.ts';

interface TableEntry { readonly name: string; readonly type: string; readonly strict: number; readonly sql: string | null }
interface ColumnEntry { readonly name: string; readonly type: string; readonly notnull: number; readonly pk: number; readonly hidden: number }
interface IndexEntry { readonly name: string; readonly unique: number; readonly origin: string; readonly partial: number }
interface IndexColumn { readonly name: string | null; readonly coll: string; readonly key: number }

const OWN_PREFIX = '_carryon_';
const RESERVED_COLUMNS = ['_rid', '_ver', '_live'];
const KNOWN_COLLATIONS = ['BINARY', 'NOCASE', 'RTRIM'];

/** Finds out what tables a database has, how their rows are identified, and which cannot be synced. */
export function introspect(db: Database, schema = 'main'): Source {
  const tables: SourceTable[] = [];
  const skipped: SkippedTable[] = [];
  const entries = db.all<TableEntry>(
    `SELECT l.name, l.type, l.strict, s.sql FROM pragma_table_list l LEFT JOIN ${schema}.sqlite_schema s ON s.name = l.name AND s.type = 'table'
     WHERE l.schema = ? AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY l.name`, schema);
  for (const entry of entries) {
    if (entry.name.startsWith(OWN_PREFIX) || entry.type === 'view') continue;
    const found = entry.type === 'table' ? readTable(db, schema, entry) : `it is a ${entry.type} table`;
    if (typeof found === 'string') skipped.push({ name: entry.name, why: found });
    else tables.push(found);
  }
  return { tables, skipped };
}

function readTable(db: Database, schema: string, entry: TableEntry): SourceTable | string {
  const columns = db.all<ColumnEntry>('SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?, ?)', entry.name, schema);
  const reserved = columns.find((column) => RESERVED_COLUMNS.includes(column.name.toLowerCase()));
  if (reserved) return `its column "${reserved.name}" has a name that Carryon uses itself`;
  const indexes = uniqueIndexes(db, schema, entry.name);
  const keys = findKeys(columns, indexes);
  const key = keys[0];
  if (!key) return 'it has no primary key and no unique index on columns declared NOT NULL, so its rows cannot be told apart';
  const collations = readCollations(entry, columns, indexes);
  const foreign = key.columns.find((name) => !KNOWN_COLLATIONS.includes(collations.get(name) ?? 'BINARY'));
  if (foreign !== undefined) return `its key column "${foreign}" uses the collation ${collations.get(foreign)}, which only its own program has`;
  return {
    name: entry.name,
    columns: columns.map((column) => readColumn(column, entry.strict === 1, collations)),
    key: key.columns,
    keyFrom: key.from,
    keys: keys.map((candidate) => candidate.columns),
    uniques: [...keys.map((candidate) => candidate.columns), ...indexes.map(namedColumns)],
    relations: readRelations(db, schema, entry.name),
  };
}

interface UniqueIndex { readonly name: string; readonly origin: string; readonly partial: boolean; readonly columns: readonly IndexColumn[] }

function uniqueIndexes(db: Database, schema: string, table: string): UniqueIndex[] {
  return db.all<IndexEntry>('SELECT name, "unique", origin, partial FROM pragma_index_list(?, ?)', table, schema)
    .filter((index) => index.unique === 1)
    .map((index) => ({
      name: index.name,
      origin: index.origin,
      partial: index.partial === 1,
      columns: db.all<IndexColumn>('SELECT name, coll, key FROM pragma_index_xinfo(?, ?)', index.name, schema).filter((column) => column.key === 1),
    }));
}

const namedColumns = (index: UniqueIndex): string[] => index.columns.map((column) => column.name).filter((name) => name !== null);

interface Key { readonly columns: readonly string[]; readonly from: string }

function findKeys(columns: readonly ColumnEntry[], indexes: readonly UniqueIndex[]): Key[] {
  const keys: Key[] = [];
  const primary = columns.filter((column) => column.pk > 0).sort((a, b) => a.pk - b.pk).map((column) => column.name);
  if (primary.length > 0) keys.push({ columns: primary, from: 'primary key' });
  const filled = new Set(columns.filter((column) => column.notnull === 1).map((column) => column.name));
  for (const index of indexes) {
    const names = index.columns.map((column) => column.name);
    if (index.origin === 'pk' || index.partial || !names.every((name) => name !== null && filled.has(name))) continue;
    keys.push({ columns: names as string[], from: `unique index ${index.name}` });
  }
  return keys;
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

/**
 * Collations of all columns. SQLite tells only those of indexed columns, so each other column is indexed in an empty
 * copy of the table; where the copy cannot be made (functions of another program), BINARY is assumed.
 */
function readCollations(entry: TableEntry, columns: readonly ColumnEntry[], indexes: readonly UniqueIndex[]): Map<string, string> {
  const found = new Map<string, string>();
  const copy = new Database(':memory:');
  try {
    copy.exec(entry.sql ?? '');
    for (const [i, column] of columns.entries()) {
      copy.exec(`CREATE INDEX _probe_${i} ON ${quoteName(entry.name)}(${quoteName(column.name)})`);
      const index = copy.get<IndexColumn>('SELECT name, coll, key FROM pragma_index_xinfo(?)', `_probe_${i}`);
      if (index) found.set(column.name, index.coll.toUpperCase());
    }
  } catch { /* the indexes below are what there is */ } finally {
    copy.close();
  }
  for (const column of indexes.flatMap((index) => index.columns)) {
    if (column.name !== null && !found.has(column.name)) found.set(column.name, column.coll.toUpperCase());
  }
  return found;
}

function readRelations(db: Database, schema: string, table: string): SourceRelation[] {
  const rows = db.all<{ id: number; table: string; from: string }>('SELECT id, "table", "from" FROM pragma_foreign_key_list(?, ?) ORDER BY id, seq', table, schema);
  return [...new Set(rows.map((row) => row.id))].map((id) => {
    const own = rows.filter((row) => row.id === id);
    return { columns: own.map((row) => row.from), table: own[0]?.table ?? '' };
  });
}
