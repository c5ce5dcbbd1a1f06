import type { SourceTable } from '../source.ts';
import { findColumn, invalid, isSame, listed } from './names.ts';

/** A table with the key by which its rows are told apart. */
export interface Keyed {
  readonly source: SourceTable;
  readonly key: readonly string[];
}

/**
 * The columns of the table `from` that hold the key of `to`, in the key's order: those that are named, else those of the only foreign key.
 * `option` is how the profile names them. Throws `profile.invalid` saying what to write.
 */
export function referringColumns(from: SourceTable, to: Keyed, named: string | readonly string[] | undefined, option: 'by' | 'to'): readonly string[] {
  if (named !== undefined) return namedColumns(from, to, typeof named === 'string' ? [named] : named, option);
  const all = from.relations.filter((relation) => isSame(relation.table, to.source.name));
  const found = distinct(all.flatMap((relation) => {
    const targets = relation.to ?? (to.source.keyFrom === 'primary key' ? to.source.key : []);
    const columns = to.key.map((name) => relation.columns[targets.findIndex((target) => isSame(target, name))]);
    return targets.length === to.key.length && columns.every((column) => column !== undefined) ? [columns.map((column) => findColumn(column, from))] : [];
  }));
  const [only, ...others] = found;
  if (only && others.length === 0) return only;
  const what = `"${option}" must say which columns of "${from.name}" hold the key (${listed(to.key)}) of "${to.source.name}"`;
  if (only) throw invalid(`Table "${from.name}" has several foreign keys to "${to.source.name}": ${found.map((columns) => `(${listed(columns)})`).join(', ')}. ${what}.`);
  throw invalid(`Table "${from.name}" has no foreign key to ${all.length > 0 ? 'the key of ' : ''}"${to.source.name}": ${what}.`);
}

function namedColumns(from: SourceTable, to: Keyed, named: readonly string[], option: string): readonly string[] {
  if (named.length === to.key.length) return named.map((column) => findColumn(column, from));
  throw invalid(`"${option}" of the relation to "${to.source.name}" names ${named.length} column${named.length === 1 ? '' : 's'} (${listed(named)}) of "${from.name}", but the key of "${to.source.name}" has ${to.key.length} (${listed(to.key)}).`);
}

const distinct = (all: readonly (readonly string[])[]): readonly string[][] => [...new Map(all.map((columns) => [JSON.stringify(columns), [...columns]])).values()];
