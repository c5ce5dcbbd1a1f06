// The process entry of `npm run lab`.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Platform, PLATFORMS } from '@carryon/policy';
import { SCENARIOS } from './scenarios/all.ts';
import { play, type Played } from './scenarios/play.ts';
import { nameOf, type Scenario } from './scenarios/scenario.ts';
import { toJson } from './timeline/json.ts';
import { minSec } from './timeline/sample.ts';
import { toSvg } from './timeline/svg.ts';
import { toTerminal } from './timeline/terminal.ts';

const HELP = `The lab: the real engine and server on virtual time, with simulated operating systems.

  npm run lab                        every scenario, a line each
  npm run lab -- --list              their names
  npm run lab -- --scenario A7       that row's scenarios, with a chart of each
  npm run lab -- --platform ios      the scenarios of a platform: ${PLATFORMS.join(', ')}
      --svg FILE, --json FILE        writes the chart; of several scenarios the last one's
      --seed N                       another seed than 1, with --scenario

  npm run lab -- --seed N            one random history, with its chart
  npm run lab -- --seeds N           N random histories; --seed N: the first
  npm run lab -- --soak              one after another; --minutes N: for so long
  npm run lab -- --replay FILE       a history from a file
      --platform NAME                on that platform only

The exit code is 1 when something failed, and 2 when the command cannot be understood.
`;

const OPTIONS = {
  scenario: { type: 'string' }, list: { type: 'boolean' }, platform: { type: 'string' }, svg: { type: 'string' }, json: { type: 'string' }, help: { type: 'boolean', short: 'h' },
  seed: { type: 'string' }, seeds: { type: 'string' }, soak: { type: 'boolean' }, minutes: { type: 'string' }, replay: { type: 'string' },
} as const;

const EXIT = { ok: 0, failed: 1, usage: 2 } as const;
const print = (text: string): void => { process.stdout.write(`${text}\n`); };

class UsageError extends Error {}

interface Asked {
  readonly scenario: string | undefined;
  readonly platform: Platform | undefined;
  readonly seed: number | undefined;
  readonly svg: string | undefined;
  readonly json: string | undefined;
}

async function main(): Promise<number> {
  const values = optionsGiven();
  if (values.help) {
    print(HELP);
    return EXIT.ok;
  }
  const asked: Asked = { scenario: values.scenario, platform: platformOf(values.platform), seed: numberOf('seed', values.seed), svg: values.svg, json: values.json };
  const isRandom = values.seeds !== undefined || values.soak === true || values.replay !== undefined || (asked.seed !== undefined && asked.scenario === undefined);
  if (isRandom && asked.scenario !== undefined) throw new UsageError('--scenario does not go with --seeds, --soak or --replay');
  if (!isRandom) return scenarios(asked, values.list === true);
  const { runSeeds } = await import('./fuzz/commands.ts');
  const { soak, replay } = values;
  return runSeeds({ seed: asked.seed, seeds: numberOf('seeds', values.seeds), platform: asked.platform, soak, minutes: numberOf('minutes', values.minutes), replay });
}

function optionsGiven(): ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'] {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function platformOf(name: string | undefined): Platform | undefined {
  const platform = PLATFORMS.find((one) => one === name);
  if (name !== undefined && platform === undefined) throw new UsageError(`--platform ${name}: one of ${PLATFORMS.join(', ')}`);
  return platform;
}

function numberOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new UsageError(`--${option} ${text}: a whole number`);
  return Number(text);
}

async function scenarios(asked: Asked, isList: boolean): Promise<number> {
  const chosen = choose(asked);
  if (isList) {
    for (const scenario of chosen) print(`${nameOf(scenario)}   ${scenario.ruleSet}, ${scenario.platform}`);
    return EXIT.ok;
  }
  let failed = 0;
  for (const scenario of chosen) if (!(await show(scenario, asked))) failed += 1;
  print(`${chosen.length - failed} of ${chosen.length} as the rules say, in ${process.uptime().toFixed(1)} s`);
  return failed === 0 ? EXIT.ok : EXIT.failed;
}

function choose({ scenario, platform }: Asked): readonly Scenario[] {
  const wanted = scenario?.toUpperCase();
  const chosen = SCENARIOS.filter((one) => (wanted === undefined || one.id === wanted) && (platform === undefined || one.platform === platform));
  if (chosen.length === 0) throw new UsageError(`there is no scenario ${scenario ?? ''}${platform === undefined ? '' : ` on ${platform}`}; --list names them`);
  return chosen;
}

/** Plays it and tells how it went; true: as the rules say. */
async function show(scenario: Scenario, { scenario: isAsked, seed, svg, json }: Asked): Promise<boolean> {
  const startS = process.uptime();
  const played = await play(scenario, seed);
  if (isAsked !== undefined) print(toTerminal(played.chart));
  print(line(scenario, played, process.uptime() - startS));
  if (svg !== undefined) writeFileSync(svg, toSvg(played.chart));
  if (json !== undefined) writeFileSync(json, toJson(played.chart));
  return played.failure === undefined;
}

function line(scenario: Scenario, { failure, chart }: Played, realS: number): string {
  const times = `${minSec(Math.round(chart.endMs / 1000) * 1000).padStart(7)} in ${realS.toFixed(1)} s`;
  return `${failure === undefined ? 'ok  ' : 'FAIL'} ${times}  ${nameOf(scenario)}${failure === undefined ? '' : `\n     ${failure}`}`;
}

// Whoever reads the output may have seen enough (`npm run lab | head`): that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});
try {
  process.exitCode = await main();
} catch (thrown) {
  if (!(thrown instanceof UsageError)) throw thrown;
  process.stderr.write(`lab: ${thrown.message}\n`);
  process.exitCode = EXIT.usage;
}
