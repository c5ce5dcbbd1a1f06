import { DatabaseSync } from 'node:sqlite';
import type { LabServer } from '../actors/server.ts';
import { serverFiles } from '../actors/template.ts';
import type { Entry } from '../world/trace.ts';

/** A person's share at each checkpoint that the server has published, by plain queries of the business database at that time. */
export class Shares {
  readonly #server: LabServer;
  readonly #user: string;
  readonly #store: DatabaseSync;
  /** By table: from that checkpoint on the share is this. */
  readonly #known = new Map<string, [checkpoint: number, lines: readonly string[]][]>();
  readonly #written = new Set<string>();

  constructor(server: LabServer, user: string) {
    this.#server = server;
    this.#user = user;
    this.#store = new DatabaseSync(serverFiles(server.folder).store, { readOnly: true });
    for (const { name } of server.tables) this.#written.add(name);
    this.#keep(0);
  }

  see({ who, what, detail }: Entry): void {
    if (who === 'business' && what === 'write') for (const { name } of this.#server.tables) if (String(detail).includes(name)) this.#written.add(name);
    if (who === 'server' && what === 'upload') for (const { name } of this.#server.tables) this.#written.add(name);
    if (who === 'server' && what === 'published') this.#keep(this.checkpoint);
  }

  /** Of the server's sync data. */
  get epoch(): string {
    return (this.#store.prepare('SELECT epoch FROM sync_state').get() as { epoch: string }).epoch;
  }

  get checkpoint(): number {
    return (this.#store.prepare('SELECT checkpoint FROM sync_state').get() as { checkpoint: number }).checkpoint;
  }

  /** The rows of the share, as `rowLines` gives them. */
  at(table: string, checkpoint: number): readonly string[] | undefined {
    return this.#known.get(table)?.findLast(([from]) => from <= checkpoint)?.[1];
  }

  close(): void {
    this.#store.close();
  }

  #keep(checkpoint: number): void {
    for (const name of this.#written) {
      const known = this.#known.get(name) ?? [];
      known.push([checkpoint, this.#server.share(this.#user, name)]);
      this.#known.set(name, known);
    }
    this.#written.clear();
  }
}
