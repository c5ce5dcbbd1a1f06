import { copyFileSync, rmSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { rowLines } from './row-lines.ts';

/** The business database as its own application has it. The application does not enforce its foreign keys; uploads do. */
export class BusinessDatabase {
  readonly #path: string;
  #db: DatabaseSync;
  #hasBackup = false;

  constructor(path: string) {
    this.#path = path;
    this.#db = open(path);
  }

  /** Leaves a mark meanwhile, where there is a book of changes: it tells this application from others. */
  write(sql: string): void {
    const hasBook = this.#db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'business_writes'").get() !== undefined;
    if (hasBook) this.#db.exec('INSERT INTO business_writes VALUES(1)');
    this.#db.exec(sql);
    if (hasBook) this.#db.exec('DELETE FROM business_writes');
  }

  /** Rows as `rowLines` gives them. */
  lines(table: string, columns: readonly string[], where: string, values: Readonly<Record<string, SQLInputValue>>): string[] {
    return rowLines(this.#db, table, columns, where, values);
  }

  /** Whether a condition holds, of no row. */
  holds(condition: string, values: Readonly<Record<string, SQLInputValue>>): boolean {
    const statement = this.#db.prepare(`SELECT (${condition}) AS holds`);
    statement.setAllowUnknownNamedParameters(true);
    return statement.get(values)?.['holds'] === 1;
  }

  /** The columns of a table, in their order. */
  columns(table: string): string[] {
    return this.#db.prepare('SELECT name FROM pragma_table_info(?) ORDER BY cid').all(table).map(({ name }) => String(name));
  }

  get hasBackup(): boolean {
    return this.#hasBackup;
  }

  /** Makes a copy, in the place of the last one. */
  backUp(): void {
    rmSync(this.#backup, { force: true });
    this.#db.prepare('VACUUM INTO ?').run(this.#backup);
    this.#hasBackup = true;
  }

  /** Puts the copy back. Nobody else may have the database open. */
  putBack(): void {
    this.#db.close();
    for (const ending of ['-wal', '-shm', '']) rmSync(this.#path + ending, { force: true });
    copyFileSync(this.#backup, this.#path);
    this.#db = open(this.#path);
  }

  close(): void {
    this.#db.close();
  }

  get #backup(): string {
    return `${this.#path}.backup`;
  }
}

function open(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF');
  return db;
}
