import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Platform } from '@carryon/policy';
import { firstDifference } from '../world/trace.ts';
import { toTerminal } from '../timeline/terminal.ts';
import { play, type Played } from './play.ts';
import { scriptOf, type Script } from './script.ts';
import { shrink } from './shrink.ts';

export interface RunOptions {
  /** The seed to begin with. */
  readonly seed?: number | undefined;
  readonly seeds?: number | undefined;
  readonly platform?: Platform | undefined;
  /** Seeds one after another until the time is up. */
  readonly soak?: boolean | undefined;
  readonly minutes?: number | undefined;
  /** A file with a script. */
  readonly replay?: string | undefined;
  readonly print?: (line: string) => void;
  /** The real time. */
  readonly nowMs?: () => number;
}

const SOAK_MINUTES = 60;
const SEEDS = 100;
const TOLD_EVERY = 100;
const MOST_FAILURES = 10;

/** Runs seeds, or a script from a file, and tells of each problem how to see it again. Resolves with the exit code. */
export async function runSeeds(options: RunOptions): Promise<number> {
  const print = options.print ?? ((line: string) => console.log(line));
  if (options.replay !== undefined) return show(JSON.parse(readFileSync(options.replay, 'utf8')) as Script, print);
  if (options.seed !== undefined && options.seeds === undefined && !options.soak) return show(scriptOf(options.seed, options.platform), print);
  const nowMs = options.nowMs ?? (() => process.hrtime()[0] * 1000);
  const first = options.seed ?? 1;
  const endMs = options.soak ? nowMs() + (options.minutes ?? SOAK_MINUTES) * 60_000 : Infinity;
  const last = options.soak ? Infinity : first + (options.seeds ?? SEEDS) - 1;
  let failures = 0;
  let seed = first;
  for (; seed <= last && nowMs() < endMs && failures < MOST_FAILURES; seed++) {
    if (!(await runSeed(seed, options.platform, print))) failures++;
    if ((seed - first + 1) % TOLD_EVERY === 0) print(`${seed - first + 1} runs, ${failures} failed`);
  }
  print(`${seed - first} runs from seed ${first}, ${failures} failed`);
  return failures === 0 ? 0 : 1;
}

/** One run, told whole. */
async function show(script: Script, print: (line: string) => void): Promise<number> {
  const played = await play(script);
  print(toTerminal(played.chart));
  tell(played, print);
  print(played.problems.length === 0 ? `nothing wrong; history ${played.hash.slice(0, 16)}, ${played.entries.length} entries` : `${played.problems.length} problems`);
  return played.problems.length === 0 ? 0 : 1;
}

async function runSeed(seed: number, platform: Platform | undefined, print: (line: string) => void): Promise<boolean> {
  const script = scriptOf(seed, platform);
  const played = await play(script);
  if (played.problems.length === 0) return isSame(seed, played, await play(script), print);
  print(`seed ${seed}, ${script.platform}, ${script.ruleSet}:`);
  tell(played, print);
  print(`  npm run lab -- --seed ${seed}${platform === undefined ? '' : ` --platform ${platform}`}`);
  const file = join(tmpdir(), `carryon-seed-${seed}.json`);
  const checker = played.problems[0]?.checker;
  const short = await shrink(script, async (one) => (await play(one)).problems.some((problem) => problem.checker === checker));
  writeFileSync(file, JSON.stringify(short, undefined, 1));
  print(`  npm run lab -- --replay ${file}   (${short.events.length} of ${script.events.length} events)`);
  return false;
}

/** Every seed runs twice: two runs that differ are a fault of the lab, and nothing that it says could be seen again. */
function isSame(seed: number, one: Played, other: Played, print: (line: string) => void): boolean {
  const difference = firstDifference(one.entries, other.entries);
  if (difference === undefined && one.hash === other.hash) return true;
  print(`seed ${seed}: two runs differ: ${JSON.stringify(difference)}`);
  return false;
}

function tell({ problems }: Played, print: (line: string) => void): void {
  for (const { atMs, checker, what } of problems.slice(0, 5)) print(`  ${(atMs / 1000).toFixed(3)} s  ${checker}: ${what}`);
  if (problems.length > 5) print(`  and ${problems.length - 5} more`);
}
