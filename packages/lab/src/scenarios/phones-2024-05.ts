import { BRISK, FAST, HOUR, MINUTE, type Scenario, SECOND } from './scenario.ts';
import type { Stage } from './stage.ts';

type PhoneScenario = Omit<Scenario, 'ruleSet'>;

/** A sync that is asked for, is due or would bring news starts only in front. */
async function startsOnlyInFront(stage: Stage, visible: 'B4' | 'B7', away: 'B6' | 'B8'): Promise<void> {
  await stage.begin();
  stage.runs(visible, { because: ['B2'] });
  await stage.completes(MINUTE);
  await stage.writes();
  await stage.getsNews(MINUTE);
  await stage.passes(MINUTE);
  await stage.does('leave');
  stage.rests(away, { because: [visible] });
  await stage.does({ do: 'sync', kind: 'delta' });
  await stage.writes();
  await stage.startsNone(HOUR);
  stage.rests(away, { because: [visible] });
  await stage.startsNone(SECOND);
  await stage.does('open');
  stage.runs(visible);
  await stage.getsNews(MINUTE);
  await stage.finishes();
}

const B4: PhoneScenario = { id: 'B4', title: 'Android runs in front, and only there a sync starts', platform: 'android', options: FAST, run: (stage) => startsOnlyInFront(stage, 'B4', 'B6') };
const B7: PhoneScenario = { id: 'B7', title: 'iOS runs in front, and only there a sync starts', platform: 'ios', options: FAST, run: (stage) => startsOnlyInFront(stage, 'B7', 'B8') };

const B5: PhoneScenario = {
  id: 'B5', title: 'Android goes on in the background, to the end', platform: 'android', options: BRISK,
  async run(stage) {
    await stage.begin();
    await stage.does('leave');
    stage.runs('B5', { because: ['B3'] });
    await stage.progresses(2 * MINUTE);
    await stage.does('lock');
    stage.runs('B5', { because: ['B3'] });
    await stage.progresses(2 * MINUTE);
    await stage.completes(HOUR);
    await stage.finishes();
  },
};

/** In mode *interval* every table is due after 15 minutes: not in the background, at once when the app is opened. */
async function scheduledWaits(stage: Stage, visible: 'B4' | 'B7', away: 'B6' | 'B8'): Promise<void> {
  await stage.does({ do: 'mode', to: 'interval' });
  await stage.begin();
  await stage.completes(MINUTE);
  await stage.writes();
  await stage.startsNone(10 * MINUTE);
  await stage.getsNews(6 * MINUTE);
  await stage.passes(MINUTE);
  await stage.does('leave');
  await stage.writes();
  await stage.startsNone(HOUR);
  stage.rests(away, { because: [visible] });
  await stage.startsNone(SECOND);
  await stage.does('open');
  await stage.getsNews(10 * SECOND);
  await stage.finishes();
}

const B6: PhoneScenario = {
  id: 'B6', title: 'Android starts no scheduled sync in the background, and starts it when opened', platform: 'android', options: FAST,
  run: (stage) => scheduledWaits(stage, 'B4', 'B6'),
};

const B8: PhoneScenario = {
  id: 'B8', title: 'iOS starts no scheduled sync in the background, and starts it when opened', platform: 'ios', options: FAST,
  run: (stage) => scheduledWaits(stage, 'B7', 'B8'),
};

const B8_PAUSED: PhoneScenario = {
  id: 'B8', title: 'iOS pauses in the background and behind the lock, without slices', platform: 'ios',
  async run(stage) {
    await stage.begin();
    for (const away of ['leave', 'lock'] as const) {
      await stage.does(away);
      stage.rests('B8', { because: ['B7'] });
      await stage.stands(HOUR);
      await stage.does('open');
      stage.runs('B7');
      await stage.progresses(MINUTE);
    }
    await stage.finishes();
  },
};

/** B4 to B8. */
export const PHONES_2024_05: readonly Scenario[] = [B4, B5, B6, B7, B8, B8_PAUSED].map((scenario) => ({ ...scenario, ruleSet: '2024-05' }));
