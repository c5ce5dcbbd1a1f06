import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Written } from '../actors/app-edit.ts';
import type { LabDevice } from '../actors/device.ts';
import type { Ledger } from '../actors/ledger.ts';
import { has } from '../actors/shown.ts';
import type { Entry } from '../world/trace.ts';
import type { Sight } from './sight.ts';

interface Gone { readonly table: string; readonly id: number; from: number }
interface Place { readonly table: string; readonly id: number | undefined }
interface Row { readonly info: string | null }

/** The table may be the person's no more. */
const rowOf = (db: DatabaseSync, table: string, id: number): Row | undefined =>
  (has(db, table) ? (db.prepare(`SELECT info FROM ${table} WHERE id = ?`).get(id) as Row | undefined) : undefined);

export const writesOf = ({ detail }: Entry): readonly Written[] => (detail as unknown as { writes?: readonly Written[] } | null)?.writes ?? [];

/**
 * Reads the rows that the app has written, beside the engine: each shows the person's own value until the device has the server's row as it was
 * when it held that value, or later; or until the edit was refused. So nobody sees own, old, own.
 */
export class OwnValues {
  readonly #device: LabDevice;
  readonly #ledger: () => Ledger;
  readonly #sight: Sight;
  /** Texts that must be seen, with table and key of their rows. */
  readonly #shown = new Map<string, Place>();
  readonly #gone: Gone[] = [];
  #db: DatabaseSync | undefined;
  #seen = 0;
  /** Something is followed that was not at the last look. */
  #isNew = false;
  /** Texts that the engine may be about to replace, by edit. */
  readonly #doubtful = new Map<number, ReadonlySet<string | null>>();

  constructor(device: LabDevice, sight: Sight, ledger: () => Ledger) {
    this.#device = device;
    this.#sight = sight;
    this.#ledger = ledger;
  }

  see(entry: Entry): void {
    if (entry.who === 'server' && entry.what === 'restored') this.#restored();
    if (entry.who !== this.#device.name) return;
    const isMade = entry.what === 'edit' || (entry.what === 'draft' && (entry.detail as { how: string }).how === 'retry');
    if (isMade) for (const write of writesOf(entry)) this.#follow(write);
    const n = (entry.detail as { n?: number } | null)?.n ?? 0;
    if (entry.what === 'editing') this.#doubtful.set(n, new Set(writesOf(entry).map((write) => ('before' in write ? write.before : null))));
    if (['edit', 'draft', 'edit failed'].includes(entry.what)) this.#doubtful.delete(n);
    if (['start', 'kill', 'power-loss'].includes(entry.what)) this.#doubtful.clear();
  }

  /** What is wrong. Nothing is read again unless somebody has committed since the last look. */
  look(): string[] {
    if (this.#shown.size === 0 && this.#gone.length === 0) return [];
    if (!this.#db && existsSync(this.#device.disk.database)) this.#db = new DatabaseSync(this.#device.disk.database, { readOnly: true });
    if (!this.#db) return [];
    const { data_version: version } = this.#db.prepare('PRAGMA data_version').get() as { data_version: number };
    if (version === this.#seen && !this.#isNew) return [];
    this.#seen = version;
    this.#isNew = false;
    return [...this.#lost(this.#db), ...this.#back(this.#db)];
  }

  close(): void {
    this.#db?.close();
    this.#db = undefined;
  }

  /** The business's book is as old as the backup. */
  #restored(): void {
    const next = this.#ledger().last + 1;
    for (const gone of this.#gone) gone.from = Math.min(gone.from, next);
  }

  #follow(write: Written): void {
    this.#isNew = true;
    if (write.op !== 'insert') this.#overwrite(write);
    if (write.op === 'delete') this.#gone.push({ table: write.table, id: write.id, from: this.#ledger().last + 1 });
    else this.#shown.set(write.info, { table: write.table, id: 'id' in write ? write.id : undefined });
  }

  /** What the person wrote into the row before need not be seen any more. */
  #overwrite({ table, id, before }: Exclude<Written, { op: 'insert' }>): void {
    for (const [info, place] of this.#shown) if (info === before || (place.table === table && place.id === id)) this.#shown.delete(info);
  }

  #lost(db: DatabaseSync): string[] {
    const doubtful = new Set([...this.#doubtful.values()].flatMap((texts) => [...texts]));
    const found = new Map([...new Set([...this.#shown.values()].map(({ table }) => table))].map((table) => [table, this.#textsIn(db, table)]));
    return [...this.#shown].flatMap(([info, { table }]) => {
      if (doubtful.has(info) || found.get(table)?.has(info) === true) return [];
      this.#shown.delete(info);
      return this.#mayBeGone(db, table, info) ? [] : [`table ${table} no longer shows "${info}", which the person wrote, and shows nothing that came after it`];
    });
  }

  /** Those of the texts that rows of the table show. */
  #textsIn(db: DatabaseSync, table: string): ReadonlySet<string> {
    if (!has(db, table)) return new Set();
    const rows = db.prepare(`SELECT info FROM ${table} WHERE info IN (SELECT value FROM json_each(?))`).all(JSON.stringify([...this.#shown.keys()]));
    return new Set(rows.map(({ info }) => String(info)));
  }

  /** The row stands as the server had it from the edit on, or the edit was refused. */
  #mayBeGone(db: DatabaseSync, table: string, info: string): boolean {
    const ledger = this.#ledger();
    const [upload] = ledger.uploadsOf(table, info);
    if (!upload) return ledger.errorsOf(info) > 0 || this.#sight.mayBeNobody;
    const now = rowOf(db, table, upload.id);
    return ledger.historyOf(table, upload.id, upload.pos).some((entry) => (now === undefined ? this.#sight.isOut(entry) : entry.info === now.info));
  }

  /** Rows that the person deleted and that are seen again. */
  #back(db: DatabaseSync): string[] {
    return this.#gone.flatMap((gone, i) => {
      const { table, id, from } = gone;
      if (!rowOf(db, table, id)) return [];
      this.#gone.splice(i, 1);
      const ledger = this.#ledger();
      const isMadeAnew = ledger.historyOf(table, id, from).some(({ op }) => op === 'insert');
      return isMadeAnew || ledger.refusesDelete(table, id) ? [] : [`table ${table} shows row ${id} again, which the person deleted`];
    });
  }
}
