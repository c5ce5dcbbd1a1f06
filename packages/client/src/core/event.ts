import type { CarryonError, SyncRequest } from '@carryon/protocol';
import type { Lease } from '../ports/host.ts';
import type { Pack, Segment, Step, Table } from './state.ts';

/** What the device's database and pack store hold at the start. */
export interface Durable {
  readonly device: string;
  readonly epoch: string | undefined;
  readonly user: string | undefined;
  readonly token: string | null;
  readonly tables: readonly Table[];
  readonly packs: readonly Pack[];
}

/** A server's answer, read whole and checked. */
export interface Answer {
  readonly epoch: string;
  readonly user: string;
  readonly plan?: Extract<Step, { kind: 'plan' }>;
  readonly urls?: readonly string[];
  readonly segments: readonly Segment[];
  /** Where the answer broke off; what came before counts. */
  readonly error?: CarryonError;
  /** Free space on the device; told with a plan. */
  readonly freeBytes?: number;
}

export type Happening =
  | { readonly type: 'started'; readonly durable: Durable }
  | { readonly type: 'granted'; readonly lease: Lease }
  | { readonly type: 'revoked'; readonly reason: string }
  | { readonly type: 'answered'; readonly id: number; readonly answer: Answer }
  | { readonly type: 'ask-failed'; readonly id: number; readonly error: CarryonError }
  | { readonly type: 'fetched'; readonly name: string }
  | { readonly type: 'fetch-failed'; readonly name: string; readonly error: CarryonError }
  | { readonly type: 'unpacked'; readonly name: string }
  | { readonly type: 'unpack-failed'; readonly name: string; readonly error: CarryonError }
  | { readonly type: 'stepped'; readonly result: StepResult }
  | { readonly type: 'step-failed'; readonly error: CarryonError }
  | { readonly type: 'woke' }
  /** The person or a timer asks for a round now. */
  | { readonly type: 'sync-asked' };

export interface StepResult {
  /** Rows now in the tables concerned. */
  readonly rows?: ReadonlyMap<number, number>;
  /** Tables whose digest differs from the server's. */
  readonly differing?: readonly number[];
}

/** Everything `step` gets to know: what happened, when, and one random number. */
export type EngineEvent = Happening & { readonly nowMs: number; readonly random: number };

/** What the engine wants done. */
export type Effect =
  | { readonly type: 'ask'; readonly id: number; readonly request: SyncRequest }
  | { readonly type: 'fetch'; readonly pack: Pack }
  | { readonly type: 'unpack'; readonly pack: Pack }
  | { readonly type: 'step'; readonly step: Step }
  | { readonly type: 'wake'; readonly atMs: number }
  /** End every request in flight. */
  | { readonly type: 'abort'; readonly reason: string }
  | { readonly type: 'journal'; readonly kind: string; readonly detail: string }
  | { readonly type: 'rested' }
  | { readonly type: 'finished'; readonly error?: CarryonError };
