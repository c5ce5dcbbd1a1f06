import { CarryonError } from '@carryon/protocol';
import { checkPlan, checkTables, isAbsent } from './check-plan.ts';
import type { Answer } from './event.ts';
import { checkQuota } from './quota.ts';
import type { Asking, EngineState, Table, ToldTables } from './state.ts';
import { retold, withForgotten } from './tables.ts';

/** So often the server may give up packs of a plan, or plan tables anew by itself, before a commit. */
export const MOST_WITHDRAWN = 3;

/** What the answer tells of the tables, when it has a token that stands for it; else the next one tells it again. */
export function toldBy(state: EngineState, { tables, epoch, user, plan, segments }: Answer): ToldTables | undefined {
  return tables && (plan || segments.length > 0) ? withForgotten(state, { tables, epoch, user, forget: [], packs: [] }) : undefined;
}

/** Why an answer does not fit what was asked, or this device; undefined when it does. */
export function misfit(state: EngineState, asking: Asking, answer: Answer): CarryonError | undefined {
  const untold = answer.tables && checkTables(answer.tables);
  if (untold) return untold;
  if (answer.plan) return checkPlan(answer.plan, knownTo(state, answer), asking.tables) ?? checkQuota(answer.plan.packs, answer.freeBytes, state.hasTransfers) ?? restless(state, answer);
  if (answer.tables && isToldWhole(state, asking, answer)) return undefined;
  // Told without a token, it would be told for ever.
  const isBare = answer.tables !== undefined && answer.segments.length === 0;
  if (answer.error || (!isBare && (asking.kind === 'pull' || asking.kind === 'wait'))) return undefined;
  if (asking.kind === 'push' && answer.pushed) return undefined;
  if (asking.kind === 'check' && isOfCheck(state, answer)) return undefined;
  if (asking.kind === 'urls' && answer.urls?.length === asking.names.length) return undefined;
  return new CarryonError('protocol.bad-answer', 'The server\'s answer is to another question.');
}

/** The tables that a plan is measured by: as they are when what comes before it in the answer is done. */
function knownTo(state: EngineState, answer: Answer): readonly Table[] {
  const told = toldBy(state, answer);
  return told ? retold(state.tables, told) : state.resetting ? [] : state.tables;
}

/** Where a plan was asked for, nothing lacks that could be planned. */
function isToldWhole(state: EngineState, { kind, tables }: Asking, answer: Answer): boolean {
  if (kind === 'urls' || answer.segments.length === 0) return false;
  return kind !== 'plan' || !knownTo(state, answer).some((table) => isAbsent(table) && (tables === undefined || tables.includes(table.id)));
}

/** The plan is for tables that the device has: the server has lost sight of what it sent. */
export const isAgain = (state: EngineState, answer: Answer): boolean =>
  knownTo(state, answer).some((table) => answer.plan?.tables.some(({ id }) => id === table.id) === true && !isAbsent(table));

const restless = (state: EngineState, answer: Answer): CarryonError | undefined =>
  (isAgain(state, answer) && state.withdrawn >= MOST_WITHDRAWN ? new CarryonError('protocol.bad-answer', 'The server plans tables again and again that the device has just downloaded.') : undefined);

/** One commit of the table that was measured, or its loss, and nothing of another table. */
function isOfCheck({ measured }: EngineState, { lost = [], segments }: Answer): boolean {
  if (segments.length === 0) return lost.length === 1 && lost[0] === measured?.table;
  return lost.length === 0 && segments.every(({ check, commit }) => check === true && commit?.tables.every(({ table }) => table === measured?.table) === true);
}
