import {
  type AppState, APP_STATES, decide, DEFAULT_RULE_SET, explain, type Explanation, type Language, LANGUAGES, type Mode, MODES, type Network, NETWORKS, observe, type Permission, PERMISSIONS,
  type Platform, PLATFORMS, rowOf, RULE_SET_NAMES, type RuleSetName, type Screen, SCREENS, type Situation, type Sync, SYNC_KINDS, SYNC_STATES, type SyncKind, type SyncState, type Verdict,
} from '@carryon/policy';
import { type Command, Option } from 'commander';
import { action, newCommand, wholeNumber } from '../command.ts';
import { type Output, table } from '../output.ts';

interface Options {
  readonly platform: Platform;
  readonly app: AppState;
  readonly screen: Screen;
  readonly inUse?: boolean;
  readonly battery?: boolean;
  readonly saver?: boolean;
  readonly permission: Permission;
  readonly network: Network;
  readonly wifiOnly?: boolean;
  readonly mode: Mode;
  readonly rules: RuleSetName;
  readonly sync: SyncKind;
  readonly state: SyncState;
  readonly byPerson?: boolean;
  readonly minutes: number;
  readonly language: Language;
  readonly table?: boolean;
}

const MINUTE_MS = 60_000;
const LONGEST_MINUTES = 7 * 24 * 60;

export function explainCommand(): Command {
  const command = newCommand('explain', 'may a sync run, why, and what helps: the background rules for a situation');
  const choice = (flag: string, about: string, values: readonly string[], otherwise?: string): void => {
    const option = new Option(flag, about).choices(values);
    command.addOption(otherwise === undefined ? option.makeOptionMandatory() : option.default(otherwise));
  };
  choice('--platform <name>', 'where the app runs', PLATFORMS);
  choice('--app <state>', 'background: another app is in front, or the window is minimized', APP_STATES, 'foreground');
  choice('--screen <state>', 'the lock screen', SCREENS, 'unlocked');
  command.option('--in-use', 'a person uses the device, in any app').option('--battery', 'not plugged in').option('--saver', 'power saving is on');
  choice('--permission <setting>', 'the background setting of Windows', PERMISSIONS, 'power-optimized');
  choice('--network <kind>', 'the network', NETWORKS, 'unmetered');
  command.option('--wifi-only', 'the person wants Wi-Fi only');
  choice('--mode <mode>', 'the person\'s sync mode', MODES, 'auto');
  choice('--rules <set>', 'the rule set', RULE_SET_NAMES, DEFAULT_RULE_SET);
  choice('--sync <kind>', 'the kind of sync', SYNC_KINDS, 'first');
  choice('--state <state>', 'none: a new one would start', SYNC_STATES, 'active');
  command.option('--by-person', 'the person asks for the sync');
  command.option('--minutes <n>', 'how long the situation has lasted; times in the JSON count from its beginning', wholeNumber('--minutes', 0, LONGEST_MINUTES), 0);
  choice('--language <code>', 'the language of the sentences', LANGUAGES, 'en');
  return command.option('--table', 'print the whole matrix of the platform').action(action(explainSituation));
}

async function explainSituation(out: Output, options: Options): Promise<void> {
  if (options.table === true) return printTable(out, options);
  const verdict = judge(options, situationOf(options), syncOf(options));
  const explanation = explain(verdict, options.language);
  const row = rowOf(options.rules, verdict.rule);
  out.result({ verdict, explanation, row: { id: verdict.rule, says: row?.says, note: row?.note, cite: row?.cite } });
  printVerdict(out, verdict, explanation);
  if (row === undefined) return;
  out.line(`\n${row.id}  ${row.says}`);
  if (row.note !== undefined) out.line(`    Our note: ${row.note}`);
  out.line(`    ${row.cite.page}${row.cite.revised === undefined ? '' : `, revised ${row.cite.revised}`}: ${row.cite.section}`);
}

function printVerdict(out: Output, verdict: Verdict, { now, why, youCan }: Explanation): void {
  out.line(`${shortly(verdict)} · rule set ${verdict.ruleSet} · ${verdict.reasons.join(', ')}\n`);
  out.line(now);
  out.line(why);
  for (const sentence of youCan) out.line(`  · ${sentence}`);
}

/** The situation has lasted from minute 0 to the minute asked for. */
function judge({ rules, minutes }: Options, situation: Situation, sync: Sync): Verdict {
  return decide(rules, { ...situation, nowMs: minutes * MINUTE_MS }, sync, observe(undefined, situation));
}

function situationOf(options: Options): Situation {
  const { platform, app, screen, permission, network, mode } = options;
  return {
    nowMs: 0, platform, app, screen, permission, network,
    inUse: options.inUse === true, power: options.battery === true ? 'battery' : 'plugged', saver: options.saver === true,
    settings: { wifiOnly: options.wifiOnly === true, mode },
  };
}

const syncOf = ({ sync, state, byPerson }: Options): Sync => ({ kind: sync, state, byPerson: byPerson === true });

/** The whole matrix: app states and screens, and on iOS and Windows what else decides there. */
function printTable(out: Output, options: Options): void {
  const situation = situationOf(options);
  const rows = APP_STATES.flatMap((app) => SCREENS.flatMap((screen) => variants(options.platform).map(({ name, changes }) => {
    const here: Situation = { ...situation, ...changes, app, screen };
    const begun = judge(options, here, { ...syncOf(options), state: 'active' });
    return { app, screen, also: name, begun, fresh: judge(options, here, { ...syncOf(options), state: 'none' }), transfers: begun.transfers };
  })));
  out.result({ platform: options.platform, rules: options.rules, sync: options.sync, minutes: options.minutes, rows });
  out.line(`${options.platform}, rule set ${options.rules}, ${options.sync} sync, after ${options.minutes} min\n`);
  const also = rows.some((row) => row.also !== '');
  out.line(table(['app', 'screen', ...(also ? ['and'] : []), 'begun sync', 'new sync', 'transfers'], rows.map((row) => [
    row.app, row.screen, ...(also ? [row.also] : []), cell(row.begun), cell(row.fresh), row.transfers,
  ])));
}

interface Variant { readonly name: string; readonly changes: Partial<Situation> }

function variants(platform: Platform): readonly Variant[] {
  if (platform === 'ios') return [{ name: 'in use', changes: { inUse: true } }, { name: 'not in use', changes: { inUse: false } }];
  if (platform !== 'windows10' && platform !== 'windows11') return [{ name: '', changes: {} }];
  return [
    { name: 'always', changes: { permission: 'always' } },
    { name: 'power optimized', changes: { permission: 'power-optimized', power: 'plugged' } },
    { name: 'power optimized, battery + saver', changes: { permission: 'power-optimized', power: 'battery', saver: true } },
    { name: 'never', changes: { permission: 'never' } },
  ];
}

const cell = (verdict: Verdict): string => `${shortly(verdict)} (${verdict.rule})`;

function shortly({ engine, network, fresh, atMs, untilMs, nextMs }: Verdict): string {
  const verb = engine === 'run' && fresh ? 'start' : engine;
  const local = engine === 'run' && network === 'leave' ? ', without network' : '';
  const until = untilMs === undefined ? '' : `, ${span(untilMs - atMs)} left`;
  const next = nextMs === undefined ? '' : `, again in ${span(nextMs - atMs)}`;
  return `${verb}${local}${until}${next}`;
}

const span = (ms: number): string => (ms < MINUTE_MS ? `${Math.ceil(ms / 1000)} s` : `${Math.ceil(ms / MINUTE_MS)} min`);
