import { explain, type RuleId, type Verdict } from '@carryon/policy';
import type { CarryonError } from '@carryon/protocol';
import { told } from '../core/permit.ts';
import { isIncomplete, nextDueMs } from '../core/schedule.ts';
import type { EngineState, Lease, Pack, Round, Table } from '../core/state.ts';

export interface TableStatus {
  readonly name: string;
  readonly level: number;
  /** Can be read by SQL now. */
  readonly usable: boolean;
  readonly rows: number;
  /** Rows announced by the plan while the table is downloaded. */
  readonly rowsPlanned?: number;
}

export interface DownloadStatus {
  readonly packs: { readonly applied: number; readonly stored: number; readonly of: number };
  /** Bytes received of bytes to receive. */
  readonly bytes: { readonly done: number; readonly of: number };
  /** Packs that the operating system's transfer service fetches. */
  readonly handedOver: number;
  readonly rows: { readonly done: number; readonly of: number };
}

/** One reason to wait. */
export interface Waiting {
  /** `policy`: the rules say so. `pause`: the app asked for it. `situation`: the host has not told it yet. Else an error's code. */
  readonly code: string;
  readonly message: string;
  readonly action?: string;
  /** With `policy`: the row. */
  readonly rule?: RuleId;
  /** When it goes on by itself, in milliseconds since 1970; undefined: when what is named ends. */
  readonly untilMs?: number;
}

export interface Warning {
  readonly code: string;
  readonly message: string;
}

/** What a person may want to know of a device, in one read model. */
export interface DeviceStatus {
  /** `following`: another process of this device syncs, and this one uses what that brings. */
  readonly state: 'following' | 'starting' | 'preparing' | 'downloading' | 'syncing' | 'up-to-date' | 'waiting' | 'failed';
  readonly user?: string;
  /** Why nothing goes on at present, and when it will: the first of `reasons`. */
  readonly waiting?: Waiting;
  /** Everything that has to end before it goes on. */
  readonly reasons: readonly Waiting[];
  /** The sync at hand; undefined: none is. */
  readonly sync?: Pick<Round, 'kind' | 'begun' | 'byPerson'>;
  /** What the policy says of the sync at hand, or of a new one; `explain` of `@carryon/policy` puts it in words. */
  readonly verdict?: Verdict;
  /** Permission to work: the row that gives it, its end where it has one, and whether the network may be used. Absent: the engine rests. */
  readonly lease?: Lease;
  /** When a table is synced next by its interval, in milliseconds since 1970. */
  readonly nextSyncMs?: number;
  /** Whether the person has any tables here: `unknown` until the server has said so. */
  readonly share: 'unknown' | 'some' | 'none';
  readonly tables: readonly TableStatus[];
  /** Edits made on this device that the server's data does not show yet, as rows and as changes of them, and refused ones that wait for a decision. */
  readonly edits: {
    readonly records: number;
    readonly operations: number;
    readonly drafts: number;
    /** Rows that the server no longer has, or no longer shows to the person: their pending edits alone keep them visible. */
    readonly gone: number;
    /** Tables that the person no longer has, and that are here until their pending edits have their answer. */
    readonly left: readonly string[];
    /** Why the server has taken in none of them, and when they are sent again. */
    readonly waiting?: Waiting;
  };
  /** Present while packs are outstanding. */
  readonly download?: DownloadStatus;
  /** The server builds packs: so many of so many. */
  readonly building?: { readonly done: number; readonly of: number };
  readonly warnings: readonly Warning[];
}

/** What only the running engine knows. */
export interface Live {
  readonly nowMs: number;
  /** Bytes received of packs that are not complete, by name. */
  readonly partial: ReadonlyMap<string, number>;
  readonly building: { readonly done: number; readonly of: number } | undefined;
  readonly warnings: readonly Warning[];
}

export function deriveStatus(state: EngineState, live: Live): DeviceStatus {
  const reasons = reasonsOf(state);
  const [waiting] = reasons;
  const download = downloadOf(state.packs, live.partial);
  const nextSyncMs = nextDueMs(state, live.nowMs);
  return {
    state: stateOf(state, waiting, download, live),
    ...(state.user === undefined ? {} : { user: state.user }),
    ...(waiting ? { waiting } : {}),
    reasons,
    ...(state.round ? { sync: { kind: state.round.kind, begun: state.round.begun, byPerson: state.round.byPerson } } : {}),
    ...(state.verdict ? { verdict: told(state, state.verdict) } : {}),
    ...(state.lease ? { lease: state.lease } : {}),
    ...(nextSyncMs === undefined ? {} : { nextSyncMs }),
    share: state.tables.length > 0 ? 'some' : state.empty ? 'none' : 'unknown',
    tables: state.tables.map((table) => tableOf(table, state.packs)),
    edits: editsOf(state),
    ...(download ? { download } : {}),
    ...(live.building ? { building: live.building } : {}),
    warnings: [...live.warnings, ...(state.empty ? [NOTHING] : [])],
  };
}

const NOTHING: Warning = { code: 'share.none', message: 'The server has no data here for this person.' };

function editsOf({ outbox: { records, operations, drafts, gone, left }, pushHeld }: EngineState): DeviceStatus['edits'] {
  return { records, operations, drafts, gone, left, ...(pushHeld ? { waiting: { ...describe(pushHeld.error), untilMs: pushHeld.atMs } } : {}) };
}

function stateOf(state: EngineState, waiting: Waiting | undefined, download: DownloadStatus | undefined, live: Live): DeviceStatus['state'] {
  if (state.phase === 'failed') return 'failed';
  if (waiting && (state.phase === 'running' || state.retry)) return 'waiting';
  if (state.phase === 'starting') return 'starting';
  if (live.building) return 'preparing';
  if (download) return 'downloading';
  return !isIncomplete(state) && !state.round && state.tables.every((table) => table.fresh) ? 'up-to-date' : 'syncing';
}

/** Nothing waits when nothing is to be done. */
function reasonsOf(state: EngineState): Waiting[] {
  if (state.error) return [describe(state.error)];
  const failed = state.retry ? [{ ...describe(state.retry.error), untilMs: state.retry.atMs }] : [];
  if (state.phase !== 'running') return state.phase === 'starting' ? failed : [];
  if (!state.report) return [{ code: 'situation', message: 'The device has not said yet whether the sync may run.' }];
  const paused = state.pauses.map((reason) => ({ code: 'pause', message: `The app has paused the sync: ${reason}.` }));
  const isDenied = state.verdict && (state.verdict.engine !== 'run' || (state.verdict.network === 'leave' && !hasLocalWork(state)));
  const denied = state.round && state.verdict && isDenied ? [denialOf(told(state, state.verdict))] : [];
  return [...paused, ...denied, ...failed];
}

/** Something that is on the device already is being put in place. */
const hasLocalWork = (state: EngineState): boolean =>
  state.step !== undefined || state.queue.length > 0 || state.packs.some((pack) => pack.stage === 'stored' || pack.stage === 'unpacking' || pack.stage === 'unpacked');

function denialOf(verdict: Verdict): Waiting {
  const { now, why, youCan } = explain(verdict, 'en');
  return { code: 'policy', message: `${now} ${why}`, action: youCan.join(' '), rule: verdict.rule, ...(verdict.nextMs === undefined ? {} : { untilMs: verdict.nextMs }) };
}

const describe = (error: CarryonError): Waiting => ({ code: error.code, message: error.message, action: error.action });

function tableOf(table: Table, packs: readonly Pack[]): TableStatus {
  const planned = packs.flatMap((pack) => pack.parts).filter((part) => part.table === table.id).reduce((sum, part) => sum + part.rows, 0);
  return { name: table.name, level: table.level, usable: table.usable, rows: table.rows, ...(table.load === 'none' ? {} : { rowsPlanned: planned }) };
}

function downloadOf(packs: readonly Pack[], partial: ReadonlyMap<string, number>): DownloadStatus | undefined {
  if (packs.every((pack) => pack.stage === 'applied')) return undefined;
  const rowsOf = (pack: Pack): number => pack.parts.reduce((sum, part) => sum + part.rows, 0);
  const sum = (of: (pack: Pack) => number): number => packs.reduce((total, pack) => total + of(pack), 0);
  const isHere = (pack: Pack): boolean => pack.stage !== 'wanted' && pack.stage !== 'handed' && pack.stage !== 'transferring';
  return {
    packs: { applied: packs.filter((pack) => pack.stage === 'applied').length, stored: packs.filter(isHere).length, of: packs.length },
    bytes: { done: sum((pack) => (isHere(pack) ? pack.bytes : Math.min(pack.bytes, partial.get(pack.name) ?? 0))), of: sum((pack) => pack.bytes) },
    handedOver: packs.filter((pack) => pack.stage === 'handed').length,
    rows: { done: sum((pack) => (pack.stage === 'applied' ? rowsOf(pack) : 0)), of: sum(rowsOf) },
  };
}
