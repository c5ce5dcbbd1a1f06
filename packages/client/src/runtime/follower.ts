import { CarryonError, type SqlValue } from '@carryon/protocol';
import type { Durable } from '../core/event.ts';
import { DEFAULT_CONFIG, initialState } from '../core/state.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Sqlite } from '../ports/sqlite.ts';
import { deriveStatus, type DeviceStatus } from '../status/status.ts';
import { readDurable } from '../store/durable.ts';
import { differing, readFingerprints, type Fingerprint } from '../store/fingerprints.ts';
import { openConnection, readVersion, STORE_VERSION } from '../store/schema.ts';
import { Listeners } from './changes.ts';
import { Edits } from './edits.ts';
import { LiveQueries, type LiveQuery } from './live-query.ts';
import { Writer } from './writer.ts';

export interface FollowerPorts {
  readonly sqlite: Sqlite;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * A device's database in a process that does not sync it, since another one does: the same tables and edits, live queries and a status that are
 * as new as the other's commits. What is edited here goes up by the other.
 */
export class Follower {
  readonly #ports: FollowerPorts;
  readonly #writer: Writer;
  readonly #queries: LiveQueries;
  readonly #listeners: Listeners<void>;
  #durable: Durable | undefined;
  #marks: ReadonlyMap<string, Fingerprint> = new Map();
  #looking: Promise<void> = Promise.resolve();
  #stopListening = (): void => undefined;
  #isClosed = false;
  /** The edits made on this device, by any of its apps. */
  readonly edits: Edits;

  constructor(ports: FollowerPorts) {
    this.#ports = ports;
    const onFailure = (thrown: unknown): void => ports.log.warn({ err: thrown }, 'a call of the app failed');
    this.#listeners = new Listeners(onFailure);
    this.#writer = new Writer(ports.sqlite, ports.clock);
    this.edits = new Edits({ sqlite: ports.sqlite, writer: this.#writer, log: ports.log, resolvers: {}, mayNumber: () => this.#durable !== undefined && !this.#isClosed, onWrote: () => undefined });
    this.edits.onChange(({ origin }) => { if (origin === 'local') this.#notice(); });
    this.#queries = new LiveQueries({ sqlite: ports.sqlite, writer: this.#writer, edits: this.edits, onFailure });
  }

  /** Follows what others write. Rejects with `device.newer-store`. */
  async start(): Promise<void> {
    await this.#writer.run(() => openConnection(this.#ports.sqlite));
    this.#stopListening = this.#ports.sqlite.onWrite(() => this.#notice());
    await this.#look();
  }

  /** As stored: what the other process is doing at the moment is not known here. */
  status(): DeviceStatus {
    const { clock } = this.#ports;
    const durable = this.#durable;
    const isEmpty = durable !== undefined && durable.token !== null && durable.tables.length === 0;
    const state = { ...initialState(DEFAULT_CONFIG), ...durable, phase: 'running' as const, empty: isEmpty ? { syncedMs: 0, fresh: true } : undefined };
    const { waiting: _waiting, ...status } = deriveStatus(state, { nowMs: clock.nowMs(), partial: new Map(), building: undefined, warnings: [] });
    return { ...status, state: 'following', reasons: [] };
  }

  /** Calls the function after every change of the status; returns how to end that. */
  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Runs one reading statement on the device's tables. Rejects with `sql.error`. */
  query<T>(sql: string, ...values: readonly SqlValue[]): Promise<T[]> {
    return this.#writer.run(() => this.#ports.sqlite.all<T>(sql, ...values));
  }

  /** As the engine's. */
  live<T>(query: LiveQuery<T>): () => void {
    return this.#queries.add(query);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopListening();
    this.edits.stop();
    await this.#looking;
    await this.#writer.run(() => this.#ports.sqlite.close());
  }

  #notice(): void {
    this.#looking = this.#looking.then(() => (this.#isClosed ? undefined : this.#look())).catch((thrown: unknown) => this.#ports.log.warn({ err: thrown }, 'the device could not be read'));
  }

  /** A store that is not made yet, or not brought up to date, is the other process's matter. */
  async #look(): Promise<void> {
    const { sqlite } = this.#ports;
    const read = await this.#writer.run(async () => {
      const version = await readVersion(sqlite);
      if (version > STORE_VERSION) throw new CarryonError('device.newer-store', `This folder was written by a newer version of Carryon (${version}, this one knows ${STORE_VERSION}).`);
      return version < STORE_VERSION ? undefined : { durable: await readDurable(sqlite), marks: await readFingerprints(sqlite) };
    });
    if (!read) return;
    const isFirst = this.#durable === undefined;
    const changed = differing(this.#marks, read.marks);
    [this.#durable, this.#marks] = [read.durable, read.marks];
    if (isFirst) this.edits.start();
    if (changed.length > 0) this.edits.tell({ origin: 'server', tables: changed.map((name) => ({ name, rows: undefined })) });
    this.#listeners.call();
  }
}
