import { BRISK, FAST, HOUR, MINUTE, type Scenario, SECOND } from './scenario.ts';

const SLOW = { link: { downBytesPerSecond: 120 } } as const;

type IosScenario = Omit<Scenario, 'platform' | 'ruleSet'>;

const A4: IosScenario = {
  id: 'A4', title: 'iOS suspends at once when the app moves to the background',
  async run(stage) {
    await stage.begin();
    await stage.does('put-down', 'leave');
    stage.rests('A4');
    const seen = stage.watch();
    await stage.stands(HOUR);
    stage.is(seen.suspensions.length === 1 && seen.suspensions[0]?.isWriting === false, 'iOS should suspend the app once, without an open transaction');
    await stage.does('open');
    stage.runs('A9');
    await stage.progresses(5 * MINUTE);
    await stage.finishes();
  },
};

const A5: IosScenario = {
  id: 'A5', title: 'iOS suspends at once when the device is locked, with no slices during a call',
  async run(stage) {
    await stage.begin();
    await stage.does('lock', 'use-other');
    stage.rests('A5', { noted: 'A7' });
    await stage.stands(40 * MINUTE);
    await stage.does('put-down');
    // Not in use any more: the next slice after the lock.
    await stage.standsUntil(5 * MINUTE);
    stage.runs('A6', { forMs: 5 * MINUTE, because: ['A5'] });
    await stage.progresses(MINUTE);
    await stage.does('use-other');
    stage.rests('A5');
    await stage.stands(HOUR);
    await stage.finishes();
  },
};

const A6: IosScenario = {
  id: 'A6', title: 'iOS lets a suspended sync go on for 5 minutes at a time, every 15 minutes', options: SLOW,
  async run(stage) {
    await stage.begin();
    await stage.does('lock');
    stage.rests('A7', { nextInMs: 15 * MINUTE });
    await stage.standsUntil(15 * MINUTE);
    for (let slice = 0; slice < 4; slice++) {
      stage.runs('A6', { forMs: 5 * MINUTE, because: ['A5'] });
      await stage.progresses(5 * MINUTE - SECOND);
      stage.runs('A6', { forMs: SECOND });
      await stage.passes(SECOND);
      stage.rests('A7', { nextInMs: 10 * MINUTE });
      await stage.standsUntil(10 * MINUTE);
    }
    await stage.does('open');
    stage.runs('A9');
    await stage.finishes();
  },
};

const A7: IosScenario = {
  id: 'A7', title: 'left open and locked: suspended, resumes in 15 minutes',
  async run(stage) {
    await stage.begin();
    await stage.does('lock');
    stage.rests('A7', { nextInMs: 15 * MINUTE, because: ['A5'] });
    await stage.standsUntil(15 * MINUTE);
    stage.runs('A6', { forMs: 5 * MINUTE });
    await stage.progresses(2 * MINUTE);
    await stage.does('unlock');
    stage.runs('A9');
    await stage.progresses(5 * MINUTE);
    await stage.finishes();
  },
};

const A8: IosScenario = {
  id: 'A8', title: 'left for another app, then locked: suspended, resumes 15 minutes after the lock',
  async run(stage) {
    await stage.begin();
    await stage.does('leave');
    stage.rests('A10');
    await stage.stands(7 * MINUTE);
    await stage.does('lock');
    stage.rests('A8', { nextInMs: 15 * MINUTE, because: ['A4', 'A5'] });
    await stage.standsUntil(15 * MINUTE);
    stage.runs('A6', { forMs: 5 * MINUTE });
    await stage.progresses(5 * MINUTE - SECOND);
    await stage.passes(SECOND);
    stage.rests('A8', { nextInMs: 10 * MINUTE });
    await stage.stands(5 * MINUTE);
    await stage.does('open');
    stage.runs('A9');
    await stage.finishes();
  },
};

const A9: IosScenario = {
  id: 'A9', title: 'in use and unlocked, the sync runs to its end and new ones start', options: BRISK,
  async run(stage) {
    await stage.begin();
    stage.runs('A9');
    const seen = stage.watch();
    await stage.completes(HOUR);
    stage.is(seen.suspensions.length === 0, 'the app should never be suspended');
    await stage.writes();
    await stage.getsNews(MINUTE);
    stage.runs('A9');
    await stage.finishes();
  },
};

const A10: IosScenario = {
  id: 'A10', title: 'while another app is in use the sync is paused, a slice ends, and none starts',
  async run(stage) {
    await stage.begin();
    await stage.does('use-other');
    stage.rests('A10', { because: ['A4'] });
    await stage.stands(HOUR);
    await stage.does('lock');
    await stage.standsUntil(15 * MINUTE);
    stage.runs('A6', { forMs: 5 * MINUTE });
    await stage.progresses(2 * MINUTE);
    await stage.does('unlock');
    stage.rests('A10');
    await stage.stands(HOUR);
    await stage.does('open');
    await stage.completes(HOUR);
    await stage.does('leave');
    await stage.writes();
    stage.rests('A10');
    await stage.startsNone(HOUR);
    await stage.does('open');
    stage.runs('A9');
    await stage.getsNews(MINUTE);
    await stage.finishes();
  },
};

const A8_NEW: IosScenario = {
  id: 'A8', title: 'behind another app, then locked, no new sync starts, in no slice either', options: FAST,
  async run(stage) {
    await stage.begin();
    await stage.completes(MINUTE);
    await stage.does('leave', 'lock');
    stage.rests('A8', { noted: 'A10' });
    await stage.writes();
    await stage.startsNone(HOUR);
    await stage.does('open');
    await stage.getsNews(MINUTE);
    await stage.finishes();
  },
};

/** A4 to A10. */
export const IOS_2022_11: readonly Scenario[] = [A4, A5, A6, A7, A8, A8_NEW, A9, A10].map((scenario) => ({ ...scenario, platform: 'ios', ruleSet: '2022-11' }));
