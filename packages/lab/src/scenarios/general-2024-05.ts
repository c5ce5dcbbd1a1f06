import { PLATFORMS, type Platform, type RuleId } from '@carryon/policy';
import { BRISK, FAST, HOUR, MINUTE, onEach, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

const ruleSet = '2024-05';
const VISIBLE: Record<Platform, RuleId> = { ios: 'B7', android: 'B4', windows10: 'B2', windows11: 'B2', web: 'B2', node: 'B2' };
const LOCKED: Record<Platform, RuleId> = { ios: 'B8', android: 'B5', windows10: 'B10', windows11: 'B10', web: 'B3', node: 'B3' };

/** First app and data, then offline use. */
async function firstTheData(stage: Stage): Promise<void> {
  await stage.begin();
  stage.runs(VISIBLE[stage.platform], { because: ['B1', 'B2'] });
  stage.mayUseOffline(false, 'B1');
  await stage.completes(HOUR);
  await stage.does({ do: 'network', to: 'none' });
  stage.mayUseOffline(true, 'B1');
  await stage.finishes();
}

/** In front, whatever the power, syncs run to their end and new ones start. */
async function inFront(stage: Stage): Promise<void> {
  await stage.begin();
  await stage.does({ do: 'saver-on' });
  stage.runs(VISIBLE[stage.platform], { because: ['B2'] });
  const seen = stage.watch();
  await stage.progresses(5 * MINUTE);
  await stage.completes(HOUR);
  stage.is(seen.suspensions.length === 0, 'the app should never be suspended');
  await stage.writes();
  await stage.getsNews(MINUTE);
  await stage.finishes();
}

/** Behind the lock: iOS pauses, the others go on. */
async function locked(stage: Stage): Promise<void> {
  const { platform } = stage;
  await stage.begin();
  await stage.does('lock');
  if (platform === 'ios') {
    stage.rests('B8');
    await stage.stands(HOUR);
  } else {
    stage.runs(LOCKED[platform], { because: ['B3'] });
    await stage.progresses(5 * MINUTE);
    await stage.completes(HOUR);
  }
  await stage.does('unlock');
  stage.runs(VISIBLE[platform]);
  await stage.finishes();
}

/** B1 to B3. */
export const GENERAL_2024_05: readonly Scenario[] = [
  ...onEach(PLATFORMS, { id: 'B1', title: 'offline use begins when app and data are on the device', ruleSet, options: FAST, run: firstTheData }),
  ...onEach(PLATFORMS, { id: 'B2', title: 'in front and unlocked, syncs run to their end and start, whatever the power', ruleSet, options: BRISK, run: inFront }),
  ...onEach(PLATFORMS, { id: 'B3', title: 'locked, a sync goes on as far as the system is capable', ruleSet, options: BRISK, run: locked }),
];
