import { DatabaseSync } from 'node:sqlite';

/** What a table's ledger tells of its rows: the key, the text that edits put their names into, and the owner where rows have one. */
export interface LedgerTable {
  readonly name: string;
  readonly isOwned: boolean;
}

/** A row as a change left it. */
export interface LedgerEntry {
  readonly pos: number;
  readonly tbl: string;
  readonly id: number;
  readonly op: 'insert' | 'update' | 'delete';
  readonly info: string | null;
  readonly owner: string | null;
}

/**
 * SQL: the business's own book of every change of a row, kept by its own triggers: whoever writes, a server or somebody else, stands in it. `named`:
 * the statement set the text. `upload`: it was not the business application, which leaves a mark while it writes.
 */
export function ledgerSql(tables: readonly LedgerTable[]): string {
  return [
    `CREATE TABLE ledger(pos INTEGER PRIMARY KEY AUTOINCREMENT, tbl TEXT, id INTEGER, op TEXT, info TEXT, owner TEXT, named INTEGER, upload INTEGER);
      CREATE INDEX ledger_info ON ledger(info); CREATE INDEX ledger_row ON ledger(tbl, id); CREATE TABLE business_writes(x);`,
    ...tables.map(triggersOf),
  ].join('\n');
}

function triggersOf({ name, isOwned }: LedgerTable): string {
  const owner = (row: string): string => (isOwned ? `${row}.owner` : 'NULL');
  const entry = (op: string, row: string, named: 0 | 1): string =>
    `INSERT INTO ledger(tbl, id, op, info, owner, named, upload)
      SELECT '${name}', ${row}.id, '${op}', ${row}.info, ${owner(row)}, ${named}, NOT EXISTS (SELECT 1 FROM business_writes);`;
  const on = (what: string, event: string, body: string, when = ''): string => `CREATE TRIGGER ledger_${name}_${what} AFTER ${event} ON ${name} ${when} BEGIN ${body} END;`;
  return [
    on('insert', 'INSERT', entry('insert', 'NEW', 1)),
    on('delete', 'DELETE', entry('delete', 'OLD', 0)),
    on('text', 'UPDATE OF info', entry('update', 'NEW', 1)),
    ...(isOwned ? [on('owner', 'UPDATE OF owner', entry('update', 'NEW', 0))] : []),
    on('key', 'UPDATE OF id', entry('delete', 'OLD', 0) + entry('insert', 'NEW', 0), 'WHEN OLD.id IS NOT NEW.id'),
  ].join('\n');
}

/** Reads the business's book, and the sync errors that stand beside it. */
export class Ledger {
  readonly #db: DatabaseSync;

  constructor(database: string) {
    this.#db = new DatabaseSync(database, { readOnly: true });
  }

  /** The newest entry; 0: there is none. */
  get last(): number {
    return (this.#db.prepare('SELECT coalesce(max(pos), 0) AS pos FROM ledger').get() as { pos: number }).pos;
  }

  /** Every upload that wrote this text into a row. */
  uploadsOf(table: string, info: string): LedgerEntry[] {
    return this.#db.prepare('SELECT * FROM ledger WHERE tbl = ? AND info = ? AND named AND upload ORDER BY pos').all(table, info) as unknown as LedgerEntry[];
  }

  /** What became of a row from that entry on. */
  historyOf(table: string, id: number, from: number): LedgerEntry[] {
    return this.#db.prepare('SELECT * FROM ledger WHERE tbl = ? AND id = ? AND pos >= ? ORDER BY pos').all(table, id, from) as unknown as LedgerEntry[];
  }

  /** How many refused edits were to write this text. */
  errorsOf(info: string): number {
    const wanted = "s.value ->> '$[0]' = 'info' AND s.value ->> '$[#-1]' = ?";
    const sql = `SELECT count(*) AS n FROM carryon_sync_error WHERE EXISTS (SELECT 1 FROM json_each(request_data, '$.changes') c, json_each(c.value, '$.set') s WHERE ${wanted})`;
    return (this.#db.prepare(sql).get(info) as { n: number }).n;
  }

  /** Whether the deletion of a row was refused. */
  refusesDelete(table: string, id: number): boolean {
    const sql = `SELECT 1 FROM carryon_sync_error, json_each(request_data, '$.changes') c
      WHERE c.value ->> '$.op' = 'delete' AND c.value ->> '$.table' = ? AND c.value ->> '$.key[0]' = ?`;
    return this.#db.prepare(sql).get(table, id) !== undefined;
  }

  /** How many edits of a person were refused and are not settled. */
  errorCount(owner: string): number {
    return (this.#db.prepare('SELECT count(*) AS n FROM carryon_sync_error WHERE owner = ?').get(owner) as { n: number }).n;
  }

  /** Whether a person has the row in their share. `owned`: each row of the table is one person's. */
  isIn(table: string, id: number, user: string, owned: boolean): boolean {
    const [where, values] = owned ? [' AND owner = ?', [user]] : ['', []];
    return this.#db.prepare(`SELECT 1 FROM ${table} WHERE id = ?${where}`).get(id, ...values) !== undefined;
  }

  close(): void {
    this.#db.close();
  }
}
