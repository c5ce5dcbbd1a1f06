import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { digestSql } from '@carryon/protocol';
import type { LabDevice } from '../actors/device.ts';
import type { LabServer } from '../actors/server.ts';
import { textOf, type Shares } from './shares.ts';

interface Known { readonly name: string; readonly usable: number; readonly checkpoint: number; readonly rows: number; readonly sum: number }

const isSame = (one: Known, other: Known): boolean => one.checkpoint === other.checkpoint && one.rows === other.rows && one.sum === other.sum;
const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * Reads the device's database beside the engine, as an app does: each table that is usable holds exactly the person's
 * share at its checkpoint, stays usable, and neither checkpoints nor versions of rows go back.
 */
export class Snapshot {
  readonly #device: LabDevice;
  readonly #server: LabServer;
  readonly #shares: Shares;
  readonly #seen = new Map<string, Known>();
  readonly #versions = new Map<string, ReadonlyMap<number, number>>();
  #db: DatabaseSync | undefined;

  constructor(device: LabDevice, server: LabServer, shares: Shares) {
    this.#device = device;
    this.#server = server;
    this.#shares = shares;
  }

  /** What is wrong. `changed`: only tables committed since the last look are read. */
  look(which: 'changed' | 'all'): string[] {
    const db = this.#open();
    if (!db?.prepare("SELECT 1 FROM sqlite_schema WHERE name = '_carryon_table'").get()) return [];
    db.exec('BEGIN');
    try {
      const tables = db.prepare('SELECT name, usable, checkpoint, rows, sum FROM _carryon_table').all() as unknown as Known[];
      const gone = [...this.#seen.values()].filter(({ name }) => !tables.some((table) => table.name === name && table.usable === 1));
      return [...gone.map(({ name }) => `table ${name} was usable and is no longer`), ...tables.flatMap((table) => this.#check(db, table, which))];
    } finally {
      db.exec('COMMIT');
    }
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
    if (share === textOf(db, table.name, this.#server.columns(table.name))) return [];
    return [`table ${table.name} is not the share at its checkpoint ${table.checkpoint}`];
  }

  #checkVersions(db: DatabaseSync, { name }: Known): string[] {
    const rows = db.prepare(`SELECT _rid AS rid, _ver AS ver FROM ${quote(name)}`).all() as unknown as { rid: number; ver: number }[];
    const before = this.#versions.get(name);
    this.#versions.set(name, new Map(rows.map(({ rid, ver }) => [rid, ver])));
    const back = rows.find(({ rid, ver }) => (before?.get(rid) ?? 0) > ver);
    return back ? [`row ${back.rid} of table ${name} went back to version ${back.ver}`] : [];
  }
}

function checkDigest(db: DatabaseSync, { name, rows, sum }: Known): string[] {
  const found = db.prepare(`SELECT count(*) AS rows, coalesce(sum(${digestSql('_rid', '_ver')}), 0) AS sum FROM ${quote(name)}`).get() as { rows: number; sum: number };
  return found.rows === rows && found.sum === sum ? [] : [`the digest noted for table ${name} is not that of its rows`];
}
