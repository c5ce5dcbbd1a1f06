// What the runs came to, as Markdown.
import { minSec } from '@carryon/lab';
import { RULE_SET_NAMES, type RuleSetName } from '@carryon/policy';
import type { Outcome } from './lab-run.ts';
import { SITUATIONS, type Situation } from './lab-situations.ts';
import { median } from './processes.ts';

const NEVER = Infinity;

/** The runs of one situation, network and rule set; they differ in their seed. */
interface Cell {
  readonly usableMs: number;
  readonly completeMs: number;
  readonly stops: number;
  /** The most of any run. */
  readonly wastedBytes: number;
  readonly packsAgain: number;
}

export function report(outcomes: readonly Outcome[]): string {
  const [any] = outcomes;
  if (!any) throw new Error('there are no runs');
  const networks = [...new Set(outcomes.map(({ job }) => job.megabits))];
  const rows = SITUATIONS.flatMap((situation) => networks.map((megabits) => ({ situation, megabits, cells: RULE_SET_NAMES.map((ruleSet) => cellOf(outcomes, situation, megabits, ruleSet)) })));
  return [
    `${any.job.rows.toLocaleString('en')} rows in ${any.packs} packs, ${megabytes(any.bytes)}${any.job.rows < 1_000_000 ? '; the links are slower in the same proportion' : ''}.`,
    '', 'Minutes and seconds from opening the app until the tables of the first level are usable / until every table is usable:', '',
    header('Mbit/s'), ...rows.map(({ situation, megabits, cells }) => line(situation.name, [String(megabits), ...cells.map(({ usableMs, completeMs }) => `${time(usableMs)} / ${bold(completeMs, cells)}`)])),
    '', `How often the sync had to leave off before it was complete, at ${networks.join(' / ')} Mbit/s; and what was received twice, the most of any run:`, '',
    header(), ...SITUATIONS.map(({ id, name }) => line(name, RULE_SET_NAMES.map((ruleSet) => stopsAndWaste(rows.filter(({ situation }) => situation.id === id).map(({ cells }) => cells[RULE_SET_NAMES.indexOf(ruleSet)]))))),
    '', ...claims(outcomes),
  ].join('\n');
}

function header(...more: readonly string[]): string {
  const names = ['', ...more, ...RULE_SET_NAMES.map((name) => `\`${name}\``)];
  return `| ${names.join(' | ')} |\n|${' --- |'.repeat(names.length)}`;
}

const line = (name: string, cells: readonly string[]): string => `| ${name} | ${cells.join(' | ')} |`;

function cellOf(outcomes: readonly Outcome[], situation: Situation, megabits: number, ruleSet: RuleSetName): Cell {
  const runs = outcomes.filter(({ job }) => job.situation === situation.id && job.megabits === megabits && job.ruleSet === ruleSet);
  return {
    usableMs: median(runs.map((run) => run.usableMs ?? NEVER)), completeMs: median(runs.map((run) => run.completeMs ?? NEVER)), stops: median(runs.map((run) => run.stops)),
    wastedBytes: Math.max(...runs.map((run) => run.wastedBytes)), packsAgain: Math.max(...runs.map((run) => run.packsAgain)),
  };
}

const time = (ms: number): string => (ms === NEVER ? 'not within a day' : minSec(Math.round(ms / 1000) * 1000));

/** The soonest of a row stands out, unless all are about the same. */
function bold(ms: number, cells: readonly Cell[]): string {
  const all = cells.map(({ completeMs }) => completeMs);
  const isBest = ms <= Math.min(...all) * 1.02 && Math.max(...all) > Math.min(...all) * 1.02;
  return isBest ? `**${time(ms)}**` : time(ms);
}

/** Of the cells of one situation and rule set, network by network. */
function stopsAndWaste(cells: readonly (Cell | undefined)[]): string {
  const most = (of: (cell: Cell) => number): number => Math.max(...cells.map((cell) => (cell ? of(cell) : 0)));
  const stops = cells.map((cell) => cell?.stops).join(' / ');
  const wasted = most(({ wastedBytes }) => wastedBytes);
  return wasted === 0 ? `${stops}; nothing` : `${stops}; ${most(({ packsAgain }) => packsAgain)} packs, ${megabytes(wasted)}`;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** What is claimed of packs fetched again, checked over all runs. */
function claims(outcomes: readonly Outcome[]): string[] {
  const without = outcomes.filter(({ job }) => job.ruleSet !== 'carry-on');
  const kept = outcomes.filter(({ job }) => job.ruleSet === 'carry-on' && job.situation !== 'ios-swiped');
  const check = (text: string, isSo: boolean): string => `- ${text}: ${isSo ? 'holds' : '**does not hold**'}.`;
  return [
    check('Without transfers of the OS at most one pack is fetched again for each time that the sync leaves off', without.every((run) => run.packsAgain <= run.stops)),
    check('With them none is, unless the person swipes the app away, which ends them', kept.every((run) => run.packsAgain === 0)),
    check('The checkers of the lab found nothing wrong in any run', outcomes.every(({ problems }) => problems.length === 0)),
  ];
}
