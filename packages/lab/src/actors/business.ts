/** A business: its tables with their content, the profile, and the people who sync. Equal ones are built once. */
export interface Business {
  readonly sql: string;
  /** As in a profile file. */
  readonly tables: Readonly<Record<string, { readonly rows: 'all' | { readonly own: string }; readonly priority: number }>>;
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
}

export const DEMO_USERS = ['ann', 'bob'] as const;
const ROWS: DemoRows = { customers: 500, jobs: 1000, notes: 1000, parts: 1500 };
const PACK_ROWS = 250;
const TEXT_LENGTH = 120;

/** A service company: customers and parts for all, jobs and notes each of one person, people taking turns. */
export function demo(options: DemoOptions = {}): Business {
  const { users = DEMO_USERS, packRows = PACK_ROWS, textLength = TEXT_LENGTH } = options;
  const rows = { ...ROWS, ...options.rows };
  const text = textSql(textLength);
  const owner = `CASE i % ${users.length} ${users.map((user, i) => `WHEN ${i} THEN '${user}'`).join(' ')} END`;
  return {
    sql: [
      fill('customers', 'id INTEGER PRIMARY KEY, name TEXT, info TEXT', rows.customers, `i, 'Customer ' || i, ${text}`),
      fill('jobs', 'id INTEGER PRIMARY KEY, owner TEXT, state TEXT, info TEXT', rows.jobs, `i, ${owner}, 'open', ${text}`),
      fill('notes', 'id INTEGER PRIMARY KEY, owner TEXT, job INTEGER, info TEXT', rows.notes, `i, ${owner}, 1 + i % ${Math.max(1, rows.jobs)}, ${text}`),
      fill('parts', 'id INTEGER PRIMARY KEY, name TEXT, price REAL, info TEXT', rows.parts, `i, 'Part ' || i, i / 8.0, ${text}`),
    ].join('\n'),
    tables: {
      customers: { rows: 'all', priority: 0 }, jobs: { rows: { own: 'owner' }, priority: 1 },
      notes: { rows: { own: 'owner' }, priority: 2 }, parts: { rows: 'all', priority: 2 },
    },
    users, packRows, ...(options.pageRows === undefined ? {} : { pageRows: options.pageRows }),
  };
}

const fill = (table: string, columns: string, count: number, values: string): string => `CREATE TABLE ${table}(${columns});
  INSERT INTO ${table} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT ${values} FROM n WHERE i <= ${count};`;

/** Digits that follow from i and look like chance, so that they do not compress to nothing. */
function textSql(length: number): string {
  const words = Array.from({ length: Math.ceil(length / 8) }, (_, k) => `printf('%08x', (i * ${2654435761 + 97 * k} + ${k * 40503}) * (i % 9973 + ${k + 7}) % 4294967291)`);
  return `substr(${words.join(' || ')}, 1, ${length})`;
}
