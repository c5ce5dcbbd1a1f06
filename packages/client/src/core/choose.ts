import { PROTOCOL_VERSION, type SyncRequest } from '@carryon/protocol';
import type { Effect } from './event.ts';
import { isDeviceFault } from './retry.ts';
import type { Asking, EngineState, Pack, Step, Table } from './state.ts';

/** Estimates of how long a step takes; a step that would outlast its lease is not begun. */
const APPLY_MS = 150;
const INDEX_ROWS_PER_MS = 800;

/** Packs in the order in which they are wanted: the plan's own, level by level. */
const packsIn = (state: EngineState, stage: Pack['stage']): readonly Pack[] => state.packs.filter((pack) => pack.stage === stage);

/** Whether anything is in flight. */
export function isBusy(state: EngineState): boolean {
  return state.step !== undefined || state.asking !== undefined || state.packs.some((pack) => pack.stage === 'transferring' || pack.stage === 'unpacking');
}

/** Starts all that can be started now. Called after every event. */
export function choose(state: EngineState, nowMs: number): { state: EngineState; effects: Effect[] } {
  const effects: Effect[] = [];
  let next = state;
  // A lease granted meanwhile waits too: what was in flight must not be taken for something begun under it.
  if (next.leaving !== undefined) {
    if (isBusy(next)) return { state, effects };
    effects.push({ type: 'rested' });
    next = { ...next, leaving: undefined };
  }
  if (next.phase !== 'running' || !next.lease) return { state: next, effects };
  // A full disk or a locked database stops the steps as well; without a network they go on.
  if (!next.retry || !isDeviceFault(next.retry.error)) {
    next = startStep(next, nowMs, effects);
    next = startUnpack(next, effects);
  }
  if (next.retry === undefined) {
    next = startFetches(next, effects);
    next = startAsk(next, effects);
  }
  if (isComplete(next)) {
    effects.push({ type: 'finished' });
    next = { ...next, phase: 'done' };
  }
  return { state: next, effects };
}

function startStep(state: EngineState, nowMs: number, effects: Effect[]): EngineState {
  if (state.step) return state;
  const step = withTables(state.queue[0] ?? nextStep(state), state);
  if (!step || !fits(state, step, nowMs) || (step.kind === 'forget' && isMoving(state, step.packs))) return state;
  effects.push({ type: 'step', step });
  return { ...state, step, queue: state.queue.slice(1) };
}

/** A segment waits in the queue while its tables move on. */
const withTables = (step: Step | undefined, state: EngineState): Step | undefined => (step?.kind === 'segment' ? { ...step, tables: state.tables } : step);

/** Whether one of these packs is on its way: it cannot be thrown away yet. */
const isMoving = (state: EngineState, names: readonly string[]): boolean =>
  state.packs.some((pack) => names.includes(pack.name) && (pack.stage === 'transferring' || pack.stage === 'unpacking'));

const isForgetting = (state: EngineState): boolean => [state.step, ...state.queue].some((step) => step?.kind === 'forget');

function nextStep(state: EngineState): Step | undefined {
  const pack = packsIn(state, 'unpacked')[0];
  const table = state.tables.find((candidate) => candidate.load === 'filling' && isFilled(state, candidate));
  // A table that is complete becomes usable before the next level's packs are applied.
  if (table && (!pack || table.level <= pack.level)) return { kind: 'index', table };
  return pack && { kind: 'apply', pack };
}

function isFilled(state: EngineState, table: Table): boolean {
  return state.packs.every((pack) => pack.stage === 'applied' || !pack.parts.some((part) => part.table === table.id));
}

function fits(state: EngineState, step: Step, nowMs: number): boolean {
  const deadlineMs = state.lease?.deadlineMs;
  if (deadlineMs === undefined) return true;
  const estimateMs = step.kind === 'index' ? Math.max(APPLY_MS, step.table.rows / INDEX_ROWS_PER_MS) : APPLY_MS;
  return nowMs + estimateMs <= deadlineMs;
}

function setStage(state: EngineState, name: string, stage: Pack['stage']): EngineState {
  return { ...state, packs: state.packs.map((pack) => (pack.name === name ? { ...pack, stage } : pack)) };
}

/** One pack is decompressed while another is applied. */
function startUnpack(state: EngineState, effects: Effect[]): EngineState {
  const pack = packsIn(state, 'stored')[0];
  if (!pack || isForgetting(state) || packsIn(state, 'unpacking').length > 0 || packsIn(state, 'unpacked').length > 1) return state;
  effects.push({ type: 'unpack', pack });
  return setStage(state, pack.name, 'unpacking');
}

function startFetches(state: EngineState, effects: Effect[]): EngineState {
  if (state.needUrls) return state;
  let next = state;
  const ahead = packsIn(state, 'stored').length + packsIn(state, 'unpacking').length + packsIn(state, 'unpacked').length;
  const running = packsIn(state, 'transferring').length;
  const room = Math.min(state.config.fetches - running, state.config.storedAhead - ahead - running);
  for (const pack of packsIn(state, 'wanted').slice(0, Math.max(0, room))) {
    effects.push({ type: 'fetch', pack });
    next = setStage(next, pack.name, 'transferring');
  }
  return next;
}

function startAsk(state: EngineState, effects: Effect[]): EngineState {
  // An answer's rows are applied before the next question, which carries the token that came with them.
  const settling = state.queue.length > 0 || (state.step !== undefined && state.step.kind !== 'apply' && state.step.kind !== 'index');
  if (state.asking || settling) return state;
  const ask = nextAsk(state);
  if (!ask) return state;
  const id = state.asked + 1;
  effects.push({ type: 'ask', id, request: { v: PROTOCOL_VERSION, device: state.device, token: state.token, accept: state.config.codecs, ...ask.request } });
  return { ...state, asked: id, asking: { id, kind: ask.kind, names: ask.request.urls ?? [] } };
}

interface Ask { readonly kind: Asking['kind']; readonly request: Partial<SyncRequest> }

function nextAsk(state: EngineState): Ask | undefined {
  if (state.needUrls) return { kind: 'urls', request: { urls: state.packs.filter((pack) => pack.stage === 'wanted').map((pack) => pack.name) } };
  if (state.tables.length === 0) return { kind: 'plan', request: {} };
  const absent = state.tables.filter((table) => table.load === 'none' && (!table.usable || table.lost)).map((table) => table.id);
  if (absent.length > 0) return { kind: 'plan', request: { fresh: absent, tables: absent } };
  const due = readyTables(state).filter((table) => !table.fresh).map((table) => table.id);
  if (due.length > 0) return { kind: 'pull', request: due.length === state.tables.length ? {} : { tables: due } };
  const allFresh = state.tables.every((table) => table.fresh);
  if (allFresh && state.config.mode === 'watch') return { kind: 'wait', request: { waitSeconds: state.config.waitSeconds } };
  return undefined;
}

/** Tables whose feed can be read: the whole of their level has its packs, and the levels before it are usable or about to be. */
function readyTables(state: EngineState): Table[] {
  const isReady = (table: Table): boolean => table.load === 'indexed' || (table.load === 'none' && table.usable);
  return state.tables.filter((table) => state.tables.every((other) => isReady(other) || (other.level < table.level ? other.usable : other.level > table.level)));
}

function isComplete(state: EngineState): boolean {
  return state.config.mode === 'once' && state.tables.length > 0 && !isBusy(state) && state.queue.length === 0 &&
    state.tables.every((table) => table.fresh && table.load === 'none');
}
