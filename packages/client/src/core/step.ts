import { CarryonError } from '@carryon/protocol';
import { checkPlan } from './check-plan.ts';
import { choose } from './choose.ts';
import type { Answer, Effect, EngineEvent, StepResult } from './event.ts';
import { checkQuota } from './quota.ts';
import { retryDelayMs, weight } from './retry.ts';
import type { Asking, EngineState, Pack, Step, Table } from './state.ts';

/** A pack that came wrong so often is given up. */
const MOST_WRONG = 3;
/** So often the server may give up packs of a plan before a commit. */
const MOST_WITHDRAWN = 3;
/** The server is there and says when to come back: worth more patience than silence. */
const PATIENT: ReadonlySet<string> = new Set(['server.preparing', 'server.busy']);
const MOST_PATIENT = 200;

interface Next { readonly state: EngineState; readonly effects: readonly Effect[] }

/** The engine: a state and an event give the next state and what is to be done. Pure; same inputs, same outputs. */
export function step(state: EngineState, event: EngineEvent): Next {
  const reacted = react(state, event);
  const chosen = choose(reacted.state, event.nowMs);
  return { state: chosen.state, effects: [...reacted.effects, ...chosen.effects] };
}

const only = (state: EngineState): Next => ({ state, effects: [] });

function react(state: EngineState, event: EngineEvent): Next {
  switch (event.type) {
    case 'started': return only({ ...state, ...event.durable, phase: 'running' });
    case 'granted': return granted(state, event);
    case 'revoked': return revoke(state, event.reason);
    case 'answered': return state.asking?.id === event.id ? answered(state, state.asking, event) : only(state);
    case 'ask-failed': return state.asking?.id === event.id ? failed({ ...state, asking: undefined }, event.error, event) : only(state);
    case 'fetched': return only(progressed(setPack(state, event.name, { stage: 'stored', verified: true })));
    case 'fetch-failed': return packFailed(setPack(state, event.name, { stage: 'wanted' }), event.name, event.error, event);
    case 'unpacked': return only(setPack(state, event.name, { stage: 'unpacked', verified: true }));
    case 'unpack-failed': return packFailed(backOnShelf(state, event.name, event.error), event.name, event.error, event);
    case 'stepped': return stepped(state, event.result);
    case 'step-failed': return stepFailed(state, event);
    // The timer is believed, not the clock, which may have been set back meanwhile.
    case 'woke': return only({ ...state, retry: undefined });
    case 'sync-asked': return only({ ...state, retry: undefined, phase: state.phase === 'done' ? 'running' : state.phase, tables: state.tables.map((table) => ({ ...table, fresh: false })) });
    default: return event satisfies never;
  }
}

const journal = (kind: string, detail: string): Effect => ({ type: 'journal', kind, detail });

function setPack(state: EngineState, name: string, change: Partial<Pack>): EngineState {
  return { ...state, packs: state.packs.map((pack) => (pack.name === name ? { ...pack, ...change } : pack)) };
}

function setTables(state: EngineState, ids: ReadonlySet<number>, change: Partial<Table>): EngineState {
  return { ...state, tables: state.tables.map((table) => (ids.has(table.id) ? { ...table, ...change } : table)) };
}

const progressed = (state: EngineState): EngineState => (state.failures === 0 ? state : { ...state, failures: 0 });

/** A revocation ended the timer of a wait, so what is left of the wait begins anew. */
function granted(state: EngineState, { lease, nowMs }: EngineEvent & { readonly type: 'granted' }): Next {
  const retry = state.retry && state.retry.atMs > nowMs ? state.retry : undefined;
  return { state: { ...state, lease, retry }, effects: [journal('start', lease.kind), ...(retry ? [{ type: 'wake', atMs: retry.atMs } as const] : [])] };
}

function revoke(state: EngineState, reason: string): Next {
  if (!state.lease) return only(state);
  return { state: { ...state, lease: undefined, leaving: reason }, effects: [journal('stop', reason), { type: 'abort', reason }] };
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
  const queue: Step[] = [];
  if (answer.plan) queue.push(answer.plan);
  if (answer.urls) queue.push(urlsStep(state, asking.names, answer.urls));
  for (const segment of answer.segments) queue.push({ kind: 'segment', segment, tables: state.tables });
  const next = { ...settled, epoch: answer.epoch, user: answer.user, queue: [...state.queue, ...queue] };
  if (answer.error) return failed(next, answer.error, event);
  if (!queue.some((step) => step.kind === 'forget')) return only(next);
  const error = new CarryonError('pack.gone', 'The server no longer keeps packs that it has just announced.');
  return state.withdrawn < MOST_WITHDRAWN ? only({ ...next, withdrawn: state.withdrawn + 1 }) : giveUp(next, error);
}

/** Why an answer does not fit what was asked, or this device; undefined when it does. */
function misfit(state: EngineState, asking: Asking, answer: Answer): CarryonError | undefined {
  if (answer.plan) return checkPlan(answer.plan, state.tables) ?? checkQuota(answer.plan.packs, answer.freeBytes);
  if (answer.error || asking.kind === 'pull' || asking.kind === 'wait') return undefined;
  if (asking.kind === 'urls' && answer.urls?.length === asking.names.length) return undefined;
  return new CarryonError('protocol.bad-answer', 'The server\'s answer is to another question.');
}

function urlsStep(state: EngineState, names: readonly string[], urls: readonly string[]): Step {
  const gone = new Set(names.filter((_, i) => urls[i] === ''));
  if (gone.size > 0) return forgetStep(state, new Set(state.packs.filter((pack) => gone.has(pack.name)).flatMap((pack) => pack.parts.map((part) => part.table))));
  return { kind: 'urls', urls: new Map(names.map((name, i) => [name, urls[i] ?? ''])) };
}

/** Forgets these tables' downloads, and of every table that shares a pack with them. */
function forgetStep(state: EngineState, tables: ReadonlySet<number>): Step {
  const ids = new Set(tables);
  for (let before = -1; before !== ids.size;) {
    before = ids.size;
    for (const pack of state.packs) if (pack.parts.some((part) => ids.has(part.table))) for (const part of pack.parts) if (isLoading(state, part.table)) ids.add(part.table);
  }
  const packs = state.packs.filter((pack) => pack.parts.some((part) => ids.has(part.table))).map((pack) => pack.name);
  return { kind: 'forget', tables: [...ids], packs };
}

const isLoading = (state: EngineState, id: number): boolean => state.tables.some((table) => table.id === id && table.load !== 'none');

function packFailed(state: EngineState, name: string, error: CarryonError, event: EngineEvent): Next {
  if (state.leaving !== undefined || !state.lease) return only(state);
  if (error.code === 'pack.url-expired' || error.code === 'pack.gone') return state.needUrls ? only(state) : failed({ ...state, needUrls: true }, error, event);
  if (error.code !== 'pack.wrong-bytes') return failed(state, error, event);
  const wrong = (state.packs.find((pack) => pack.name === name)?.wrong ?? 0) + 1;
  const counted = setPack(state, name, { wrong });
  if (wrong >= MOST_WRONG) return giveUp(counted, error);
  return failed(counted, error, event);
}

/** Something failed: try again later, or give up when that makes no sense. */
function failed(state: EngineState, error: CarryonError, event: EngineEvent): Next {
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
    effects: [journal('wait', `${error.code}: ${error.message}`), { type: 'wake', atMs }],
  };
}

function giveUp(state: EngineState, error: CarryonError): Next {
  if (state.phase !== 'running') return only(state);
  return {
    state: { ...state, phase: 'failed', error },
    effects: [journal('fail', `${error.code}: ${error.message}`), { type: 'abort', reason: error.code }, { type: 'finished', error }],
  };
}

/** A pack that is not right is fetched again; one that met a full disk or a lock is still there. */
function backOnShelf(state: EngineState, name: string, error: CarryonError): EngineState {
  return setPack(state, name, isPackFault(error) ? { stage: 'wanted', verified: false } : { stage: 'stored' });
}

export const isPackFault = (error: CarryonError): boolean => error.code.startsWith('pack.');

function stepFailed(state: EngineState, event: EngineEvent & { readonly type: 'step-failed' }): Next {
  const done = state.step;
  const idle = { ...state, step: undefined };
  const { error } = event;
  if (done?.kind === 'apply') return packFailed(backOnShelf(idle, done.pack.name, error), done.pack.name, error, event);
  // An answer that cannot be applied is asked for again; anything else is tried again as it is.
  const unreadable = error.code === 'protocol.bad-answer';
  const again = unreadable ? { ...idle, queue: [] } : done && done.kind !== 'index' ? { ...idle, queue: [done, ...idle.queue] } : idle;
  return failed(again, error, event);
}

function stepped(state: EngineState, result: StepResult): Next {
  const done = state.step;
  // New addresses are no progress yet: a server that never lets a pack be fetched must not be asked for ever.
  const idle = { ...(done?.kind === 'urls' || done?.kind === 'forget' ? state : progressed(state)), step: undefined };
  if (!done) return only(idle);
  switch (done.kind) {
    case 'plan': return { state: planned(idle, done), effects: [journal('plan', `${done.packs.length} packs`)] };
    case 'urls': return only({ ...idle, needUrls: false, packs: idle.packs.map((pack) => ({ ...pack, url: done.urls.get(pack.name) ?? pack.url })) });
    case 'apply': return only(setRows(setPack(idle, done.pack.name, { stage: 'applied' }), result));
    case 'index': return only(setTables(idle, new Set([done.table.id]), { load: 'indexed' }));
    case 'forget': return only(forgotten(idle, done));
    case 'segment': return committed(idle, done, result);
    default: return done satisfies never;
  }
}

function planned(state: EngineState, plan: Extract<Step, { kind: 'plan' }>): EngineState {
  const ids = new Set(plan.tables.map((table) => table.id));
  const tables = plan.tables.map((spec): Table => ({
    ...spec, usable: state.tables.some((table) => table.id === spec.id && table.usable), load: 'filling', rows: 0, fresh: false, lost: false,
  }));
  const packs = plan.packs.map((spec): Pack => ({ ...spec, stage: 'wanted', verified: false, wrong: 0 }));
  const names = new Set(plan.packs.map((pack) => pack.name));
  return {
    ...state, token: plan.token, epoch: plan.epoch,
    tables: [...state.tables.filter((table) => !ids.has(table.id)), ...tables].sort((a, b) => a.level - b.level || a.id - b.id),
    packs: [...state.packs.filter((pack) => !names.has(pack.name)), ...packs],
  };
}

function forgotten(state: EngineState, done: Extract<Step, { kind: 'forget' }>): EngineState {
  const ids = new Set(done.tables);
  const names = new Set(done.packs);
  const tables = state.tables.map((table) => (ids.has(table.id) ? { ...table, load: 'none' as const, fresh: false, lost: table.usable } : table));
  return { ...state, needUrls: false, tables, packs: state.packs.filter((pack) => !names.has(pack.name)) };
}

function setRows(state: EngineState, result: StepResult): EngineState {
  return { ...state, tables: state.tables.map((table) => ({ ...table, rows: result.rows?.get(table.id) ?? table.rows })) };
}

function committed(state: EngineState, { segment }: Extract<Step, { kind: 'segment' }>, result: StepResult): Next {
  const counted = setRows({ ...state, token: segment.token }, result);
  // A page is a part: its round goes on at once, for all tables together.
  if (!segment.commit) return only({ ...counted, tables: counted.tables.map((table) => ({ ...table, fresh: false })) });
  const ids = new Set(segment.commit.tables.map(({ table }) => table));
  const usable = setTables({ ...counted, withdrawn: 0 }, ids, { usable: true, load: 'none', fresh: true });
  const packs = usable.packs.filter((pack) => pack.stage !== 'applied' || pack.parts.some((part) => isLoading(usable, part.table)));
  return repair({ ...usable, packs }, result.differing ?? [], segment.rows);
}

/** A table that differs from the server's is downloaded again, once in a run. */
function repair(state: EngineState, differing: readonly number[], rows: number): Next {
  const effects: Effect[] = rows > 0 ? [journal('commit', `${rows} changes`)] : [];
  if (differing.length === 0) return { state, effects };
  const error = new CarryonError('digest.mismatch', `Table ${differing.join(', ')} differs from the server's share.`);
  if (differing.some((id) => state.repaired.includes(id))) return giveUp(state, error);
  const lost = setTables(state, new Set(differing), { lost: true, fresh: false });
  return { state: { ...lost, repaired: [...state.repaired, ...differing] }, effects: [...effects, journal('repair', error.message)] };
}
