import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { digestSql } from '@carryon/protocol';
import type { Written } from '../actors/app-edit.ts';
import type { LabDevice } from '../actors/device.ts';
import { shownColumns, shownLines } from '../actors/shown.ts';
import type { Shares } from './shares.ts';

interface Known { readonly name: string; readonly usable: number; readonly checkpoint: number; readonly rows: number; readonly sum: number }

const isSame = (one: Known, other: Known): boolean => one.checkpoint === other.checkpoint && one.rows === other.rows && one.sum === other.sum;
const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const ERRORS = 'carryon_sync_error';

/**
 * Reads the device's database beside the engine, as an app does: each table that is usable holds exactly the person's
 * share at its checkpoint, stays usable as long as the person has it, and neither checkpoints nor versions of rows go back. While edits of the app are on their way, the
 * rows that it has touched may be otherwise: what those must be is `OwnValues`' matter.
 */
export class Snapshot {
  readonly #device: LabDevice;
  #shares: Shares;
  readonly #seen = new Map<string, Known>();
  /** Keys of the rows that the app has touched, by table. */
  readonly #touched = new Map<string, Set<number>>();
  #epoch: string;
  /** Tables that were complete under this epoch. */
  readonly #renewed = new Set<string>();
  readonly #versions = new Map<string, ReadonlyMap<number, number>>();
  #db: DatabaseSync | undefined;

  constructor(device: LabDevice, shares: Shares) {
    this.#device = device;
    this.#shares = shares;
    this.#epoch = shares.epoch;
  }

  /** The server's sync data was made anew: checkpoints and versions begin again. */
  renew(shares: Shares): void {
    this.#shares = shares;
    this.#epoch = shares.epoch;
    for (const known of [this.#seen, this.#versions, this.#renewed]) known.clear();
  }

  /** The app has written. */
  touch(writes: readonly Written[]): void {
    for (const write of writes) {
      const keys = this.#touched.get(write.table) ?? new Set();
      const key = write.op === 'delete' ? write.id : Number(write.info.split(':').at(-1));
      this.#touched.set(write.table, keys.add(key));
    }
  }

  /** What is wrong. `changed`: only tables committed since the last look are read. */
  look(which: 'changed' | 'all'): string[] {
    const db = this.#open();
    if (!db?.prepare("SELECT 1 FROM sqlite_schema WHERE name = '_carryon_table'").get()) return [];
    db.exec('BEGIN');
    try {
      const tables = this.#ofThisEpoch(db);
      const gone = [...this.#seen.values()].filter((seen) => !tables.some((table) => table.name === seen.name && table.usable === 1) && !this.#isLost(seen));
      return [...gone.map(({ name }) => `table ${name} was usable and is no longer`), ...tables.flatMap((table) => this.#check(db, table, which))];
    } finally {
      db.exec('COMMIT');
    }
  }

  /** Tables with the server's present sync data: those of an earlier epoch are readable until they are downloaded anew. */
  #ofThisEpoch(db: DatabaseSync): Known[] {
    const tables = db.prepare('SELECT name, usable, checkpoint, rows, sum, load FROM _carryon_table').all() as unknown as (Known & { load: string })[];
    const epoch = (db.prepare("SELECT value FROM _carryon_meta WHERE key = 'epoch'").get() as { value: string } | undefined)?.value;
    if (epoch === this.#epoch) for (const { name, load } of tables) if (load === 'none') this.#renewed.add(name);
    return tables.filter(({ name }) => this.#renewed.has(name) || this.#seen.has(name));
  }

  close(): void {
    this.#db?.close();
    this.#db = undefined;
  }

  #open(): DatabaseSync | undefined {
    if (!this.#db && existsSync(this.#device.disk.database)) this.#db = new DatabaseSync(this.#device.disk.database, { readOnly: true });
    return this.#db;
  }

  #check(db: DatabaseSync, table: Known, which: 'changed' | 'all'): string[] {
    const before = this.#seen.get(table.name);
    if (table.usable === 0 || (which === 'changed' && before !== undefined && isSame(before, table))) return [];
    this.#seen.set(table.name, table);
    if (!db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(table.name)) return [`table ${table.name} is usable and is not there`];
    const back = before && before.checkpoint > table.checkpoint ? [`table ${table.name} went back from checkpoint ${before.checkpoint} to ${table.checkpoint}`] : [];
    return [...back, ...this.#checkShare(db, table), ...checkDigest(db, table), ...this.#checkVersions(db, table)];
  }

  #checkShare(db: DatabaseSync, table: Known): string[] {
    const share = this.#shares.at(table.name, table.checkpoint);
    const columns = shownColumns(db, table.name);
    if (!share || share.columns.join() !== columns.join()) return [`table ${table.name} of ${this.#device.name} has the columns ${columns.join(', ')} and should have ${share?.columns.join(', ') ?? 'none'} at its checkpoint ${table.checkpoint}`];
    const shown = shownLines(db, table.name) ?? [];
    const isOwn = overlaid(db, table.name) > 0 ? this.#isTouched(table.name) : () => false;
    // What a person has dismissed by settling a draft is gone at once.
    const hidden = table.name === ERRORS && overlaid(db, ERRORS) > 0 ? [] : without(share.lines, shown);
    const strange = [...without(shown, share.lines), ...hidden].filter((line) => !isOwn(line));
    return strange.length === 0 ? [] : [`table ${table.name} of ${this.#device.name} is not the share at its checkpoint ${table.checkpoint}: ${strange[0]?.slice(0, 80)} and ${strange.length - 1} more`];
  }

  /** The person has not had the table since: it is given up, and begins anew should it come back. */
  #isLost({ name, checkpoint }: Known): boolean {
    if (!this.#shares.hasLacked(name, checkpoint)) return false;
    for (const known of [this.#seen, this.#versions, this.#renewed]) known.delete(name);
    return true;
  }

  /** Whether a row, as `rowLines` gives it, has a key that the app has touched or a text that it wrote. */
  #isTouched(table: string): (line: string) => boolean {
    const own = Buffer.from(`edit ${this.#device.name} `).toString('hex').toUpperCase();
    const keys = this.#touched.get(table);
    return (line) => line.includes(`t${own}`) || keys?.has(Number(line.split(' ')[0])) === true;
  }

  #checkVersions(db: DatabaseSync, { name }: Known): string[] {
    const rows = db.prepare(`SELECT _rid AS rid, _ver AS ver FROM ${quote(name)} WHERE _rid > 0`).all() as unknown as { rid: number; ver: number }[];
    const before = this.#versions.get(name);
    this.#versions.set(name, new Map(rows.map(({ rid, ver }) => [rid, ver])));
    const back = rows.find(({ rid, ver }) => (before?.get(rid) ?? 0) > ver);
    return back ? [`row ${back.rid} of table ${name} went back to version ${back.ver}`] : [];
  }
}

/** Edits that are laid over the server's rows of a table: refused ones, too, until a commit. */
function overlaid(db: DatabaseSync, table: string): number {
  const sql = 'SELECT count(*) AS n FROM _carryon_log l JOIN _carryon_form f ON f.id = l.form WHERE f.name = ? AND l.shown AND l.op IS NOT NULL';
  return (db.prepare(sql).get(table) as { n: number }).n;
}

/** Lines that the other list lacks; no line comes twice, for each has a key. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return lines.filter((line) => !known.has(line));
}

function checkDigest(db: DatabaseSync, { name, rows, sum }: Known): string[] {
  if (overlaid(db, name) > 0) return [];
  const found = db.prepare(`SELECT count(*) AS rows, coalesce(sum(${digestSql('_rid', '_ver')}), 0) AS sum FROM ${quote(name)} WHERE _rid > 0`).get() as { rows: number; sum: number };
  return found.rows === rows && found.sum === sum ? [] : [`the digest noted for table ${name} is not that of its rows`];
}
