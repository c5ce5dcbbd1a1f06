import type { RuleId, SyncKind } from '@carryon/policy';
import type { CarryonError, PushedFrame, SyncRequest, TableSpec } from '@carryon/protocol';
import type { Report, WakeWish } from '../ports/host.ts';
import type { Transfer } from '../ports/transfers.ts';
import type { Measured, Outbox, Pack, Retry, Segment, Step, Table } from './state.ts';

/** What the device's database and pack store hold at the start. */
export interface Durable {
  readonly device: string;
  readonly epoch: string | undefined;
  readonly user: string | undefined;
  readonly token: string | null;
  readonly tables: readonly Table[];
  readonly packs: readonly Pack[];
  readonly outbox: Outbox;
}

/** A server's answer, read whole and checked. */
export interface Answer {
  readonly epoch: string;
  readonly user: string;
  /** What became of this device's edits. */
  readonly pushed?: PushedFrame['pushed'];
  /** All tables of the person as they are now, where that is news. */
  readonly tables?: readonly TableSpec[];
  readonly plan?: Extract<Step, { kind: 'plan' }>;
  readonly urls?: readonly string[];
  /** Tables that differ too much to be mended row by row. */
  readonly lost?: readonly number[];
  readonly segments: readonly Segment[];
  /** Where the answer broke off; what came before counts. */
  readonly error?: CarryonError;
  /** Free space on the device; told with a plan. */
  readonly freeBytes?: number;
}

/** A sync that the person or the app asks for. */
export interface Asked {
  readonly kind: Extract<SyncKind, 'delta' | 'full-delta' | 'table'>;
  /** Names of tables; absent: all. */
  readonly tables?: readonly string[];
}

export type Happening =
  | { readonly type: 'started'; readonly durable: Durable }
  /** The device's database or disk could not be opened; it is tried again. */
  | { readonly type: 'open-failed'; readonly retry: Retry }
  | { readonly type: 'situation'; readonly report: Report }
  | { readonly type: 'paused'; readonly reason: string }
  | { readonly type: 'resumed'; readonly reason: string }
  /** The question's request is on its way. */
  | { readonly type: 'asked'; readonly id: number }
  | { readonly type: 'answered'; readonly id: number; readonly answer: Answer }
  | { readonly type: 'ask-failed'; readonly id: number; readonly error: CarryonError }
  | { readonly type: 'fetched'; readonly name: string }
  | { readonly type: 'fetch-failed'; readonly name: string; readonly error: CarryonError }
  | { readonly type: 'unpacked'; readonly name: string }
  | { readonly type: 'unpack-failed'; readonly name: string; readonly error: CarryonError }
  | { readonly type: 'stepped'; readonly result: StepResult }
  | { readonly type: 'step-failed'; readonly error: CarryonError }
  /** The OS took packs over, but not these. */
  | { readonly type: 'handed'; readonly refused: readonly string[] }
  /** What the OS's transfer service has, and which packs are complete in the pack store. Undefined: it could not be asked. */
  | { readonly type: 'listed'; readonly transfers: readonly Transfer[] | undefined; readonly stored: readonly string[] }
  | { readonly type: 'transfer'; readonly transfer: Transfer }
  | { readonly type: 'woke'; readonly timer: Timer }
  /** The app has written; how its edits stand now. */
  | { readonly type: 'wrote'; readonly outbox: Outbox }
  | { readonly type: 'sync-asked'; readonly asked: Asked }
  | { readonly type: 'reset-asked' };

/** `retry`: a wait after a failure is over. `look`: a limit of the policy, a table's interval or a transfer's patience. */
export type Timer = 'retry' | 'look';

export interface StepResult {
  /** Rows now in the tables concerned. */
  readonly rows?: ReadonlyMap<number, number>;
  /** Tables whose digest differs from the server's. */
  readonly differing?: readonly number[];
  readonly measured?: Measured;
  /** How the edits stand now, where the step may have changed that. */
  readonly outbox?: Outbox;
  /** Changesets that a restored server lacks: so many are sent again, so many the device no longer has. */
  readonly restored?: { readonly again: number; readonly lost: number };
  /** The device's id from now on: its folder was put back from an older copy. */
  readonly device?: string;
}

/** Everything `step` gets to know: what happened, when by both clocks, and one random number. */
export type EngineEvent = Happening & { readonly nowMs: number; readonly steadyMs: number; readonly random: number };

/** What the engine wants done. */
export type Effect =
  /** `push`: with the edits that the server has not told the outcome of, as many as a request takes. */
  | { readonly type: 'ask'; readonly id: number; readonly request: SyncRequest; readonly push: boolean }
  | { readonly type: 'fetch'; readonly pack: Pack }
  | { readonly type: 'unpack'; readonly pack: Pack }
  | { readonly type: 'step'; readonly step: Step }
  /** Set the timer anew, or end it. */
  | { readonly type: 'timer'; readonly timer: Timer; readonly atMs: number | undefined }
  /** End every request in flight. */
  | { readonly type: 'abort'; readonly reason: string }
  /** Let the OS fetch these. */
  | { readonly type: 'hand'; readonly packs: readonly Pack[]; readonly allowMetered: boolean }
  | { readonly type: 'list' }
  /** Take these back from the OS, then list. */
  | { readonly type: 'recall'; readonly names: readonly string[] }
  /** Tell the host when the engine would like to run again. */
  | { readonly type: 'wish'; readonly wake: WakeWish | undefined }
  | { readonly type: 'journal'; readonly kind: string; readonly detail: string; readonly rule?: RuleId; readonly nextMs?: number }
  | { readonly type: 'rested' }
  | { readonly type: 'finished'; readonly error?: CarryonError };
