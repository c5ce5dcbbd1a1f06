// Ours: never less than 2024-05 where that page speaks, and beyond it where the OS offers a way.
import type { Condition } from '../facts.ts';
import { type Limit, MINUTE_MS, SECOND_MS } from '../limit.ts';
import type { ActiveOutcome, Case, Citation, FreshOutcome, Row, RuleSet } from '../rule-set.ts';
import { TEN_MINUTES } from './2022-11.ts';
import { B1, B12, B13 } from './2024-05.ts';

const cited = (section: string): Citation => ({ page: 'packages/policy/SPEC.md', section });

/** C1: what iOS leaves an app after it was left. The real figure is the OS's to give, as a window of the kind `grace`. */
export const GRACE: Limit = { episode: 'away', forMs: 30 * SECOND_MS };

const RUN: ActiveOutcome = { engine: 'run' };
const START: FreshOutcome = { engine: 'start' };
const STOP: ActiveOutcome = { engine: 'stop', endsBy: ['open-app'] };
const CLOSED: FreshOutcome = { engine: 'wait', endsBy: ['open-app'] };
const SUSPEND: ActiveOutcome = { engine: 'suspend', endsBy: ['come-back', 'wake'] };
const WAIT: FreshOutcome = { engine: 'wait', endsBy: ['come-back', 'wake'] };

const WORK_WINDOWS = ['refresh', 'processing', 'job', 'user-initiated'] as const;
const NOT_UPLOAD = ['first', 'delta', 'full-delta', 'table'] as const;
const LIFTS = ['come-back', 'plug-in', 'setting-background'] as const;

const frozen = (when: Condition, transfers: 'go-on' | 'none'): Case => ({ when: { ...when, place: ['frozen'] }, active: SUSPEND, fresh: WAIT, transfers });
const closed = (when: Condition, transfers: 'go-on' | 'none'): Case => ({ when: { ...when, place: ['closed'] }, active: STOP, fresh: CLOSED, transfers });
// A person who quits the app on a phone ends the OS's transfers with it; a process that the OS ended leaves them.
const closedOnPhone = (platform: 'ios' | 'android'): readonly Case[] => [
  closed({ platform: [platform], quitByPerson: [false] }, 'go-on'),
  closed({ platform: [platform], quitByPerson: [true] }, 'none'),
];

function onIos(): readonly Case[] {
  const away: Condition = { platform: ['ios'], place: ['away'] };
  const untold: Condition = { ...away, window: ['none'] };
  const ended: Condition = { ...away, window: ['ended'] };
  const told: Condition = { ...away, window: ['grace'] };
  const uploads: Condition = { kind: ['upload'] };
  const others: Condition = { kind: NOT_UPLOAD };
  const transfers = 'go-on';
  const inGrace = { is: 'unspent', limit: GRACE } as const;
  const graceOver = { is: 'spent', limit: GRACE } as const;
  return [
    { when: untold, time: inGrace, active: { engine: 'run', until: GRACE, liftedBy: ['come-back'] }, transfers },
    { when: { ...untold, ...uploads }, time: inGrace, fresh: { engine: 'start', until: GRACE, liftedBy: ['come-back'] } },
    { when: { ...untold, ...others }, time: inGrace, fresh: WAIT },
    { when: untold, time: graceOver, active: SUSPEND, fresh: WAIT, transfers },
    { when: ended, active: SUSPEND, fresh: WAIT, transfers },
    { when: told, active: { engine: 'run', until: 'window', liftedBy: ['come-back'] }, transfers },
    { when: { ...told, ...uploads }, fresh: { engine: 'start', until: 'window', liftedBy: ['come-back'] } },
    { when: { ...told, ...others }, fresh: WAIT },
    {
      when: { ...away, window: WORK_WINDOWS }, transfers,
      active: { engine: 'run', until: 'window', liftedBy: ['come-back'] }, fresh: { engine: 'start', until: 'window', liftedBy: ['come-back'] },
    },
    frozen({ platform: ['ios'] }, transfers),
    ...closedOnPhone('ios'),
  ];
}

function onAndroid(): readonly Case[] {
  const away: Condition = { platform: ['android'], place: ['away'] };
  const transfers = 'go-on';
  return [
    { when: { ...away, window: ['none', 'ended', 'grace'] }, active: RUN, fresh: WAIT, transfers },
    {
      when: { ...away, window: WORK_WINDOWS }, transfers,
      active: { engine: 'run', until: 'window', liftedBy: ['come-back'] }, fresh: { engine: 'start', until: 'window', liftedBy: ['come-back'] },
    },
    frozen({ platform: ['android'] }, transfers),
    ...closedOnPhone('android'),
  ];
}

function onWindows(): readonly Case[] {
  const windows: Condition = { platform: ['windows10', 'windows11'] };
  const away: Condition = { ...windows, place: ['away'] };
  const allowed: Condition = { ...away, permission: ['always', 'power-optimized'] };
  const transfers = 'go-on';
  return [
    {
      when: { ...away, permission: ['never'] }, transfers,
      active: { engine: 'suspend', endsBy: ['come-back', 'setting-background'] }, fresh: { engine: 'wait', endsBy: ['come-back', 'setting-background'] },
    },
    { when: allowed, time: { is: 'spent', limit: TEN_MINUTES }, active: { engine: 'suspend', endsBy: ['come-back'] }, fresh: { engine: 'wait', endsBy: ['come-back'] }, transfers },
    {
      when: { ...allowed, thrift: [true] }, time: { is: 'unspent', limit: TEN_MINUTES }, transfers,
      active: { engine: 'run', until: TEN_MINUTES, liftedBy: LIFTS }, fresh: { engine: 'start', until: TEN_MINUTES, liftedBy: LIFTS },
    },
    { when: { ...allowed, thrift: [false] }, time: { is: 'unspent', limit: TEN_MINUTES }, active: RUN, fresh: START, transfers },
    frozen(windows, transfers),
    closed(windows, transfers),
  ];
}

const onWeb = (): readonly Case[] => [
  { when: { platform: ['web'], place: ['away'] }, active: RUN, fresh: START, transfers: 'go-on' },
  frozen({ platform: ['web'] }, 'go-on'),
  closed({ platform: ['web'] }, 'go-on'),
];

const onNode = (): readonly Case[] => [
  { when: { platform: ['node'], place: ['visible', 'away'] }, active: RUN, fresh: START },
  frozen({ platform: ['node'] }, 'none'),
  closed({ platform: ['node'] }, 'none'),
];

const ROWS: readonly Row[] = [
  B1,
  {
    id: 'B2', cite: { page: 'Sync data offline in the background', revised: '2024-05-29', section: 'foreground and background' },
    says: 'In front and unlocked, syncs are reliable: they run, and new ones may start.',
    note: 'In front every platform but Node follows the page; the OS\'s transfers run as well.',
    cases: [{ when: { platform: ['ios', 'android', 'windows10', 'windows11', 'web'], place: ['visible'] }, active: RUN, fresh: START, transfers: 'go-on' }],
  },
  B12, B13,
  {
    id: 'C1', cite: cited('carry-on, iOS'), says: 'Left or locked, the engine stops within the OS\'s grace time and runs again in the windows that the OS grants; transfers go on.',
    note: 'Of new syncs only uploads may start in the grace time: a change saved just before leaving still goes up. A person who swipes the app away ends the transfers.',
    cases: onIos(),
    wakeUps: { platform: ['ios'], ways: [{ kind: 'refresh', aboutMs: 30 * SECOND_MS }, { kind: 'processing' }, { kind: 'user-initiated' }] },
  },
  {
    id: 'C2', cite: cited('carry-on, Android'), says: 'A begun sync goes on while the process lives, and transfers with it; new ones start in front or in a job that the OS granted.',
    note: 'In a job\'s window the engine keeps the job\'s deadline. Closed is: the process is gone; a force stop ends the transfers too.',
    cases: onAndroid(),
    wakeUps: { platform: ['android'], ways: [{ kind: 'job', soonestMs: 15 * MINUTE_MS, aboutMs: 10 * MINUTE_MS }, { kind: 'user-initiated' }] },
  },
  {
    id: 'C3', cite: cited('carry-on, Windows'), says: 'The engine goes on unless the setting is Never; on battery with power saving for 10 minutes (A15). Transfers go on.',
    note: 'The 10 minutes are less than 2024-05 grants, whose page does not speak of power. With Always they do not apply, as in A16.',
    cases: onWindows(),
    wakeUps: { platform: ['windows10', 'windows11'], ways: [{ kind: 'resume' }, { kind: 'unlock' }, { kind: 'power-change' }] },
  },
  {
    id: 'C4', cite: cited('carry-on, browsers'), says: 'A hidden page goes on until it is frozen; a discarded or closed one ends and loses nothing.',
    note: 'Transfers, and wake-ups, where the browser has them; a host without them reports none.',
    cases: onWeb(),
    wakeUps: { platform: ['web'], ways: [{ kind: 'background-sync' }, { kind: 'periodic-sync' }] },
  },
  {
    id: 'C5', cite: cited('carry-on, Node'), says: 'A desktop agent always runs, and rests while the machine sleeps.',
    cases: onNode(),
    wakeUps: { platform: ['node'], ways: [{ kind: 'timer' }, { kind: 'resume' }] },
  },
];

export const RULES_CARRY_ON: RuleSet = { name: 'carry-on', rows: ROWS, transferKinds: ['first'] };
