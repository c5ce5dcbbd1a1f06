import { CarryonError, encodeValue } from '@carryon/protocol';
import { sql } from '../rules/sql.ts';
import type { Edit } from './edit.ts';
import { firstRow, hasKey, tableRow } from './row.ts';
import type { Workbench } from './workbench.ts';

/** A new row, and what of it was set, by the change that made it and by later ones. */
interface NewRow { readonly edit: Edit; readonly change: number; readonly columns: Set<string> }

/**
 * New rows that are not in the person's share yet when they are made: a later change of the same changeset may bring them into it, as a work
 * order brings its new customer. At the end they must be, and with all that was set of them the person must be allowed to make them.
 */
export class Created {
  readonly #bench: Workbench;
  readonly #open = new Map<string, NewRow>();

  constructor(bench: Workbench) {
    this.#bench = bench;
  }

  /** A row has just been made, by the change at that position. */
  add(edit: Edit, change: number): void {
    const row = { edit, change, columns: new Set(columnsSet(edit)) };
    if (!this.#isAllowed(row)) this.#open.set(rowName(edit), row);
  }

  /** Whether the changeset itself has made the row and it was not in the share then. */
  has(edit: Edit): boolean {
    return this.#open.has(rowName(edit));
  }

  /** The row was changed again. */
  update(edit: Edit): void {
    for (const name of columnsSet(edit)) this.#open.get(rowName(edit))?.columns.add(name);
  }

  /** The row was deleted again. */
  remove(edit: Edit): void {
    this.#open.delete(rowName(edit));
  }

  /** Gives the first change whose row is outside of the share for good. */
  outside(): { readonly change: number; readonly error: CarryonError } | undefined {
    const found = [...this.#open.values()].find((row) => !this.#isAllowed(row));
    return found && { change: found.change, error: new CarryonError('write.outside-share', `The new row of "${found.edit.table.name}" would not be in the person's own share.`) };
  }

  #isAllowed({ edit: { table, key }, columns }: NewRow): boolean {
    const allowed = this.#bench.access.allows('create', table, [...columns]);
    return firstRow(this.#bench.db, sql`SELECT 1 FROM ${tableRow(table)} WHERE ${hasKey(table, key)} AND ${allowed}`) !== undefined;
  }
}

/** A device that knows more columns leaves those empty that it has nothing for. */
const columnsSet = ({ op, table, set }: Edit): string[] =>
  set.filter(({ value }) => op !== 'insert' || value !== null).map(({ column }) => table.columns[column]?.name ?? '');

const rowName = ({ table, key }: Edit): string => JSON.stringify([table.id, key.map(encodeValue)]);
