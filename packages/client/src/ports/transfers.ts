/** A pack for the OS to fetch. */
export interface TransferItem {
  /** The pack's name, its SHA-256 in hex. */
  readonly name: string;
  /** The whole signed address; no header is needed. */
  readonly url: string;
  readonly bytes: number;
  /** Lower first. */
  readonly priority: number;
  /** Also on a network that is metered. */
  readonly allowMetered: boolean;
}

/** How one transfer stands. `stored`: the pack store lists the pack as complete; nobody has checked its hash yet. */
export type Transfer = { readonly name: string; readonly received: number } & (
  | { readonly phase: 'queued' | 'running' | 'stored' }
  /** Not tried again by the OS. `status`: the HTTP status, where there was one. */
  | { readonly phase: 'failed'; readonly status?: number });

/**
 * The OS's own transfer service: it fetches files into the pack store while the app is suspended, and mostly when it is
 * gone. It may be late, and it may forget; `list` is the truth.
 */
export interface Transfers {
  /** Takes the items over; a name that it has already is left as it is. Resolves with the names refused. */
  enqueue(items: readonly TransferItem[]): Promise<readonly string[]>;
  /** Everything taken over and not cancelled, from earlier processes too. */
  list(): Promise<readonly Transfer[]>;
  /** Ends and forgets these, whatever their phase. A pack that is stored stays in the pack store. */
  cancel(names: readonly string[]): Promise<void>;
  /** Calls the function at changes while the process lives and runs; returns how to end that. */
  onChange(listener: (transfer: Transfer) => void): () => void;
}
