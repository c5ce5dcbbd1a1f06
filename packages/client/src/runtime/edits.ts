import type { Outbox } from '../core/state.ts';
import type { Log } from '../ports/log.ts';
import type { Sqlite } from '../ports/sqlite.ts';
import { dropDraft, readDrafts, retryDraft, type Draft, type Mended } from '../store/outbox/drafts.ts';
import { collect, follow } from '../store/outbox/collect.ts';
import { discardEdits, exportEdits, type ExportedEdits } from '../store/outbox/export.ts';
import { lastNumbered, localChangesAfter, readOutbox } from '../store/outbox/read.ts';
import { writeEdits, type EditTransaction } from '../store/outbox/write.ts';
import { Listeners, type DataChange } from './changes.ts';
import { resolve, type Resolver } from './resolve.ts';
import type { Writer } from './writer.ts';

/** A conflict that comes again so often is left to the person. */
const MOST_TRIES = 5;

export interface EditsPorts {
  readonly sqlite: Sqlite;
  readonly writer: Writer;
  readonly log: Log;
  /** Functions of the app that settle conflicts, by the table's name. */
  readonly resolvers: Readonly<Record<string, Resolver>>;
  /** Changes may be numbered: the process is not about to be suspended. */
  readonly mayNumber: () => boolean;
  /** The app has written. */
  readonly onWrote: (outbox: Outbox) => void;
}

/** The edits made on this device: those on their way to the server, and drafts that it has refused. */
export class Edits {
  readonly #ports: EditsPorts;
  readonly #changes: Listeners<DataChange>;
  /** The newest entry of the log of local changes that was told. */
  #told: number | undefined;
  /** How the edits stood when that was told last. */
  #standing = '';
  #looking: Promise<void> | undefined;
  #looksAgain = false;
  #isFollowing = false;
  #settling: Promise<void> = Promise.resolve();
  /** How often a changeset was made by a function of the app that settles conflicts. */
  readonly #tries = new Map<number, number>();
  #stopListening = (): void => undefined;

  constructor(ports: EditsPorts) {
    this.#ports = ports;
    this.#changes = new Listeners((thrown) => ports.log.warn({ err: thrown }, 'a listener of the app failed'));
  }

  /** Follows what other connections write. What was written since an engine last looked is told too. */
  start(): void {
    this.#isFollowing = true;
    this.#stopListening = this.#ports.sqlite.onWrite(() => void this.noticed());
    void this.noticed();
  }

  stop(): void {
    this.#stopListening();
  }

  /**
   * Edits rows in one transaction, which goes to the server as one: all of it is accepted or none. Resolves with what the work returns when
   * it is durable on the device. Rejects with `write.*`, `device.not-usable` or `sql.error`, or what the work throws; then nothing was changed.
   * The work must not wait for anything but the transaction's own calls.
   */
  async write<T>(work: (transaction: EditTransaction) => Promise<T>): Promise<T> {
    const { sqlite, writer } = this.#ports;
    const result = await writer.run(() => writeEdits(sqlite, work));
    await this.noticed();
    return result;
  }

  /** Changesets that the server has refused, oldest first, with the row as it was, as the person wanted it and as it is now. */
  drafts(): Promise<Draft[]> {
    return this.#ports.writer.run(() => readDrafts(this.#ports.sqlite));
  }

  /**
   * Makes a draft's edits anew, on the rows as they are now, with other values where `mended` gives some (by the change's position). The draft is gone
   * then, and so is its row among the sync errors. Rejects with `usage` for a draft that is not there, and as `write` does.
   */
  async retry(seq: number, mended?: Mended): Promise<void> {
    await this.#retry(seq, mended, 0);
  }

  async #retry(seq: number, mended: Mended | undefined, tries: number): Promise<void> {
    const next = await this.#ports.writer.run(() => retryDraft(this.#ports.sqlite, seq, mended));
    this.#tries.delete(seq);
    if (next !== undefined && tries > 0) this.#tries.set(next, tries);
    await this.noticed();
  }

  /** Throws a draft away; the server's values stand. */
  async drop(seq: number): Promise<void> {
    await this.#ports.writer.run(() => dropDraft(this.#ports.sqlite, seq));
    await this.noticed();
  }

  /** Everything that the server does not have: edits on their way, and drafts. */
  export(): Promise<ExportedEdits> {
    return this.#ports.writer.run(() => exportEdits(this.#ports.sqlite));
  }

  /** Throws away all edits that the server has not accepted, and all drafts: the person's explicit decision. The server's values stand. */
  async discard(): Promise<void> {
    await this.#ports.writer.run(() => discardEdits(this.#ports.sqlite));
    await this.noticed();
    this.tell({ origin: 'local', tables: [] });
  }

  /** Calls the function after every change that an app may see, whoever made it; returns how to end that. */
  onChange(listener: (change: DataChange) => void): () => void {
    return this.#changes.add(listener);
  }

  tell(change: DataChange): void {
    this.#changes.call(change);
  }

  /** Somebody may have written: looks, once more when that happens meanwhile. Resolves when what was seen has been told. */
  noticed(): Promise<void> {
    this.#looksAgain = true;
    this.#looking ??= this.#look()
      .catch((thrown: unknown) => this.#ports.log.warn({ err: thrown }, 'the app\'s edits could not be read'))
      .then(() => {
        this.#looking = undefined;
        // Somebody wrote in the very moment in which it ended.
        return this.#looksAgain ? this.noticed() : undefined;
      });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { sqlite, writer, mayNumber, onWrote } = this.#ports;
    while (this.#looksAgain) {
      this.#looksAgain = false;
      const { found, outbox } = await writer.run(async () => {
        this.#told ??= await lastNumbered(sqlite);
        const found = await localChangesAfter(sqlite, this.#told);
        // Numbered as soon as they are seen, so that transactions stay apart, with or without permission to sync. Time divides what was there at the start.
        if (found.last !== this.#told && mayNumber()) await sqlite.transaction(() => collect(sqlite));
        follow(sqlite, this.#isFollowing && mayNumber());
        return { found, outbox: await readOutbox(sqlite) };
      });
      const standing = JSON.stringify(outbox);
      if (standing !== this.#standing) onWrote(outbox);
      this.#standing = standing;
      if (found.last === this.#told) continue;
      this.#told = found.last;
      this.tell({ origin: 'local', tables: found.tables.map(({ name, rids }) => ({ name, rows: rids })) });
    }
  }

  /** Lets the app's functions settle the conflicts among the drafts, one after the other. */
  settle(): void {
    if (Object.keys(this.#ports.resolvers).length === 0) return;
    this.#settling = this.#settling.then(() => this.#settle()).catch((thrown: unknown) => this.#ports.log.warn({ err: thrown }, 'the drafts could not be read'));
  }

  async #settle(): Promise<void> {
    const { resolvers, log } = this.#ports;
    for (const draft of await this.drafts()) {
      const tries = this.#tries.get(draft.seq) ?? 0;
      if (tries >= MOST_TRIES) continue;
      try {
        const settled = await resolve(draft, resolvers);
        if (settled === 'drop') await this.drop(draft.seq);
        else if (settled) await this.#retry(draft.seq, settled, tries + 1);
      } catch (thrown) {
        log.warn({ err: thrown }, 'a conflict could not be settled by the app; its draft stays');
      }
    }
  }
}

export type { Draft, EditTransaction, ExportedEdits, Mended };
