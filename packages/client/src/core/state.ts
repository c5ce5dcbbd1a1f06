import { DEFAULT_RULE_SET, type History, type RuleId, type RuleSetName, type SyncKind, type Verdict } from '@carryon/policy';
import type { CarryonError, Codec, CommitFrame, PackSpec, FeedValue, PushedFrame, TableSpec } from '@carryon/protocol';
import type { Report } from '../ports/host.ts';

export interface EngineConfig {
  /** `once`: end when every table is up to date; the person asked for it. `watch`: stay, and keep the tables current. */
  readonly mode: 'once' | 'watch';
  /** The rules for background, lock, power and network. */
  readonly ruleSet: RuleSetName;
  /** Packs fetched at a time. */
  readonly fetches: number;
  /** Packs stored but not yet applied, at most. */
  readonly storedAhead: number;
  /** Failures in a row after which a run of mode `once` gives up. */
  readonly mostAttempts: number;
  /** How long a request of mode `watch` waits at the server for a change. */
  readonly waitSeconds: number;
  /** Between syncs of a table that names no interval, where changes do not come live. */
  readonly everyMinutes: number;
  readonly codecs: readonly Codec[];
}

export const DEFAULT_CONFIG: EngineConfig = {
  mode: 'once', ruleSet: DEFAULT_RULE_SET, fetches: 3, storedAhead: 6, mostAttempts: 6, waitSeconds: 25, everyMinutes: 15, codecs: ['zstd', 'gzip'],
};

/** What became of a pack on this device. `handed`: the OS's transfer service fetches it; `transferring`: the engine does. */
export type PackStage = 'wanted' | 'handed' | 'transferring' | 'stored' | 'unpacking' | 'unpacked' | 'applied';

export interface Pack extends PackSpec {
  readonly stage: PackStage;
  /** Whether size and hash were checked in this process. */
  readonly verified: boolean;
  /** Times it came wrong. */
  readonly wrong: number;
  /** The engine fetches it itself: it has begun to, or the OS did not bring it. */
  readonly own: boolean;
  /** Times that the OS was asked to fetch it. */
  readonly handed: number;
}

export interface Table extends TableSpec {
  /** Usable by SQL under its name. */
  readonly usable: boolean;
  /** A copy being loaded beside it: none, filling from packs, or complete with its index. */
  readonly load: 'none' | 'filling' | 'indexed';
  readonly rows: number;
  /** When it last became equal to the server's share, in milliseconds since 1970. */
  readonly syncedMs: number | undefined;
  /** Committed in this round, or in the last one that it took part in. */
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
  /** Row id ranges that hold the rows of `puts` and no others, per table. */
  readonly ranges?: ReadonlyMap<number, readonly (readonly [low: number, high: number])[]>;
  /** It answers a check of digests: the table is counted anew. */
  readonly check?: true;
}

/** A table's digests by ranges of row ids: range i is [i * width, (i + 1) * width - 1]; triples of i, rows, sum. */
export interface Measured {
  readonly table: number;
  readonly width: number;
  readonly ranges: readonly number[];
}

/**
 * Which tables the person has now. Taken over in the transaction that stores the token which stands for it: with an older token the server would
 * not tell again what has changed back meanwhile.
 */
export interface ToldTables {
  readonly tables: readonly TableSpec[];
  readonly epoch: string;
  readonly user: string;
  /** Tables whose loading, with these packs, is thrown away. */
  readonly forget: readonly number[];
  readonly packs: readonly string[];
}

export type Step =
  | { readonly kind: 'plan'; readonly tables: readonly TableSpec[]; readonly packs: readonly PackSpec[]; readonly token: string; readonly epoch: string; readonly user: string; readonly told?: ToldTables }
  /** Number the changes that no changeset has yet. */
  | { readonly kind: 'collect' }
  /** Take in what became of changesets. */
  | { readonly kind: 'outcomes'; readonly pushed: PushedFrame['pushed'] }
  | { readonly kind: 'urls'; readonly urls: ReadonlyMap<string, string> }
  | { readonly kind: 'apply'; readonly pack: Pack }
  | { readonly kind: 'index'; readonly table: Table }
  | { readonly kind: 'segment'; readonly segment: Segment; readonly tables: readonly Table[]; readonly told?: ToldTables }
  /** Take a table's digests, to compare them with the server's. */
  | { readonly kind: 'measure'; readonly table: Table }
  /** Throw away what was loaded of these tables, and their packs; a usable copy stays. */
  | { readonly kind: 'forget'; readonly tables: readonly number[]; readonly packs: readonly string[] }
  /** Forget the server's epoch and the plan, and download every table anew; usable copies and pending work stay. */
  | { readonly kind: 'reset'; readonly packs: readonly string[] };

/** The edits made on this device that the server's data does not show yet. */
export interface Outbox {
  /** Changes that no changeset has yet. */
  readonly loose: number;
  /** The newest changeset; 0: none was made. */
  readonly made: number;
  /** Outcomes are known up to this changeset. */
  readonly known: number;
  /** Ids of the tables with changes that no commit has confirmed. */
  readonly tables: readonly number[];
  /** Changes, and rows concerned, that no commit has confirmed. */
  readonly operations: number;
  readonly records: number;
  /** Refused changesets that the person has not decided about. */
  readonly drafts: number;
  /** Rows among these that the server no longer has, or no longer shows to the person: their edits alone keep them visible. */
  readonly gone: number;
  /** Names of tables that the person no longer has, and that are here for their pending edits alone. */
  readonly left: readonly string[];
}

export const EMPTY_OUTBOX: Outbox = { loose: 0, made: 0, known: 0, tables: [], operations: 0, records: 0, drafts: 0, gone: 0, left: [] };

/** Whether the server has not told the outcome of some edits. */
export const hasUnsent = ({ outbox }: Pick<EngineState, 'outbox'>): boolean => outbox.loose > 0 || outbox.made > outbox.known;

/** Whether there are edits to be sent now. */
export const wantsPush = (state: Pick<EngineState, 'outbox' | 'pushHeld'>): boolean => hasUnsent(state) && state.pushHeld === undefined;

/** One sync: what it is for a policy, and which tables take part. */
export interface Round {
  readonly kind: SyncKind;
  /** Undefined: all tables. */
  readonly tables: readonly number[] | undefined;
  readonly byPerson: boolean;
  /** It has started: from now on it is suspended and resumed, no longer waiting to start. */
  readonly begun: boolean;
  /** Of a full delta: tables whose rows were compared. */
  readonly checked: readonly number[];
}

/** Permission to work, as the policy's verdict gives it. */
export interface Lease {
  readonly rule: RuleId;
  /** False: what is stored may be applied, nothing may be requested. */
  readonly network: boolean;
  /** When it ends, in milliseconds since 1970; undefined: open-ended. */
  readonly deadlineMs?: number;
  /** Only for sending edits: the sync at hand may not go on. */
  readonly edits?: true;
}

export interface Asking {
  readonly id: number;
  readonly kind: 'plan' | 'push' | 'pull' | 'wait' | 'urls' | 'check';
  /** Its request is on its way. */
  readonly isSent: boolean;
  /** The packs whose addresses are asked for, in this order. */
  readonly names: readonly string[];
  /** The tables asked about; undefined: all. */
  readonly tables: readonly number[] | undefined;
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
  /** The server has said that the person has no tables: when, in milliseconds since 1970, and whether in this round. Undefined: there are some, or it is not known. */
  readonly empty: { readonly syncedMs: number; readonly fresh: boolean } | undefined;
  readonly packs: readonly Pack[];
  readonly outbox: Outbox;

  /** What the host told last, and what the policy remembers of all that it told. */
  readonly report: Report | undefined;
  readonly history: History | undefined;
  /** The app's own reasons to rest. */
  readonly pauses: readonly string[];
  /** What the policy said last, of the round or of a new delta. */
  readonly verdict: Verdict | undefined;
  readonly lease: Lease | undefined;
  /** That verdict is of sending edits, since the sync at hand may not go on. */
  readonly onlyEdits: boolean;
  /** Why the lease was taken back; work in flight is coming to rest. */
  readonly leaving: string | undefined;

  /** The sync at hand; undefined: idle. */
  readonly round: Round | undefined;
  /** Asked for meanwhile. */
  readonly nextRound: Round | undefined;
  /** Something asks for all tables: the network is back. */
  readonly allDue: boolean;
  readonly measured: Measured | undefined;
  /** Between a reset and the plan that follows it: that plan may name any tables. */
  readonly resetting: boolean;

  /** The host has a transfer service of the OS. */
  readonly hasTransfers: boolean;
  /** A call of it is under way. */
  readonly transferCall: 'list' | 'hand' | 'recall' | undefined;
  /** Its list is to be compared with the plan before anything else is fetched. */
  readonly needList: boolean;
  /** Times in a row that it could not be asked. */
  readonly unlisted: number;
  /** When it was last seen to do something. */
  readonly transferMs: number;
  /** It was seen to fetch something of what it has now. */
  readonly transferRuns: boolean;
  /** It brought nothing for so long that the engine does its work while this lease lasts. */
  readonly stalled: boolean;
  /** Since when the engine has had its lease. */
  readonly leasedMs: number;
  /** The packs handed over may come over a metered network. */
  readonly handedMetered: boolean;

  readonly asking: Asking | undefined;
  readonly asked: number;
  /** Addresses of packs have expired: ask for fresh ones. */
  readonly needUrls: boolean;
  readonly step: Step | undefined;
  readonly queue: readonly Step[];
  readonly retry: Retry | undefined;
  /** The server took in nothing of the last push: the next one waits, and nothing else does. */
  readonly pushHeld: Retry | undefined;
  /** Such pushes in a row. */
  readonly pushFailures: number;
  /** Failures in a row. */
  readonly failures: number;
  /** Times that the server had given up a pack of the plan, since the last commit. */
  readonly withdrawn: number;
  /** Tables downloaded again because their digest differed, and not right yet. */
  readonly repaired: readonly number[];
  readonly error: CarryonError | undefined;

  /** When the timer that looks again is set for. */
  readonly lookMs: number | undefined;
  /** The wish that the host knows, as text. */
  readonly wished: string;
}

export function initialState(config: EngineConfig, hasTransfers = false): EngineState {
  return {
    config, phase: 'starting', device: '', epoch: undefined, user: undefined, token: null, tables: [], empty: undefined, packs: [], outbox: EMPTY_OUTBOX,
    report: undefined, history: undefined, pauses: [], verdict: undefined, lease: undefined, onlyEdits: false, leaving: undefined,
    round: undefined, nextRound: undefined, allDue: false, measured: undefined, resetting: false,
    hasTransfers, transferCall: undefined, needList: hasTransfers, unlisted: 0, transferMs: 0, transferRuns: false, stalled: false, leasedMs: 0, handedMetered: false,
    asking: undefined, asked: 0, needUrls: false, step: undefined, queue: [], retry: undefined, pushHeld: undefined, pushFailures: 0, failures: 0, withdrawn: 0, repaired: [], error: undefined,
    lookMs: undefined, wished: '',
  };
}

/** A number with its noun, for the journal. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** The person sees the app. */
export const isVisible = ({ report }: Pick<EngineState, 'report'>): boolean => report?.app === 'foreground' && report.screen === 'unlocked';

/** Changes the packs of these names. */
export function setPacks(state: EngineState, names: ReadonlySet<string>, change: (pack: Pack) => Partial<Pack>): EngineState {
  return { ...state, packs: state.packs.map((pack) => (names.has(pack.name) ? { ...pack, ...change(pack) } : pack)) };
}

export const setPack = (state: EngineState, name: string, change: Partial<Pack>): EngineState => setPacks(state, new Set([name]), () => change);
