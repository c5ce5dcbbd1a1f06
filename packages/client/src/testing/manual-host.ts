import type { Host, HostEvents, Lease } from '../ports/host.ts';

/** A host that a test is: it grants and revokes when it is told to. */
export class ManualHost implements Host {
  #events: HostEvents | undefined;
  #first: Lease | undefined;
  /** Times the engine said that it is at rest. */
  rests = 0;

  /** `first`: the lease given at the start; undefined: none. */
  constructor(first: Lease | undefined = { kind: 'open' }) {
    this.#first = first;
  }

  start(events: HostEvents): () => void {
    this.#events = events;
    if (this.#first) events.granted(this.#first);
    return () => { this.#events = undefined; };
  }

  get isStarted(): boolean {
    return this.#events !== undefined;
  }

  rested(): void {
    this.rests++;
  }

  grant(lease: Lease = { kind: 'open' }): void {
    if (this.#events) this.#events.granted(lease);
    else this.#first = lease;
  }

  revoke(reason = 'test'): void {
    this.#events?.revoked(reason);
  }
}
