import { wakeUps } from '@carryon/policy';
import type { WakeWish } from '../ports/host.ts';
import type { Effect } from './event.ts';
import { nextTransferMs } from './hand-over.ts';
import { hasUnsent, wantsPush, type EngineState, type Round, type Table } from './state.ts';

const MINUTE_MS = 60_000;

/** A sync of everything, as the engine wants it by itself. */
export const newRound = (round: Pick<Round, 'kind'> & Partial<Round>): Round => ({ tables: undefined, byPerson: false, begun: false, checked: [], ...round });

export const isIn = (round: Round, table: Table): boolean => round.tables === undefined || round.tables.includes(table.id);

/** Tables are being downloaded for the first time or anew: that sync has not ended. */
export const isIncomplete = ({ tables, empty, resetting }: EngineState): boolean => resetting || (tables.length === 0 && !empty) || tables.some((table) => !table.usable || table.load !== 'none');

/** The person sync by hand: nothing starts by itself but a first sync. */
const isManual = ({ report }: EngineState): boolean => report?.settings.mode === 'manual';

/** Changes come as they happen: the server is asked with a wait. */
export const isLive = ({ config, report }: EngineState): boolean => config.mode === 'watch' && report?.settings.mode === 'auto';

/** Tables that take part in a wait at the server. */
export const liveTables = (state: EngineState): readonly Table[] => state.tables.filter((table) => table.everyMinutes === undefined);

/** When the table is to be synced next; undefined: when something asks for it. */
function dueMs(state: EngineState, table: Table, nowMs: number): number | undefined {
  if (!table.fresh || table.lost || table.syncedMs === undefined || state.allDue) return nowMs;
  if (table.everyMinutes === undefined && isLive(state) && state.lease) return undefined;
  return table.syncedMs + (table.everyMinutes ?? state.config.everyMinutes) * MINUTE_MS;
}

/** When the tables are due, each one; where the person has none, when the server is asked again whether that is still so. */
function dueTimes(state: EngineState, nowMs: number): readonly (number | undefined)[] {
  const { tables, empty, config } = state;
  if (tables.length > 0 || !empty) return tables.map((table) => dueMs(state, table, nowMs));
  if (state.allDue) return [nowMs];
  return [isLive(state) && state.lease ? undefined : empty.syncedMs + config.everyMinutes * MINUTE_MS];
}

/** Finds the round that is wanted now, when there is none at hand. */
export function propose(state: EngineState, nowMs: number): EngineState {
  if (state.phase !== 'running' || state.round || !state.report) return state;
  const first = isIncomplete(state);
  const round = (first ? undefined : state.nextRound) ?? wanted(state, nowMs);
  if (!round) return state;
  const tables = state.tables.map((table) => (isIn(round, table) ? { ...table, fresh: false } : table));
  const empty = state.empty && { ...state.empty, fresh: state.empty.fresh && round.tables !== undefined };
  return { ...state, empty, round, nextRound: first ? state.nextRound : undefined, tables, measured: undefined, allDue: round.tables !== undefined && state.allDue };
}

function wanted(state: EngineState, nowMs: number): Round | undefined {
  const byPerson = state.config.mode === 'once';
  // One that an earlier process began is not new.
  if (isIncomplete(state)) return newRound({ kind: 'first', byPerson, begun: state.tables.length > 0 });
  if (byPerson) return newRound({ kind: 'delta', byPerson });
  if (wantsPush(state)) return newRound({ kind: 'upload', tables: state.outbox.tables });
  if (isManual(state)) return undefined;
  const isDue = dueTimes(state, nowMs).map((time) => (time ?? Infinity) <= nowMs);
  if (!isDue.includes(true)) return undefined;
  const due = state.tables.filter((_, i) => isDue[i]).map((table) => table.id);
  return newRound({ kind: 'delta', ...(due.length === state.tables.length ? {} : { tables: due }) });
}

/** Tables with edits that nothing has confirmed take part in the round that sends them: its commits do. */
export function withEdited(state: EngineState): EngineState {
  const { round, outbox } = state;
  if (!round) return state;
  const edited = new Set(outbox.tables);
  const tables = round.tables && [...new Set([...round.tables, ...outbox.tables])];
  return { ...state, round: { ...round, tables }, tables: state.tables.map((table) => (edited.has(table.id) ? { ...table, fresh: false } : table)) };
}

/** When a table is due next, while nothing is at hand. */
export function nextDueMs(state: EngineState, nowMs: number): number | undefined {
  if (state.phase !== 'running' || state.config.mode === 'once' || state.round || isManual(state)) return undefined;
  const times = dueTimes(state, nowMs).filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** A moment that is still to come. */
const later = (atMs: number | undefined, nowMs: number): number | undefined => (atMs !== undefined && atMs > nowMs && atMs < Infinity ? atMs : undefined);

/** Sets the timer for the next moment at which something changes by itself, when that is not the one it is set for. */
export function look(state: EngineState, nowMs: number): { state: EngineState; effects: Effect[] } {
  const { verdict, lease, leaving } = state;
  const times = [
    lease ? lease.deadlineMs : verdict?.nextMs,
    lease && leaving === undefined ? nextDueMs(state, nowMs) : undefined,
    later(nextTransferMs(state), nowMs),
    lease && hasUnsent(state) ? state.pushHeld?.atMs : undefined,
  ].filter((time) => time !== undefined);
  const atMs = times.length === 0 || state.phase !== 'running' ? undefined : Math.max(nowMs, Math.min(...times));
  if (atMs === state.lookMs) return { state, effects: [] };
  return { state: { ...state, lookMs: atMs }, effects: [{ type: 'timer', timer: 'look', atMs }] };
}

/** Tells the host when the engine would like to run again, when that has changed. */
export function wish(state: EngineState, nowMs: number): { state: EngineState; effects: Effect[] } {
  const wake = wishOf(state, nowMs);
  const wished = wake ? JSON.stringify(wake) : '';
  return wished === state.wished ? { state, effects: [] } : { state: { ...state, wished }, effects: [{ type: 'wish', wake }] };
}

function wishOf(state: EngineState, nowMs: number): WakeWish | undefined {
  const { report, verdict, lease, round } = state;
  if (!report || !verdict || state.phase !== 'running' || state.pauses.length > 0) return undefined;
  const isFirst = round?.kind === 'first';
  // A task that the person sees is for a first sync, and asked for while the app is in front.
  const kinds = wakeUps(state.config.ruleSet, report.platform).map(({ kind }) => kind).filter((kind) => kind !== 'user-initiated' || isFirst);
  if (lease) return kinds.includes('user-initiated') ? { notBeforeMs: 0, kinds: ['user-initiated'] } : undefined;
  const notBeforeMs = round ? verdict.nextMs ?? 0 : nextDueMs(state, nowMs);
  return notBeforeMs === undefined ? undefined : { notBeforeMs, kinds };
}
