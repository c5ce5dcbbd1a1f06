import type { ColumnSpec } from '@carryon/protocol';
import type { Profile, ProfileTable } from '../profile.ts';
import type { Source, SourceTable } from '../source.ts';
import { findColumn, findTable, invalid, listed, named, type Problems } from './names.ts';

/** A table of a profile beside the table of the database that it is. */
export interface FittedTable {
  /** As the profile writes it. */
  readonly written: string;
  readonly wanted: ProfileTable;
  readonly source: SourceTable;
  readonly key: readonly string[];
  readonly hidden: readonly string[];
  /** Undefined: all. */
  readonly chosen: readonly string[] | undefined;
}

/** The profile's tables, in the order of their names in the database. */
export function fitTables(profile: Profile, source: Source, problems: Problems): readonly FittedTable[] {
  const fitted = Object.entries(profile.tables).flatMap(([written, wanted]) => problems.try(() => fitTable(written, wanted, findTable(written, source))) ?? []);
  const sorted = fitted.sort((a, b) => (a.source.name < b.source.name ? -1 : 1));
  problems.try(() => {
    const twice = sorted.find((table, i) => table.source === sorted[i + 1]?.source);
    if (twice) throw invalid(`The profile names table "${twice.source.name}" twice.`);
  });
  return sorted;
}

function fitTable(written: string, wanted: ProfileTable, source: SourceTable): FittedTable {
  const key = wanted.key === undefined ? source.key : checkKey(wanted.key, source);
  const hidden = (wanted.hidden ?? []).map((name) => findColumn(name, source));
  const chosen = wanted.columns === 'all' ? undefined : wanted.columns.map((name) => findColumn(name, source));
  const hiddenKey = key.find((name) => hidden.includes(name));
  if (hiddenKey !== undefined) throw invalid(`Column "${hiddenKey}" of table "${source.name}" cannot be hidden: it is part of the key, by which devices tell rows apart.`);
  return { written, wanted, source, key, hidden, chosen };
}

function checkKey(wanted: readonly string[], table: SourceTable): readonly string[] {
  const key = wanted.map((name) => findColumn(name, table));
  if (table.keys.some((unique) => unique.length === key.length && unique.every((name) => key.includes(name)))) return key;
  throw invalid(`The key (${listed(key)}) of table "${table.name}" is not the primary key and has no unique index without NULLs.`);
}

/** Throws when two profiles tell the rows of a table apart in different ways. */
export function checkSameKeys(profiles: readonly { readonly name: string; readonly tables: readonly FittedTable[] }[]): void {
  const first = new Map<SourceTable, { readonly profile: string; readonly key: readonly string[] }>();
  for (const { name, tables } of profiles) {
    for (const { source, key } of tables) {
      const other = first.get(source) ?? { profile: name, key };
      if (other.key.join('\n') !== key.join('\n')) throw invalid(`The profiles "${other.profile}" and "${name}" give table "${source.name}" different keys: (${listed(other.key)}) and (${listed(key)}).`);
      first.set(source, other);
    }
  }
}

/** The columns' specs, in the table's order. */
export function specsOf(source: SourceTable, wanted: (name: string) => boolean): ColumnSpec[] {
  return source.columns.filter(({ name }) => wanted(name)).map(({ name, type, collation }) => ({ name, type, collation }) as ColumnSpec);
}

export function tableNamed(name: string, tables: readonly FittedTable[]): FittedTable | undefined {
  const source = named(name, tables.map((table) => table.source));
  return tables.find((table) => table.source === source);
}
