// The form of the truth tables: every platform, app state and screen, and on two platforms what else decides there.
import type { RuleId } from '../rule-id.ts';
import type { AppState, Platform, Screen } from '../situation.ts';

/**
 * For a begun sync and for a new one: what happens, and the row.
 * `slices`: suspended, with A6's slices. `ten`: for 10 minutes, then suspended (or waiting) until visible again.
 * `grace`: for 30 seconds, then suspended.
 */
export type Cell = readonly [`${'run' | 'suspend' | 'stop' | 'slices' | 'ten' | 'grace'} ${RuleId}`, `${'start' | 'wait' | 'ten'} ${RuleId}`];

/** By whether a person uses the device. */
export type Use = 'inUse' | 'idle';
/** By the Windows setting; `thrift` is *Power optimized* on battery with power saving on. */
export type WindowsCase = 'never' | 'thrift' | 'optimized' | 'always';

type CellsOf<P extends Platform> = P extends 'ios' ? Readonly<Record<Use, Cell>> : P extends 'windows10' | 'windows11' ? Readonly<Record<WindowsCase, Cell>> : Cell;

export type TruthTable = { readonly [P in Platform]: Readonly<Record<AppState, Readonly<Record<Screen, CellsOf<P>>>>> };
