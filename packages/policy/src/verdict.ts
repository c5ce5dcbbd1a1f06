import type { RuleId } from './rule-id.ts';
import type { RuleSetName } from './rule-set.ts';

/** What can end a denial or lift a limit. */
export const END_EVENTS = [
  'open-app', 'unlock', 'maximize', 'wake', 'network', 'unmetered', 'plug-in', 'sync-now', 'setting-background', 'setting-wifi-only', 'setting-mode',
] as const;
export type EndEvent = (typeof END_EVENTS)[number];

export interface Verdict {
  readonly ruleSet: RuleSetName;
  /** When it was given: the situation's `nowMs`. */
  readonly atMs: number;
  /** True: about a sync that would start now; false: about one that has begun. */
  readonly fresh: boolean;
  /** `run`: go on, or start. `suspend`: come to rest. `stop`: the process is gone; nothing is lost. `wait`: do not start. */
  readonly engine: 'run' | 'suspend' | 'stop' | 'wait';
  /** `leave`: no request. With `run` the engine may still apply what is stored on the device. */
  readonly network: 'use' | 'leave';
  /** Transfers that the OS carries out apart from the app. `none`: this rule set or sync has none. */
  readonly transfers: 'go-on' | 'hold' | 'none';
  /** With `run`: the lease's deadline. */
  readonly untilMs?: number;
  /** When it may go on by itself, if `reasons` names nothing else. Ask again then. */
  readonly nextMs?: number;
  /** What ends the denial; with a limited `run`: what lifts the limit. Where several reasons deny, each needs one of its own. */
  readonly endsBy: readonly EndEvent[];
  /** The row that decided. */
  readonly rule: RuleId;
  /** That row, and the rows that it stands on or that hold beside it. */
  readonly reasons: readonly RuleId[];
}
