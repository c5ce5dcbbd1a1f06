import { DatabaseSync } from 'node:sqlite';

/** How much there is; the rest follows from the number of work orders, in the proportions of a service company. */
export interface Company {
  readonly workOrders: number;
  readonly technicians: number;
  readonly teams: number;
}

/** The account with so many assets of its own. */
export const BIG_ACCOUNT = 1;
export const BIG_ACCOUNT_ASSETS = 100_000;

export const PROFILE = {
  version: 1, name: 'Service',
  people: { users: { table: 'users', id: 'id' }, teams: { table: 'team_members', user: 'user_id', team: 'team_id' } },
  tables: {
    work_orders: { rows: { own: 'owner_id' } },
    tasks: { rows: { childOf: 'work_orders', by: 'work_order_id' } },
    accounts: { rows: { any: [{ team: 'team_id' }, { parentOf: 'work_orders', by: 'account_id' }] } },
    contacts: { rows: { childOf: 'accounts', by: 'account_id' } },
    assets: { rows: { childOf: 'accounts', by: 'account_id' } },
    regional: { rows: { team: 'team_id' } },
    products: { rows: 'all' },
  },
};

export const technician = (i: number): string => `tech${String(i).padStart(4, '0')}`;

/** A business database of 1 account, 2 contacts and 3 tasks to each 50, 25 and 1 work orders, with the indexes that `carryon profile check` asks for. */
export function createCompany(file: string, { workOrders, technicians, teams }: Company): void {
  const accounts = Math.max(100, Math.floor(workOrders / 50));
  const series = (count: number): string => `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;
  const db = new DatabaseSync(file);
  db.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
    CREATE TABLE users(id TEXT PRIMARY KEY, name TEXT);
    CREATE TABLE team_members(user_id TEXT, team_id INTEGER, PRIMARY KEY(user_id, team_id)) WITHOUT ROWID;
    CREATE TABLE work_orders(id INTEGER PRIMARY KEY, number TEXT, title TEXT, description TEXT, status TEXT, owner_id TEXT, account_id INTEGER, scheduled TEXT, updated_at TEXT);
    CREATE TABLE tasks(id INTEGER PRIMARY KEY, work_order_id INTEGER, title TEXT, done INTEGER, minutes INTEGER);
    CREATE TABLE accounts(id INTEGER PRIMARY KEY, name TEXT, city TEXT, team_id INTEGER);
    CREATE TABLE contacts(id INTEGER PRIMARY KEY, account_id INTEGER, name TEXT, phone TEXT);
    CREATE TABLE assets(id INTEGER PRIMARY KEY, account_id INTEGER, serial TEXT, model TEXT);
    CREATE TABLE regional(id INTEGER PRIMARY KEY, team_id INTEGER, text TEXT);
    CREATE TABLE products(id INTEGER PRIMARY KEY, name TEXT, price REAL);
    BEGIN;
    ${series(technicians)} INSERT INTO users SELECT printf('tech%04d', i), 'Technician ' || i FROM n;
    ${series(technicians)} INSERT INTO team_members SELECT printf('tech%04d', i), 1 + i % ${teams} FROM n;
    ${series(accounts)} INSERT INTO accounts SELECT i, 'Account ' || i, 'City ' || (i * 7919 % 400), 1 + i * 31 % ${teams} FROM n;
    ${series(workOrders)} INSERT INTO work_orders SELECT i, printf('WO-%07d', i), 'Check pump ' || i, 'Replace the seal and measure the pressure, then call ' || (i * 7919 % 5000), 'open',
      printf('tech%04d', 1 + i * 17 % ${technicians}), 1 + i * 7919 % ${accounts}, date('2026-01-01', '+' || (i % 365) || ' days'), '2026-11-01' FROM n;
    ${series(3 * workOrders)} INSERT INTO tasks SELECT i, 1 + i % ${workOrders}, 'Step ' || i % 9, 0, i % 60 FROM n;
    ${series(2 * accounts)} INSERT INTO contacts SELECT i, 1 + i % ${accounts}, 'Contact ' || i, '+49 ' || i FROM n;
    ${series(5 * accounts)} INSERT INTO assets SELECT i, 1 + i % ${accounts}, 'S' || i, 'Model ' || i % 40 FROM n;
    INSERT INTO assets SELECT NULL, ${BIG_ACCOUNT}, 'B' || id, 'Sensor' FROM (${series(BIG_ACCOUNT_ASSETS)} SELECT i AS id FROM n);
    ${series(200 * teams)} INSERT INTO regional SELECT i, 1 + i % ${teams}, 'Notice ' || i FROM n;
    ${series(5000)} INSERT INTO products SELECT i, 'Product ' || i, i / 100.0 FROM n;
    COMMIT;
    CREATE INDEX work_orders_owner ON work_orders(owner_id); CREATE INDEX work_orders_account ON work_orders(account_id); CREATE INDEX tasks_order ON tasks(work_order_id);
    CREATE INDEX accounts_team ON accounts(team_id); CREATE INDEX contacts_account ON contacts(account_id); CREATE INDEX assets_account ON assets(account_id); CREATE INDEX regional_team ON regional(team_id);
    PRAGMA journal_mode = WAL`);
  db.close();
}
