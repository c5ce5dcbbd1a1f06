import type { Clock } from '../ports/clock.ts';
import type { Sqlite } from '../ports/sqlite.ts';
import { JOURNAL_KEPT, writeJournal, type JournalEntry } from '../store/journal.ts';

/** The engine's work on the device's database: one thing at a time, and the journal with it. */
export class Writer {
  readonly #sqlite: Sqlite;
  readonly #clock: Clock;
  readonly #journal: JournalEntry[] = [];
  #last: Promise<unknown> = Promise.resolve();
  #running = 0;

  constructor(sqlite: Sqlite, clock: Clock) {
    this.#sqlite = sqlite;
    this.#clock = clock;
  }

  /** Nothing is being written, and nothing waits to be. */
  get isIdle(): boolean {
    return this.#journal.length === 0 && this.#running === 0;
  }

  /** Does the work when all that was given before is done: nothing else uses the connection meanwhile. */
  run<T>(work: () => Promise<T>): Promise<T> {
    this.#running++;
    const result = this.#last.then(work).finally(() => { this.#running--; });
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Notes an entry of the journal, to be written with `flush`. */
  note(entry: Omit<JournalEntry, 'atMs'>): void {
    this.#journal.push({ atMs: this.#clock.nowMs(), ...entry });
  }

  /** Writes what is not written yet; when that fails, it is tried again with the next entry. */
  flush(): Promise<void> {
    return this.run(async () => {
      const entries = this.#journal.splice(0);
      await writeJournal(this.#sqlite, entries).catch((thrown: unknown) => {
        this.#journal.unshift(...entries);
        this.#journal.splice(0, this.#journal.length - JOURNAL_KEPT);
        throw thrown;
      });
    });
  }
}
