export const TABLES = `
CREATE TABLE customers (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  contact TEXT NOT NULL,
  phone TEXT NOT NULL,
  email TEXT NOT NULL,
  street TEXT NOT NULL,
  city TEXT NOT NULL,
  postcode TEXT NOT NULL,
  country TEXT NOT NULL,
  latitude REAL NOT NULL,
  longitude REAL NOT NULL,
  since TEXT NOT NULL
);
CREATE TABLE products (
  id INTEGER PRIMARY KEY,
  sku TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  category TEXT NOT NULL,
  price REAL NOT NULL,
  in_stock INTEGER NOT NULL
);
CREATE TABLE assets (
  id TEXT NOT NULL PRIMARY KEY,
  customer_id TEXT NOT NULL REFERENCES customers (id),
  product_id INTEGER NOT NULL REFERENCES products (id),
  serial TEXT NOT NULL,
  model TEXT NOT NULL,
  installed_on TEXT NOT NULL,
  location TEXT NOT NULL,
  status TEXT NOT NULL
);
CREATE TABLE teams (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  region TEXT NOT NULL
);
CREATE TABLE technicians (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  team_id INTEGER NOT NULL REFERENCES teams (id),
  email TEXT NOT NULL,
  phone TEXT NOT NULL,
  skills TEXT NOT NULL
);
CREATE TABLE work_orders (
  id TEXT NOT NULL PRIMARY KEY,
  number TEXT NOT NULL,
  title TEXT NOT NULL,
  description TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('scheduled', 'in_progress', 'on_hold', 'completed', 'cancelled')),
  priority INTEGER NOT NULL,
  customer_id TEXT NOT NULL REFERENCES customers (id),
  asset_id TEXT NOT NULL REFERENCES assets (id),
  technician_id TEXT NOT NULL REFERENCES technicians (id),
  team_id INTEGER NOT NULL REFERENCES teams (id),
  scheduled_start TEXT NOT NULL,
  scheduled_end TEXT NOT NULL,
  estimated_minutes INTEGER NOT NULL,
  latitude REAL NOT NULL,
  longitude REAL NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
);
CREATE TABLE tasks (
  work_order_id TEXT NOT NULL REFERENCES work_orders (id),
  line INTEGER NOT NULL,
  title TEXT NOT NULL,
  done INTEGER NOT NULL DEFAULT 0 CHECK (done IN (0, 1)),
  technician_id TEXT NOT NULL REFERENCES technicians (id),
  minutes INTEGER NOT NULL,
  note TEXT,
  PRIMARY KEY (work_order_id, line)
) WITHOUT ROWID;
`;

/** Made after the rows are in: sorting once is faster than keeping them in order row by row. */
export const INDEXES = `
CREATE INDEX assets_customer ON assets (customer_id);
CREATE INDEX assets_product ON assets (product_id);
CREATE INDEX technicians_team ON technicians (team_id);
CREATE INDEX work_orders_technician ON work_orders (technician_id);
CREATE INDEX work_orders_scheduled_start ON work_orders (scheduled_start);
CREATE INDEX work_orders_customer ON work_orders (customer_id);
CREATE INDEX work_orders_asset ON work_orders (asset_id);
CREATE INDEX work_orders_team ON work_orders (team_id);
CREATE INDEX tasks_technician ON tasks (technician_id);
`;

/** `INSERT` for every column of a table, in the order of its declaration. */
export function insertInto(table: string, columnCount: number): string {
  return `INSERT INTO ${table} VALUES (${Array.from({ length: columnCount }, () => '?').join(', ')})`;
}
