import { CarryonError } from '@carryon/protocol';
import type { Effect, EngineEvent } from './event.ts';
import { retryDelayMs, weight } from './retry.ts';
import type { Asking, EngineState } from './state.ts';

/** The server is there and says when to come back: worth more patience than silence. */
const PATIENT: ReadonlySet<string> = new Set(['server.preparing', 'server.busy']);
const MOST_PATIENT = 200;

/** A state, and what is to be done. */
export interface Next { readonly state: EngineState; readonly effects: readonly Effect[] }

export const only = (state: EngineState): Next => ({ state, effects: [] });

export const journal = (kind: string, detail: string): Effect => ({ type: 'journal', kind, detail });

/** Something failed: try again later, or give up when that makes no sense. */
export function failed(state: EngineState, error: CarryonError, event: EngineEvent): Next {
  if (state.leaving !== undefined || !state.lease || state.phase !== 'running') return only(state);
  const held = state.retry;
  // What fails while another failure is waited for has failed at the same time: it counts once.
  const failures = held ? state.failures : state.failures + 1;
  const patience = PATIENT.has(error.code) ? MOST_PATIENT : state.config.mostAttempts;
  const tired = state.config.mode === 'once' && (failures >= patience || error.retry === 'later');
  if (error.retry === 'no' || tired) return giveUp({ ...state, failures }, error);
  if (held && weight(error) <= weight(held.error)) return only(state);
  const atMs = Math.max(held?.atMs ?? 0, event.nowMs + retryDelayMs(failures, error, event.random));
  return {
    state: { ...state, failures, retry: { attempt: failures, atMs, error } },
    effects: [journal('wait', `${error.code}: ${error.message}`), { type: 'timer', timer: 'retry', atMs }],
  };
}

export function giveUp(state: EngineState, error: CarryonError): Next {
  if (state.phase !== 'running') return only(state);
  return {
    state: { ...state, phase: 'failed', error },
    effects: [journal('fail', `${error.code}: ${error.message}`), { type: 'abort', reason: error.code }, { type: 'finished', error }],
  };
}

/** A push that the server does not want holds up no other question; what fails on the way to the server is every question's matter. */
export function askFailed(state: EngineState, { kind }: Asking, event: EngineEvent & { readonly type: 'ask-failed' }): Next {
  const { error } = event;
  const idle = { ...state, asking: undefined };
  const isServers = /^(server|source|protocol)\./.test(error.code) && !ELSEWHERE.has(error.code);
  return kind === 'push' && isServers && state.lease && state.leaving === undefined ? holdPush(idle, error, event) : failed(idle, error, event);
}

/** Not the server's answer to what was asked. */
const ELSEWHERE: ReadonlySet<string> = new Set(['server.unreachable', 'server.not-carryon', 'server.preparing', 'protocol.version']);

/** The next push waits, the longer the more often it was in vain; a run of mode once gives up some time. */
export function holdPush(state: EngineState, error: CarryonError, event: EngineEvent): Next {
  const { mode, mostAttempts } = state.config;
  const pushFailures = state.pushFailures + 1;
  if (error.retry === 'no' || (mode === 'once' && (pushFailures >= mostAttempts || error.retry === 'later'))) return giveUp({ ...state, pushFailures }, error);
  const atMs = event.nowMs + retryDelayMs(pushFailures, error, event.random);
  return { state: { ...state, pushFailures, pushHeld: { attempt: pushFailures, atMs, error } }, effects: [journal('wait', `edits: ${error.code}: ${error.message}`)] };
}
