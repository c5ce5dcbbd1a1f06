import { CarryonError } from '@carryon/protocol';
import type { Source, SourceTable } from '../source.ts';

export const invalid = (why: string): CarryonError => new CarryonError('profile.invalid', why);

/** Names for a person to read. */
export const listed = (all: readonly string[]): string => all.map((name) => `"${name}"`).join(', ');

export const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** SQLite tells names apart by letters beyond ASCII, so what is written exactly so comes first. */
export function named<T extends { readonly name: string }>(name: string, all: readonly T[]): T | undefined {
  return all.find((one) => one.name === name) ?? all.find((one) => isSame(one.name, name));
}

/** The table of that name, whatever its letters. */
export function findTable(name: string, source: Source): SourceTable {
  const found = named(name, source.tables);
  if (found) return found;
  const skipped = named(name, source.skipped);
  if (skipped) throw invalid(`Table "${name}" cannot be synced: ${skipped.why}.`);
  throw invalid(`The business database has no table "${name}". It has ${listed(source.tables.map((table) => table.name))}.`);
}

/** The column of that name, whatever its letters, as the database names it. */
export function findColumn(name: string, table: SourceTable): string {
  const found = named(name, table.columns);
  if (!found) throw invalid(`Table "${table.name}" has no column "${name}". It has ${listed(table.columns.map((column) => column.name))}.`);
  return found.name;
}

const MOST_TOLD = 50;

/** Does all that can be done, and then tells all that was wrong. */
export class Problems {
  readonly #found: string[];
  readonly #where: string;

  constructor(where = '', found: string[] = []) {
    this.#where = where;
    this.#found = found;
  }

  /** The same, where what is wrong begins with the place. */
  within(where: string): Problems {
    return new Problems(where, this.#found);
  }

  try<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof CarryonError) || error.code !== 'profile.invalid') throw error;
      this.#found.push(this.#where + error.message);
      return undefined;
    }
  }

  /** Throws `profile.invalid` if there were any. */
  end(): void {
    const all = [...new Set(this.#found)];
    const more = all.length - MOST_TOLD;
    if (all.length > 0) throw invalid([...all.slice(0, MOST_TOLD), ...(more > 0 ? [`And ${more} more.`] : [])].join('\n'));
  }
}
