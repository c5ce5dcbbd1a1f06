import { DatabaseSync } from 'node:sqlite';
import type { LabServer } from '../actors/server.ts';
import { serverFiles } from '../actors/template.ts';
import type { Entry } from '../world/trace.ts';

/** What a person has of a table. */
export interface Share {
  readonly columns: readonly string[];
  /** As `rowLines` gives them. */
  readonly lines: readonly string[];
}

/** A person's share at each checkpoint that the server has published, by plain queries of the business database at that time. */
export class Shares {
  readonly #server: LabServer;
  readonly #user: string;
  readonly #store: DatabaseSync;
  /** By table: from that checkpoint on the share is this; undefined: the person has not the table. */
  readonly #known = new Map<string, [checkpoint: number, share: Share | undefined][]>();
  /** Tables that may have changed since the last checkpoint. */
  readonly #written = new Set<string>();

  constructor(server: LabServer, user: string) {
    this.#server = server;
    this.#user = user;
    this.#store = new DatabaseSync(serverFiles(server.folder).store, { readOnly: true });
    this.#touch(() => true);
    this.#keep(0);
  }

  see({ who, what, detail }: Entry): void {
    // Where rules reach over tables, people and the clock, anything may have changed.
    const isPlain = !this.#server.business.ticks;
    if (who === 'business' && what === 'write') this.#touch((name) => !isPlain || String(detail).includes(name));
    if (who === 'server' && what === 'upload') this.#touch(() => true);
    if (who !== 'server' || what !== 'published') return;
    if (!isPlain) this.#touch(() => true);
    this.#keep(this.checkpoint);
  }

  /** Of the server's sync data. */
  get epoch(): string {
    return (this.#store.prepare('SELECT epoch FROM sync_state').get() as { epoch: string }).epoch;
  }

  get checkpoint(): number {
    return (this.#store.prepare('SELECT checkpoint FROM sync_state').get() as { checkpoint: number }).checkpoint;
  }

  /** The share; undefined: the person has not the table. */
  at(table: string, checkpoint: number): Share | undefined {
    return this.#known.get(table)?.findLast(([from]) => from <= checkpoint)?.[1];
  }

  /** Whether the person has not had the table at some checkpoint after that one. */
  hasLacked(table: string, after: number): boolean {
    return (this.#known.get(table) ?? []).some(([from, share]) => from > after && share === undefined);
  }

  /** Whether the row of that key was never in the share, or was not any more at some checkpoint. */
  hasLost(table: string, id: number): boolean {
    const known = (this.#known.get(table) ?? []).map(([, share]) => share?.lines.some((line) => line.startsWith(`${id} `)) === true);
    return known.lastIndexOf(false) > known.indexOf(true) || !known.includes(true);
  }

  /** What the person has since the last checkpoint, by table. */
  now(): [table: string, share: Share][] {
    return [...this.#known].flatMap(([table, known]): [string, Share][] => {
      const share = known.at(-1)?.[1];
      return share ? [[table, share]] : [];
    });
  }

  close(): void {
    this.#store.close();
  }

  #touch(isTouched: (table: string) => boolean): void {
    for (const name of [...this.#known.keys(), ...this.#server.rights.tablesOf(this.#user)]) if (isTouched(name)) this.#written.add(name);
  }

  #keep(checkpoint: number): void {
    const has = this.#server.rights.tablesOf(this.#user);
    for (const name of this.#written) {
      const share = has.includes(name) ? { columns: this.#server.rights.columns(this.#user, name), lines: this.#server.share(this.#user, name) } : undefined;
      const known = this.#known.get(name) ?? [];
      if (known.length === 0 || JSON.stringify(known.at(-1)?.[1]) !== JSON.stringify(share)) known.push([checkpoint, share]);
      this.#known.set(name, known);
    }
    this.#written.clear();
  }
}
