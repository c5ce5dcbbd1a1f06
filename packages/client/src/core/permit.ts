import { decide, explain, observe, type Situation, type Sync, type Verdict } from '@carryon/policy';
import type { Effect, EngineEvent } from './event.ts';
import { MOST_MS } from './retry.ts';
import { wantsPush, type EngineState, type Lease } from './state.ts';

interface Next { readonly state: EngineState; readonly effects: readonly Effect[] }
type Now = Pick<EngineEvent, 'nowMs' | 'steadyMs'>;

/** So long before a lease's end the engine comes to rest: its last words must be written by then. */
export const REST_MS = 200;

/** Whether anything is in flight. */
export function isBusy(state: EngineState): boolean {
  return state.step !== undefined || state.asking !== undefined || state.transferCall !== undefined ||
    state.packs.some((pack) => pack.stage === 'transferring' || pack.stage === 'unpacking');
}

/**
 * Asks the policy about the sync at hand and gives or takes the lease accordingly. A lease taken back is not given again
 * before everything in flight has come to rest: it must not be taken for something begun under the new one.
 */
export function permit(state: EngineState, now: Now): Next {
  if (!state.report || state.phase === 'starting') return { state, effects: [] };
  const judged = judge(state, state.report, now);
  const kept = judged.lease ? keep(judged, judged.lease) : { state: judged, effects: [] };
  if (kept.state.lease || (kept.state.leaving !== undefined && isBusy(kept.state))) return kept;
  const rested: readonly Effect[] = kept.state.leaving === undefined ? [] : [{ type: 'rested' }];
  const given = give({ ...kept.state, leaving: undefined }, now.nowMs);
  return { state: given.state, effects: [...kept.effects, ...rested, ...given.effects] };
}

/** The sync that a policy is asked about; when idle, whether a new one might start. */
export function syncOf({ round, lease }: EngineState): Sync {
  if (!round) return { kind: 'delta', state: 'none' };
  return { kind: round.kind, byPerson: round.byPerson, state: !round.begun ? 'none' : lease && !lease.edits ? 'active' : 'suspended' };
}

/** Edits may go up where the sync at hand may not go on; undefined: there are none, or they are that sync. */
function uploadOf(state: EngineState): Sync | undefined {
  if (!wantsPush(state) || !state.round || state.round.kind === 'upload') return undefined;
  return { kind: 'upload', state: state.lease?.edits ? 'active' : 'none' };
}

function judge(state: EngineState, report: NonNullable<EngineState['report']>, { nowMs, steadyMs }: Now): EngineState {
  const situation: Situation = { ...report, nowMs, steadyMs };
  const history = observe(state.history, situation);
  const verdictOn = (sync: Sync): Verdict => {
    const ask = (at: Situation): Verdict => decide(state.config.ruleSet, at, sync, history);
    const verdict = ask(situation);
    const leftMs = (verdict.engine === 'run' ? verdict.untilMs ?? Infinity : Infinity) - nowMs;
    // At the end of a lease the verdict that follows counts already.
    return leftMs > REST_MS ? verdict : ask({ ...situation, nowMs: nowMs + leftMs, steadyMs: steadyMs + leftMs });
  };
  const verdict = verdictOn(syncOf(state));
  const upload = mayUse(verdict) ? undefined : uploadOf(state);
  const instead = upload && verdictOn(upload);
  return { ...state, history, verdict: instead && mayUse(instead) ? instead : verdict, onlyEdits: instead !== undefined && mayUse(instead) };
}

const mayUse = ({ engine, network }: Verdict): boolean => engine === 'run' && network === 'use';

/** The lease that verdict and pauses allow now. */
function leaseOf({ verdict, pauses, onlyEdits }: EngineState): Lease | undefined {
  if (verdict?.engine !== 'run' || pauses.length > 0) return undefined;
  return { rule: verdict.rule, network: verdict.network === 'use', ...(onlyEdits ? { edits: true } : {}), ...(verdict.untilMs === undefined ? {} : { deadlineMs: verdict.untilMs - REST_MS }) };
}

/** A timer ended with the last lease, so what is left of a wait after failures begins anew. */
function give(state: EngineState, nowMs: number): Next {
  const lease = leaseOf(state);
  if (!lease) return { state, effects: [] };
  const left = state.retry && state.retry.atMs > nowMs ? state.retry : undefined;
  // The clock may have been set back meanwhile: no wait is longer than the longest.
  const retry = left && { ...left, atMs: Math.min(left.atMs, nowMs + Math.max(MOST_MS, left.error.retryAfterMs ?? 0)) };
  const needList = state.hasTransfers && state.packs.some((pack) => pack.stage !== 'applied');
  const waits = retry ? [{ type: 'timer', timer: 'retry', atMs: retry.atMs } as const] : [];
  return { state: { ...state, lease, retry, needList, pushHeld: undefined, stalled: false, leasedMs: nowMs }, effects: [entry(state, 'start'), ...waits] };
}

/** The deadline may move; less than before means to rest first. */
function keep(state: EngineState, held: Lease): Next {
  const lease = leaseOf(state);
  if (lease && (lease.network || !held.network) && (!lease.edits || held.edits)) return { state: { ...state, lease }, effects: [] };
  const reason = state.pauses[0] ?? state.verdict?.rule ?? 'host';
  return {
    state: { ...state, lease: undefined, leaving: reason },
    effects: [entry(state, 'stop'), { type: 'abort', reason }, ...(state.retry ? [{ type: 'timer', timer: 'retry', atMs: undefined } as const] : [])],
  };
}

/** A journal entry with the verdict's reason, and when it goes on. */
function entry(state: EngineState, kind: 'start' | 'stop'): Effect {
  const { verdict, pauses } = state;
  if (!verdict) return { type: 'journal', kind, detail: pauses.join(', ') };
  const nextMs = kind === 'start' ? verdict.untilMs : verdict.nextMs;
  return { type: 'journal', kind, detail: pauses[0] ?? sentence(told(state, verdict)), rule: verdict.rule, ...(nextMs === undefined ? {} : { nextMs }) };
}

/** The verdict as it is told: of transfers only where there are some. */
export function told({ packs }: EngineState, verdict: Verdict): Verdict {
  return packs.some((pack) => pack.stage === 'handed') ? verdict : { ...verdict, transfers: 'none' };
}

/** What happens and why, in English. */
function sentence(verdict: Verdict): string {
  const { now, why } = explain(verdict, 'en');
  return `${now} ${why}`;
}
