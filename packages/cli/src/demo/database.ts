import { existsSync, renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { insertAssets, insertProducts } from './assets.ts';
import { startOfDayMs } from './calendar.ts';
import { insertCustomers } from './customers.ts';
import { REGIONS } from './places.ts';
import { at } from './random.ts';
import { INDEXES, TABLES } from './schema.ts';
import { insertTeams, insertTechnicians, TECHNICIANS } from './staff.ts';
import { insertWorkOrders } from './work-orders.ts';

export const DEMO_CUSTOMER_COUNT = 2_000;
export const DEMO_ASSET_COUNT = 10_000;
export const DEMO_PRODUCT_COUNT = 200;
export const DEMO_TEAM_COUNT = REGIONS.length;
export const DEMO_TECHNICIAN_COUNT = TECHNICIANS.length;
/** As many as have room in a number of seven digits. */
export const DEMO_MAX_WORK_ORDERS = 9_999_999;
/** The login that guides and examples use. */
export const DEMO_TECHNICIAN = at(TECHNICIANS, 0).id;

export interface DemoDatabaseOptions {
  /** From 1 to {@link DEMO_MAX_WORK_ORDERS}. */
  readonly workOrders: number;
  /** Dates are laid around this day (UTC); its time of day does not matter. */
  readonly today: Date;
  /** Called with the work orders made so far, about every 5,000 and at the end. */
  readonly onProgress?: (done: number, of: number) => void;
}

/**
 * Writes the demonstration database. The same number of work orders and the same day give the same rows. The file
 * appears complete or not at all.
 *
 * @throws RangeError when an option is out of range; Error when `file` exists: a database is never overwritten.
 */
export function createDemoDatabase(file: string, options: DemoDatabaseOptions): void {
  const { workOrders } = options;
  if (!Number.isInteger(workOrders) || workOrders < 1 || workOrders > DEMO_MAX_WORK_ORDERS) {
    throw new RangeError(`workOrders must be a whole number from 1 to ${DEMO_MAX_WORK_ORDERS}, not ${workOrders}`);
  }
  const todayMs = startOfDayMs(options.today);
  if (existsSync(file)) throw new Error(`${file} exists already: delete it first, or choose another name`);

  const building = `${file}.tmp`;
  removeDatabase(building);
  try {
    build(building, todayMs, options);
    // Companions of a deleted database; SQLite would replay them into the new one.
    removeCompanions(file);
    renameSync(building, file);
  } catch (error) {
    removeDatabase(building);
    throw error;
  }
}

function build(file: string, todayMs: number, options: DemoDatabaseOptions): void {
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  try {
    // A failed build is thrown away, so it needs neither a journal nor the disk's word.
    db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768;');
    db.exec('BEGIN');
    db.exec(TABLES);
    insertTeams(db);
    insertTechnicians(db);
    const customers = insertCustomers(db, DEMO_CUSTOMER_COUNT, todayMs);
    const assets = insertAssets(db, DEMO_ASSET_COUNT, customers, insertProducts(db), todayMs);
    insertWorkOrders(db, options.workOrders, assets, todayMs, options.onProgress ?? (() => {}));
    db.exec(INDEXES);
    db.exec('COMMIT');
    db.exec('PRAGMA journal_mode = WAL');
  } finally {
    db.close();
  }
}

function removeDatabase(file: string): void {
  rmSync(file, { force: true });
  removeCompanions(file);
}

function removeCompanions(file: string): void {
  for (const suffix of ['-wal', '-shm', '-journal']) rmSync(file + suffix, { force: true });
}
