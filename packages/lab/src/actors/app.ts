import { DatabaseSync } from 'node:sqlite';
import type { Draft, Engine } from '@carryon/client';
import type { Plain } from '../world/trace.ts';
import { carryOut, engineHand, sqlHand, textOf, type AppStatement, type Written } from './app-edit.ts';
import type { LabDisk } from './disk.ts';

/** What the person does in the app: one transaction. */
export interface AppEdit {
  /** `sql`: by a connection of the app's own. `engine`: by the engine's interface. */
  readonly by: 'sql' | 'engine';
  readonly statements: readonly AppStatement[];
  /** Undone before its end. */
  readonly undone?: boolean;
}

export interface AppPorts {
  readonly disk: LabDisk;
  readonly user: string;
  /** Begins the names of this device's edits. */
  readonly name: string;
  /** What the app does, for the trace. */
  readonly note: (what: string, detail?: Plain) => void;
  /** Runs the function later, in the process that there is now. */
  readonly later: (delayMs: number, run: () => void) => void;
  readonly engine: () => Engine | undefined;
}

const CHANGED_MIND = new Error('the person has changed their mind');

/** So soon the app tries again to write where somebody else is writing. */
const BUSY_MS = 20;

/**
 * The app of a device. The trace tells what it has written: `editing` before the engine commits it, `edit` when it is committed, `draft` when
 * a draft was settled, `edit failed` when nothing was changed.
 */
export class LabApp {
  readonly #ports: AppPorts;
  #edits = 0;

  constructor(ports: AppPorts) {
    this.#ports = ports;
  }

  edit(edit: AppEdit): void {
    const n = ++this.#edits;
    if (edit.by === 'sql') this.#bySql(edit, n);
    else void this.#byEngine(edit, n).catch((thrown: unknown) => this.#failed(n, thrown));
  }

  /** The person decides about the oldest draft. */
  async settle(how: 'retry' | 'drop'): Promise<void> {
    const n = ++this.#edits;
    const edits = this.#ports.engine()?.edits;
    try {
      const [draft] = await edits?.drafts() ?? [];
      if (!draft) return;
      const writes = this.#read((db) => writtenBy(draft, db));
      this.#note('editing', { n, writes: how === 'retry' ? writes : [] });
      await edits?.[how](draft.seq);
      this.#note('draft', { n, how, writes });
    } catch (thrown) {
      this.#failed(n, thrown);
    }
  }

  #bySql(edit: AppEdit, n: number): void {
    const { disk, user, later } = this.#ports;
    let writes: Written[] = [];
    try {
      const isWritten = disk.write((db) => {
        writes = finish(carryOut(edit.statements, db, sqlHand(db), user, this.#nameOf(n)));
        if (edit.undone === true) throw CHANGED_MIND;
      });
      if (!isWritten) later(BUSY_MS, () => this.#bySql(edit, n));
      else if (writes.length > 0) this.#note('edit', { n, by: 'sql', writes });
    } catch (thrown) {
      this.#failed(n, thrown);
    }
  }

  async #byEngine({ statements, undone }: AppEdit, n: number): Promise<void> {
    const { user, engine } = this.#ports;
    const writes = await engine()?.edits.write((transaction) => this.#read(async (db) => {
      const written = await finishLater(carryOut(statements, db, engineHand(transaction), user, this.#nameOf(n)));
      if (undone === true) throw CHANGED_MIND;
      this.#note('editing', { n, writes: written });
      return written;
    })) ?? [];
    if (writes.length > 0) this.#note('edit', { n, by: 'engine', writes });
  }

  /** Reads by a connection of its own, which is closed when what the function gives has settled. */
  #read<T>(read: (db: DatabaseSync) => T): T {
    const db = new DatabaseSync(this.#ports.disk.database, { readOnly: true });
    const result = read(db);
    if (result instanceof Promise) void result.finally(() => db.close()).catch(() => undefined);
    else db.close();
    return result;
  }

  #nameOf(n: number): string {
    return `${this.#ports.name} ${n}`;
  }

  #note(what: string, detail: object): void {
    this.#ports.note(what, detail as Plain);
  }

  #failed(n: number, thrown: unknown): void {
    this.#note('edit failed', { n, why: thrown instanceof Error ? thrown.message : String(thrown) });
  }
}

function finish<T>(work: Generator<unknown, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}

async function finishLater<T>(work: Generator<unknown, T>): Promise<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
    await value;
  }
}

/** What a draft would write, over the texts that there are now. */
function writtenBy({ changes }: Draft, db: DatabaseSync): Written[] {
  return changes.map(({ op, table, key, mine }): Written => {
    const info = String(mine?.['info'] ?? '');
    const id = Number(key[0]);
    switch (op) {
      case 'insert': return { op, table, info };
      case 'update': return { op, table, id, info, before: textOf(db, table, id) };
      case 'delete': return { op, table, id, before: textOf(db, table, id) };
      default: return op satisfies never;
    }
  });
}
