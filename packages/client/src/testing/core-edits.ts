import type { PushedFrame } from '@carryon/protocol';
import { EMPTY_OUTBOX, type Outbox, type Segment, type Step } from '../core/state.ts';
import { toldOf } from '../core/tables.ts';

/** The device's edits and the server's part in them, as far as the pure engine gets to know of them: numbers of changesets and tables. */
export class CoreEdits {
  #outbox: Outbox = EMPTY_OUTBOX;
  /** The changeset that a table's edit is in; undefined: in none yet. */
  readonly #edited = new Map<number, number | undefined>();
  #serverLast = 0;
  /** Tables that the person has; undefined: all. */
  #there: ReadonlySet<number> | undefined;

  get outbox(): Outbox {
    return { ...this.#outbox, tables: [...this.#edited.keys()].filter((id) => this.#there?.has(id) !== false), operations: this.#edited.size, records: this.#edited.size };
  }

  /** The app changes a row of the table. */
  write(table: number): Outbox {
    this.#edited.set(table, undefined);
    this.#outbox = { ...this.#outbox, loose: this.#outbox.loose + 1 };
    return this.outbox;
  }

  /** The server takes in what the device has in changesets; undefined: nothing can be sent. */
  push(): PushedFrame['pushed'] {
    this.#serverLast = this.#outbox.made;
    return { last: this.#serverLast, outcomes: [] };
  }

  /** What a commit tells. */
  get ack(): number {
    return this.#serverLast;
  }

  /** A step has been carried out. */
  done(step: Step): Outbox {
    if (step.kind === 'collect') this.#collect();
    if (step.kind === 'outcomes') this.#outbox = { ...this.#outbox, known: step.pushed.last };
    const told = toldOf(step);
    if (told) this.#there = new Set(told.tables.map(({ id }) => id));
    // No commit tells of a table that is gone.
    for (const [table, seq] of this.#edited) if (this.#there?.has(table) === false && seq !== undefined && seq <= this.#outbox.known) this.#edited.delete(table);
    if (step.kind === 'segment' && step.segment.commit) this.#confirm(step.segment.commit);
    return this.outbox;
  }

  #collect(): void {
    if (this.#outbox.loose === 0) throw new Error('there is nothing to collect');
    const made = this.#outbox.made + 1;
    for (const [table, seq] of this.#edited) if (seq === undefined) this.#edited.set(table, made);
    this.#outbox = { ...this.#outbox, loose: 0, made };
  }

  #confirm({ tables, ack = 0 }: NonNullable<Segment['commit']>): void {
    for (const { table } of tables) {
      const seq = this.#edited.get(table);
      if (seq !== undefined && seq <= Math.min(ack, this.#outbox.known)) this.#edited.delete(table);
    }
  }
}
