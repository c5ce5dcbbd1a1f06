import { ledgerSql } from './ledger.ts';

/** What a profile gives of a table: as its file says it, and beside it the same in plain SQL. */
export interface GivenTable {
  /** As in a profile file. */
  readonly file: Readonly<Record<string, unknown>>;
  /** A condition of plain SQL on the table: `:user`, `:now` in seconds since 1970, and `:today` as the date in the profile's time zone. */
  readonly rows: string;
  /** The columns that are sent; undefined: all but those that the file hides. */
  readonly columns?: readonly string[];
}

export interface BusinessProfile {
  /** As in a profile file, but for its tables. */
  readonly file: Readonly<Record<string, unknown>>;
  /** A condition of plain SQL: whether `:user` has it. */
  readonly has: string;
  readonly tables: Readonly<Record<string, GivenTable>>;
}

/** A business: its tables with their content, the profiles, and the people who sync. Equal ones are built once. */
export interface Business {
  readonly sql: string;
  /** By name: what the server begins with is `usual`, the others are what it may be told to go over to. */
  readonly profiles: Readonly<Record<string, readonly BusinessProfile[]>> & { readonly usual: readonly BusinessProfile[] };
  /** Tables in which the column `owner` alone says whose a row is, whoever asks. */
  readonly owned: readonly string[];
  /** Rows come and go by the clock alone. */
  readonly ticks?: true;
  /** These people's scopes and packs are there before the world begins. */
  readonly users: readonly string[];
  /** A pack holds so many row ids of a table. */
  readonly packRows: number;
  /** An answer holds so many rows of a table, then the device asks for the next page. Undefined: as many as the real server gives. */
  readonly pageRows?: number;
}

export interface DemoRows {
  readonly customers: number;
  readonly jobs: number;
  readonly notes: number;
  readonly parts: number;
}

export interface DemoOptions {
  readonly rows?: Partial<DemoRows>;
  readonly users?: readonly string[];
  readonly packRows?: number;
  readonly pageRows?: number;
  /** Characters of the text column that make a row this long and hard to compress. */
  readonly textLength?: number;
  /** People may edit rows, and the business keeps a book of all changes. Default: they may only read. */
  readonly edits?: boolean;
}

export const DEMO_USERS = ['ann', 'bob'] as const;
const ROWS: DemoRows = { customers: 500, jobs: 1000, notes: 1000, parts: 1500 };
const PACK_ROWS = 250;
const TEXT_LENGTH = 120;

const OWNED: readonly string[] = ['jobs', 'notes'];
const LEVELS: Readonly<Record<keyof DemoRows, number>> = { customers: 0, jobs: 1, notes: 2, parts: 2 };

/** What people may do, and what becomes of conflicts: of each kind one. */
const EDITED: Readonly<Record<keyof DemoRows, object>> = {
  customers: { rights: ['create', 'read', 'update', 'delete'] },
  jobs: { rights: ['create', 'read', 'update', 'delete'], conflicts: 'detect' },
  notes: { rights: ['create', 'read', 'update', 'delete'], conflicts: 'merge' },
  parts: { rights: ['create', 'read', 'update'] },
};

function profileOf(edits: boolean): BusinessProfile {
  const tables = (Object.keys(LEVELS) as (keyof DemoRows)[]).map((name): [string, GivenTable] => {
    const isOwned = OWNED.includes(name);
    const file = { rows: isOwned ? { own: 'owner' } : 'all', priority: LEVELS[name], ...(edits ? EDITED[name] : {}) };
    return [name, { file, rows: isOwned ? 'CAST(owner AS TEXT) = :user' : 'true' }];
  });
  return { file: {}, has: 'true', tables: Object.fromEntries(tables) };
}

/** A service company: customers and parts for all, jobs and notes each of one person, people taking turns. */
export function demo(options: DemoOptions = {}): Business {
  const { users = DEMO_USERS, packRows = PACK_ROWS, textLength = TEXT_LENGTH, edits = false } = options;
  const rows = { ...ROWS, ...options.rows };
  const text = textSql(textLength);
  // Keys of rows that are gone are not given again where devices may still know those rows.
  const id = `id INTEGER PRIMARY KEY${edits ? ' AUTOINCREMENT' : ''}`;
  const owner = `CASE i % ${users.length} ${users.map((user, i) => `WHEN ${i} THEN '${user}'`).join(' ')} END`;
  return {
    sql: [
      fill('customers', `${id}, name TEXT, info TEXT`, rows.customers, `i, 'Customer ' || i, ${text}`),
      fill('jobs', `${id}, owner TEXT, state TEXT, info TEXT`, rows.jobs, `i, ${owner}, 'open', ${text}`),
      fill('notes', `${id}, owner TEXT, job INTEGER${edits ? ' REFERENCES jobs(id)' : ''}, info TEXT`, rows.notes, `i, ${owner}, 1 + i % ${Math.max(1, rows.jobs)}, ${text}`),
      fill('parts', `${id}, name TEXT, price REAL${edits ? ' CHECK(price >= 0)' : ''}, info TEXT`, rows.parts, `i, 'Part ' || i, i / 8.0, ${text}`),
      ...(edits ? [ledgerSql(Object.keys(LEVELS).map((name) => ({ name, isOwned: OWNED.includes(name) })))] : []),
    ].join('\n'),
    profiles: { usual: [profileOf(edits)] }, owned: OWNED, users, packRows, ...(options.pageRows === undefined ? {} : { pageRows: options.pageRows }),
  };
}

export const fill = (table: string, columns: string, count: number, values: string): string => `CREATE TABLE ${table}(${columns});
  INSERT INTO ${table} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT ${values} FROM n WHERE i <= ${count};`;

/** SQL: digits that follow from i and look like chance, so that they do not compress to nothing. */
export function textSql(length: number): string {
  const words = Array.from({ length: Math.ceil(length / 8) }, (_, k) => `printf('%08x', (i * ${2654435761 + 97 * k} + ${k * 40503}) * (i % 9973 + ${k + 7}) % 4294967291)`);
  return `substr(${words.join(' || ')}, 1, ${length})`;
}
