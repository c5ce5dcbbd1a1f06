import { BRISK, HOUR, MINUTE, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

type AndroidScenario = Omit<Scenario, 'platform' | 'ruleSet'>;

/** The sync goes on out of sight to its end; a new one waits for the open app. */
async function goesOn(stage: Stage, rule: 'A11' | 'A12', away: 'leave' | 'lock'): Promise<void> {
  await stage.begin();
  await stage.does(away);
  stage.runs(rule, { because: ['A2'] });
  await stage.progresses(5 * MINUTE);
  stage.runs(rule);
  await stage.completes(HOUR);
  stage.rests(rule);
  await stage.writes();
  await stage.startsNone(HOUR);
  await stage.does('open');
  stage.runs('S1');
  await stage.getsNews(MINUTE);
  await stage.finishes();
}

const A11: AndroidScenario = { id: 'A11', title: 'Android goes on in the background; a new sync waits', options: BRISK, run: (stage) => goesOn(stage, 'A11', 'leave') };
const A12: AndroidScenario = { id: 'A12', title: 'Android goes on while locked; a new sync waits', options: BRISK, run: (stage) => goesOn(stage, 'A12', 'lock') };

const A11_CUT: AndroidScenario = {
  id: 'A11', title: 'Android 15 cuts the network of an app in the background: the row allows, N1 denies',
  options: { os: { android: { networkCutMs: [30_000, 30_000], freezePercent: 0 } } },
  async run(stage) {
    await stage.begin();
    await stage.does('leave');
    stage.runs('A11');
    await stage.progresses(MINUTE / 2);
    stage.keepsOffline('N1', ['A11', 'A2']);
    await stage.stands(HOUR);
    await stage.does('open');
    stage.runs('S1');
    await stage.finishes();
  },
};

/** A11 and A12. */
export const ANDROID_2022_11: readonly Scenario[] = [A11, A11_CUT, A12].map((scenario) => ({ ...scenario, platform: 'android', ruleSet: '2022-11' }));
