import { CarryonError } from '@carryon/protocol';
import { choose } from './choose.ts';
import type { Answer, Effect, EngineEvent, StepResult } from './event.ts';
import { checkQuota } from './quota.ts';
import { retryDelayMs } from './retry.ts';
import type { EngineState, Pack, Step, Table } from './state.ts';

/** A pack that came wrong so often is given up. */
const MOST_WRONG = 3;
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
    case 'granted': return { state: { ...state, lease: event.lease, leaving: undefined }, effects: [journal('start', event.lease.kind)] };
    case 'revoked': return revoke(state, event.reason);
    case 'answered': return state.asking?.id === event.id ? answered(state, event.answer, event) : only(state);
    case 'ask-failed': return state.asking?.id === event.id ? failed({ ...state, asking: undefined }, event.error, event) : only(state);
    case 'fetched': return only(progressed(setPack(state, event.name, { stage: 'stored', verified: true })));
    case 'fetch-failed': return packFailed(setPack(state, event.name, { stage: 'wanted' }), event.name, event.error, event);
    case 'unpacked': return only(setPack(state, event.name, { stage: 'unpacked', verified: true }));
    case 'unpack-failed': return packFailed(backOnShelf(state, event.name, event.error), event.name, event.error, event);
    case 'stepped': return stepped(state, event.result);
    case 'step-failed': return stepFailed(state, event);
    case 'woke': return only(state.retry && event.nowMs >= state.retry.atMs ? { ...state, retry: undefined } : state);
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

function revoke(state: EngineState, reason: string): Next {
  if (!state.lease) return only(state);
  return { state: { ...state, lease: undefined, leaving: reason }, effects: [journal('stop', reason), { type: 'abort', reason }] };
}

function answered(state: EngineState, answer: Answer, event: EngineEvent): Next {
  const settled = { ...state, asking: undefined };
  if (state.epoch !== undefined && answer.epoch !== state.epoch) {
    return failed(settled, new CarryonError('epoch.changed', 'The server\'s sync data was made anew since this device last synced.'), event);
  }
  if (state.user !== undefined && answer.user !== state.user) {
    return failed(settled, new CarryonError('device.other-server', `This folder holds the share of ${state.user}, and the token is of ${answer.user}.`), event);
  }
  const queue: Step[] = [];
  if (answer.plan) {
    const short = checkQuota(answer.plan.packs, answer.freeBytes);
    if (short) return failed(settled, short, event);
    queue.push(answer.plan);
  }
  if (answer.urls) queue.push(urlsStep(state, answer.urls));
  for (const segment of answer.segments) queue.push({ kind: 'segment', segment, tables: state.tables });
  const next = { ...progressed(settled), epoch: answer.epoch, user: answer.user, needUrls: state.needUrls && !answer.urls, queue: [...state.queue, ...queue] };
  return answer.error ? failed(next, answer.error, event) : only(next);
}

function urlsStep(state: EngineState, urls: readonly string[]): Step {
  const wanted = state.packs.filter((pack) => pack.stage === 'wanted');
  const gone = wanted.filter((_, i) => (urls[i] ?? '') === '');
  if (gone.length > 0) return forgetStep(state, new Set(gone.flatMap((pack) => pack.parts.map((part) => part.table))));
  return { kind: 'urls', urls: new Map(wanted.map((pack, i) => [pack.name, urls[i] ?? ''])) };
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
  if (error.code === 'pack.url-expired' || error.code === 'pack.gone') return only({ ...state, needUrls: true });
  if (error.code !== 'pack.wrong-bytes') return failed(state, error, event);
  const wrong = (state.packs.find((pack) => pack.name === name)?.wrong ?? 0) + 1;
  const counted = setPack(state, name, { wrong });
  if (wrong >= MOST_WRONG) return giveUp(counted, error);
  return { ...failed(counted, error, event) };
}

/** Something failed: try again later, or give up when that makes no sense. */
function failed(state: EngineState, error: CarryonError, event: EngineEvent): Next {
  if (state.leaving !== undefined || !state.lease || state.phase !== 'running') return only(state);
  const failures = state.failures + 1;
  const patience = PATIENT.has(error.code) ? MOST_PATIENT : state.config.mostAttempts;
  const tired = state.config.mode === 'once' && (failures >= patience || error.retry === 'later');
  if (error.retry === 'no' || tired) return giveUp({ ...state, failures }, error);
  if (state.retry) return only(state);
  const atMs = event.nowMs + retryDelayMs(failures, error, event.random);
  return {
    state: { ...state, failures, retry: { attempt: failures, atMs, error } },
    effects: [journal('wait', `${error.code}: ${error.message}`), { type: 'wake', atMs }],
  };
}

function giveUp(state: EngineState, error: CarryonError): Next {
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
  const idle = progressed({ ...state, step: undefined });
  if (!done) return only(idle);
  switch (done.kind) {
    case 'plan': return { state: planned(idle, done), effects: [journal('plan', `${done.packs.length} packs`)] };
    case 'urls': return only({ ...idle, packs: idle.packs.map((pack) => ({ ...pack, url: done.urls.get(pack.name) ?? pack.url })) });
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
  return { ...state, tables, packs: state.packs.filter((pack) => !names.has(pack.name)) };
}

function setRows(state: EngineState, result: StepResult): EngineState {
  return { ...state, tables: state.tables.map((table) => ({ ...table, rows: result.rows?.get(table.id) ?? table.rows })) };
}

function committed(state: EngineState, { segment }: Extract<Step, { kind: 'segment' }>, result: StepResult): Next {
  const counted = setRows({ ...state, token: segment.token }, result);
  if (!segment.commit) return only(counted);
  const ids = new Set(segment.commit.tables.map(({ table }) => table));
  const usable = setTables(counted, ids, { usable: true, load: 'none', fresh: true });
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
