import { PROTOCOL_VERSION, type SyncRequest } from '@carryon/protocol';
import { isAbsent } from './check-plan.ts';
import type { Effect, EngineEvent } from './event.ts';
import { handOver, isForgetting, toFetch } from './hand-over.ts';
import { isBusy, permit } from './permit.ts';
import { isDeviceFault } from './retry.ts';
import { isIn, isLive, liveTables, look, propose, wish, withEdited } from './schedule.ts';
import { hasUnsent, setPack, wantsPush, type Asking, type EngineState, type Pack, type Round, type Step, type Table } from './state.ts';
import { retold, toldOf, withForgotten } from './tables.ts';

type Now = Pick<EngineEvent, 'nowMs' | 'steadyMs'>;
interface Chosen { readonly state: EngineState; readonly effects: readonly Effect[] }

/** Estimates of how long a step takes; a step that would outlast its lease is not begun. */
const APPLY_MS = 150;
const INDEX_ROWS_PER_MS = 800;
const MEASURED_ROWS_PER_MS = 2000;

/** Packs in the order in which they are wanted: the plan's own, level by level. */
const packsIn = (state: EngineState, stage: Pack['stage']): readonly Pack[] => state.packs.filter((pack) => pack.stage === stage);

/** Starts all that can be started now. Called after every event. */
export function choose(state: EngineState, event: Now): { state: EngineState; effects: Effect[] } {
  const effects: Effect[] = [];
  let next = state;
  const run = (part: (state: EngineState, nowMs: number) => { readonly state: EngineState; readonly effects: readonly Effect[] }): void => {
    const done = part(next, event.nowMs);
    effects.push(...done.effects);
    next = done.state;
  };
  run((now, nowMs) => ({ state: propose(now, nowMs), effects: [] }));
  run((now) => permit(now, event));
  run(dropWait);
  if (next.phase === 'running' && next.lease) {
    run(startWork);
    run(endRound);
    // Twice at most: the round that was asked for may have nothing to do, and then comes what is wanted by itself.
    for (let times = 0; times < 2 && !next.round && next.lease && next.phase === 'running'; times++) {
      run((now, nowMs) => chooseNext(now, nowMs, event));
      if (next.lease) run(endRound);
    }
  }
  run(look);
  run(wish);
  return { state: next, effects };
}

/** A round has ended: the one that follows, or a wait at the server, begins at once. */
function chooseNext(state: EngineState, nowMs: number, event: Now): Chosen {
  const allowed = permit(propose(state, nowMs), event);
  if (!allowed.state.lease) return allowed;
  const started = startWork(allowed.state, nowMs);
  return { state: started.state, effects: [...allowed.effects, ...started.effects] };
}

function startWork(state: EngineState, nowMs: number): Chosen {
  const effects: Effect[] = [];
  let next = state;
  // A full disk or a locked database stops the steps as well; without a network they go on.
  const mayStep = !next.retry || !isDeviceFault(next.retry.error);
  const mayAsk = next.retry === undefined && next.lease?.network === true;
  if (mayStep) next = startStep(next, nowMs, effects);
  if (mayAsk && awaitsPush(next)) next = startAsk(next, effects);
  if (next.lease?.edits || (mayAsk && awaitsPush(next))) return { state: next, effects };
  if (mayStep) next = startUnpack(startStep(next, nowMs, effects), effects);
  const handing = handOver(next, nowMs);
  effects.push(...handing.effects);
  next = handing.state;
  if (mayAsk) next = startAsk(startFetches(next, effects), effects);
  return { state: next, effects };
}

/** Edits are about to be sent, as soon as the step at hand has ended and they are read: downloads begin after that. */
function awaitsPush(state: EngineState): boolean {
  const { asking, round } = state;
  return round !== undefined && wantsPush(state) && (asking === undefined || (asking.kind === 'push' && !asking.isSent));
}

/** A wait at the server gives way to a round. */
function dropWait(state: EngineState): Chosen {
  if (!state.round || state.asking?.kind !== 'wait') return { state, effects: [] };
  return { state: { ...state, asking: undefined }, effects: [{ type: 'abort', reason: 'a sync is to begin' }] };
}

function endRound(state: EngineState): Chosen {
  const { round } = state;
  if (!round || !isEnded(state, round)) return { state, effects: [] };
  const done: Effect = { type: 'journal', kind: 'done', detail: round.kind };
  if (state.config.mode === 'watch' || state.nextRound) return { state: { ...state, round: undefined }, effects: [done] };
  return { state: { ...state, round: undefined, phase: 'done' }, effects: [done, { type: 'finished' }] };
}

function isEnded(state: EngineState, round: Round): boolean {
  if (isBusy(state) || state.queue.length > 0) return false;
  if (state.tables.length === 0 && (!state.empty || (round.tables === undefined && !state.empty.fresh))) return false;
  // A run of mode once has not ended before every edit has its outcome.
  if (hasUnsent(state) && (state.config.mode === 'once' || !state.pushHeld)) return false;
  const isDone = (table: Table): boolean => table.fresh && table.usable && !table.lost && table.load === 'none';
  return state.tables.every((table) => !isIn(round, table) || (isDone(table) && (round.kind !== 'full-delta' || round.checked.includes(table.id))));
}

function startStep(state: EngineState, nowMs: number, effects: Effect[]): EngineState {
  if (state.step) return state;
  const step = withTables(state.queue[0] ?? nextStep(state), state);
  if (!step || !fits(state, step, nowMs) || isMoving(state, thrownAway(step))) return state;
  effects.push({ type: 'step', step });
  return { ...state, step, queue: state.queue.slice(1) };
}

/** What waits in the queue while tables and packs move on is about those that there are now. */
function withTables(step: Step | undefined, state: EngineState): Step | undefined {
  const told = toldOf(step);
  const now = told && withForgotten(state, told);
  if (step?.kind === 'segment') return { ...step, tables: now ? retold(state.tables, now) : state.tables, ...(now ? { told: now } : {}) };
  if (step?.kind === 'plan' && now) return { ...step, told: now };
  return step?.kind === 'reset' ? { ...step, packs: state.packs.map((pack) => pack.name) } : step;
}

/** The packs that a step throws away. */
export const thrownAway = (step: Step): readonly string[] => (step.kind === 'forget' || step.kind === 'reset' ? step.packs : toldOf(step)?.packs ?? []);

/** Whether one of these packs is on its way: it cannot be thrown away yet. */
const isMoving = (state: EngineState, names: readonly string[]): boolean =>
  state.packs.some((pack) => names.includes(pack.name) && (pack.stage === 'transferring' || pack.stage === 'unpacking'));

function nextStep(state: EngineState): Step | undefined {
  if (state.outbox.loose > 0) return { kind: 'collect' };
  if (state.lease?.edits || (state.lease?.network === true && !state.retry && awaitsPush(state))) return undefined;
  const pack = packsIn(state, 'unpacked')[0];
  const table = state.tables.find((candidate) => candidate.load === 'filling' && isFilled(state, candidate));
  // A table that is complete becomes usable before the next level's packs are applied.
  if (table && (!pack || table.level <= pack.level)) return { kind: 'index', table };
  if (pack) return { kind: 'apply', pack };
  const unmeasured = state.measured ? undefined : toCheck(state);
  return unmeasured && { kind: 'measure', table: unmeasured };
}

/** The next table of a full delta whose rows are to be compared: it is as new as its last commit. */
function toCheck({ round, tables }: EngineState): Table | undefined {
  if (round?.kind !== 'full-delta') return undefined;
  return tables.find((table) => isIn(round, table) && table.fresh && !table.lost && table.load === 'none' && !round.checked.includes(table.id));
}

function isFilled(state: EngineState, table: Table): boolean {
  return state.packs.every((pack) => pack.stage === 'applied' || !pack.parts.some((part) => part.table === table.id));
}

function fits(state: EngineState, step: Step, nowMs: number): boolean {
  const deadlineMs = state.lease?.deadlineMs;
  if (deadlineMs === undefined) return true;
  return nowMs + estimateMs(step) <= deadlineMs;
}

function estimateMs(step: Step): number {
  if (step.kind === 'index') return Math.max(APPLY_MS, step.table.rows / INDEX_ROWS_PER_MS);
  return step.kind === 'measure' ? Math.max(APPLY_MS, step.table.rows / MEASURED_ROWS_PER_MS) : APPLY_MS;
}

/** One pack is decompressed while another is applied. */
function startUnpack(state: EngineState, effects: Effect[]): EngineState {
  const pack = packsIn(state, 'stored')[0];
  if (!pack || isForgetting(state) || packsIn(state, 'unpacking').length > 0 || packsIn(state, 'unpacked').length > 1) return state;
  effects.push({ type: 'unpack', pack });
  return begin(setPack(state, pack.name, { stage: 'unpacking' }));
}

function startFetches(state: EngineState, effects: Effect[]): EngineState {
  if (state.needUrls || state.needList || state.transferCall !== undefined || isForgetting(state)) return state;
  let next = state;
  // What the OS stored does not count: it must not keep the first level waiting.
  const ahead = state.packs.filter((pack) => pack.own && (pack.stage === 'stored' || pack.stage === 'unpacking' || pack.stage === 'unpacked')).length;
  const running = packsIn(state, 'transferring').length;
  const room = Math.min(state.config.fetches - running, state.config.storedAhead - ahead - running);
  for (const pack of toFetch(state).slice(0, Math.max(0, room))) {
    effects.push({ type: 'fetch', pack });
    next = begin(setPack(next, pack.name, { stage: 'transferring', own: true }));
  }
  return next;
}

/** From its first work on, a round has begun. */
const begin = (state: EngineState): EngineState => (state.round && !state.round.begun ? { ...state, round: { ...state.round, begun: true } } : state);

function startAsk(state: EngineState, effects: Effect[]): EngineState {
  // An answer's rows are applied before the next question, which carries the token that came with them.
  const settling = state.queue.length > 0 || (state.step !== undefined && state.step.kind !== 'apply' && state.step.kind !== 'index');
  if (state.asking || settling) return state;
  const ready = wantsPush(state) ? withEdited(state) : state;
  const ask = nextAsk(ready);
  if (!ask) return state;
  const id = state.asked + 1;
  const request = { v: PROTOCOL_VERSION, device: state.device, token: state.token, accept: state.config.codecs, ...ask.request };
  effects.push({ type: 'ask', id, request, push: ask.kind === 'push' });
  return begin({ ...ready, asked: id, asking: { id, kind: ask.kind, isSent: false, names: ask.request.urls ?? [], tables: ask.request.tables } });
}

interface Ask { readonly kind: Asking['kind']; readonly request: Partial<SyncRequest> }

function nextAsk(state: EngineState): Ask | undefined {
  const { round, tables } = state;
  if (!round) return nextWait(state);
  if (wantsPush(state)) return nextPush(state, round);
  if (state.lease?.edits) return undefined;
  if (state.needUrls) return { kind: 'urls', request: { urls: state.packs.filter(({ stage }) => stage === 'wanted' || stage === 'handed').map((pack) => pack.name) } };
  if (state.empty) return state.empty.fresh || round.tables ? undefined : { kind: 'pull', request: {} };
  if (tables.length === 0 || state.resetting) return { kind: 'plan', request: {} };
  const absent = tables.filter(isAbsent).map((table) => table.id);
  if (absent.length > 0) return { kind: 'plan', request: { fresh: absent, tables: absent } };
  const due = readyTables(state).filter((table) => isIn(round, table) && !table.fresh).map((table) => table.id);
  if (due.length > 0) return { kind: 'pull', request: due.length === tables.length ? {} : { tables: due } };
  return state.measured && { kind: 'check', request: { check: state.measured } };
}

/** Edits come first. The tables that they are in are read with them, and what else of the round can be. */
function nextPush(state: EngineState, round: Round): Ask {
  const tables = state.resetting ? [] : readyTables(state).filter((table) => isIn(round, table) && !table.fresh && !table.lost).map((table) => table.id);
  return { kind: 'push', request: { tables, push: { known: state.outbox.known, tables: [], changesets: [] } } };
}

/** Nothing is due: changes are waited for at the server, where they come live. */
function nextWait(state: EngineState): Ask | undefined {
  const live = liveTables(state).map((table) => table.id);
  if (!isLive(state) || (live.length === 0 && !state.empty)) return undefined;
  const { waitSeconds } = state.config;
  return { kind: 'wait', request: { waitSeconds, ...(live.length === state.tables.length ? {} : { tables: live }) } };
}

/** Tables whose feed can be read: the whole of their level has its packs, and the levels before it are usable or about to be. */
function readyTables(state: EngineState): Table[] {
  const isReady = (table: Table): boolean => table.load === 'indexed' || (table.load === 'none' && table.usable);
  return state.tables.filter((table) => state.tables.every((other) => isReady(other) || (other.level < table.level ? other.usable : other.level > table.level)));
}
