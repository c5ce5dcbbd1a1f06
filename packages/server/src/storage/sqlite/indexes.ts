import { quoteName } from '@carryon/protocol';
import type { UniqueIndex } from '../../core/source.ts';
import type { Database } from './driver.ts';

interface IndexEntry { readonly name: string; readonly unique: number; readonly origin: string; readonly partial: number }
export interface IndexColumn { readonly name: string | null; readonly coll: string; readonly key: number }

/** An index as SQLite describes it; the name of a term that is an expression is null. */
export interface IndexInfo {
  readonly name: string;
  readonly unique: boolean;
  readonly origin: string;
  readonly partial: boolean;
  readonly columns: readonly IndexColumn[];
  /** Null for the index that a PRIMARY KEY or UNIQUE makes by itself. */
  readonly sql: string | null;
}

export function indexesOf(db: Database, schema: string, table: string): IndexInfo[] {
  return db.all<IndexEntry>('SELECT name, "unique", origin, partial FROM pragma_index_list(?, ?)', table, schema)
    .map((index) => ({
      name: index.name,
      unique: index.unique === 1,
      origin: index.origin,
      partial: index.partial === 1,
      columns: db.all<IndexColumn>('SELECT name, upper(coll) AS coll, key FROM pragma_index_xinfo(?, ?)', index.name, schema).filter((column) => column.key === 1),
      sql: db.get<{ sql: string | null }>(`SELECT sql FROM ${schema}.sqlite_schema WHERE type = 'index' AND name = ?`, index.name)?.sql ?? null,
    }));
}

/** The columns by which an index can be searched; none for an index of some rows only. */
export function searchedColumns(index: IndexInfo): string[] {
  const names = index.columns.map(({ name }) => name);
  const end = names.indexOf(null);
  return index.partial ? [] : (names.slice(0, end < 0 ? undefined : end) as string[]);
}

/** The index as SQL that finds the rows a new one clashes with. SQLite tells columns; expressions stand only in its text. */
export function describeIndex(index: IndexInfo, columns: readonly string[]): UniqueIndex {
  const written = readIndexSql(index.sql ?? '');
  const terms = index.columns.map(({ name, coll }, i) => `${name === null ? `(${written.terms[i] ?? ''})` : quoteName(name)} COLLATE ${quoteName(coll)}`);
  const text = [...terms, written.where].join(' ').toLowerCase();
  const reads = columns.filter((name) => text.includes(name.toLowerCase()) || text.includes(quoteName(name).toLowerCase()));
  return { columns: reads, terms, where: written.where };
}

const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?\*\/|[\s\S]/g;

/** The terms and the condition in the text of a CREATE INDEX statement. */
function readIndexSql(sql: string): { terms: string[]; where: string } {
  const terms = [''];
  let where = '';
  let depth = 0;
  let listEnded = false;
  for (const token of sql.match(TOKEN) ?? []) {
    const text = token.startsWith('--') || token.startsWith('/*') ? ' ' : token;
    if (listEnded) where += text;
    else if (text === ')' && depth === 1) listEnded = true;
    else if (text === ',' && depth === 1) terms.push('');
    else if (depth > 0) terms[terms.length - 1] += text;
    if (text === '(') depth++;
    else if (text === ')') depth--;
  }
  return { terms: terms.map((term) => term.trim().replace(/\s(?:ASC|DESC)$/i, '').trim()), where: where.trim().replace(/^WHERE\b/i, '').trim() };
}
