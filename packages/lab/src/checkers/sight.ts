import type { LabDevice } from '../actors/device.ts';
import type { Ledger, LedgerEntry } from '../actors/ledger.ts';
import type { LabServer } from '../actors/server.ts';
import type { Entry } from '../world/trace.ts';
import { Shares } from './shares.ts';

/** Whoever may write anything has it. */
const ERRORS = 'carryon_sync_error';

/** Which rows a person sees, for those who follow edits. */
export class Sight {
  readonly #user: string;
  readonly #server: LabServer;
  readonly #ledger: () => Ledger;
  /** Where a row's owner does not tell whose it is. */
  #shares: Shares | undefined;

  constructor({ user }: LabDevice, server: LabServer, ledger: () => Ledger) {
    this.#user = user;
    this.#server = server;
    this.#ledger = ledger;
    this.#shares = server.business.ticks ? new Shares(server, user) : undefined;
  }

  see(entry: Entry): void {
    if (!this.#shares) return;
    if (entry.who === 'server' && entry.what === 'new epoch') {
      this.#shares.close();
      this.#shares = new Shares(this.#server, this.#user);
    }
    this.#shares.see(entry);
  }

  /** Whether the person has the row now. */
  isIn(table: string, id: number): boolean {
    if (this.#shares) return this.#server.share(this.#user, table).some((line) => line.startsWith(`${id} `));
    return this.#ledger().isIn(table, id, this.#user, this.#isOwned(table));
  }

  /** Whether the change took the row out of the person's sight, or it may have been out of it at some time. */
  isOut({ op, tbl, id, owner }: LedgerEntry): boolean {
    return op === 'delete' || (this.#isOwned(tbl) && owner !== this.#user) || this.#shares?.hasLost(tbl, id) === true;
  }

  /** At some time the person could not write: what they sent then is refused without a sync error. */
  get mayBeNobody(): boolean {
    return this.#shares !== undefined && (this.#shares.hasLacked(ERRORS, -1) || this.#shares.at(ERRORS, Infinity) === undefined);
  }

  close(): void {
    this.#shares?.close();
  }

  #isOwned(table: string): boolean {
    return this.#server.business.owned.includes(table);
  }
}
