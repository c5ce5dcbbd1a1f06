// One first sync in the lab, measured.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Lab, type Chart, type Sample } from '@carryon/lab';
import type { RuleSetName } from '@carryon/policy';
import { SITUATIONS, type Course } from './lab-situations.ts';

export interface Job {
  readonly situation: string;
  readonly ruleSet: RuleSetName;
  readonly megabits: number;
  readonly seed: number;
  readonly rows: number;
}

export interface Outcome {
  readonly job: Job;
  /** From the app's first opening until the tables of the first level, and until all tables, are usable; null: not within a day. */
  readonly usableMs: number | null;
  readonly completeMs: number | null;
  readonly packs: number;
  readonly bytes: number;
  /** Bytes of packs that the engine and the OS received, less the packs' sizes. */
  readonly wastedBytes: number;
  /** Packs of which any byte came twice. */
  readonly packsAgain: number;
  /** How often the engine had to leave off before the sync was complete: suspended, cut off from the network, or ended. */
  readonly stops: number;
  readonly problems: readonly string[];
  readonly chart: Chart;
}

/** Of the rows: few that matter most, and many that come last. */
const SHARES = { customers: 0.05, jobs: 0.15, notes: 0.4, parts: 0.4 } as const;
const PACKS = 100;
const TEXT_LENGTH = 270;
const FULL_ROWS = 1_000_000;
const TICK_MS = 1000;
/** A transaction on a phone, from and to. */
const STEP_MS = [60, 140] as const;

/** With fewer rows the link is slower in proportion, so that everything takes the same time. */
const bytesPerSecond = ({ megabits, rows }: Job): number => Math.round((megabits * 125_000 * rows) / FULL_ROWS);

export async function runJob(job: Job): Promise<Outcome> {
  const situation = SITUATIONS.find(({ id }) => id === job.situation) ?? SITUATIONS[0];
  if (!situation) throw new Error('there is no situation');
  const lab = await startLab(job, situation.platform, situation.saves === true);
  try {
    const watch = new Watch(lab, job);
    await situation.play(watch);
    return watch.outcome();
  } finally {
    await lab.close();
  }
}

function startLab(job: Job, platform: (typeof SITUATIONS)[number]['platform'], saves: boolean): Promise<Lab> {
  const count = (share: number): number => Math.round(job.rows * share);
  const down = bytesPerSecond(job);
  return Lab.start({
    seed: `${job.situation} ${job.megabits} ${job.seed}`, platform, ruleSet: job.ruleSet, folder: 'shared', stepMs: STEP_MS,
    business: {
      users: ['ann'], packRows: job.rows / PACKS, textLength: TEXT_LENGTH,
      rows: { customers: count(SHARES.customers), jobs: count(SHARES.jobs), notes: count(SHARES.notes), parts: count(SHARES.parts) },
    },
    link: { downBytesPerSecond: down, upBytesPerSecond: Math.ceil(down / 4) },
    os: { device: saves ? { power: 'battery', saver: true } : {} },
  });
}

/** Plays a situation and looks at the device every second. */
class Watch implements Course {
  readonly #lab: Lab;
  readonly #job: Job;
  readonly chance: () => number;
  #usableMs: number | null = null;
  #completeMs: number | null = null;

  constructor(lab: Lab, job: Job) {
    this.#lab = lab;
    this.#job = job;
    const random = lab.world.random.fork('situation');
    this.chance = () => random.fraction();
  }

  get undisturbedMs(): number {
    const folder = join(this.#lab.server.folder, 'packs');
    const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    return (bytes * 1000) / bytesPerSecond(this.#job);
  }

  do(event: Parameters<Course['do']>[0]): Promise<void> {
    return this.#lab.do(event);
  }

  async pass(ms: number): Promise<boolean> {
    for (let left = Math.ceil(ms); left > 0 && this.#completeMs === null; left -= TICK_MS) {
      await this.#lab.runFor(Math.min(left, TICK_MS));
      this.#look();
    }
    return this.#completeMs !== null;
  }

  #look(): void {
    const tables = this.#lab.device.status()?.tables ?? [];
    const nowMs = this.#lab.world.queue.steadyMs;
    const first = tables.filter(({ level }) => level === tables[0]?.level);
    if (first.length > 0 && first.every(({ usable }) => usable)) this.#usableMs ??= nowMs;
    if (tables.length > 0 && tables.every(({ usable }) => usable)) this.#completeMs ??= nowMs;
  }

  outcome(): Outcome {
    const { device, server, problems } = this.#lab;
    const sizes = [...device.link.packs.counts].map(([name, { received }]) => ({ received, size: statSync(join(server.folder, 'packs', name)).size }));
    const chart = this.#lab.chart(this.#job.situation);
    return {
      job: this.#job, usableMs: this.#usableMs, completeMs: this.#completeMs,
      packs: sizes.length, bytes: sizes.reduce((sum, { size }) => sum + size, 0),
      wastedBytes: sizes.reduce((sum, { size, received }) => sum + Math.max(0, received - size), 0),
      packsAgain: sizes.filter(({ size, received }) => received > size).length,
      stops: stopsIn(chart.samples), problems: problems.map(({ atMs, checker, what }) => `${atMs} ${checker}: ${what}`), chart,
    };
  }
}

const stopsIn = (samples: readonly Sample[]): number => samples.filter(({ lease, progress }, i) => progress < 1 && lease !== 'run' && samples[i - 1]?.lease === 'run').length;
