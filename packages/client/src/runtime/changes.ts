import type { Segment, Table } from '../core/state.ts';

/** Rows of a table that have changed. */
export interface TableChange {
  readonly name: string;
  /** Their `_rid`; undefined: any of its rows may have. Rows that only this device has have negative ones. */
  readonly rows: readonly number[] | undefined;
}

/** What an app sees differently from now on. */
export interface DataChange {
  /** `local`: the app has written, through the engine or any other connection. `server`: a commit has brought it. */
  readonly origin: 'local' | 'server';
  readonly tables: readonly TableChange[];
}

/** What a commit changes in the tables; of the `anyRow` ones any row may have changed. */
export function changesOf(segment: Segment, anyRow: ReadonlySet<number>, tables: readonly Table[]): TableChange[] {
  const mended = [...(segment.ranges ?? [])].filter(([, ranges]) => ranges.length > 0).map(([id]) => id);
  const whole = new Set([...segment.lives.keys(), ...mended, ...anyRow]);
  const ids = new Set([...segment.puts.keys(), ...segment.removes.keys(), ...whole]);
  return tables.filter(({ id }) => ids.has(id)).map(({ id, name }) => ({ name, rows: whole.has(id) ? undefined : rowsOf(segment, id) }));
}

/** Tables that the person no longer has: any of their rows may have gone, and those of edits may stay. */
export const goneTables = (before: readonly Table[], after: readonly Table[]): TableChange[] =>
  before.filter(({ name, usable }) => usable && !after.some((table) => table.name === name)).map(({ name }) => ({ name, rows: undefined }));

function rowsOf({ puts, removes }: Segment, id: number): number[] {
  return [...(puts.get(id) ?? []).map(([rid]) => Number(rid)), ...(removes.get(id) ?? [])];
}

/** Calls functions of the app; what they throw is their own matter. */
export class Listeners<T> {
  readonly #listeners = new Set<(value: T) => void>();
  readonly #onFailure: (thrown: unknown) => void;

  constructor(onFailure: (thrown: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /** Returns how to end it. */
  add(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  call(value: T): void {
    for (const listener of this.#listeners) {
      try {
        listener(value);
      } catch (thrown) {
        this.#onFailure(thrown);
      }
    }
  }
}
