import type { CarryonError, Codec, CommitFrame, PackSpec, FeedValue, TableSpec } from '@carryon/protocol';
import type { Lease } from '../ports/host.ts';

export interface EngineConfig {
  /** `once`: end when every table is up to date. `watch`: stay, and take in changes as they come. */
  readonly mode: 'once' | 'watch';
  /** Packs fetched at a time. */
  readonly fetches: number;
  /** Packs stored but not yet applied, at most. */
  readonly storedAhead: number;
  /** Failures in a row after which a run of mode `once` gives up. */
  readonly mostAttempts: number;
  /** How long a request of mode `watch` waits at the server for a change. */
  readonly waitSeconds: number;
  readonly codecs: readonly Codec[];
}

export const DEFAULT_CONFIG: EngineConfig = { mode: 'once', fetches: 3, storedAhead: 6, mostAttempts: 6, waitSeconds: 25, codecs: ['zstd', 'gzip'] };

/** What became of a pack on this device. */
export type PackStage = 'wanted' | 'transferring' | 'stored' | 'unpacking' | 'unpacked' | 'applied';

export interface Pack extends PackSpec {
  readonly stage: PackStage;
  /** Whether size and hash were checked in this process. */
  readonly verified: boolean;
  /** Times it came wrong. */
  readonly wrong: number;
}

export interface Table extends TableSpec {
  /** Usable by SQL under its name. */
  readonly usable: boolean;
  /** A copy being loaded beside it: none, filling from packs, or complete with its index. */
  readonly load: 'none' | 'filling' | 'indexed';
  readonly rows: number;
  /** Committed in this run. */
  readonly fresh: boolean;
  /** Its copy differs from the server's and is to be downloaded again. */
  readonly lost: boolean;
}

/** Rows, removals and live-sets of one answer up to a page or a commit: applied in one transaction. */
export interface Segment {
  readonly puts: ReadonlyMap<number, readonly (readonly FeedValue[])[]>;
  readonly removes: ReadonlyMap<number, readonly number[]>;
  readonly lives: ReadonlyMap<number, readonly number[]>;
  readonly rows: number;
  readonly token: string;
  readonly commit?: CommitFrame['commit'];
}

export type Step =
  | { readonly kind: 'plan'; readonly tables: readonly TableSpec[]; readonly packs: readonly PackSpec[]; readonly token: string; readonly epoch: string; readonly user: string }
  | { readonly kind: 'urls'; readonly urls: ReadonlyMap<string, string> }
  | { readonly kind: 'apply'; readonly pack: Pack }
  | { readonly kind: 'index'; readonly table: Table }
  | { readonly kind: 'segment'; readonly segment: Segment; readonly tables: readonly Table[] }
  /** Throw away what was loaded of these tables, and their packs; a usable copy stays. */
  | { readonly kind: 'forget'; readonly tables: readonly number[]; readonly packs: readonly string[] };

export interface Asking {
  readonly id: number;
  readonly kind: 'plan' | 'pull' | 'wait' | 'urls';
  /** The packs whose addresses are asked for, in this order. */
  readonly names: readonly string[];
}

export interface Retry {
  readonly attempt: number;
  readonly atMs: number;
  readonly error: CarryonError;
}

export interface EngineState {
  readonly config: EngineConfig;
  readonly phase: 'starting' | 'running' | 'done' | 'failed';
  readonly device: string;
  readonly epoch: string | undefined;
  /** The person whose share this is. */
  readonly user: string | undefined;
  readonly token: string | null;
  readonly tables: readonly Table[];
  readonly packs: readonly Pack[];
  readonly lease: Lease | undefined;
  /** Why the lease was taken back; work in flight is coming to rest. */
  readonly leaving: string | undefined;
  readonly asking: Asking | undefined;
  readonly asked: number;
  /** Addresses of packs have expired: ask for fresh ones. */
  readonly needUrls: boolean;
  readonly step: Step | undefined;
  readonly queue: readonly Step[];
  readonly retry: Retry | undefined;
  /** Failures in a row. */
  readonly failures: number;
  /** Times that the server had given up a pack of the plan, since the last commit. */
  readonly withdrawn: number;
  /** Tables downloaded again because their digest differed. */
  readonly repaired: readonly number[];
  readonly error: CarryonError | undefined;
}

export function initialState(config: EngineConfig): EngineState {
  return {
    config, phase: 'starting', device: '', epoch: undefined, user: undefined, token: null, tables: [], packs: [], lease: undefined, leaving: undefined,
    asking: undefined, asked: 0, needUrls: false, step: undefined, queue: [], retry: undefined, failures: 0, withdrawn: 0, repaired: [], error: undefined,
  };
}
