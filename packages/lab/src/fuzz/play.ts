import type { LabDeviceOptions } from '../actors/device.ts';
import type { Problem } from '../checkers/checker.ts';
import { Lab } from '../lab.ts';
import type { Chart } from '../timeline/sample.ts';
import type { Entry } from '../world/trace.ts';
import type { Script, Timed } from './script.ts';
import { Watch } from './watch.ts';

/** A fault on purpose, and eyes closed on purpose: for tests of the checkers. */
export interface PlayOptions extends Pick<LabDeviceOptions, 'misreport' | 'disk' | 'stepMs'> {
  /** Checkers left out. */
  readonly blind?: readonly string[];
  /** Changes the world before it begins. */
  readonly meddle?: (lab: Lab) => void;
}

export interface Played {
  readonly problems: readonly Problem[];
  /** Of the whole history: equal for equal runs. */
  readonly hash: string;
  readonly entries: readonly Entry[];
  readonly chart: Chart;
}

/** An engine may end with an error only where the script has its cause. */
const CAUSES: Readonly<Record<string, (script: Script) => boolean>> = {
  'pack.wrong-bytes': has(({ event }) => event.do === 'answer' && event.how === 'flipped'),
  'pack.gone': has(({ event }) => event.do === 'keep-house'),
  'epoch.changed': has(({ event }) => event.do === 'restore'),
};

function has(cause: (timed: Timed) => boolean): (script: Script) => boolean {
  return ({ events }) => events.some(cause);
}

function endings(script: Script, lab: Lab): Problem[] {
  const ended = lab.world.trace.entries.filter(({ what, detail }) => what === 'ended' && detail !== null);
  return ended.filter(({ detail }) => CAUSES[String(detail)]?.(script) !== true).map(({ atMs, detail }) => ({ atMs, checker: 'endings', what: `the engine ended with ${String(detail)}` }));
}

/** Lets the script happen, heals what is broken, and compares the device with the server. */
export async function play(script: Script, options: PlayOptions = {}): Promise<Played> {
  const { meddle, ...faults } = options;
  const lab = await Lab.start({ ...script, ...faults });
  meddle?.(lab);
  const watching = new Watch(lab, options.blind ?? []);
  try {
    for (const { atMs, on, event } of script.events) {
      await lab.runFor(atMs - lab.world.queue.steadyMs);
      watching.look();
      await lab.do(event, on);
    }
    await lab.runFor(script.lengthMs - lab.world.queue.steadyMs);
    watching.look();
    await lab.heal();
    lab.check();
    await watching.end();
    const { trace } = lab.world;
    return { problems: [...lab.problems, ...watching.problems, ...endings(script, lab)], hash: trace.hash(), entries: trace.entries, chart: lab.chart(`seed ${script.seed}`) };
  } finally {
    watching.close();
    await lab.close();
  }
}
