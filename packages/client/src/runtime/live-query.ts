import { toCarryonError, type CarryonError, type SqlValue } from '@carryon/protocol';
import type { Sqlite } from '../ports/sqlite.ts';
import type { DataChange } from './changes.ts';
import type { Edits } from './edits.ts';
import type { Writer } from './writer.ts';

/** A reading statement whose rows an app follows. */
export interface LiveQuery<T> {
  readonly sql: string;
  readonly values?: readonly SqlValue[];
  readonly onRows: (rows: T[]) => void;
  readonly onError?: (error: CarryonError) => void;
}

export interface LiveQueriesPorts {
  readonly sqlite: Sqlite;
  readonly writer: Writer;
  readonly edits: Edits;
  /** The app's function has thrown. */
  readonly onFailure: (thrown: unknown) => void;
}

/** Statements that run again when a table that they read has changed, whoever changed it. */
export class LiveQueries {
  readonly #ports: LiveQueriesPorts;

  constructor(ports: LiveQueriesPorts) {
    this.#ports = ports;
  }

  add<T>(query: LiveQuery<T>): () => void {
    const running = new RunningQuery(this.#ports, query);
    running.run();
    const stop = this.#ports.edits.onChange((change) => { if (running.concerns(change)) running.run(); });
    return () => {
      stop();
      running.end();
    };
  }
}

class RunningQuery<T> {
  readonly #ports: LiveQueriesPorts;
  readonly #query: LiveQuery<T>;
  /** Names of the tables that it reads; undefined: not known, so every change concerns it. */
  #tables: ReadonlySet<string> | undefined;
  #isRunning = false;
  #isStale = false;
  #isEnded = false;

  constructor(ports: LiveQueriesPorts, query: LiveQuery<T>) {
    this.#ports = ports;
    this.#query = query;
  }

  concerns({ tables }: DataChange): boolean {
    return this.#tables === undefined || tables.length === 0 || tables.some(({ name }) => this.#tables?.has(name.toLowerCase()));
  }

  end(): void {
    this.#isEnded = true;
  }

  /** Changes that come while it runs make it run once more. */
  run(): void {
    this.#isStale = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#runWhileStale().finally(() => {
      this.#isRunning = false;
      // A change came in the very moment in which it ended.
      if (this.#isStale && !this.#isEnded) this.run();
    });
  }

  async #runWhileStale(): Promise<void> {
    while (this.#isStale && !this.#isEnded) {
      this.#isStale = false;
      await this.#runOnce();
    }
  }

  async #runOnce(): Promise<void> {
    const { sqlite, writer } = this.#ports;
    const { sql, values = [] } = this.#query;
    try {
      const rows = await writer.run(async () => {
        const found = await sqlite.all<T>(sql, ...values);
        this.#tables ??= await tablesOf(sqlite, sql, values);
        return found;
      });
      this.#tell(() => this.#query.onRows(rows));
    } catch (thrown) {
      this.#tell(() => this.#query.onError?.(toCarryonError(thrown)));
    }
  }

  #tell(call: () => void): void {
    if (this.#isEnded) return;
    try {
      call();
    } catch (thrown) {
      this.#ports.onFailure(thrown);
    }
  }
}

/**
 * The tables that a statement reads: those whose b-trees its program opens (https://www.sqlite.org/opcode.html#OpenRead). Undefined when it reads a
 * virtual table, which may read any.
 */
async function tablesOf(db: Sqlite, sql: string, values: readonly SqlValue[]): Promise<ReadonlySet<string> | undefined> {
  const program = await db.all<{ opcode: string; p2: number; p3: number }>(`EXPLAIN ${sql}`, ...values);
  if (program.some(({ opcode }) => opcode === 'VOpen')) return undefined;
  const roots = new Set(program.filter(({ opcode, p3 }) => (opcode === 'OpenRead' || opcode === 'ReopenIdx') && p3 === 0).map(({ p2 }) => p2));
  const trees = await db.all<{ name: string; root: number }>('SELECT lower(tbl_name) AS name, rootpage AS root FROM sqlite_schema WHERE rootpage > 0');
  return new Set(trees.filter(({ root }) => roots.has(root)).map(({ name }) => name));
}
