import { Lab } from '../lab.ts';
import type { Chart } from '../timeline/sample.ts';
import type { Entry } from '../world/trace.ts';
import { nameOf, type Scenario, USUAL } from './scenario.ts';
import { Stage } from './stage.ts';

export interface Played {
  /** The demand that was not met; undefined: all were. */
  readonly failure: string | undefined;
  readonly chart: Chart;
  readonly entries: readonly Entry[];
  /** Of the whole history: equal for two runs of one seed. */
  readonly hash: string;
}

/** Plays a scenario in a world of its own. */
export async function play(scenario: Scenario, seed: number | string = 1): Promise<Played> {
  const { platform, ruleSet, options } = scenario;
  const lab = await Lab.start({ ...USUAL, ...options, os: { ...USUAL.os, ...options?.os }, seed, platform, ruleSet });
  try {
    const failure = await scenario.run(new Stage(lab, platform, ruleSet)).then(() => undefined, (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)));
    return { failure, chart: lab.chart(nameOf(scenario)), entries: lab.world.trace.entries, hash: lab.world.trace.hash() };
  } finally {
    await lab.close();
  }
}
