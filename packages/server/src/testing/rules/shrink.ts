// Makes a history that fails small, as fast-check cannot: it knows what histories are made of.
import fc from 'fast-check';
import { printChange } from './changes.ts';
import type { ProfileTable, Rows, WorldProfile } from './profile.ts';
import type { RulesStep } from './rules-history.ts';
import { printPlan } from './store-history.ts';
import type { WorldPlan } from './store-world.ts';

export interface AnyHistory {
  readonly plan: WorldPlan;
  readonly steps: readonly RulesStep[];
}

const MOST_TRIES = 600;

/** Plays random histories; when one fails, throws what is left of it as a person would write it, with the seed. */
export async function assertHistories<T extends AnyHistory>(histories: fc.Arbitrary<T>, numRuns: number, play: (history: T) => Promise<void>): Promise<void> {
  const result = await fc.check(fc.asyncProperty(histories, play), { numRuns, endOnFailure: true });
  if (!result.failed) return;
  const [found] = result.counterexample ?? [];
  const small = found && (await shrink(found, play));
  const failure = small ? await failureOf(small, play) : undefined;
  const said = failure ?? result.errorInstance;
  throw new Error(`${String(said)}\n${small ? printHistory(small) : ''}\nseed ${result.seed}, path ${String(result.counterexamplePath)}`, { cause: said });
}

async function shrink<T extends AnyHistory>(history: T, play: (history: T) => Promise<void>): Promise<T> {
  let best = history;
  let tries = 0;
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false;
    for (const candidate of smaller(best)) {
      if (++tries > MOST_TRIES) return best;
      if ((await failureOf(candidate, play)) === undefined) continue;
      best = candidate;
      isSmaller = true;
      break;
    }
  }
  return best;
}

/** What goes wrong; that profiles do not fit, which smaller ones may not, is no failure. */
async function failureOf<T extends AnyHistory>(history: T, play: (history: T) => Promise<void>): Promise<unknown> {
  try {
    await play(history);
    return undefined;
  } catch (error) {
    return (error as { code?: unknown }).code === 'profile.invalid' ? undefined : error;
  }
}

function printHistory({ plan, steps }: AnyHistory): string {
  const lines = steps.map((step) => (step.op === 'transaction' ? `${step.rolledBack ? 'rolled back' : 'transaction'}: ${step.changes.map((one) => printChange(one, plan.schema)).join('; ')}` : fc.stringify(step)));
  return `${printPlan(plan)}${lines.join('\n')}`;
}

function* smaller<T extends AnyHistory>(history: T): Generator<T> {
  const { plan, steps } = history;
  for (const less of without(steps)) yield { ...history, steps: less };
  for (const filling of without(plan.filling)) yield { ...history, plan: { ...plan, filling } };
  for (const profiles of each(plan.profiles, smallerSets)) yield { ...history, plan: { ...plan, profiles } };
  for (const less of each(steps, smallerSteps)) yield { ...history, steps: less };
}

/** The list with one of its elements made smaller. */
function* each<T>(list: readonly T[], smallerOnes: (one: T) => Iterable<T>): Generator<readonly T[]> {
  for (const [i, one] of list.entries()) for (const less of smallerOnes(one)) yield list.with(i, less);
}

/** The list without some neighbours, many at first. */
function* without<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let size = Math.max(1, list.length >> 1); list.length > 0; size >>= 1) {
    for (let at = 0; at < list.length; at += size) yield [...list.slice(0, at), ...list.slice(at + size)];
    if (size === 1) return;
  }
}

function* smallerSets(set: readonly WorldProfile[]): Generator<readonly WorldProfile[]> {
  for (const less of without(set)) if (less.length > 0) yield less;
  yield* each(set, smallerProfiles);
}

function* smallerProfiles(profile: WorldProfile): Generator<WorldProfile> {
  if (profile.who) yield { ...profile, who: undefined };
  const tables = Object.entries(profile.tables);
  for (const less of without(tables)) if (less.length > 0) yield { ...profile, tables: Object.fromEntries(less) };
  for (const [name, table] of tables) for (const less of smallerTables(table)) yield { ...profile, tables: { ...profile.tables, [name]: less } };
}

function* smallerTables(table: ProfileTable): Generator<ProfileTable> {
  if (table.hidden.length > 0) yield { ...table, hidden: [] };
  if (table.columns) yield { ...table, columns: undefined };
  if (table.rights) yield { ...table, rights: undefined };
  if (table.every !== undefined) yield { ...table, every: undefined };
  for (const rows of smallerRows(table.rows)) yield { ...table, rows };
}

function* smallerRows(rows: Rows): Generator<Rows> {
  if (rows.kind !== 'all') yield { kind: 'all' };
  if (rows.kind === 'anyOf' || rows.kind === 'allOf') {
    yield* rows.of;
    for (const of of without(rows.of)) if (of.length > 0) yield { ...rows, of };
    for (const of of each(rows.of, smallerRows)) yield { ...rows, of };
  }
  if (rows.kind !== 'filter') return;
  const { filter } = rows;
  if (filter.kind === 'and' || filter.kind === 'or') for (const one of filter.of) yield { kind: 'filter', filter: one };
  if (filter.kind === 'not') yield { kind: 'filter', filter: filter.of };
}

function* smallerSteps(step: RulesStep): Generator<RulesStep> {
  if (step.op === 'transaction') for (const changes of without(step.changes)) if (changes.length > 0) yield { ...step, changes };
  if (step.op === 'reconfigure') for (const meanwhile of without(step.meanwhile)) yield { ...step, meanwhile };
  if (step.op !== 'sync') return;
  if (step.answers > 1) yield { ...step, answers: step.answers - 1 };
  for (const flag of ['lost', 'twice', 'latePacks'] as const) if (step[flag]) yield { ...step, [flag]: false };
  if (step.tables.length > 0) yield { ...step, tables: [] };
}
