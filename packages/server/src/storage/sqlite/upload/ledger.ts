import type { Outcome } from '@carryon/protocol';
import { noteAck } from '../capture.ts';
import type { Database } from '../driver.ts';
import { DEVICES, LEDGER, OUTCOMES } from './tables.ts';

/** How far a device's changesets are taken in, and what became of those that it may not know of yet. */
export class Ledger {
  readonly #db: Database;
  readonly #user: string;
  readonly #device: string;

  constructor(db: Database, user: string, device: string) {
    this.#db = db;
    this.#user = user;
    this.#device = device;
  }

  /** The name of the whole record, of all devices. */
  id(): string {
    return this.#db.get<{ id: string }>(`SELECT id FROM ${LEDGER}`)?.id ?? '';
  }

  /** The last changeset taken in; 0: none. */
  last(): number {
    return this.#db.get<{ last: number }>(`SELECT last FROM ${DEVICES} WHERE user = ? AND device = ?`, this.#user, this.#device)?.last ?? 0;
  }

  /** The push that brought the last one. */
  lastPush(): string | undefined {
    return this.#db.get<{ push: string | null }>(`SELECT push FROM ${DEVICES} WHERE user = ? AND device = ?`, this.#user, this.#device)?.push ?? undefined;
  }

  moveTo(last: number, push: string | undefined): void {
    this.#db.run(`INSERT INTO ${DEVICES} VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last, push = excluded.push`, this.#user, this.#device, last, push ?? null);
    noteAck(this.#db, this.#user, this.#device);
  }

  save(outcome: Outcome): void {
    this.#db.run(`INSERT INTO ${OUTCOMES} VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET outcome = excluded.outcome`, this.#user, this.#device, outcome.seq, JSON.stringify(outcome));
  }

  /** The outcomes of all changesets after that one, ascending. */
  outcomesAfter(known: number): Outcome[] {
    const rows = this.#db.all<{ outcome: string }>(`SELECT outcome FROM ${OUTCOMES} WHERE user = ? AND device = ? AND seq > ? ORDER BY seq`, this.#user, this.#device, known);
    return rows.map(({ outcome }) => JSON.parse(outcome) as Outcome);
  }

  /** The device knows these. */
  forget(upTo: number): void {
    this.#db.run(`DELETE FROM ${OUTCOMES} WHERE user = ? AND device = ? AND seq <= ?`, this.#user, this.#device, upTo);
  }
}
