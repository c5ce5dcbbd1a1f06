import { decodeValue, RawText, type Change, type Outcome, type Push, type PushedFrame, type PushedTable, type SqlValue, type TableSpec } from '@carryon/protocol';
import type { FakeRow } from './fake-pack.ts';

/** What the inbox writes to. */
export interface FakeTables {
  readonly tables: readonly TableSpec[];
  rowsOf(table: number): Map<number, FakeRow>;
  put(table: number, rid: number, ...values: readonly SqlValue[]): void;
  remove(table: number, rid: number): void;
}

type Refusal = Omit<NonNullable<Outcome['refused']>, 'error'>;

/** A server's part in edits, as small as the protocol allows: it takes them in order, the last writer wins, and refuses what the test says. */
export class FakeInbox {
  readonly #tables: FakeTables;
  readonly #outcomes = new Map<number, Outcome>();
  /** Changesets taken in, in order: what a test looks at. */
  readonly taken: Push['changesets'][number][] = [];
  /** Changesets to be refused, by their number. */
  readonly refusals = new Map<number, Refusal>();
  last = 0;
  /** Called for a device that has never sent what is here: it comes back under another name. */
  otherDevice: () => void = () => undefined;

  constructor(tables: FakeTables) {
    this.#tables = tables;
  }

  take(push: Push): PushedFrame['pushed'] {
    if (this.last > (push.sent ?? Infinity)) {
      const { last } = this;
      this.otherDevice();
      return { last, diverged: 1, outcomes: [] };
    }
    this.last = Math.max(this.last, push.lost ?? 0);
    for (const changeset of push.changesets) {
      if (changeset.seq !== this.last + 1) continue;
      this.last = changeset.seq;
      this.taken.push(changeset);
      const refused = this.refusals.get(changeset.seq) ?? this.#refuse(changeset, push.tables);
      if (refused) this.#outcomes.set(changeset.seq, { seq: changeset.seq, refused: { ...refused, error: `error-${changeset.seq}` } });
      else for (const one of changeset.changes) this.#apply(one, push.tables[one.table]);
    }
    return { last: this.last, outcomes: [...this.#outcomes.values()].filter(({ seq }) => seq > push.known) };
  }

  /** Why it cannot be taken in. */
  #refuse({ changes }: Push['changesets'][number], pushed: Push['tables']): Refusal | undefined {
    for (const [i, { op, key, table: at, set = [] }] of changes.entries()) {
      const table = this.#tables.tables.find(({ name }) => name === pushed[at]?.name);
      const isKnown = ([column]: readonly unknown[]): boolean => table?.columns.some(({ name }) => name === pushed[at]?.columns[Number(column)]) === true;
      if (!table || !set.every(isKnown)) return { code: 'write.unknown', message: 'no such table or column', change: i };
      const keys = key.map(valueOf);
      const isThere = [...this.#tables.rowsOf(table.id).values()].some(({ values }) => table.key.every((position, k) => values[position] === keys[k]));
      if (op === 'update' && !isThere && !changes.slice(0, i).some((other) => other.op === 'insert')) return { code: 'write.not-found', message: 'no such row', change: i };
    }
    return undefined;
  }

  #apply({ op, key, set = [] }: Change, pushed: PushedTable | undefined): void {
    const table = this.#tables.tables.find(({ name }) => name === pushed?.name);
    if (!table || !pushed) throw new Error('a change of a table that the server does not have');
    const rows = this.#tables.rowsOf(table.id);
    const position = (column: unknown): number => table.columns.findIndex(({ name }) => name === pushed.columns[Number(column)]);
    const keys = key.map(valueOf);
    const rid = [...rows].find(([, row]) => table.key.every((at, i) => row.values[at] === keys[i]))?.[0];
    if (op === 'delete') return rid === undefined ? undefined : this.#tables.remove(table.id, rid);
    const values: SqlValue[] = table.columns.map((_, i) => (rid === undefined ? null : rows.get(rid)?.values[i] ?? null));
    pushed.key.forEach((column, i) => { values[position(column)] = keys[i] ?? null; });
    for (const [column, ...value] of set) values[position(column)] = valueOf(value.at(-1));
    this.#tables.put(table.id, rid ?? Math.max(0, ...rows.keys()) + 1, ...values);
  }
}

function valueOf(wire: unknown): SqlValue {
  const value = decodeValue(wire);
  return value instanceof RawText ? value.bytes : value;
}
