/** Permission to work. No step of the engine runs without one. */
export interface Lease {
  readonly kind: 'open' | 'slice';
  /** When it ends, in milliseconds since 1970; undefined: open-ended. */
  readonly deadlineMs?: number;
}

/** What the host tells the engine. */
export interface HostEvents {
  granted(lease: Lease): void;
  /** The engine must come to rest: no further step, nothing in flight. */
  revoked(reason: string): void;
}

/** The surroundings: they decide when the engine may work. */
export interface Host {
  /** Starts telling; returns how to stop. */
  start(events: HostEvents): () => void;
  /** The engine is at rest after a revocation: nothing in flight, no transaction open. */
  rested(): void;
}
