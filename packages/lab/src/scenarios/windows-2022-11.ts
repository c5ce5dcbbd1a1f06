import { BRISK, HOUR, MINUTE, onEach, type Scenario, SECOND, WINDOWS } from './scenario.ts';
import type { Stage } from './stage.ts';

type WindowsScenario = Omit<Scenario, 'platform' | 'ruleSet'>;
const SLOW = { link: { downBytesPerSecond: 120 } } as const;

/** The sync goes on out of sight to its end, and a new one starts there. */
async function goesOn(stage: Stage, rule: 'A13' | 'A14', away: 'leave' | 'lock'): Promise<void> {
  await stage.begin();
  await stage.does(away);
  stage.runs(rule, { because: ['A2', 'A16'] });
  await stage.progresses(5 * MINUTE);
  await stage.completes(HOUR);
  stage.runs(rule);
  await stage.writes();
  await stage.getsNews(MINUTE);
  await stage.finishes();
}

const A13: WindowsScenario = { id: 'A13', title: 'Windows goes on while minimized', options: BRISK, run: (stage) => goesOn(stage, 'A13', 'leave') };
const A14: WindowsScenario = { id: 'A14', title: 'Windows goes on while locked', options: BRISK, run: (stage) => goesOn(stage, 'A14', 'lock') };

/** Saving power on battery: to the last second of the 10 minutes, then rest. */
async function tenMinutes(stage: Stage, away: 'leave' | 'lock'): Promise<void> {
  await stage.does(away);
  stage.runs('A15', { forMs: 10 * MINUTE, because: ['A2', 'A16'] });
  await stage.progresses(10 * MINUTE - SECOND);
  stage.runs('A15', { forMs: SECOND });
  await stage.passes(SECOND);
  stage.rests('A15', { because: ['A16'] });
}

const A15: WindowsScenario = {
  id: 'A15', title: 'minimized on battery with power saving: 10 minutes, then suspended until maximized', options: SLOW,
  async run(stage) {
    await stage.begin();
    await stage.does({ do: 'saver-on' });
    stage.runs('S1');
    await tenMinutes(stage, 'leave');
    await stage.stands(HOUR);
    for (const change of [{ do: 'plug' }, { do: 'saver-off' }, { do: 'permission', to: 'always' }] as const) {
      await stage.does(change);
      stage.rests('A15');
      await stage.stands(10 * MINUTE);
    }
    await stage.does('open');
    stage.runs('S1');
    await stage.progresses(5 * MINUTE);
    await stage.finishes();
  },
};

const A15_LOCKED: WindowsScenario = {
  id: 'A15', title: 'locked on battery with power saving: 10 minutes, and 10 more after the app was maximized', options: SLOW,
  async run(stage) {
    await stage.begin();
    await stage.does({ do: 'saver-on' });
    for (let stretch = 0; stretch < 2; stretch++) {
      await tenMinutes(stage, 'lock');
      await stage.stands(30 * MINUTE);
      await stage.does('unlock');
      stage.runs('S1');
      await stage.progresses(MINUTE);
    }
    await stage.finishes();
  },
};

const A15_LIFTED: WindowsScenario = {
  id: 'A15', title: 'plugged in, or set to Always, before the 10 minutes are over, nothing limits it', options: { link: { downBytesPerSecond: 100 } },
  async run(stage) {
    await stage.begin();
    await stage.does({ do: 'saver-on' }, 'leave');
    stage.runs('A15', { forMs: 10 * MINUTE });
    await stage.progresses(9 * MINUTE);
    await stage.does('plug');
    stage.runs('A13');
    await stage.progresses(10 * MINUTE);
    await stage.does({ do: 'unplug' });
    stage.runs('A15', { forMs: 10 * MINUTE });
    await stage.progresses(9 * MINUTE);
    await stage.does({ do: 'permission', to: 'always' });
    stage.runs('A13', { because: ['A16'] });
    await stage.completes(HOUR);
    await stage.finishes();
  },
};

const A16: WindowsScenario = {
  id: 'A16', title: 'Never suspends what is minimized or locked, and none starts there',
  async run(stage) {
    await stage.begin();
    await stage.does({ do: 'permission', to: 'never' });
    stage.runs('S1');
    await stage.progresses(MINUTE);
    for (const [away, back] of [['leave', 'open'], ['lock', 'unlock']] as const) {
      await stage.does(away);
      stage.rests('A16');
      stage.advises('Let the app run in the background.');
      await stage.stands(HOUR);
      await stage.does(back);
      stage.runs('S1');
      await stage.progresses(MINUTE);
    }
    await stage.completes(HOUR);
    await stage.does('leave');
    await stage.writes();
    stage.rests('A16');
    await stage.startsNone(HOUR);
    await stage.does('open');
    await stage.getsNews(MINUTE);
    await stage.finishes();
  },
};

const A16_DEFAULT: WindowsScenario = {
  id: 'A16', title: 'Power optimized is the default; changed to Never and soon back, the sync goes on',
  async run(stage) {
    stage.is(stage.lab.device.os.situation().permission === 'power-optimized', 'Power optimized should be the default');
    await stage.begin();
    await stage.does('leave');
    stage.runs('A13', { because: ['A16'] });
    await stage.progresses(MINUTE);
    await stage.does({ do: 'permission', to: 'never' });
    stage.rests('A16');
    // Windows takes some seconds to suspend the app.
    await stage.stands(4 * SECOND);
    await stage.does({ do: 'permission', to: 'power-optimized' });
    stage.runs('A13');
    await stage.progresses(5 * MINUTE);
    await stage.finishes();
  },
};

/** A13 to A16. */
export const WINDOWS_2022_11: readonly Scenario[] = [A13, A14, A15, A15_LOCKED, A15_LIFTED, A16, A16_DEFAULT].flatMap((scenario) => onEach(WINDOWS, { ...scenario, ruleSet: '2022-11' }));
