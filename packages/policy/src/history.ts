import { type Condition, type Facts, factsOf, matches } from './facts.ts';
import type { Situation } from './situation.ts';

/** A stretch of time that a rule's limit counts from. */
export type Episode = 'away' | 'locked' | 'thrift';

// As data, like the rules that name them. A closed app counts nothing: its next process begins anew.
const EPISODES: Readonly<Record<Episode, Condition>> = {
  away: { place: ['away', 'frozen'] },
  locked: { screen: ['locked'], app: ['foreground', 'background', 'frozen'] },
  thrift: { place: ['away', 'frozen'], thrift: [true] },
};

const NAMES = Object.keys(EPISODES) as Episode[];

type Times = Readonly<Partial<Record<Episode, number>>>;

/** What the exact limits need to know of the past. Plain JSON, so it can be kept. */
export interface History {
  readonly seenMs: number;
  readonly seenSteadyMs?: number;
  /** When each present episode began; moves along when the clock is set. */
  readonly sinceMs: Times;
  /** The longest of the ended episodes since the app was last visible. */
  readonly longestMs: Times;
}

/**
 * The history after this situation. Call it at each change, with undefined the first time. Seeing the same situation
 * twice changes nothing. Between two calls what the first one saw is taken to have lasted.
 */
export function observe(history: History | undefined, situation: Situation): History {
  const { nowMs, steadyMs } = situation;
  const facts = factsOf(situation, { kind: 'first', state: 'none' });
  const past = history === undefined ? { sinceMs: {}, longestMs: {} } : moved(history, situation);
  const seen = steadyMs === undefined ? { seenMs: nowMs } : { seenMs: nowMs, seenSteadyMs: steadyMs };
  return { ...seen, sinceMs: nowGoing(past.sinceMs, facts, nowMs), longestMs: longest(past, facts, nowMs) };
}

/** How long an episode has lasted at most since the app was last visible, the present one included. */
export function lastedMs(history: History, episode: Episode, nowMs: number): number {
  return Math.max(history.longestMs[episode] ?? 0, presentMs(history, episode, nowMs));
}

/** How long the present episode has lasted; 0 when there is none. */
export function presentMs(history: History, episode: Episode, nowMs: number): number {
  return Math.max(0, nowMs - (history.sinceMs[episode] ?? nowMs));
}

// When the clock is set, the beginnings are set along with it: what has passed stays what has passed.
function moved(history: History, { nowMs, steadyMs }: Situation): Pick<History, 'sinceMs' | 'longestMs'> {
  const passedMs = nowMs - history.seenMs;
  // Without a steady clock a leap forwards looks like sleep and counts; one backwards cannot be time.
  const steady = steadyMs !== undefined && history.seenSteadyMs !== undefined;
  const setMs = steady ? passedMs - Math.max(0, steadyMs - history.seenSteadyMs) : Math.min(0, passedMs);
  if (setMs === 0) return history;
  return { sinceMs: times((name) => added(history.sinceMs[name], setMs)), longestMs: history.longestMs };
}

function nowGoing(sinceMs: Times, facts: Facts, nowMs: number): Times {
  return times((name) => (matches(EPISODES[name], facts) ? (sinceMs[name] ?? nowMs) : undefined));
}

function longest(past: Pick<History, 'sinceMs' | 'longestMs'>, facts: Facts, nowMs: number): Times {
  if (facts.place === 'visible' || facts.place === 'closed') return {};
  return times((name) => {
    const beganMs = past.sinceMs[name];
    const before = past.longestMs[name];
    if (beganMs === undefined || matches(EPISODES[name], facts)) return before;
    return Math.max(before ?? 0, nowMs - beganMs);
  });
}

const added = (value: number | undefined, more: number): number | undefined => (value === undefined ? undefined : value + more);

function times(valueOf: (name: Episode) => number | undefined): Times {
  return Object.fromEntries(NAMES.map((name) => [name, valueOf(name)] as const).filter(([, value]) => value !== undefined));
}
