import type { Transfer } from '../ports/transfers.ts';
import type { Effect } from './event.ts';
import { counted, type EngineState, type Pack } from './state.ts';

/** Transfers that do nothing for so long, while the engine could fetch, are taken back. */
export const PATIENCE_MS = 60_000;
/** A pack that the OS failed to bring so often is the engine's own. */
const MOST_HANDED = 3;
/** A service that could not be asked so often in a row is done without. */
const MOST_UNLISTED = 3;

type Handed = { readonly state: EngineState; readonly effects: readonly Effect[] };
const unchanged = (state: EngineState): Handed => ({ state, effects: [] });

/** The OS's own transfers of this sync may go on: the rule set knows them, and so does the host. */
const mayTransfer = (state: EngineState): boolean => state.hasTransfers && state.verdict?.transfers === 'go-on' && state.lease?.network === true;

const isVisible = ({ report }: EngineState): boolean => report?.app === 'foreground' && report.screen === 'unlocked';

/**
 * Lists, hands over and takes back. While the app is in front the engine fetches the packs of the first level that lacks some,
 * a few at most, and all others are handed over at once; when the app is left, whatever nobody has begun follows.
 */
export function handOver(state: EngineState, nowMs: number): Handed {
  if (!state.hasTransfers || state.transferCall !== undefined || !state.lease || state.phase !== 'running') return unchanged(state);
  if (state.needList) return state.retry ? unchanged(state) : { state: { ...state, needList: false, transferCall: 'list' }, effects: [{ type: 'list' }] };
  const back = toRecall(state, nowMs);
  if (back.length > 0) return recall(state, back, nowMs);
  if (!mayTransfer(state) || state.retry || state.needUrls || isForgetting(state)) return unchanged(state);
  const packs = toHand(state);
  if (packs.length === 0) return unchanged(state);
  const allowMetered = state.report?.settings.wifiOnly !== true;
  const names = new Set(packs.map((pack) => pack.name));
  return {
    state: { ...setPacks(state, names, (pack) => ({ stage: 'handed', handed: pack.handed + 1 })), transferCall: 'hand', transferMs: nowMs, handedMetered: allowMetered },
    effects: [{ type: 'hand', packs, allowMetered }, { type: 'journal', kind: 'hand', detail: counted(packs.length, 'pack') }],
  };
}

export const isForgetting = (state: EngineState): boolean => [state.step, ...state.queue].some((step) => step?.kind === 'forget' || step?.kind === 'reset');

export function setPacks(state: EngineState, names: ReadonlySet<string>, change: (pack: Pack) => Partial<Pack>): EngineState {
  return { ...state, packs: state.packs.map((pack) => (names.has(pack.name) ? { ...pack, ...change(pack) } : pack)) };
}

function toHand(state: EngineState): readonly Pack[] {
  const free = state.packs.filter((pack) => pack.stage === 'wanted' && !pack.own);
  if (!isVisible(state)) return free;
  const level = Math.min(...state.packs.filter((pack) => pack.stage !== 'applied').map((pack) => pack.level));
  const kept = new Set(free.filter((pack) => pack.level === level).slice(0, state.config.storedAhead).map((pack) => pack.name));
  return free.filter((pack) => !kept.has(pack.name));
}

/** Since when the OS has brought nothing although packs are with it; undefined: none are. */
export function stalledSinceMs(state: EngineState): number | undefined {
  return state.packs.some((pack) => pack.stage === 'handed') ? state.transferMs : undefined;
}

function toRecall(state: EngineState, nowMs: number): readonly Pack[] {
  const handed = state.packs.filter((pack) => pack.stage === 'handed');
  const stalledMs = nowMs - (stalledSinceMs(state) ?? nowMs);
  const isWrongNetwork = state.handedMetered && state.report?.settings.wifiOnly === true;
  return isWrongNetwork || (stalledMs >= PATIENCE_MS && state.lease?.network === true) ? handed : [];
}

function recall(state: EngineState, packs: readonly Pack[], nowMs: number): Handed {
  const isWrongNetwork = state.handedMetered && state.report?.settings.wifiOnly === true;
  const names = packs.map((pack) => pack.name);
  const own = setPacks(state, new Set(names), (pack) => ({ own: pack.own || !isWrongNetwork }));
  return {
    state: { ...own, transferCall: 'recall', transferMs: nowMs, handedMetered: false },
    effects: [{ type: 'recall', names }, { type: 'journal', kind: 'recall', detail: isWrongNetwork ? 'Wi-Fi only' : 'the transfers brought nothing for a minute' }],
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
  return { ...state, packs, transferCall: undefined, transferMs: nowMs, unlisted: 0 };
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
  const next = { ...state, transferMs: nowMs };
  const change = (to: (pack: Pack) => Pack): EngineState => ({ ...next, packs: next.packs.map((pack) => (pack.name === transfer.name && pack.stage === 'handed' ? to(pack) : pack)) });
  if (transfer.phase === 'stored') return change((pack) => ({ ...pack, stage: 'stored' }));
  if (transfer.phase !== 'failed') return next;
  // The server refuses an address that has expired; it says how the pack stands when it is asked for a new one.
  const isRefused = transfer.status === 403 || transfer.status === 410;
  const back = change(dropped);
  return isRefused && back.packs.some((pack) => pack.name === transfer.name && pack.stage === 'wanted') ? { ...back, needUrls: true } : back;
}
