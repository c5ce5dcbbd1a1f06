import type { Transfer } from '../ports/transfers.ts';
import type { Effect } from './event.ts';
import { counted, isVisible, setPacks, type EngineState, type Pack } from './state.ts';
import { toldOf } from './tables.ts';

/** Transfers that do nothing for so long, while the engine could fetch, are taken back; those that have not begun at all, sooner. */
const PATIENCE_MS = 60_000;
const QUEUED_PATIENCE_MS = 5000;
/** So long the engine fetches the first level alone, so that it is there soonest. */
const HEAD_START_MS = 30_000;
/** So long before a lease ends the OS gets what the engine will not come to. */
const PARTING_MS = 2000;
/** A pack that the OS failed to bring so often is the engine's own. */
const MOST_HANDED = 3;
/** A service that could not be asked so often in a row is done without. */
const MOST_UNLISTED = 3;

type Handed = { readonly state: EngineState; readonly effects: readonly Effect[] };
const unchanged = (state: EngineState): Handed => ({ state, effects: [] });

/** The OS's own transfers of this sync may go on: the rule set knows them, and so does the host. */
const mayTransfer = (state: EngineState): boolean => state.hasTransfers && state.verdict?.transfers === 'go-on' && state.lease?.network === true;

/**
 * Lists, hands over and takes back. While the app is in front the engine fetches the packs of the first level that lacks some,
 * a few at most, alone for a while; then all others are handed over at once. When the app is left, or the lease ends,
 * whatever nobody has begun follows.
 */
export function handOver(state: EngineState, nowMs: number): Handed {
  if (!state.hasTransfers || state.transferCall !== undefined || !state.lease || state.phase !== 'running') return unchanged(state);
  if (state.needList) return state.retry ? unchanged(state) : { state: { ...state, needList: false, transferCall: 'list' }, effects: [{ type: 'list' }] };
  const back = toRecall(state, nowMs);
  if (back.length > 0) return recall(state, back, nowMs);
  if (!mayTransfer(state) || state.retry || state.needUrls || isForgetting(state)) return unchanged(state);
  const packs = toHand(state, nowMs);
  if (packs.length === 0) return unchanged(state);
  const allowMetered = state.report?.settings.wifiOnly !== true;
  const handedMetered = allowMetered || (state.handedMetered && state.packs.some(({ stage }) => stage === 'handed'));
  const names = new Set(packs.map((pack) => pack.name));
  return {
    state: { ...setPacks(state, names, (pack) => ({ stage: 'handed', handed: pack.handed + 1 })), transferCall: 'hand', transferMs: nowMs, transferRuns: false, handedMetered },
    effects: [{ type: 'hand', packs, allowMetered }, { type: 'journal', kind: 'hand', detail: counted(packs.length, 'pack') }],
  };
}

export const isForgetting = (state: EngineState): boolean => [state.step, ...state.queue].some((step) => step?.kind === 'forget' || step?.kind === 'reset' || (toldOf(step)?.packs.length ?? 0) > 0);

function toHand(state: EngineState, nowMs: number): readonly Pack[] {
  const free = state.packs.filter((pack) => pack.stage === 'wanted' && !pack.own);
  if (isParting(state, nowMs)) return free;
  if (state.stalled || isInWindow(state)) return [];
  if (!isVisible(state)) return free;
  const kept = firstPacks(state);
  if (kept.length > 0 && nowMs < state.leasedMs + HEAD_START_MS) return [];
  return free.filter((pack) => !kept.includes(pack));
}

/** In a window that the OS granted for work the engine fetches itself, as long as it lasts. */
const isInWindow = ({ report, lease }: EngineState): boolean => report?.window !== undefined && report.window.kind !== 'grace' && lease?.deadlineMs !== undefined;

const isParting = ({ lease }: EngineState, nowMs: number): boolean => lease?.deadlineMs !== undefined && nowMs >= lease.deadlineMs - PARTING_MS;

/** The packs that the engine fetches itself while the app is in front: of the first level that lacks some, a few at most. */
function firstPacks(state: EngineState): readonly Pack[] {
  const isLacking = (pack: Pack): boolean => pack.stage === 'wanted' || pack.stage === 'transferring';
  const level = Math.min(...state.packs.filter((pack) => pack.stage !== 'applied').map((pack) => pack.level));
  return state.packs.filter((pack) => pack.level === level && isLacking(pack)).slice(0, state.config.storedAhead);
}

/** Packs that the engine fetches itself, in the order of the plan: what the OS is to get it leaves alone. */
export function toFetch(state: EngineState): readonly Pack[] {
  const wanted = state.packs.filter((pack) => pack.stage === 'wanted');
  if (!mayTransfer(state) || state.stalled || isInWindow(state)) return wanted;
  const first = isVisible(state) ? firstPacks(state) : [];
  return wanted.filter((pack) => pack.own || first.includes(pack));
}

/** When something is to be handed over or taken back, if nothing happens before; undefined: nothing will be. */
export function nextTransferMs(state: EngineState): number | undefined {
  const { lease, leasedMs, stalled } = state;
  if (!state.hasTransfers || !lease?.network || state.transferCall !== undefined) return undefined;
  const stalledMs = stalledSinceMs(state);
  const isFree = state.verdict?.transfers === 'go-on' && !state.retry && state.packs.some((pack) => pack.stage === 'wanted' && !pack.own);
  const inFront = !stalled && isVisible(state) ? [leasedMs + HEAD_START_MS] : [];
  const handMs = isFree ? [...inFront, ...(lease.deadlineMs === undefined ? [] : [lease.deadlineMs - PARTING_MS])] : [];
  return Math.min(...handMs, stalledMs === undefined ? Infinity : stalledMs + patienceMs(state));
}

/** Since when the OS has brought nothing although packs are with it; undefined: none are. */
function stalledSinceMs(state: EngineState): number | undefined {
  return state.packs.some((pack) => pack.stage === 'handed') ? state.transferMs : undefined;
}

const patienceMs = ({ transferRuns }: EngineState): number => (transferRuns ? PATIENCE_MS : QUEUED_PATIENCE_MS);

function toRecall(state: EngineState, nowMs: number): readonly Pack[] {
  const handed = state.packs.filter((pack) => pack.stage === 'handed');
  const stalledMs = nowMs - (stalledSinceMs(state) ?? nowMs);
  const isWrongNetwork = state.handedMetered && state.report?.settings.wifiOnly === true;
  return isWrongNetwork || (stalledMs >= patienceMs(state) && state.lease?.network === true) ? handed : [];
}

function recall(state: EngineState, packs: readonly Pack[], nowMs: number): Handed {
  const isWrongNetwork = state.handedMetered && state.report?.settings.wifiOnly === true;
  const names = packs.map((pack) => pack.name);
  // Taken back is not failed: it may be handed over as often as before.
  const kept = setPacks(state, new Set(names), (pack) => ({ handed: Math.max(0, pack.handed - 1) }));
  return {
    state: { ...kept, transferCall: 'recall', transferMs: nowMs, handedMetered: false, stalled: state.stalled || !isWrongNetwork },
    effects: [{ type: 'recall', names }, { type: 'journal', kind: 'recall', detail: isWrongNetwork ? 'Wi-Fi only' : state.transferRuns ? 'the transfers brought nothing for a minute' : 'the transfers did not begin' }],
  };
}

/** The OS has taken packs over, but not these. */
export function handed(state: EngineState, refused: readonly string[], nowMs: number): EngineState {
  const back = setPacks(state, new Set(refused), (pack) => (pack.stage === 'handed' ? { stage: 'wanted', own: true } : {}));
  return { ...back, transferCall: undefined, transferMs: nowMs };
}

/** Compares the plan with what the OS has: what it has lost or failed to bring is wanted again. */
export function listed(state: EngineState, transfers: readonly Transfer[], stored: readonly string[], nowMs: number): EngineState {
  const here = new Set(stored);
  const known = new Map(transfers.map((transfer) => [transfer.name, transfer]));
  const packs = state.packs.map((pack) => (pack.stage === 'handed' || pack.stage === 'wanted' ? reconciled(pack, here.has(pack.name), known.get(pack.name)) : pack));
  const transferRuns = packs.some((pack) => pack.stage === 'handed' && known.get(pack.name)?.phase === 'running');
  // What an earlier process handed over may use any network.
  const handedMetered = state.handedMetered || packs.some((pack) => pack.stage === 'handed' && pack.handed === 0);
  return { ...state, packs, handedMetered, transferCall: undefined, transferMs: nowMs, transferRuns, unlisted: 0 };
}

/** Nothing may be fetched while it is not known what the OS has; a service that never answers is done without. */
export function unlisted(state: EngineState, stored: readonly string[], nowMs: number): EngineState {
  const here = setPacks(state, new Set(stored), (pack) => (pack.stage === 'handed' || pack.stage === 'wanted' ? { stage: 'stored' } : {}));
  const next = { ...here, transferCall: undefined, transferMs: nowMs, unlisted: state.unlisted + 1, needList: true };
  if (next.unlisted < MOST_UNLISTED) return next;
  const packs = next.packs.map((pack) => (pack.stage === 'handed' ? { ...pack, stage: 'wanted' as const, own: true } : pack));
  return { ...next, packs, hasTransfers: false, needList: false };
}

function reconciled(pack: Pack, isHere: boolean, transfer: Transfer | undefined): Pack {
  if (isHere) return { ...pack, stage: 'stored' };
  if (transfer?.phase === 'queued' || transfer?.phase === 'running') return { ...pack, stage: 'handed' };
  return pack.stage === 'handed' ? dropped(pack) : pack;
}

const dropped = (pack: Pack): Pack => ({ ...pack, stage: 'wanted', own: pack.own || pack.handed >= MOST_HANDED });

/** A transfer has moved on while the process runs. */
export function transferred(state: EngineState, transfer: Transfer, nowMs: number): EngineState {
  const next = { ...state, transferMs: nowMs, transferRuns: state.transferRuns || transfer.phase === 'running' || transfer.phase === 'stored' };
  const change = (to: (pack: Pack) => Pack): EngineState => ({ ...next, packs: next.packs.map((pack) => (pack.name === transfer.name && pack.stage === 'handed' ? to(pack) : pack)) });
  if (transfer.phase === 'stored') return change((pack) => ({ ...pack, stage: 'stored' }));
  if (transfer.phase !== 'failed') return next;
  // The server refuses an address that has expired; it says how the pack stands when it is asked for a new one.
  const isRefused = transfer.status === 403 || transfer.status === 410;
  const back = change(dropped);
  return isRefused && back.packs.some((pack) => pack.name === transfer.name && pack.stage === 'wanted') ? { ...back, needUrls: true } : back;
}
