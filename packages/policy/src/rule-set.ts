// The form of a rule set: rows as data. `decide` reads them and adds no rule of its own.
import type { Condition } from './facts.ts';
import type { Limit, Slices, TimeCondition } from './limit.ts';
import type { RuleId } from './rule-id.ts';
import type { Platform, SyncKind, WindowKind } from './situation.ts';
import type { EndEvent } from './verdict.ts';

export const RULE_SET_NAMES = ['2022-11', '2024-05', 'carry-on'] as const;
export type RuleSetName = (typeof RULE_SET_NAMES)[number];

/** `come-back` is the way back to the app from where it is: unlock, maximize, or open it. */
export type Ends = EndEvent | 'come-back';

type Until = Limit | Slices | 'window';
interface Allowed<E extends string> {
  readonly engine: E;
  /** No longer than this; absent: as long as the situation lasts. */
  readonly until?: Until;
  readonly liftedBy?: readonly Ends[];
}
// At least one way out, by type: no denial is silent about its end.
interface Denied<E extends string> {
  readonly engine: E;
  readonly next?: Slices;
  readonly endsBy: readonly [Ends, ...Ends[]];
}

/** For a sync that has begun. `local`: without requests; what is stored may be applied. */
export type ActiveOutcome = Allowed<'run'> | Denied<'suspend' | 'stop' | 'local'>;
/** For a sync that would start now. */
export type FreshOutcome = Allowed<'start'> | Denied<'wait'>;
export type Outcome = ActiveOutcome | FreshOutcome;

export interface Case {
  readonly when: Condition;
  readonly time?: TimeCondition;
  readonly active?: ActiveOutcome;
  readonly fresh?: FreshOutcome;
  /** What the OS's own transfers do meanwhile. Absent: none. */
  readonly transfers?: 'go-on' | 'hold' | 'none';
  /** Rows of the same table that this case stands on. */
  readonly standsOn?: readonly RuleId[];
}

/** A row that decides nothing and is named beside the one that does. */
export interface Remark {
  readonly when: Condition;
  /** Only where this event is the advice. */
  readonly advises?: EndEvent;
}

/** A way in which the OS brings the app back, for hosts to ask for. */
export interface WakeUp {
  readonly kind: WindowKind | 'resume' | 'unlock' | 'power-change' | 'background-sync' | 'periodic-sync' | 'timer';
  /** The OS does not come sooner. */
  readonly soonestMs?: number;
  /** About how long it lasts; the OS decides, and the host tells. */
  readonly aboutMs?: number;
}

export interface Citation {
  readonly page: string;
  /** ISO date; absent: not a published page. */
  readonly revised?: string;
  /** Where on the page, in our words. */
  readonly section: string;
}

export interface Row {
  readonly id: RuleId;
  readonly cite: Citation;
  /** What the row says, in our words. */
  readonly says: string;
  /** What we decided because the page does not say it. */
  readonly note?: string;
  readonly cases?: readonly Case[];
  readonly remark?: Remark;
  /** Offline use needs these on the device first. */
  readonly requires?: readonly ('app' | 'data')[];
  readonly wakeUps?: { readonly platform: readonly Platform[]; readonly ways: readonly WakeUp[] };
}

export interface RuleSet {
  readonly name: RuleSetName;
  /** The order means nothing: in every situation exactly one case speaks for a begun sync, and one for a new sync. */
  readonly rows: readonly Row[];
  /** The kinds of sync whose files the OS may carry. */
  readonly transferKinds: readonly SyncKind[];
}
