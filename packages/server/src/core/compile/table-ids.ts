import type { KnownIds } from '../config.ts';
import { invalid } from './names.ts';

/** Ids of tables: those that a store has given already, and the next ones for tables that it does not know. */
export class TableIds {
  readonly #ids = new Map<string, number>();

  /** New ids are given in the order of the names. */
  constructor(names: readonly string[], known: KnownIds) {
    let last = known.lastTable;
    for (const name of names) {
      const lower = name.toLowerCase();
      if (this.#ids.has(lower)) throw invalid(`Two tables have the name "${name}" but for small and capital letters, which cannot be synced.`);
      const id = Object.hasOwn(known.tables, lower) ? known.tables[lower] : undefined;
      this.#ids.set(lower, id ?? ++last);
    }
  }

  readonly of = (name: string): number => {
    const id = this.#ids.get(name.toLowerCase());
    if (id === undefined) throw new Error(`Table ${name} has no id.`);
    return id;
  };
}
