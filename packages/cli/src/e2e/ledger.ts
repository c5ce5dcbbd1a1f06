import { DatabaseSync } from 'node:sqlite';
import { deviceFile } from '@carryon/hosts/node';
import { visibleTables } from './compare.ts';

const ACCOUNTS = 40;

/** The tables that a transaction changes together are in one level: their visible rows are always of one checkpoint. */
export const LEDGER_PROFILE = {
  version: 1,
  tables: {
    head: { priority: 0 }, debit: { priority: 0 }, credit: { priority: 0 },
    pages: { priority: 1 }, marks: { priority: 1 },
    notes: { priority: 2 },
  },
};

export const LEDGER_TABLES = Object.keys(LEDGER_PROFILE.tables);

/** So many pages, as many marks and half as many notes: 1.8 kB for each page, which no compression makes smaller. */
export function createLedger(file: string, pages: number): void {
  const db = new DatabaseSync(file);
  const series = (count: number): string => `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; BEGIN;
    CREATE TABLE head(id INTEGER PRIMARY KEY, txn INTEGER NOT NULL);
    CREATE TABLE debit(id INTEGER PRIMARY KEY, n INTEGER NOT NULL);
    CREATE TABLE credit(id INTEGER PRIMARY KEY, n INTEGER NOT NULL);
    CREATE TABLE pages(id INTEGER PRIMARY KEY, version INTEGER NOT NULL, body BLOB);
    CREATE TABLE marks(id INTEGER PRIMARY KEY, version INTEGER NOT NULL);
    CREATE TABLE notes(id INTEGER PRIMARY KEY, body);
    INSERT INTO head VALUES(1, 0);
    ${series(ACCOUNTS)} INSERT INTO debit SELECT i, 0 FROM n; INSERT INTO credit SELECT id, 0 FROM debit;
    ${series(pages)} INSERT INTO pages SELECT i, 0, randomblob(1200) FROM n; INSERT INTO marks SELECT id, 0 FROM pages;
    ${series(pages / 2)} INSERT INTO notes SELECT i, randomblob(1200) FROM n;
    COMMIT`);
  db.close();
}

/** The application that keeps changing the business database, and remembers what the books were after each transaction. */
export class LedgerWriter {
  readonly #db: DatabaseSync;
  readonly #random: () => number;
  readonly #pages: number;
  readonly #books = new Map<number, string>();
  #timer: NodeJS.Timeout | undefined;
  #txn = 0;

  constructor(db: DatabaseSync, random: () => number) {
    this.#db = db;
    this.#random = random;
    this.#pages = Number(db.prepare('SELECT count(*) AS n FROM pages').get()?.['n']);
    db.exec('PRAGMA synchronous = OFF');
    this.#books.set(0, booksOf(db));
  }

  start(everyMs: number): void {
    this.#timer = setInterval(() => this.write(3), everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One transaction that changes so many pages. */
  write(pages: number): void {
    const pick = (most: number): number => 1 + Math.floor(this.#random() * most);
    this.#db.exec('BEGIN IMMEDIATE');
    this.#txn++;
    const amount = pick(100);
    this.#db.exec(`UPDATE head SET txn = ${this.#txn}; UPDATE debit SET n = n + ${amount} WHERE id = ${pick(ACCOUNTS)}; UPDATE credit SET n = n + ${amount} WHERE id = ${pick(ACCOUNTS)}`);
    const from = pick(this.#pages);
    const chosen = `id BETWEEN ${from} AND ${from + pages - 1}`;
    this.#db.exec(`UPDATE pages SET version = version + 1, body = randomblob(1000) WHERE ${chosen}; UPDATE marks SET version = version + 1 WHERE ${chosen}`);
    const gone = pick(this.#pages);
    this.#db.exec(`DELETE FROM pages WHERE id = ${gone}; DELETE FROM marks WHERE id = ${gone}; DELETE FROM notes WHERE id = ${pick(this.#pages / 2)}`);
    this.#db.exec(`INSERT INTO pages VALUES(${100_000 + this.#txn}, 1, randomblob(500)); INSERT INTO marks VALUES(${100_000 + this.#txn}, 1); INSERT INTO notes(body) VALUES('note ${this.#txn}')`);
    this.#books.set(this.#txn, booksOf(this.#db));
    this.#db.exec('COMMIT');
  }

  /** What is wrong with a device's visible tables at any moment, whether or not it was killed; nothing: undefined. */
  findTorn(folder: string): string | undefined {
    const db = new DatabaseSync(deviceFile(folder), { readOnly: true, timeout: 10_000 });
    try {
      db.exec('BEGIN');
      const tables = visibleTables(db);
      if (db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'] !== 'ok') return 'the database is damaged';
      const level = (names: readonly string[]): boolean => names.every((name) => tables.includes(name));
      if (!level(['head', 'debit', 'credit']) && tables.some((name) => ['head', 'debit', 'credit'].includes(name))) return 'a part of level 0 is visible';
      if (level(['pages']) !== level(['marks'])) return 'a part of level 1 is visible';
      if (level(['head'])) {
        const txn = Number(db.prepare('SELECT txn FROM head').get()?.['txn']);
        if (booksOf(db) !== this.#books.get(txn)) return `the books are not those of transaction ${txn}`;
      }
      if (level(['pages'])) {
        const torn = db.prepare('SELECT coalesce(p.id, m.id) AS id FROM pages p FULL JOIN marks m ON m.id = p.id WHERE p.version IS NOT m.version LIMIT 1').get();
        if (torn) return `page ${Number(torn['id'])} and its mark are of different transactions`;
      }
      return undefined;
    } finally {
      db.close();
    }
  }
}

function booksOf(db: DatabaseSync): string {
  const rows = db.prepare("SELECT 'head' AS book, id, txn AS n FROM head UNION ALL SELECT 'debit', id, n FROM debit UNION ALL SELECT 'credit', id, n FROM credit ORDER BY book, id").all();
  return rows.map((row) => Object.values(row).join(':')).join(' ');
}
