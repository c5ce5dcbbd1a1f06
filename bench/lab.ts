// npm run bench:lab [-- --quick] [-- --write]
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { RULE_SET_NAMES } from '@carryon/policy';
import { pictureOf } from './lab-picture.ts';
import type { Job, Outcome } from './lab-run.ts';
import { SITUATIONS } from './lab-situations.ts';
import { report } from './lab-table.ts';
import { writePage } from './lab-write.ts';

const quick = process.argv.includes('--quick');
const writes = process.argv.includes('--write');
if (quick && writes) throw new Error('--write is for the whole run: leave --quick out');
const rows = quick ? 100_000 : 1_000_000;
const NETWORKS = [2, 10, 50] as const;
const SEEDS = quick ? [1] : [1, 2, 3];

const jobs: Job[] = NETWORKS.flatMap((megabits) => SITUATIONS.flatMap(({ id, byChance }) => RULE_SET_NAMES.flatMap((ruleSet) =>
  SEEDS.slice(0, byChance ? SEEDS.length : 1).map((seed) => ({ situation: id, ruleSet, megabits, seed, rows })))));

/** Works through the jobs with so many processes; the outcomes are in the order of the jobs, whoever was first. */
async function runAll(count: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    const worker = fork(fileURLToPath(new URL('lab-worker.ts', import.meta.url)), { execArgv: ['--conditions=@carryon/source', '--disable-warning=ExperimentalWarning'] });
    for (let i = next++; i < jobs.length; i = next++) {
      outcomes[i] = await runIn(worker, jobs[i] as Job);
      process.stderr.write(`\r${Object.keys(outcomes).length} of ${jobs.length} runs`);
    }
    worker.disconnect();
    await once(worker, 'exit');
  };
  await Promise.all(Array.from({ length: count }, work));
  process.stderr.write('\n');
  return outcomes;
}

function runIn(worker: ChildProcess, job: Job): Promise<Outcome> {
  worker.send(job);
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`a worker ended with ${code}`));
    worker.once('exit', onExit).once('message', (outcome) => {
      worker.off('exit', onExit);
      resolve(outcome as Outcome);
    });
  });
}

const startMs = performance.now();
const outcomes = await runAll(Math.max(1, Math.min(2, availableParallelism())));
const text = report(outcomes);
console.log(`${text}\n\n${jobs.length} runs, ${Math.round((performance.now() - startMs) / 1000)} s of real time.`);
if (writes) writePage(text, pictureOf(outcomes));
