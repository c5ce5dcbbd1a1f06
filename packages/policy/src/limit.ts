import { type Episode, type History, lastedMs, presentMs } from './history.ts';

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;

/** So long from the beginning of an episode. */
export interface Limit {
  readonly episode: Episode;
  readonly forMs: number;
}

/** Slices of time, counted from the beginning of an episode. */
export interface Slices {
  readonly episode: Episode;
  readonly afterMs: number;
  readonly everyMs: number;
  readonly lengthMs: number;
}

/** A condition on time. `spent` stays true until the app is visible again, whatever happens meanwhile. */
export type TimeCondition =
  | { readonly is: 'spent' | 'unspent'; readonly limit: Limit }
  | { readonly is: 'in-slice' | 'between-slices'; readonly slices: Slices };

export function holds(time: TimeCondition, history: History, nowMs: number): boolean {
  switch (time.is) {
    case 'spent': return isSpent(time.limit, history, nowMs);
    case 'unspent': return !isSpent(time.limit, history, nowMs);
    case 'in-slice': return sliceEndMs(time.slices, history, nowMs) !== undefined;
    case 'between-slices': return sliceEndMs(time.slices, history, nowMs) === undefined;
    default: return time satisfies never;
  }
}

export function limitEndMs(limit: Limit, history: History, nowMs: number): number {
  return nowMs + limit.forMs - presentMs(history, limit.episode, nowMs);
}

/** When the present slice ends; undefined between slices. */
export function sliceEndMs(slices: Slices, history: History, nowMs: number): number | undefined {
  const intoMs = presentMs(history, slices.episode, nowMs) - slices.afterMs;
  const inSliceMs = intoMs % slices.everyMs;
  return intoMs >= 0 && inSliceMs < slices.lengthMs ? nowMs + slices.lengthMs - inSliceMs : undefined;
}

/** When the next slice begins, the present one left aside. */
export function nextSliceMs(slices: Slices, history: History, nowMs: number): number {
  const intoMs = presentMs(history, slices.episode, nowMs) - slices.afterMs;
  return intoMs < 0 ? nowMs - intoMs : nowMs + slices.everyMs - (intoMs % slices.everyMs);
}

const isSpent = (limit: Limit, history: History, nowMs: number): boolean => lastedMs(history, limit.episode, nowMs) >= limit.forMs;
