import { PLATFORMS, type Platform } from '@carryon/policy';
import { BRISK, HOUR, MINUTE, onEach, type Scenario, SECOND } from './scenario.ts';
import type { Stage } from './stage.ts';

const ruleSet = '2022-11';
const visible = (platform: Platform): 'A9' | 'S1' => (platform === 'ios' ? 'A9' : 'S1');

/** First the data, then offline use. */
async function firstTheData(stage: Stage): Promise<void> {
  await stage.begin();
  stage.runs(visible(stage.platform), { because: ['A1'] });
  stage.mayUseOffline(false, 'A1');
  await stage.progresses(5 * MINUTE);
  stage.mayUseOffline(false, 'A1');
  await stage.completes(HOUR);
  await stage.does({ do: 'network', to: 'none' });
  stage.mayUseOffline(true, 'A1');
  await stage.finishes();
}

/** Out of sight and not closed: as the platform's own rows say, by A2 alone on browsers and Node. */
async function outOfSight(stage: Stage): Promise<void> {
  const { platform } = stage;
  await stage.begin();
  // A desktop agent has no window: for it out of sight is behind the lock.
  await stage.does(platform === 'node' ? 'lock' : 'leave');
  if (platform === 'ios') {
    stage.rests('A10', { because: ['A4'] });
    await stage.stands(20 * MINUTE);
    await stage.does('open');
    stage.runs('A9');
  } else {
    stage.runs(platform === 'android' ? 'A11' : platform.startsWith('windows') ? 'A13' : 'A2', { because: ['A2'] });
    await stage.progresses(5 * MINUTE);
    await stage.completes(HOUR);
  }
  await stage.finishes();
}

/** Twice the process goes: by the OS, and by the person. */
async function closed(stage: Stage): Promise<void> {
  await stage.begin();
  for (const end of ['kill', 'quit'] as const) {
    await stage.progresses(3 * MINUTE);
    await stage.does(end);
    stage.isClosed('A3');
    await stage.stands(HOUR);
    await stage.does('open');
    await stage.passes(SECOND);
    stage.runs(visible(stage.platform));
  }
  await stage.progresses(5 * MINUTE);
  await stage.finishes();
}

/** A1 to A3. */
export const GENERAL_2022_11: readonly Scenario[] = [
  ...onEach(PLATFORMS, { id: 'A1', title: 'offline use begins when the first sync has brought the data', ruleSet, options: BRISK, run: firstTheData }),
  ...onEach(PLATFORMS, { id: 'A2', title: 'out of sight and not closed, a sync may go on', ruleSet, options: BRISK, run: outOfSight }),
  ...onEach(PLATFORMS, { id: 'A3', title: 'closed, the sync ends, loses nothing and goes on at the next open', ruleSet, options: BRISK, run: closed }),
];
