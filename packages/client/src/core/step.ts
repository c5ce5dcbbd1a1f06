import { CarryonError, type PushedFrame, type TableSpec } from '@carryon/protocol';
import { choose } from './choose.ts';
import type { Answer, Asked, Durable, Effect, EngineEvent, StepResult } from './event.ts';
import { askFailed, failed, giveUp, holdPush, journal, only, type Next } from './failure.ts';
import { forgetStep, forgotten, isLoading } from './forget.ts';
import { isAgain, misfit, MOST_WITHDRAWN, toldBy } from './misfit.ts';
import { handed, listed, transferred, unlisted } from './hand-over.ts';
import { isBusy } from './permit.ts';
import { isIn, newRound, withEdited } from './schedule.ts';
import { changesText, inOrder, toldOf, withTables } from './tables.ts';
import { counted, hasUnsent, isVisible, setPack, type Asking, type EngineState, type Outbox, type Pack, type Round, type Segment, type Step, type Table } from './state.ts';

/** A pack that came wrong so often is given up. */
const MOST_WRONG = 3;

/** The engine: a state and an event give the next state and what is to be done. Pure; same inputs, same outputs. */
export function step(state: EngineState, event: EngineEvent): Next {
  const reacted = react(afterHold(afterSleep(afterSetBack(state, event.nowMs), event.nowMs), event), event);
  const chosen = choose(reacted.state, event);
  // Nothing had to be taken back: a host that waits for the rest is told all the same.
  const rested: readonly Effect[] = isToRest(event) && isAtRest(state) && isAtRest(chosen.state) ? [{ type: 'rested' }] : [];
  return { state: chosen.state, effects: [...reacted.effects, ...chosen.effects, ...rested] };
}

const isToRest = (event: EngineEvent): boolean => event.type === 'situation' && (event.report.app === 'closed' || event.report.app === 'frozen');

const isAtRest = (state: EngineState): boolean => !state.lease && state.leaving === undefined && !isBusy(state);

/** The clock was set back: what is noted as later than now has just happened. */
function afterSetBack(state: EngineState, nowMs: number): EngineState {
  const { transferMs, leasedMs, tables, empty } = state;
  const isAhead = ({ syncedMs }: { readonly syncedMs: number | undefined }): boolean => syncedMs !== undefined && syncedMs > nowMs;
  if (transferMs <= nowMs && leasedMs <= nowMs && !tables.some(isAhead) && !(empty && isAhead(empty))) return state;
  return { ...state, empty: empty && { ...empty, syncedMs: Math.min(empty.syncedMs, nowMs) }, transferMs: Math.min(transferMs, nowMs), leasedMs: Math.min(leasedMs, nowMs), tables: tables.map((table) => (isAhead(table) ? { ...table, syncedMs: nowMs } : table)) };
}

/** A timer that is so late was not allowed to run: the process slept, and what the OS did meanwhile is not known. */
const SLEPT_MS = 5000;

function afterSleep(state: EngineState, nowMs: number): EngineState {
  if (!state.hasTransfers || state.lookMs === undefined || nowMs - state.lookMs < SLEPT_MS) return state;
  return { ...state, needList: state.packs.some((pack) => pack.stage !== 'applied'), transferMs: nowMs };
}

/** Edits may be sent again. The timer is believed, not the clock. */
function afterHold(state: EngineState, event: EngineEvent): EngineState {
  const { pushHeld, lookMs } = state;
  const isTime = pushHeld && (event.nowMs >= pushHeld.atMs || (event.type === 'woke' && event.timer === 'look' && lookMs === pushHeld.atMs));
  return isTime ? { ...state, pushHeld: undefined } : state;
}

function react(state: EngineState, event: EngineEvent): Next {
  switch (event.type) {
    case 'open-failed': return only({ ...state, retry: event.retry });
    case 'started': return only(started(state, event.durable));
    case 'situation': return only(situated(state, event.report));
    case 'paused': return only({ ...state, pauses: [...new Set([...state.pauses, event.reason])] });
    case 'resumed': return only({ ...state, pauses: state.pauses.filter((reason) => reason !== event.reason) });
    case 'asked': return only(state.asking?.id === event.id ? { ...state, asking: { ...state.asking, isSent: true } } : state);
    case 'answered': return state.asking?.id === event.id ? answered(state, state.asking, event) : only(state);
    case 'ask-failed': return state.asking?.id === event.id ? askFailed(state, state.asking, event) : only(state);
    case 'fetched': return only(progressed(setPack(state, event.name, { stage: 'stored', verified: true })));
    case 'fetch-failed': return packFailed(setPack(state, event.name, { stage: 'wanted' }), event.name, event.error, event);
    case 'unpacked': return only(setPack(state, event.name, { stage: 'unpacked', verified: true }));
    case 'unpack-failed': return packFailed(backOnShelf(state, event.name, event.error), event.name, event.error, event);
    case 'stepped': return stepped(state, event);
    case 'step-failed': return stepFailed(state, event);
    case 'handed': return only(handed(state, event.refused, event.nowMs));
    case 'listed': return event.transfers ? only(listed(state, event.transfers, event.stored, event.nowMs)) : failed(unlisted(state, event.stored, event.nowMs), new CarryonError('host.transfers', 'The system\'s transfers could not be listed.'), event);
    case 'transfer': return only(transferred(state, event.transfer, event.nowMs));
    // The timer is believed, not the clock, which may have been set back meanwhile.
    case 'woke': return only(event.timer === 'retry' ? { ...state, retry: undefined } : { ...state, lookMs: undefined });
    case 'wrote': return only({ ...state, outbox: event.outbox, pushHeld: undefined, phase: wakes(state, event.outbox) ? 'running' : state.phase });
    case 'sync-asked': return only(asked(state, event.asked));
    case 'reset-asked': return reset(state);
    default: return event satisfies never;
  }
}

/** One that has a token and no tables was told that there are none; it asks at once whether that is still so. */
function started(state: EngineState, durable: Durable): EngineState {
  const isBare = durable.tables.length === 0;
  return { ...state, ...durable, phase: 'running', retry: undefined, resetting: durable.epoch === undefined && !isBare, empty: isBare && durable.token !== null ? { syncedMs: 0, fresh: false } : undefined };
}

function setTables(state: EngineState, ids: ReadonlySet<number>, change: Partial<Table>): EngineState {
  return { ...state, tables: state.tables.map((table) => (ids.has(table.id) ? { ...table, ...change } : table)) };
}

const progressed = (state: EngineState): EngineState => (state.failures === 0 ? state : { ...state, failures: 0 });

/** The person who opens the app, and a network that is back, end a wait after failures, unless the server named its time. */
function situated(state: EngineState, report: NonNullable<EngineState['report']>): EngineState {
  const was = state.report;
  const isOpened = isVisible({ report }) && !isVisible({ report: was });
  const isBack = was?.network === 'none' && report.network !== 'none';
  const retry = state.retry?.error.retryAfterMs === undefined && was && (isOpened || isBack) ? undefined : state.retry;
  // What was taken back in front is handed over again when the app is left.
  const stalled = state.stalled && !(isVisible({ report: was }) && !isVisible({ report }));
  return { ...state, report, retry, stalled, allDue: state.allDue || isBack };
}

/** What the person asks for comes before what waits to start, and after what has begun; requests that wait become one. */
function asked(state: EngineState, { kind, tables }: Asked): EngineState {
  const ids = isResetting(state) || state.resetting ? undefined : idsOf(state, tables);
  if (ids?.length === 0) return state;
  const { round } = state;
  const wish = newRound({ kind: kind === 'table' && !ids ? 'delta' : kind, tables: ids, byPerson: true });
  const waiting = round && !round.begun && round.byPerson && round.kind !== 'first' ? round : undefined;
  const nextRound = merged(merged(wish, waiting), state.nextRound);
  const next = { ...state, nextRound, retry: undefined, phase: state.phase === 'done' ? 'running' as const : state.phase };
  if (!round || round.begun) return next;
  return round.kind === 'first' ? { ...next, round: { ...round, byPerson: true } } : { ...next, round: undefined };
}

/** A run that has ended goes on for edits made since. */
const wakes = (state: EngineState, outbox: Outbox): boolean => state.phase === 'done' && hasUnsent({ outbox });

function idsOf(state: EngineState, tables: readonly string[] | undefined): readonly number[] | undefined {
  const names = tables && new Set(tables.map((name) => name.toLowerCase()));
  return names && state.tables.filter((table) => names.has(table.name.toLowerCase())).map((table) => table.id);
}

function merged(round: Round, other: Round | undefined): Round {
  if (!other) return round;
  const tables = round.tables && other.tables ? [...new Set([...round.tables, ...other.tables])] : undefined;
  const isFull = round.kind === 'full-delta' || other.kind === 'full-delta';
  return { ...round, tables, kind: isFull ? 'full-delta' : tables ? 'table' : 'delta' };
}

/** What is in flight is given up; the step comes when nothing moves any more. */
function reset(state: EngineState): Next {
  const step: Step = { kind: 'reset', packs: [] };
  const phase = state.phase === 'done' ? 'running' as const : state.phase;
  const round = newRound({ kind: 'first', byPerson: true, begun: state.tables.length > 0 });
  const next = { ...state, phase, round, nextRound: undefined, asking: undefined, retry: undefined, measured: undefined, needUrls: false, queue: [step] };
  return { state: next, effects: [journal('reset', 'asked for'), { type: 'abort', reason: 'reset' }] };
}

function answered(state: EngineState, asking: Asking, event: EngineEvent & { readonly type: 'answered' }): Next {
  const { answer } = event;
  const settled = { ...state, asking: undefined };
  if (state.epoch !== undefined && answer.epoch !== state.epoch) {
    return failed(settled, new CarryonError('epoch.changed', 'The server\'s sync data was made anew since this device last synced.'), event);
  }
  if (state.user !== undefined && answer.user !== state.user) {
    return failed(settled, new CarryonError('device.other-server', `This folder holds the share of ${state.user}, and the token is of ${answer.user}.`), event);
  }
  const unfit = misfit(settled, asking, answer);
  if (unfit) return failed(settled, unfit, event);
  const { round, lost } = followed(settled, asking, answer);
  const queue: Step[] = answer.pushed ? [{ kind: 'outcomes', pushed: answer.pushed }] : [];
  if (answer.plan) queue.push(...planSteps(settled, answer.plan));
  if (answer.urls) queue.push(urlsStep(state, asking.names, answer.urls));
  for (const segment of answer.segments) queue.push({ kind: 'segment', segment, tables: state.tables });
  // What is told goes with the first token that stands for it.
  const told = toldBy(settled, answer);
  const bearer = told ? queue.findIndex(({ kind }) => kind === 'plan' || kind === 'segment') : -1;
  const steps = queue.map((step, i) => (i === bearer && told && (step.kind === 'plan' || step.kind === 'segment') ? { ...step, told } : step));
  const next = { ...settled, round, withdrawn: state.withdrawn + (isAgain(state, answer) ? 1 : 0), epoch: answer.epoch, user: answer.user, queue: [...state.queue, ...steps] };
  if (lost.length > 0) return lose(next, lost, 'differ in too many rows to be mended one by one');
  if (answer.error) return failed(next, answer.error, event);
  if (!answer.urls?.includes('')) return only(next);
  const error = new CarryonError('pack.gone', 'The server no longer keeps packs that it has just announced.');
  return state.withdrawn < MOST_WITHDRAWN ? only({ ...next, withdrawn: state.withdrawn + 1 }) : giveUp(next, error);
}

/** A table that is being loaded, and is planned anew, is loaded from the start. */
function planSteps(state: EngineState, plan: Extract<Step, { kind: 'plan' }>): Step[] {
  const again = plan.tables.filter(({ id }) => isLoading(state, id)).map(({ id }) => id);
  return again.length === 0 ? [plan] : [forgetStep(state, new Set(again)), plan];
}

/** What came for one who waited begins a round; a table that is lost need not be checked any more. */
function followed({ round }: EngineState, { kind, tables }: Asking, { segments, lost = [], tables: told, plan }: Answer): { round: Round | undefined; lost: readonly number[] } {
  if (round) return { round: { ...round, checked: [...round.checked, ...lost] }, lost };
  const brought = kind === 'wait' && segments.some(({ rows, commit }) => rows > 0 || !commit);
  if (kind === 'wait' && told && !plan) return { round: newRound({ kind: 'delta', begun: true }), lost };
  return { round: brought ? newRound({ kind: 'delta', tables, begun: true }) : undefined, lost };
}

function urlsStep(state: EngineState, names: readonly string[], urls: readonly string[]): Step {
  const gone = new Set(names.filter((_, i) => urls[i] === ''));
  if (gone.size > 0) return forgetStep(state, new Set(state.packs.filter((pack) => gone.has(pack.name)).flatMap((pack) => pack.parts.map((part) => part.table))));
  return { kind: 'urls', urls: new Map(names.map((name, i) => [name, urls[i] ?? ''])) };
}

/** A reset waits for what it has aborted: that has not failed, and is thrown away. */
const isResetting = ({ step, queue }: EngineState): boolean => [step, ...queue].some((one) => one?.kind === 'reset');

function packFailed(state: EngineState, name: string, error: CarryonError, event: EngineEvent): Next {
  if (state.leaving !== undefined || !state.lease || isResetting(state)) return only(state);
  if (error.code === 'pack.url-expired' || error.code === 'pack.gone') return state.needUrls ? only(state) : failed({ ...state, needUrls: true }, error, event);
  if (error.code !== 'pack.wrong-bytes') return failed(state, error, event);
  const wrong = (state.packs.find((pack) => pack.name === name)?.wrong ?? 0) + 1;
  const counted = setPack(state, name, { wrong });
  if (wrong >= MOST_WRONG) return giveUp(counted, error);
  return failed(counted, error, event);
}

/** A pack that is not right is fetched again, by the engine: it knows a web page from a pack. One that met a full disk or a lock is still there. */
function backOnShelf(state: EngineState, name: string, error: CarryonError): EngineState {
  return setPack(state, name, isPackFault(error) ? { stage: 'wanted', verified: false, own: true } : { stage: 'stored' });
}

export const isPackFault = (error: CarryonError): boolean => error.code.startsWith('pack.');

function stepFailed(state: EngineState, event: EngineEvent & { readonly type: 'step-failed' }): Next {
  const done = state.step;
  const idle = { ...state, step: undefined };
  const { error } = event;
  if (done?.kind === 'apply') return packFailed(backOnShelf(idle, done.pack.name, error), done.pack.name, error, event);
  // An answer that cannot be applied is asked for again; anything else is tried again as it is.
  const unreadable = error.code === 'protocol.bad-answer';
  const again = unreadable ? { ...idle, queue: idle.queue.filter((one) => one.kind === 'reset') } : done && done.kind !== 'index' && done.kind !== 'measure' ? { ...idle, queue: [done, ...idle.queue] } : idle;
  return failed(again, error, event);
}

function stepped(state: EngineState, event: EngineEvent & { readonly type: 'stepped' }): Next {
  const { result } = event;
  const done = state.step;
  // New addresses are no progress yet: a server that never lets a pack be fetched must not be asked for ever.
  const isProgress = !['urls', 'forget', 'reset', 'outcomes'].includes(done?.kind ?? '');
  const { operations } = state.outbox;
  const outbox = result.outbox ?? state.outbox;
  // Where rows are compared, an edit may have waited for what has been confirmed now.
  const pushHeld = outbox.operations < operations ? undefined : state.pushHeld;
  const told = toldOf(done);
  const before = { ...(isProgress ? progressed(state) : state), step: undefined, outbox, pushHeld };
  const idle = told ? withTables(before, told) : before;
  if (!done) return only(idle);
  const text = told && changesText(before.tables, told);
  const next = after(idle, done, state, event);
  return text === undefined ? next : { state: next.state, effects: [journal('tables', text), ...next.effects] };
}

/** What a step that is done leads to. */
function after(idle: EngineState, done: Step, state: EngineState, event: EngineEvent & { readonly type: 'stepped' }): Next {
  const { result, nowMs } = event;
  switch (done.kind) {
    case 'plan': return { state: planned(idle, done), effects: [journal('plan', counted(done.packs.length, 'pack'))] };
    case 'collect': return only(idle);
    case 'outcomes': return tookOutcomes(idle, done, state.outbox.known, event);
    case 'urls': return only({ ...idle, needUrls: false, packs: idle.packs.map((pack) => ({ ...pack, url: done.urls.get(pack.name) ?? pack.url })) });
    case 'apply': return only(setRows(setPack(idle, done.pack.name, { stage: 'applied' }), result));
    case 'index': return only(setTables(idle, new Set([done.table.id]), { load: 'indexed' }));
    case 'measure': return only({ ...idle, measured: result.measured });
    case 'reset': return only(forgetAll(idle));
    case 'forget': return only(forgotten(idle, done));
    case 'segment': return committed(idle, done, result, nowMs);
    default: return done satisfies never;
  }
}

/** A server that takes in none of the edits is asked again later, not at once. */
function tookOutcomes(state: EngineState, { pushed }: Extract<Step, { kind: 'outcomes' }>, known: number, event: EngineEvent & { readonly type: 'stepped' }): Next {
  const { restored, device = state.device } = event.result;
  const taken = state.outbox.known - known;
  const isIdle = taken === 0 && hasUnsent(state) && device === state.device;
  const effects = restored ? [journalRestored(restored)] : journalOutcomes(pushed, known, taken);
  if (isIdle) {
    const held = holdPush(state, new CarryonError('server.unavailable', 'The server took in none of the edits.'), event);
    return { state: held.state, effects: [...effects, ...held.effects] };
  }
  // Some may be in tables that were not asked for: they were made while the question was on its way.
  return { state: withEdited(progressed({ ...state, device, pushFailures: 0, pushHeld: undefined })), effects };
}

function journalOutcomes({ outcomes }: PushedFrame['pushed'], known: number, taken: number): Effect[] {
  const refused = outcomes.flatMap(({ seq, refused: why }) => (why && seq > known ? [journal('refused', `edit ${seq}: ${why.code}: ${why.message}`)] : []));
  return [...(taken > 0 ? [journal('upload', counted(taken, 'edit'))] : []), ...refused];
}

function journalRestored({ again, lost }: NonNullable<StepResult['restored']>): Effect {
  const gone = lost > 0 ? `, ${lost} made longer ago cannot be (device.edits-lost)` : '';
  return journal('restored', `The server was restored from a backup: ${counted(again, 'edit')} that it had accepted ${again === 1 ? 'is' : 'are'} sent again${gone}.`);
}

function planned(state: EngineState, plan: Extract<Step, { kind: 'plan' }>): EngineState {
  const ids = new Set(plan.tables.map((table) => table.id));
  // After a reset the server may have given a table another number: its name says which one it is.
  const known = (spec: TableSpec): Table | undefined => state.tables.find((table) => (state.resetting ? table.name.toLowerCase() === spec.name.toLowerCase() : table.id === spec.id));
  const tables = plan.tables.map((spec): Table => {
    const was = known(spec);
    return { ...spec, usable: was?.usable === true, load: 'filling', rows: 0, syncedMs: was?.syncedMs, fresh: false, lost: false };
  });
  const packs = plan.packs.map((spec): Pack => ({ ...spec, stage: 'wanted', verified: false, wrong: 0, own: false, handed: 0 }));
  const names = new Set(plan.packs.map((pack) => pack.name));
  return {
    ...state, token: plan.token, epoch: plan.epoch, resetting: false, empty: undefined,
    tables: inOrder([...state.tables.filter((table) => !state.resetting && !ids.has(table.id)), ...tables]),
    packs: [...state.packs.filter((pack) => !names.has(pack.name) && !(pack.stage === 'applied' && pack.parts.every((part) => ids.has(part.table)))), ...packs],
  };
}

function setRows(state: EngineState, result: StepResult): EngineState {
  return { ...state, tables: state.tables.map((table) => ({ ...table, rows: result.rows?.get(table.id) ?? table.rows })) };
}

function committed(state: EngineState, { segment }: Extract<Step, { kind: 'segment' }>, result: StepResult, nowMs: number): Next {
  const empty = state.tables.length === 0 && segment.commit ? { syncedMs: nowMs, fresh: true } : state.empty;
  const told = setRows({ ...state, token: segment.token, empty }, result);
  const round = segment.check && state.round ? { ...state.round, checked: [...state.round.checked, ...(segment.commit?.tables ?? []).map(({ table }) => table)] } : state.round;
  // A page is a part: its round goes on at once, for all of its tables together.
  if (!segment.commit) return only({ ...told, tables: told.tables.map((table) => (!round || isIn(round, table) ? { ...table, fresh: false } : table)) });
  const ids = new Set(segment.commit.tables.map(({ table }) => table));
  const usable = setTables({ ...told, round, withdrawn: 0, measured: segment.check ? undefined : state.measured }, ids, { usable: true, load: 'none', fresh: true, syncedMs: nowMs });
  // Applied packs are kept until all are, so that a download is not told to have shrunk.
  const packs = usable.packs.every((pack) => pack.stage === 'applied' && !pack.parts.some((part) => isLoading(usable, part.table))) ? [] : usable.packs;
  const right = [...ids].filter((id) => !result.differing?.includes(id));
  const repaired = usable.repaired.filter((id) => !right.includes(id));
  const next = repair({ ...usable, packs, repaired }, result.differing ?? [], segment);
  return result.restored ? { state: next.state, effects: [...next.effects, journalRestored(result.restored)] } : next;
}

/** A table that differs from the server's is downloaded again; when it differs even then, the run ends. */
function repair(state: EngineState, differing: readonly number[], { rows, check, ranges }: Segment): Next {
  const mended = [...(ranges?.values() ?? [])].flat().length;
  const effects: Effect[] = check && mended > 0 ? [journal('repair', `${counted(mended, 'range')} of rows differed and came anew`)] : rows > 0 ? [journal('commit', counted(rows, 'change'))] : [];
  if (differing.length === 0) return { state, effects };
  if (differing.some((id) => state.repaired.includes(id))) return giveUp(state, new CarryonError('digest.mismatch', `${tablesText(differing)} differs from the server's share.`));
  const next = lose({ ...state, repaired: [...state.repaired, ...differing] }, differing, 'differs from the server\'s share');
  return { state: next.state, effects: [...effects, ...next.effects] };
}

const tablesText = (ids: readonly number[]): string => `Table ${ids.join(', ')}`;

/** These tables are downloaded anew, beside the copies that are usable. */
function lose(state: EngineState, ids: readonly number[], why: string): Next {
  return { state: setTables({ ...state, measured: undefined }, new Set(ids), { lost: true, fresh: false }), effects: [journal('repair', `${tablesText(ids)} ${why}.`)] };
}

function forgetAll(state: EngineState): EngineState {
  const tables = state.tables.filter((table) => table.usable).map((table) => ({ ...table, load: 'none' as const, fresh: false, lost: true }));
  return { ...state, tables, packs: [], token: null, epoch: undefined, empty: undefined, needUrls: false, measured: undefined, resetting: tables.length > 0 };
}
