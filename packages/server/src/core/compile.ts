import { CarryonError, type ColumnSpec } from '@carryon/protocol';
import type { Rule, SyncedTable } from '../ports/storage.ts';
import type { Profile, ProfileTable } from './profile.ts';
import { forEdits, referencesOf } from './edits.ts';
import type { Source, SourceTable } from './source.ts';
import { errorTable } from './sync-errors.ts';

const invalid = (why: string): CarryonError => new CarryonError('profile.invalid', why);
const names = (all: readonly string[]): string => all.map((name) => `"${name}"`).join(', ');

/**
 * Fits a profile to the database at hand: tables with ids, columns, keys and rules. Where people may write, the table of sync errors comes
 * last, so that the ids of the others are what they are without it. Throws `profile.invalid`.
 */
export function compileProfile(profile: Profile, source: Source): SyncedTable[] {
  const found = Object.entries(profile.tables)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, wanted], index) => {
      const table = findTable(name, source);
      return { wanted, table, spec: compileTable(index + 1, wanted, table) };
    });
  const specs = found.map(({ spec }) => spec);
  const twice = specs.find((table, i) => specs.findIndex(({ name }) => name === table.name) < i);
  if (twice) throw invalid(`The profile names table "${twice.name}" twice.`);
  const tables = found.map(({ wanted, table, spec }) => ({ ...spec, ...referencesOf(spec, wanted, table, specs) }));
  return tables.some(({ rights }) => rights) ? [...tables, errorTable(tables.length + 1)] : tables;
}

function findTable(name: string, source: Source): SourceTable {
  const found = source.tables.find((table) => table.name.toLowerCase() === name.toLowerCase());
  if (found) return found;
  const skipped = source.skipped.find((table) => table.name.toLowerCase() === name.toLowerCase());
  if (skipped) throw invalid(`Table "${name}" cannot be synced: ${skipped.why}.`);
  throw invalid(`The business database has no table "${name}". It has ${names(source.tables.map((table) => table.name))}.`);
}

function compileTable(id: number, wanted: ProfileTable, table: SourceTable): SyncedTable {
  const key = wanted.key === undefined ? table.key : checkKey(wanted.key, table);
  const rule = compileRule(wanted, table);
  const needed = new Set([...key, ...(rule.kind === 'own' ? [rule.column] : [])]);
  const chosen = wanted.columns === 'all' ? undefined : new Set(wanted.columns.map((name) => findColumn(name, table)));
  const columns = table.columns.filter((column) => !chosen || chosen.has(column.name) || needed.has(column.name));
  const specs = columns.map(({ name, type, collation }) => ({ name, type, collation }) as ColumnSpec);
  const spec = { id, name: table.name, columns: specs, key: key.map((name) => specs.findIndex((column) => column.name === name)), level: wanted.priority, rule };
  return { ...spec, ...(wanted.every === undefined ? {} : { everyMinutes: wanted.every }), ...forEdits(spec, wanted, table) };
}

function compileRule(wanted: ProfileTable, table: SourceTable): Rule {
  if (wanted.rows === 'all') return { kind: 'all' };
  return { kind: 'own', column: findColumn(wanted.rows.own, table) };
}

function findColumn(name: string, table: SourceTable): string {
  const found = table.columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
  if (!found) throw invalid(`Table "${table.name}" has no column "${name}". It has ${names(table.columns.map((column) => column.name))}.`);
  return found.name;
}

function checkKey(wanted: readonly string[], table: SourceTable): readonly string[] {
  const key = wanted.map((name) => findColumn(name, table));
  if (table.keys.some((unique) => unique.length === key.length && unique.every((name) => key.includes(name)))) return key;
  throw invalid(`The key (${names(key)}) of table "${table.name}" is not the primary key and has no unique index without NULLs.`);
}
