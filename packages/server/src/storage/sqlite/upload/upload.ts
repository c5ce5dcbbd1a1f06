import type { Changeset } from '@carryon/protocol';
import type { Upload, Uploaded } from '../../../ports/storage.ts';
import type { Database } from '../driver.ts';
import type { Access } from './access.ts';
import { applyChangeset } from './apply.ts';
import { findTarget } from './edit.ts';
import { saveError } from './errors.ts';
import { TemporaryKeys, type ReplacedKey } from './keys.ts';
import { LeftRows } from './left.ts';
import { Ledger } from './ledger.ts';
import { danglingAtCommit, isForeignKey, Refusal } from './refusal.ts';
import { refuseAll } from './refuse-all.ts';
import { createUploadTables, hasUploadTables } from './tables.ts';
import type { Workbench } from './workbench.ts';
import { Written } from './written.ts';

export type TakenIn = Omit<Uploaded, 'published'>;

/** The business database ended the whole transaction because of one changeset. */
class Undone extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/**
 * Applies a push to the business database, where foreign keys must be enforced, as far as the person may: all changesets in one transaction,
 * each in a savepoint. Where one undoes them all (a deferred foreign key at the commit, RAISE(ROLLBACK)), each gets a transaction of its
 * own, so that only the guilty one is refused. Somebody who may write nothing is no reason to make tables in the business database.
 */
export function takeUpload(db: Database, access: Access, upload: Upload, ledger = 'ledger'): TakenIn {
  if (!access.mayWrite && !hasUploadTables(db)) return refuseAll(access, upload.push);
  const intake = new Intake(db, access, upload, ledger);
  intake.takeAll();
  return intake.result();
}

class Intake {
  readonly #db: Database;
  readonly #upload: Upload;
  readonly #bench: Workbench;
  readonly #ledger: Ledger;
  /** Up to here the device knows the outcomes. It cannot know those that a restored database has yet to give again. */
  #known: number | undefined;
  /** The device has never sent some of what is here under its name. */
  #diverged = false;
  readonly #newLedger: string;
  #taken = 0;
  #refused = 0;

  constructor(db: Database, access: Access, upload: Upload, ledger: string) {
    const { user, device, push } = upload;
    this.#db = db;
    this.#upload = upload;
    this.#newLedger = ledger;
    this.#bench = {
      db, access, tables: push.tables, targets: push.tables.map((table) => findTarget(table, access.tables)),
      keys: new TemporaryKeys(db, user, device, access.tables), left: new LeftRows(db, user, device),
    };
    this.#ledger = new Ledger(db, user, device);
  }

  takeAll(): void {
    const { changesets } = this.#upload.push;
    try {
      this.#take(changesets);
    } catch (thrown) {
      refusalBehind(thrown);
      for (const changeset of changesets) this.#takeAlone(changeset);
    }
  }

  result(): TakenIn {
    const last = this.#ledger.last();
    const ledger = this.#ledger.id();
    if (this.#diverged) return { last, ledger, diverged: true, outcomes: [], taken: 0, refused: 0 };
    return { last, ledger, outcomes: this.#ledger.outcomesAfter(this.#known ?? 0), taken: this.#taken, refused: this.#refused };
  }

  #takeAlone(changeset: Changeset): void {
    try {
      this.#take([changeset]);
    } catch (thrown) {
      this.#take([changeset], refusalBehind(thrown));
    }
  }

  /** One transaction. `doomed`: why the changeset is refused without another trial. */
  #take(changesets: readonly Changeset[], doomed?: Refusal): void {
    const counts = this.#db.transaction(() => {
      createUploadTables(this.#db, this.#newLedger);
      return this.#takeInOrder(changesets, doomed);
    }, 'BEGIN IMMEDIATE');
    this.#taken += counts.taken;
    this.#refused += counts.refused;
  }

  #takeInOrder(changesets: readonly Changeset[], doomed: Refusal | undefined): { taken: number; refused: number } {
    const { known, lost = 0, sent = Infinity, id } = this.#upload.push;
    const before = this.#ledger.last();
    this.#diverged ||= this.#taken === 0 && before > sent && (id === undefined || this.#ledger.lastPush() !== id);
    if (this.#diverged) return { taken: 0, refused: 0 };
    const written = new Written();
    let [last, taken, refused] = [Math.max(before, lost), 0, 0];
    this.#known ??= Math.min(known, before);
    this.#ledger.forget(this.#known);
    for (const changeset of changesets) {
      if (changeset.seq <= last) continue;
      if (changeset.seq > last + 1) break;
      if (!this.#settle(changeset, written, doomed)) refused++;
      last = changeset.seq;
      taken++;
    }
    if (last > before) this.#ledger.moveTo(last, id);
    this.#rememberRows(written, last, this.#known);
    return { taken, refused };
  }

  /** The last writer wins whatever it saw: there nothing need be remembered. */
  #rememberRows(written: Written, last: number, known: number): void {
    for (const edit of written.rows()) if (edit.table.conflicts) this.#bench.left.save(edit, last);
    this.#bench.left.forget(known);
  }

  /** False: it was refused, which is told by a sync error, but for nobody's. */
  #settle(changeset: Changeset, written: Written, doomed: Refusal | undefined): boolean {
    const { seq } = changeset;
    const result = doomed ?? this.#apply(changeset, written);
    if (!(result instanceof Refusal)) {
      if (result.length > 0) this.#ledger.save({ seq, keys: result });
      return true;
    }
    const { code, message, change } = result;
    // What somebody who is nobody sends is kept nowhere: they could not even dismiss it.
    const error = this.#bench.access.isNobody ? '' : saveError(this.#db, this.#upload, changeset, result);
    this.#ledger.save({ seq, refused: { code, message, change, error } });
    return false;
  }

  #apply(changeset: Changeset, written: Written): ReplacedKey[] | Refusal {
    this.#db.run('SAVEPOINT changeset');
    try {
      const keys = applyChangeset(this.#bench, changeset, written);
      this.#db.run('RELEASE changeset');
      written.keep();
      return keys;
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      this.#undo(thrown);
      written.undo();
      return thrown;
    }
  }

  /** Throws Undone when there is no transaction any more. */
  #undo(refusal: Refusal): void {
    try {
      this.#db.run('ROLLBACK TO changeset');
      this.#db.run('RELEASE changeset');
    } catch {
      throw new Undone(refusal);
    }
  }
}

/** Why a transaction that failed as a whole did so; throws what is no fault of a changeset. */
function refusalBehind(thrown: unknown): Refusal {
  if (thrown instanceof Undone) return thrown.refusal;
  if (isForeignKey(thrown)) return danglingAtCommit();
  throw thrown;
}
