import { existsSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { NodeSqlite } from '@carryon/hosts/node';
import type { PackStore, Sqlite } from '@carryon/client';
import { CarryonError } from '@carryon/protocol';
import { DiskPacks, PART, RAW } from './disk-packs.ts';
import { DiskSqlite, type BeforeCall } from './disk-sqlite.ts';
import { tempFolder } from './temp-folder.ts';

const SQLITE_BUSY = 5;

export interface LabDiskOptions {
  /** What the packs may take together. Default: no limit. */
  readonly capacityBytes?: number;
  /** A fault on purpose: "kept" is said of files that were not written through. */
  readonly skipSync?: boolean;
}

/** A device's storage. It outlives processes; what was not written through does not outlive a loss of power. */
export class LabDisk {
  readonly folder = tempFolder('device');
  /** The device's database. */
  readonly database = join(this.folder, 'carryon.db');
  readonly packs = join(this.folder, 'packs');
  readonly #capacityBytes: number;
  readonly #skipsSync: boolean;
  /** How much of each file has been written through. */
  readonly #durable = new Map<string, number>();
  readonly #connections = new Set<NodeSqlite>();
  readonly #listeners = new Set<() => void>();
  #isFull = false;
  #isReadable = true;

  constructor(options: LabDiskOptions = {}) {
    mkdirSync(this.packs);
    this.#capacityBytes = options.capacityBytes ?? Infinity;
    this.#skipsSync = options.skipSync ?? false;
  }

  /** The pack store as a new process finds it. */
  packStore(): PackStore {
    return new DiskPacks(this);
  }

  /** A connection to the device's database. `before` runs before each call of it; what it throws, or never resolves, the call does too. */
  sqlite(before: BeforeCall = () => undefined): Sqlite {
    this.checkReadable();
    const connection = new NodeSqlite(this.database);
    this.#connections.add(connection);
    return new DiskSqlite(this, connection, before);
  }

  /** One transaction of the app, by a connection of its own, which does not wait for another's to end: false, that is under way. What the work throws undoes it. */
  write(work: (db: DatabaseSync) => void): boolean {
    this.checkSpace(0);
    const db = new DatabaseSync(this.database, { timeout: 0, enableForeignKeyConstraints: false });
    try {
      if (!begins(db)) return false;
      try {
        work(db);
        db.exec('COMMIT');
      } catch (thrown) {
        if (db.isTransaction) db.exec('ROLLBACK');
        throw thrown;
      }
    } finally {
      db.close();
    }
    for (const listener of this.#listeners) listener();
    return true;
  }

  /** Calls the function at each commit of the app; returns how to end that. */
  onWrite(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The process has ended, however: its open transactions are undone. */
  async processEnded(): Promise<void> {
    const open = [...this.#connections];
    this.#connections.clear();
    this.#listeners.clear();
    for (const connection of open) await connection.close();
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  fill(): void {
    this.#isFull = true;
  }

  free(): void {
    this.#isFull = false;
  }

  /** Unreadable: rebooted and not yet unlocked. */
  setReadable(isReadable: boolean): void {
    this.#isReadable = isReadable;
  }

  get isReadable(): boolean {
    return this.#isReadable;
  }

  /** Cuts every file of a pack to what was written through; files unpacked from packs are gone. Ends the process too. */
  async powerLoss(): Promise<void> {
    await this.processEnded();
    for (const file of readdirSync(this.packs)) {
      const path = join(this.packs, file);
      const durable = this.#durable.get(file) ?? 0;
      if (file.endsWith(RAW) || (file.endsWith(PART) && durable === 0)) rmSync(path);
      else if (statSync(path).size > durable) truncateSync(path, durable);
    }
  }

  /** The OS puts a file in place that its transfer service has fetched. Nobody has checked it. */
  adopt(name: string, bytes: Uint8Array): void {
    writeFileSync(join(this.packs, name), bytes);
    rmSync(join(this.packs, name + PART), { force: true });
    this.#durable.set(name, bytes.length);
  }

  /** Bytes in packs, in all forms. */
  usedBytes(): number {
    return readdirSync(this.packs).reduce((sum, file) => sum + statSync(join(this.packs, file)).size, 0);
  }

  freeBytes(): number | undefined {
    if (this.#isFull) return 0;
    return this.#capacityBytes === Infinity ? undefined : Math.max(0, this.#capacityBytes - this.usedBytes());
  }

  checkReadable(): void {
    if (!this.#isReadable) throw new CarryonError('device.storage', 'The device was not unlocked since it started: its files cannot be read.');
  }

  /** Throws when so many bytes more cannot be written. */
  checkSpace(bytes: number): void {
    this.checkReadable();
    const left = this.freeBytes();
    if (this.#isFull || (left !== undefined && left < bytes)) throw new CarryonError('device.disk-full', 'The device\'s disk is full.');
  }

  /** A file of the packs was written through as it is, under a new name where it got one. */
  synced(file: string, bytes: number, was = file): void {
    if (was !== file && !this.#skipsSync) this.#durable.delete(was);
    this.#durable.set(file, this.#skipsSync ? (this.#durable.get(was) ?? 0) : bytes);
  }

  /** A file was made shorter or removed. */
  shortened(file: string, bytes: number): void {
    this.#durable.set(file, Math.min(bytes, this.#durable.get(file) ?? 0));
  }

  /** The device is gone. */
  async close(): Promise<void> {
    await this.processEnded();
    if (existsSync(this.folder)) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** False: another connection has the write lock. */
function begins(db: DatabaseSync): boolean {
  try {
    db.exec('BEGIN IMMEDIATE');
    return true;
  } catch (thrown) {
    if ((thrown as { errcode?: number }).errcode === SQLITE_BUSY) return false;
    throw thrown;
  }
}
