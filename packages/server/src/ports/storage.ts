import type { Digest, FeedValue, Outcome, Push } from '@carryon/protocol';
import type { Attributes } from '../core/attributes.ts';
import type { Config, KnownIds } from '../core/config.ts';

export type { SyncedTable } from '../core/config.ts';

/** A node of the rules with a person's attributes filled in, and what of its rows is sent. */
export interface ScopeKey {
  readonly table: number;
  readonly node: number;
  /** As `paramOf` gives it; '' for the scope that everybody shares. */
  readonly param: string;
  /** Names of the columns that are sent, in the table's order. */
  readonly columns: readonly string[];
}

export interface Scope extends ScopeKey {
  readonly id: number;
  /** Checkpoint of the last change in the scope. */
  readonly head: number;
  readonly digest: Digest;
}

export interface StoreState {
  readonly epoch: string;
  /** Last published checkpoint; 0: the business database has not been read completely yet. */
  readonly checkpoint: number;
  /** Tombstones at or below this checkpoint are gone. */
  readonly floor: number;
}

/** A place in a scope's feed: everything up to and including it was read. */
export interface Position {
  readonly seq: number;
  readonly rid: number;
}

export interface Entry {
  readonly rid: number;
  readonly seq: number;
  readonly ver: number;
  /** Undefined: the row left the scope. */
  readonly values: readonly FeedValue[] | undefined;
}

export interface FeedPart {
  readonly entries: readonly Entry[];
  /** About how much they take on the wire. */
  readonly bytes: number;
  readonly atEnd: boolean;
}

/** The live rows of a scope whose row ids lie in a range: range i is [i * width, (i + 1) * width - 1]. */
export interface RangeDigest extends Digest {
  readonly i: number;
}

/** What a device is known to have: the rows of another scope of the table at that checkpoint. */
export interface Held {
  readonly scope: number;
  readonly at: number;
  /** Checkpoint of the round's first page: what came into the scope that is read after it is news to the device, whatever it has. */
  readonly first: number;
  /** The person may not be told of what happened in the held scope after this checkpoint. */
  readonly until: number;
}

/** A person's right to a scope, as the store has noted it. */
export interface Grant {
  readonly scope: number;
  readonly table: number;
  /** The checkpoint since when the person has it without a break, with no fewer columns. */
  readonly since: number;
  /** Names of the columns that the person gets. */
  readonly columns: readonly string[];
  /** The checkpoint at which it was noted that the person has it no longer; undefined: has it. */
  readonly until: number | undefined;
  /** When it was last noted that the person has it. */
  readonly usedMs: number;
}

/** Claims of a person's token that the profile names. */
export interface Claims {
  readonly teams?: readonly string[];
  readonly unit?: string;
}

export interface Person {
  readonly user: string;
  readonly claims: Claims;
}

/** The store as it was at one moment; reads through it agree with each other. */
export interface Snapshot {
  state(): StoreState;
  /** The rules as they are at this checkpoint. */
  config(): Config;
  /** What the tables of people say of the person, `profiles` left empty; undefined: nobody. */
  attributes(person: Person): Attributes | undefined;
  /** The claims that the person's last token had. */
  claims(user: string): Claims;
  /** Undefined: not activated yet. */
  scope(key: ScopeKey): Scope | undefined;
  /** The scopes that the person has, and those had before that are not forgotten yet. */
  grants(user: string): Grant[];
  /**
   * The next entries after the position, in feed order; stops early at about maxBytes. Left out are live rows that a device surely has: that
   * came into the scope not after `first`, are live in the held scope since `at` or before, and have no newer version. Left out is also what
   * had left the scope by `first`: of a scope that is read from its beginning the device has no such row.
   */
  feed(scope: Scope, after: Position, maxRows: number, maxBytes: number, unless?: Held): FeedPart;
  /**
   * The rows that the device may have (live in the held scope, or dead there since a checkpoint after `at`) and that are not live in the
   * scope, not more than so many. Undefined: there are more, or one of them is of a checkpoint after `until`.
   */
  leavers(held: Held, scope: Scope, most: number): number[] | undefined;
  liveRids(scope: Scope): number[];
  /** The last changeset of the device whose effects are in this snapshot; 0: none. */
  acked(user: string, device: string): number;
  /** The ranges of that width that hold live rows, ascending, not more than so many. */
  rangeDigests(scope: Scope, width: number, most: number): RangeDigest[];
  /** The live rows with row ids in [low, high], ascending; stops early at about maxBytes. */
  rowsBetween(scope: Scope, low: number, high: number, maxRows: number, maxBytes: number): FeedPart;
}

/** A part of a pack: the rows of one scope with rid in [low, high]. */
export interface PackPart extends ScopeKey {
  readonly low: number;
  readonly high: number;
}

export interface BuiltPart { readonly table: number; readonly rows: number; readonly sum: number }

export interface RawPack {
  /** The pack's SQLite file. */
  readonly bytes: Uint8Array;
  readonly asOf: number;
  readonly parts: readonly BuiltPart[];
}

/** How a scope is cut into packs. */
export interface Extent {
  readonly rows: number;
  readonly maxRid: number;
  /** About how many bytes a row takes in a pack, before compression. */
  readonly rowBytes: number;
  /** Width in rids of one pack, once it was chosen. */
  readonly width: number | undefined;
}

export interface PackRecord {
  /** Names the parts; the same content later has the same key. */
  readonly key: string;
  readonly codec: string;
  readonly name: string;
  readonly bytes: number;
  readonly rawBytes: number;
  readonly asOf: number;
  readonly level: number;
  readonly parts: readonly BuiltPart[];
  /** Whose rows are inside. */
  readonly scopes: readonly PackPart[];
}

/** Edits that a device sends. */
export interface Upload extends Person {
  readonly device: string;
  readonly push: Push;
  readonly nowMs: number;
}

/** How far the device's changesets are taken in, and what became of those that it does not know yet. */
export interface Uploaded {
  readonly last: number;
  /** Names the record of changesets in the business database; a new one where that was made anew. */
  readonly ledger: string;
  /** The device has never sent some of those that are taken in: it was put back from an older copy, and nothing of this push was taken in. */
  readonly diverged?: boolean;
  readonly outcomes: readonly Outcome[];
  /** Changesets that this call took in, the refused ones included. */
  readonly taken: number;
  readonly refused: number;
  /** Whether devices have something new to hear, as `evaluate` tells it. */
  readonly published: boolean;
}

/** A refused edit, as the table of sync errors tells it. */
export interface SyncErrorRow {
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly error_time: string;
  readonly message: string;
  /** 0 conflict, 1 record not found, 2 record already exists, 3 other. */
  readonly type: number;
  readonly record_table: string;
  /** The key's values as JSON. */
  readonly record_key: string;
  /** Whose edit it was. */
  readonly owner: string;
  readonly action: 'create' | 'update' | 'delete';
  /** What the refused change would have done, as JSON: per column `{ "from", "to" }`. */
  readonly action_data: string;
  /** The whole changeset as it was sent, as JSON. */
  readonly request_data: string;
  readonly error_code: string;
  readonly device: string;
  readonly seq: number;
}

export interface IngestProgress { readonly table: string; readonly rows: number }

/**
 * The server's storage: the business database's changes come in, checkpoints come out. One process writes at a time.
 * Every method may throw CarryonError.
 */
export interface Storage {
  /** Reads the business database completely, in short transactions; goes on where a killed run stopped. Ends early when told `false`. */
  prepare(onProgress: (progress: IngestProgress) => boolean | void): Promise<void>;
  /** Takes in what changed; true when devices have something new to hear: a new checkpoint, or that changesets have come further. */
  evaluate(nowMs: number): Promise<boolean>;
  /**
   * Applies the changesets that follow the device's last one, in one transaction with its watermark and the outcomes, and takes in the changes.
   * Each is all or nothing; a refused one counts. Rejects with `source.locked` and the like; the same push again then goes on where it stopped.
   */
  upload(upload: Upload): Promise<Uploaded>;
  /** Newest first; no person: of everybody. */
  errors(user: string | undefined, most: number): Promise<SyncErrorRow[]>;
  /**
   * Makes sure that the scopes exist, with those that they need, and notes that the person has these and no others, with the claims that
   * say so. What the person had before and is not among them ends at this checkpoint.
   */
  activate(person: Person, keys: readonly ScopeKey[], nowMs: number): Promise<void>;
  /** The ids given so far, for compiling the next rules. */
  known(): Promise<KnownIds>;
  /** Goes over to other rules at one checkpoint: tables and columns that are new are read, what is the same stays. On an error the old ones stay. */
  reconfigure(config: Config, nowMs: number, onProgress: (progress: IngestProgress) => boolean | void): Promise<void>;
  /** Changes with the schema of the business database. Rules are then to be compiled and given to `reconfigure` again. */
  schemaVersion(): Promise<number>;
  /** Forgets tombstones of checkpoints before that time; and of scopes what nobody has used since the other time. */
  expire(beforeMs: number, idleBeforeMs?: number): Promise<void>;
  read<T>(use: (snapshot: Snapshot) => T): Promise<T>;
  extent(scope: ScopeKey): Promise<Extent>;
  setWidth(scope: ScopeKey, width: number): Promise<void>;
  buildPack(parts: readonly PackPart[]): Promise<RawPack>;
  savePack(pack: PackRecord, nowMs: number): Promise<void>;
  /** Notes that the packs are in use, so that they are kept. */
  usePacks(names: readonly string[], nowMs: number): Promise<void>;
  /** The newest pack of that key and codec. */
  findPack(key: string, codec: string): Promise<PackRecord | undefined>;
  packsNamed(name: string): Promise<PackRecord[]>;
  /** How many rows of the parts changed after the checkpoint; stops counting at `most`. */
  changedSince(parts: readonly PackPart[], checkpoint: number, most: number): Promise<number>;
  /** Forgets packs not used since that time or replaced before it, and returns their names. */
  dropPacks(beforeMs: number): Promise<string[]>;
  close(): Promise<void>;
}
