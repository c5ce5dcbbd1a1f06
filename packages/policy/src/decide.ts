import { type Facts, factsOf, matches } from './facts.ts';
import { type History, observe } from './history.ts';
import { holds, limitEndMs, nextSliceMs, sliceEndMs } from './limit.ts';
import type { RuleId } from './rule-id.ts';
import type { Case, Ends, Outcome, Row, RuleSet, RuleSetName } from './rule-set.ts';
import { RULE_SETS } from './rule-sets.ts';
import { NETWORK_ROWS } from './rule-sets/network.ts';
import type { Situation, Sync } from './situation.ts';
import type { EndEvent, Verdict } from './verdict.ts';

interface Question {
  readonly set: RuleSet;
  readonly situation: Situation;
  readonly facts: Facts;
  readonly past: History;
  readonly fresh: boolean;
}

interface Found {
  readonly row: Row;
  readonly matched: Case;
  readonly outcome: Outcome;
}

/**
 * Whether this sync may run now, for how long, why, and what ends a denial. Total over the values of its types, and
 * pure: the same question has the same answer. `history` is what `observe` made of the situations so far; undefined
 * means that nothing is known and every time limit begins now.
 * @throws RangeError for a value outside of the types.
 */
export function decide(ruleSet: RuleSetName, situation: Situation, sync: Sync, history: History | undefined): Verdict {
  const set: RuleSet | undefined = RULE_SETS[ruleSet];
  if (set === undefined) throw new RangeError(`decide: there is no rule set "${String(ruleSet)}"`);
  const question = { set, situation, facts: factsOf(situation, sync), past: observe(history, situation), fresh: sync.state === 'none' };
  const [found] = find(set.rows, question);
  if (found === undefined) throw new RangeError(`decide: the rules know no such situation: ${JSON.stringify({ ...question.facts, state: sync.state })}`);
  const verdict = find(NETWORK_ROWS, question).reduce(restrict, verdictOf(found, question));
  return { ...verdict, reasons: [...new Set([verdict.rule, ...verdict.reasons, ...remarks(verdict, question)])] };
}

/** The cases that speak of this question. In the rows of a rule set it is exactly one. */
function find(rows: readonly Row[], { facts, past, fresh, situation }: Question): readonly Found[] {
  return rows.flatMap((row) => (row.cases ?? []).flatMap((matched) => {
    const outcome = fresh ? matched.fresh : matched.active;
    if (outcome === undefined || !matches(matched.when, facts)) return [];
    return matched.time === undefined || holds(matched.time, past, situation.nowMs) ? [{ row, matched, outcome }] : [];
  }));
}

function verdictOf({ row, matched, outcome }: Found, question: Question): Verdict {
  const { set, situation, facts, past, fresh } = question;
  const engine = engineOf(outcome);
  // A sync that may not start has handed the OS nothing yet.
  const hasTransfers = set.transferKinds.includes(facts.kind) && (!fresh || engine === 'run');
  const ends = 'endsBy' in outcome ? outcome.endsBy : outcome.liftedBy ?? [];
  const untilMs = 'until' in outcome ? untilOf(outcome.until, question) : undefined;
  return {
    ruleSet: set.name, atMs: situation.nowMs, fresh, engine,
    network: engine === 'run' ? 'use' : 'leave',
    transfers: hasTransfers ? matched.transfers ?? 'none' : 'none',
    ...(untilMs === undefined ? {} : { untilMs }),
    ...('next' in outcome && outcome.next !== undefined ? { nextMs: nextSliceMs(outcome.next, past, situation.nowMs) } : {}),
    endsBy: ends.map((event) => eventOf(event, situation)),
    rule: row.id,
    reasons: [row.id, ...(matched.standsOn ?? [])],
  };
}

/** What the network and the settings take away. A denial by the situation stays the first reason. */
function restrict(verdict: Verdict, { row, matched, outcome }: Found): Verdict {
  if (!('endsBy' in outcome)) return verdict;
  const wasRunning = verdict.engine === 'run' && verdict.network === 'use';
  const goesOn = outcome.engine === 'local' && verdict.engine === 'run';
  const { untilMs, ...open } = verdict;
  const engine = verdict.engine === 'run' ? (goesOn ? 'run' : engineOf(outcome)) : verdict.engine;
  return {
    ...open,
    ...(goesOn && untilMs !== undefined ? { untilMs } : {}),
    engine,
    network: 'leave',
    transfers: verdict.fresh ? 'none' : verdict.transfers === 'go-on' ? matched.transfers ?? verdict.transfers : verdict.transfers,
    endsBy: [...new Set([...(wasRunning ? [] : verdict.endsBy), ...outcome.endsBy as readonly EndEvent[]])],
    rule: wasRunning ? row.id : verdict.rule,
    reasons: [...verdict.reasons, row.id],
  };
}

function remarks(verdict: Verdict, { set, facts }: Question): readonly RuleId[] {
  return set.rows.filter(({ remark }) => remark && matches(remark.when, facts) && (remark.advises === undefined || verdict.endsBy.includes(remark.advises))).map(({ id }) => id);
}

const engineOf = (outcome: Outcome): Verdict['engine'] => (outcome.engine === 'start' || outcome.engine === 'local' ? 'run' : outcome.engine);

function untilOf(until: NonNullable<Extract<Outcome, { engine: 'run' | 'start' }>['until']> | undefined, { past, situation }: Question): number | undefined {
  if (until === undefined) return undefined;
  if (until === 'window') return situation.window?.endsMs;
  return 'forMs' in until ? limitEndMs(until, past, situation.nowMs) : sliceEndMs(until, past, situation.nowMs);
}

// Where the person has to go depends on where the app is: a name for the event, not a rule.
function eventOf(event: Ends, { app, screen, platform }: Situation): EndEvent {
  if (event !== 'come-back') return event;
  if (app === 'foreground' && screen === 'locked') return 'unlock';
  return app === 'background' && (platform === 'windows10' || platform === 'windows11') ? 'maximize' : 'open-app';
}
