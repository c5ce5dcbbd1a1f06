import { encodeValue } from '@carryon/protocol';
import type { Edit } from './edit.ts';

/**
 * What a transaction has found as the device saw it, and written: nobody else can have changed it since, only the business database itself
 * by its triggers. Where a row was looked at as a whole that is all of it, else the columns looked at.
 */
export class Written {
  readonly #names = new Set<string>();
  readonly #rows = new Map<string, Edit>();
  /** Those of the changeset at hand. */
  #fresh: string[] = [];
  #edits: Edit[] = [];

  has(edit: Edit, column: number): boolean {
    const row = rowName(edit);
    return this.#names.has(row) || this.#names.has(`${row} ${column}`);
  }

  add(edit: Edit): void {
    const row = rowName(edit);
    this.#edits.push(edit);
    const isPart = edit.op === 'update' && edit.table.conflicts === 'merge';
    for (const name of isPart ? edit.set.map(({ column }) => `${row} ${column}`) : [row]) {
      if (this.#names.has(name)) continue;
      this.#names.add(name);
      this.#fresh.push(name);
    }
  }

  /** An edit of each row that was written and kept. */
  rows(): Iterable<Edit> {
    return this.#rows.values();
  }

  keep(): void {
    for (const edit of this.#edits) this.#rows.set(rowName(edit), edit);
    this.#reset();
  }

  /** The changeset at hand was undone. */
  undo(): void {
    for (const name of this.#fresh) this.#names.delete(name);
    this.#reset();
  }

  #reset(): void {
    this.#fresh = [];
    this.#edits = [];
  }
}

const rowName = ({ table, key }: Edit): string => `${table.id} ${JSON.stringify(key.map(encodeValue))}`;
