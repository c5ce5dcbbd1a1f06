import { DatabaseSync } from 'node:sqlite';

/** The table of the benchmark: 14 columns, about 430 bytes a row in SQLite. */
export const COLUMNS_SQL = `id TEXT PRIMARY KEY, number TEXT, title TEXT, description TEXT, status TEXT, priority INTEGER, customer_id TEXT, asset_id TEXT,
  assigned_to TEXT, scheduled_start TEXT, scheduled_end TEXT, latitude REAL, longitude REAL, updated_at TEXT`;

const WORDS = ('check mend oil grease align weld tighten measure drain fill rotor shaft crane hoist oven press mixer feeder tank silo hatch ladder '
  + 'door gate lamp switch panel cable hose clamp bolt seal ring plate hall yard tower deck dock ramp shaft level early late weekly soon').split(' ');
const STATES = ['open', 'scheduled', 'in_progress', 'on_hold', 'completed', 'cancelled'];
const YEAR_MS = 31_536_000_000;
const START_MS = Date.UTC(2026, 0, 1);

/** xorshift32: small, fast, the same everywhere. */
function generator(seed: number): (below: number) => number {
  let state = (seed * 2654435761) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) / 4294967296 * below) | 0;
  };
}

function uuid(next: (below: number) => number): string {
  const hex = Array.from({ length: 8 }, () => next(65536).toString(16).padStart(4, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

const CUSTOMERS = Array.from({ length: 2000 }, (_, i) => uuid(generator(i + 7_000_001)));
const ASSETS = Array.from({ length: 20_000 }, (_, i) => uuid(generator(i + 9_000_001)));

export function row(i: number): (string | number)[] {
  const next = generator(i + 1);
  const words = (count: number): string => Array.from({ length: count }, () => WORDS[next(WORDS.length)]).join(' ');
  const start = START_MS + next(525_600) * 60_000;
  const time = (ms: number): string => new Date(ms).toISOString();
  return [
    uuid(next), `WO-${String(i + 1).padStart(7, '0')}`, words(4), words(24).slice(0, 120), STATES[next(STATES.length)] ?? '', 1 + next(5),
    CUSTOMERS[next(CUSTOMERS.length)] ?? '', ASSETS[next(ASSETS.length)] ?? '', `tech${String(next(500)).padStart(3, '0')}@example.com`,
    time(start), time(start + (1 + next(8)) * 3_600_000), (35e6 + next(25e6)) / 1e6, (next(40e6) - 10e6) / 1e6, time(START_MS + next(YEAR_MS / 1000) * 1000),
  ];
}

export function createWorkOrders(file: string, rows: number): void {
  const db = new DatabaseSync(file);
  db.exec(`PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; CREATE TABLE work_orders(${COLUMNS_SQL}); BEGIN`);
  const insert = db.prepare(`INSERT INTO work_orders VALUES(${'?, '.repeat(13)}?)`);
  for (let i = 0; i < rows; i++) insert.run(...row(i).map((value) => (Number.isInteger(value) ? BigInt(value) : value)));
  db.exec('COMMIT; PRAGMA journal_mode = WAL');
  db.close();
}

export const PROFILE = { version: 1, name: 'Benchmark', tables: { work_orders: { rows: 'all', rights: ['read', 'create', 'update', 'delete'] } } };
