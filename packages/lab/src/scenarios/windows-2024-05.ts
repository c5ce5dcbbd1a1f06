import { HOUR, MINUTE, onEach, type Scenario, SECOND, WINDOWS } from './scenario.ts';
import type { Stage } from './stage.ts';

type WindowsScenario = Omit<Scenario, 'platform' | 'ruleSet'>;

/** Out of sight the sync goes on to its end, on battery with power saving too, and a new one starts there. */
async function goesOn(stage: Stage, rule: 'B9' | 'B10', away: 'leave' | 'lock'): Promise<void> {
  await stage.begin();
  await stage.does({ do: 'saver-on' }, away);
  stage.runs(rule, { because: ['B3', 'B11'] });
  await stage.progresses(15 * MINUTE);
  await stage.completes(HOUR);
  stage.runs(rule);
  await stage.writes();
  await stage.getsNews(MINUTE);
  await stage.finishes();
}

const B9: WindowsScenario = { id: 'B9', title: 'Windows goes on while minimized, whatever the power', run: (stage) => goesOn(stage, 'B9', 'leave') };
const B10: WindowsScenario = { id: 'B10', title: 'Windows goes on while locked, whatever the power', run: (stage) => goesOn(stage, 'B10', 'lock') };

const B11: WindowsScenario = {
  id: 'B11', title: 'the setting governs: Never suspends and starts none, Always and Power optimized go on',
  async run(stage) {
    await stage.begin();
    await stage.does('leave');
    stage.runs('B9', { because: ['B11'] });
    await stage.progresses(MINUTE);
    await stage.does({ do: 'permission', to: 'never' });
    stage.rests('B11');
    await stage.stands(4 * SECOND);
    await stage.does({ do: 'permission', to: 'always' });
    stage.runs('B9', { because: ['B11'] });
    await stage.progresses(MINUTE);
    await stage.does({ do: 'permission', to: 'never' });
    stage.rests('B11');
    await stage.stands(HOUR);
    await stage.does('open');
    await stage.completes(HOUR);
    await stage.does('leave');
    await stage.writes();
    await stage.startsNone(HOUR);
    await stage.finishes();
  },
};

/** Where changing the setting helps, the person is told where it is. */
async function tellsWhere(stage: Stage, place: 'B12' | 'B13', path: string): Promise<void> {
  await stage.begin();
  await stage.does({ do: 'permission', to: 'never' }, 'leave');
  stage.rests('B11', { because: [place] });
  stage.advises(`${path} (${place})`);
  await stage.stands(HOUR);
  await stage.does('open');
  stage.runs('B2');
  await stage.finishes();
}

const B12: Scenario = {
  id: 'B12', title: 'on Windows 10 the app tells where the setting is', platform: 'windows10', ruleSet: '2024-05',
  run: (stage) => tellsWhere(stage, 'B12', 'Settings > Privacy > Background apps.'),
};

const B13: Scenario = {
  id: 'B13', title: 'on Windows 11 the app tells where the setting is', platform: 'windows11', ruleSet: '2024-05',
  run: (stage) => tellsWhere(stage, 'B13',
    "Settings > Apps > Installed apps > the app's More options > Advanced options > Background apps permissions > Power optimized (recommended)."),
};

/** B9 to B13. */
export const WINDOWS_2024_05: readonly Scenario[] = [...[B9, B10, B11].flatMap((scenario) => onEach(WINDOWS, { ...scenario, ruleSet: '2024-05' })), B12, B13];
