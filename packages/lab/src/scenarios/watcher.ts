import type { Lab } from '../lab.ts';
import { entryLine, type Entry } from '../world/trace.ts';

/** The last step and the journal's last words may take so long. */
const TO_REST_MS = 1000;

/** What has come to the device since some moment, and by whom. */
export class Watcher {
  readonly #lab: Lab;
  readonly #first: number;
  readonly #sinceMs: number;
  readonly #received: number;
  readonly #progress: number;

  constructor(lab: Lab) {
    this.#lab = lab;
    this.#first = lab.world.trace.entries.length;
    this.#sinceMs = lab.world.queue.steadyMs;
    this.#received = lab.device.link.packs.received;
    this.#progress = progressOf(lab);
  }

  /** Bytes of packs, by the engine or the OS. */
  get bytes(): number {
    return this.#lab.device.link.packs.received - this.#received;
  }

  /** The share of rows that were applied, from 0 to 1. */
  get applied(): number {
    return progressOf(this.#lab) - this.#progress;
  }

  /** The engine's first request. */
  get request(): string | undefined {
    return this.#find((entry) => this.#isRequest(entry));
  }

  /** When it was made, since the world began. */
  get requestMs(): number | undefined {
    return this.#entries().find((entry) => this.#isRequest(entry))?.atMs;
  }

  /** The engine's first request, or transaction that is not its last words. */
  get engineWork(): string | undefined {
    return this.request ?? this.#find(({ who, what, atMs }) => who === this.#lab.device.name && what === 'begin' && atMs > this.#sinceMs + TO_REST_MS);
  }

  get osRequest(): string | undefined {
    return this.#find(({ who, what }) => who === `${this.#lab.device.name}/os` && what === 'request');
  }

  /** Packs that the OS stored. */
  get storedByOs(): number {
    return this.#entries().filter(({ what, detail }) => what === 'stored' && (detail as { by?: string }).by === 'os').length;
  }

  /** Suspensions of the process, and which of them met an open transaction. */
  get suspensions(): readonly { readonly isWriting: boolean }[] {
    return this.#entries().filter(({ what }) => what === 'suspend').map(({ detail }) => detail as unknown as { isWriting: boolean });
  }

  #isRequest({ who, what }: Entry): boolean {
    return who === this.#lab.device.name && what === 'request';
  }

  #entries(): readonly Entry[] {
    return this.#lab.world.trace.entries.slice(this.#first);
  }

  #find(isIt: (entry: Entry) => boolean): string | undefined {
    const found = this.#entries().find(isIt);
    return found && entryLine(found).trim();
  }
}

const progressOf = ({ device }: Lab): number => device.samples.at(-1)?.progress ?? 0;
