import { FAST, HOUR, MINUTE, onEach, type Scenario, SECOND, USUAL, WINDOWS } from './scenario.ts';

type CarryOn = Omit<Scenario, 'ruleSet'>;

const C2: CarryOn = {
  id: 'C2', title: 'Android: a first sync goes on in a user-initiated job, also where the network of the background is cut', platform: 'android',
  options: { os: { android: { freezePercent: 100 } } },
  async run(stage) {
    await stage.begin();
    await stage.does('leave');
    stage.runs('C2');
    stage.is(stage.lab.device.os.situation().window?.kind === 'user-initiated', 'a user-initiated job should run');
    await stage.progresses(10 * MINUTE);
    await stage.completes(HOUR);
    await stage.finishes();
  },
};

const C2_JOB: CarryOn = {
  id: 'C2', title: 'Android: a new sync waits for a job\'s window, 15 minutes at the soonest, and keeps to it', platform: 'android',
  // A user-initiated job is for first syncs; here it is over at once.
  options: { ...FAST, os: { android: { ...USUAL.os.android, jobLateMs: [0, 0], userJobMs: [SECOND, SECOND] } } },
  async run(stage) {
    await stage.begin();
    await stage.completes(MINUTE);
    await stage.passes(MINUTE);
    await stage.does('leave');
    await stage.passes(2 * SECOND);
    stage.rests('C2');
    await stage.writes();
    await stage.startsNone(13 * MINUTE);
    await stage.getsNews(3 * MINUTE);
    const { kind, endsMs = 0 } = stage.lab.device.os.situation().window ?? {};
    stage.is(kind === 'job', 'a job should run');
    stage.is(endsMs - stage.lab.device.time.nowMs() <= 10 * MINUTE, 'the job should end in 10 minutes');
    await stage.finishes();
  },
};

const C2_TRANSFERS: CarryOn = {
  id: 'C2', title: 'Android: ended by the OS, the app finds at the next open what the transfers brought', platform: 'android',
  options: { os: { android: { ...USUAL.os.android, jobLateMs: [HOUR, HOUR] } } },
  async run(stage) {
    await stage.begin();
    await stage.does('leave');
    stage.runs('C2');
    await stage.progresses(MINUTE);
    await stage.does('kill');
    stage.isClosed('C2');
    await stage.onlyTransfers(10 * MINUTE);
    await stage.does('open');
    await stage.passes(SECOND);
    stage.runs('B2');
    await stage.progresses(MINUTE);
    await stage.finishes();
  },
};

const C2_STOPPED: CarryOn = {
  id: 'C2', title: 'Android: a force stop ends the transfers too', platform: 'android',
  async run(stage) {
    await stage.begin();
    await stage.progresses(5 * MINUTE);
    await stage.does('quit');
    stage.isClosed('C2');
    await stage.stands(HOUR);
    await stage.does('open');
    await stage.progresses(5 * MINUTE);
    await stage.finishes({ again: 5 });
  },
};

const C3: Omit<CarryOn, 'platform'> = {
  id: 'C3', title: 'Windows: 10 minutes on battery with power saving, while its transfers rest; then suspended until maximized',
  options: { link: { downBytesPerSecond: 180 } },
  async run(stage) {
    await stage.begin();
    await stage.does({ do: 'saver-on' }, 'leave');
    stage.runs('C3', { forMs: 10 * MINUTE });
    await stage.progresses(10 * MINUTE - SECOND);
    stage.runs('C3', { forMs: SECOND });
    await stage.passes(SECOND);
    stage.rests('C3');
    await stage.stands(HOUR);
    await stage.does('open');
    stage.runs('B2');
    await stage.progresses(MINUTE);
    // What five transfers had begun when they were taken back.
    await stage.finishes({ again: 5 });
  },
};

const C3_NEVER: Omit<CarryOn, 'platform'> = {
  id: 'C3', title: 'Windows: with Never the engine rests, transfers go on; else it goes on and new syncs start',
  async run(stage) {
    await stage.begin();
    await stage.does({ do: 'permission', to: 'never' }, 'leave');
    stage.rests('C3', { because: ['B1'] });
    stage.advises('Let the app run in the background.');
    await stage.onlyTransfers(10 * MINUTE);
    await stage.does('open', { do: 'permission', to: 'power-optimized' });
    await stage.passes(SECOND);
    await stage.does('leave');
    stage.runs('C3');
    await stage.completes(HOUR);
    await stage.writes();
    await stage.getsNews(MINUTE);
    await stage.finishes();
  },
};

const C4: CarryOn = {
  id: 'C4', title: 'web: a hidden page goes on to the end, and new syncs start', platform: 'web',
  async run(stage) {
    await stage.begin();
    await stage.does('leave');
    stage.runs('C4');
    await stage.progresses(5 * MINUTE);
    await stage.completes(HOUR);
    await stage.writes();
    await stage.getsNews(MINUTE);
    await stage.finishes();
  },
};

const C4_FROZEN: CarryOn = {
  id: 'C4', title: 'web: a frozen page rests, transfers go on, and back in front it goes on', platform: 'web',
  async run(stage) {
    await stage.begin();
    await stage.does('leave');
    await stage.progresses(MINUTE);
    await stage.does({ do: 'freeze' });
    stage.rests('C4');
    await stage.onlyTransfers(4 * MINUTE);
    await stage.does('open');
    stage.runs('B2');
    await stage.progresses(MINUTE);
    await stage.finishes();
  },
};

const C4_DISCARDED: CarryOn = {
  id: 'C4', title: 'web: discarded and closed pages end and lose nothing', platform: 'web',
  options: { os: { service: 'none' } },
  async run(stage) {
    await stage.begin();
    await stage.does('leave', { do: 'freeze' });
    stage.is(stage.outside().rule === 'C4' && stage.lab.device.status()?.lease === undefined, 'frozen, the engine should rest by C4');
    await stage.stands(MINUTE);
    await stage.does({ do: 'discard' });
    stage.isClosed('C4');
    await stage.stands(HOUR);
    await stage.does('open');
    await stage.progresses(5 * MINUTE);
    await stage.does('quit');
    stage.isClosed('C4');
    await stage.stands(HOUR);
    await stage.does('open');
    await stage.progresses(5 * MINUTE);
    await stage.finishes();
  },
};

const C5: CarryOn = {
  id: 'C5', title: 'Node: locked or left the agent runs; asleep it rests, and awake it goes on', platform: 'node',
  async run(stage) {
    await stage.begin();
    await stage.does('leave', 'lock');
    stage.runs('C5');
    await stage.progresses(5 * MINUTE);
    await stage.does({ do: 'sleep', forMs: HOUR });
    await stage.stands(HOUR - SECOND);
    await stage.passes(2 * SECOND);
    stage.runs('C5');
    await stage.progresses(5 * MINUTE);
    await stage.completes(HOUR);
    await stage.writes();
    await stage.getsNews(MINUTE);
    await stage.finishes();
  },
};

/** C2 to C5. */
export const CARRY_ON: readonly Scenario[] = [
  C2, C2_JOB, C2_TRANSFERS, C2_STOPPED, ...onEach(WINDOWS, { ...C3, ruleSet: 'carry-on' }), ...onEach(WINDOWS, { ...C3_NEVER, ruleSet: 'carry-on' }), C4, C4_FROZEN, C4_DISCARDED, C5,
].map((scenario) => ({ ...scenario, ruleSet: 'carry-on' }));
