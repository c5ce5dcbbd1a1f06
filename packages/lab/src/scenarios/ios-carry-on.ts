import { HOUR, MINUTE, type Scenario, SECOND } from './scenario.ts';

type IosScenario = Omit<Scenario, 'platform' | 'ruleSet' | 'id'>;

const GRACE: IosScenario = {
  title: 'iOS: the engine stops within 30 seconds, transfers go on, and nothing is fetched twice',
  async run(stage) {
    await stage.begin();
    stage.runs('B2');
    const seen = stage.watch();
    await stage.does('leave');
    stage.runs('C1', { forMs: 30 * SECOND });
    await stage.progresses(29 * SECOND);
    stage.runs('C1', { forMs: SECOND });
    await stage.passes(SECOND);
    stage.rests('C1');
    await stage.onlyTransfers(10 * MINUTE);
    stage.is(seen.suspensions.length === 1 && seen.suspensions[0]?.isWriting === false, 'iOS should suspend the app once, without an open transaction');
    await stage.does('open');
    stage.runs('B2');
    await stage.progresses(5 * MINUTE);
    await stage.finishes();
  },
};

const WINDOW: IosScenario = {
  title: 'iOS: in a processing window the engine applies what is stored and keeps the deadline',
  options: { stepMs: [150, 150], os: { ios: { refreshLateMs: [2 * HOUR, 2 * HOUR], processingLateMs: [10 * MINUTE, 10 * MINUTE], processingMs: [1500, 1500] } } },
  async run(stage) {
    await stage.begin();
    await stage.does('leave', 'lock');
    await stage.passes(30 * SECOND);
    stage.rests('C1');
    await stage.onlyTransfers(10 * MINUTE - SECOND);
    const seen = stage.watch();
    await stage.passes(SECOND);
    stage.runs('C1', { forMs: 1300 });
    await stage.passes(1300);
    stage.rests('C1');
    await stage.passes(SECOND);
    stage.is(seen.applied > 0, 'the window should bring rows');
    stage.is(seen.suspensions.length === 1 && seen.suspensions[0]?.isWriting === false, 'the window should end in time, without an open transaction');
    await stage.onlyTransfers(2 * MINUTE);
    await stage.does('open');
    await stage.finishes();
  },
};

const OFFLINE: IosScenario = {
  title: 'iOS: ended by the OS while transfers go on; reopened without a network, the app puts every stored row in place',
  // Woken for too short a time to do anything when all is there.
  options: { os: { ios: { backgroundRefresh: false, transferWakeMs: 1 } } },
  async run(stage) {
    const { lab } = stage;
    await stage.begin();
    // What the engine has begun stays its own: the packs of the first table.
    await lab.world.runWhile(() => lab.device.status()?.tables[0]?.usable !== true, HOUR);
    await stage.does('leave');
    await stage.passes(31 * SECOND);
    await stage.does('kill');
    stage.isClosed('C1');
    await stage.onlyTransfers(25 * MINUTE);
    await stage.does({ do: 'network', to: 'none' }, 'open');
    const seen = stage.watch();
    await stage.passes(MINUTE);
    stage.keepsOffline('N1', ['B2', 'B1']);
    stage.is(seen.request === undefined, `no request should be made: ${seen.request}`);
    stage.is(lab.device.samples.at(-1)?.progress === 1, 'every row should be in place');
    await stage.finishes();
  },
};

const SWIPED: IosScenario = {
  title: 'iOS: swiped away, the transfers end too, and the next open goes on where they stood',
  async run(stage) {
    await stage.begin();
    await stage.progresses(5 * MINUTE);
    await stage.does('quit');
    stage.isClosed('C1');
    await stage.stands(HOUR);
    await stage.does('open');
    await stage.progresses(5 * MINUTE);
    await stage.finishes({ again: 4 });
  },
};

/** C1. */
export const IOS_CARRY_ON: readonly Scenario[] = [GRACE, WINDOW, OFFLINE, SWIPED].map((scenario) => ({ ...scenario, id: 'C1', platform: 'ios', ruleSet: 'carry-on' }));
