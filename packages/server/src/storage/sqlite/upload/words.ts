import { quoteName, type TableSpec } from '@carryon/protocol';
import type { Database } from '../driver.ts';

/** SQLite's extended result codes, https://www.sqlite.org/rescode.html */
const CODES = { check: 275, notNull: 1299, primaryKey: 1555, trigger: 1811, unique: 2067, rowid: 2579, dataType: 3091 } as const;

/**
 * What SQLite says of a failed statement, in words that name nothing but what the person has: its own name columns of any table, and give whole
 * conditions over them.
 */
export class Words {
  readonly #db: Database;
  readonly #tables: readonly TableSpec[];

  constructor(db: Database, tables: readonly TableSpec[]) {
    this.#db = db;
    this.#tables = tables;
  }

  /** `message`: SQLite's own, with its code, of a statement on that table or of what its triggers do. */
  of(message: string, code: number, table: string): string {
    switch (code) {
      // The words of a trigger's RAISE are meant for people.
      case CODES.trigger: return message;
      case CODES.notNull: return this.#knowsColumns(message) ? message : 'a column that the person does not have would be empty';
      case CODES.unique: case CODES.primaryKey: case CODES.rowid: return this.#knowsColumns(message) ? message : 'in a column that the person does not have';
      case CODES.dataType: return this.#knowsColumns(message) ? message : 'a column that the person does not have takes no such value';
      case CODES.check: return this.#knowsNames(message, table) ? message : 'a CHECK about columns that the person does not have does not hold';
      // After a colon SQLite names things of the database; functions are the application's.
      default: return message.includes(':') && !message.startsWith('no such function: ') ? 'a statement within it fails' : message;
    }
  }

  /** The message ends with a list of columns, each with its table. */
  #knowsColumns(message: string): boolean {
    const known = new Set(this.#tables.flatMap(({ name, columns }) => columns.map((column) => `${name}.${column.name}`)));
    const listed = /(?: constraint failed: | in \S+ column )(.+)$/s.exec(message)?.[1];
    return listed !== undefined && listed.split(', ').every((name) => known.has(name));
  }

  /** The message ends with a constraint's name or, where it has none, its condition. No column of any table is in it but those of this table that the person has. */
  #knowsNames(message: string, table: string): boolean {
    const known = new Set(this.#tables.find(({ name }) => name === table)?.columns.map(({ name }) => name.toLowerCase()));
    const columns = new Set(this.#allColumns().filter((name) => !known.has(name)));
    return namesIn(message.slice(message.indexOf(':') + 1)).every((name) => !columns.has(name));
  }

  #allColumns(): string[] {
    const tables = this.#db.all<{ name: string }>("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'");
    return tables.flatMap(({ name }) => this.#db.all<{ name: string }>(`PRAGMA main.table_xinfo(${quoteName(name)})`).map((column) => column.name.toLowerCase()));
  }
}

/** The names in an SQL condition, in small letters: all that is no text in single quotes, number or sign. */
function namesIn(condition: string): string[] {
  const names = condition.replaceAll(/'(?:[^']|'')*'/g, ' ').match(/"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[\p{L}_$][\p{L}\p{N}_$]*/gu) ?? [];
  return names.map((name) => unquoted(name).toLowerCase());
}

function unquoted(name: string): string {
  const quote = name[0] ?? '';
  if (quote === '[') return name.slice(1, -1);
  return quote === '"' || quote === '`' ? name.slice(1, -1).replaceAll(quote + quote, quote) : name;
}
