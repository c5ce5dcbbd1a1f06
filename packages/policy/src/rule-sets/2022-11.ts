import type { Condition } from '../facts.ts';
import { type Limit, MINUTE_MS, type Slices } from '../limit.ts';
import type { ActiveOutcome, Case, Citation, FreshOutcome, Row, RuleSet } from '../rule-set.ts';
import { S1, S2 } from './silent.ts';

const cited = (section: string): Citation => ({ page: 'Sync data offline in the background', revised: '2022-11-08', section });
const INTRODUCTION = cited('what the first sync is');
const GENERAL = cited('while the app is in the background');
const IOS = cited('iOS');
const ANDROID = cited('Android');
const WINDOWS = cited('Windows');

/** A6 to A8: the first slice 15 minutes after the lock, 5 minutes long, and again every 15 minutes. */
export const SLICES: Slices = { episode: 'locked', afterMs: 15 * MINUTE_MS, everyMs: 15 * MINUTE_MS, lengthMs: 5 * MINUTE_MS };
/** A15: ten minutes of battery and power saving. */
export const TEN_MINUTES: Limit = { episode: 'thrift', forMs: 10 * MINUTE_MS };

const RUN: ActiveOutcome = { engine: 'run' };
const SUSPEND: ActiveOutcome = { engine: 'suspend', endsBy: ['come-back'] };
const START: FreshOutcome = { engine: 'start' };
const WAIT: FreshOutcome = { engine: 'wait', endsBy: ['come-back'] };

const ON_IOS: Condition = { platform: ['ios'], place: ['away'] };
const LEFT_ALONE: Condition = { ...ON_IOS, screen: ['locked'], inUse: [false] };
const ON_WINDOWS: Condition = { platform: ['windows10', 'windows11'], place: ['away'] };
const ALLOWED: Condition = { ...ON_WINDOWS, permission: ['always', 'power-optimized'] };
const LIFTS = ['come-back', 'plug-in', 'setting-background'] as const;

const betweenSlices = (app: 'foreground' | 'background', standsOn: Case['standsOn'] & {}): readonly Case[] => [
  { when: { ...LEFT_ALONE, app: [app] }, time: { is: 'between-slices', slices: SLICES }, active: { engine: 'suspend', next: SLICES, endsBy: ['come-back'] }, standsOn },
  { when: { ...LEFT_ALONE, app: [app] }, fresh: WAIT, standsOn },
];

const uncapped = (where: Condition): readonly Case[] => [
  { when: { ...ALLOWED, ...where, thrift: [false] }, time: { is: 'unspent', limit: TEN_MINUTES }, active: RUN, fresh: START, standsOn: ['A2', 'A16'] },
];

const ROWS: readonly Row[] = [
  {
    id: 'A1', cite: INTRODUCTION, says: 'The first sync brings the app and the person\'s data to the device; only then can it be used offline.',
    remark: { when: { kind: ['first'] } }, requires: ['app', 'data'],
  },
  {
    id: 'A2', cite: GENERAL, says: 'A sync may go on while the app is in the background and not closed.',
    note: 'The page does not speak of browsers and Node: this row is theirs, a locked screen counts as the background, and new syncs may start.',
    cases: [{ when: { platform: ['web', 'node'], place: ['away'] }, active: RUN, fresh: START }],
  },
  {
    id: 'A3', cite: GENERAL, says: 'Closing the app ends the sync; nothing is lost, and it goes on at the next open.',
    cases: [{ when: { place: ['closed'] }, active: { engine: 'stop', endsBy: ['open-app'] }, fresh: { engine: 'wait', endsBy: ['open-app'] } }],
  },
  {
    id: 'A4', cite: IOS, says: 'The sync is suspended as soon as the app moves to the background.',
    note: 'This row decides while the screen is on and nobody uses the device. Slices (A6) begin only after a lock. New syncs wait, as in 2024-05.',
    cases: [{ when: { ...ON_IOS, screen: ['unlocked'], inUse: [false] }, active: SUSPEND, fresh: WAIT }],
  },
  {
    id: 'A5', cite: IOS, says: 'The sync is suspended as soon as the device is locked.',
    note: 'This row decides while the screen is locked and the device is in use nevertheless (a call): A6 asks for a device not in use. New syncs wait, as in 2024-05.',
    cases: [{ when: { ...ON_IOS, screen: ['locked'], inUse: [true] }, active: SUSPEND, fresh: WAIT }],
  },
  {
    id: 'A6', cite: IOS, says: 'While the device is not in use, a suspended sync may go on for up to 5 minutes at a time.',
    note: 'After a lock the first slice begins 15 minutes later; slices repeat every 15 minutes while the device stays locked and not in use. Unlocking into another app ends a slice (A10), opening the app ends the suspension (A9). A slice is for a sync that has begun; new syncs wait.',
    cases: [{ when: LEFT_ALONE, time: { is: 'in-slice', slices: SLICES }, active: { engine: 'run', until: SLICES, liftedBy: ['come-back'] }, standsOn: ['A5'] }],
  },
  {
    id: 'A7', cite: IOS, says: 'The app was left open and the screen locked: the sync is suspended and resumes in 15 minutes.',
    note: 'New syncs wait, as in 2024-05.',
    cases: betweenSlices('foreground', ['A5', 'A6']),
  },
  {
    id: 'A8', cite: IOS, says: 'The person left for another app, stopped, and the screen locked: the sync is suspended and resumes in 15 minutes.',
    note: 'New syncs wait, as in 2024-05.',
    cases: betweenSlices('background', ['A4', 'A5', 'A6']),
  },
  {
    id: 'A9', cite: IOS, says: 'While the app is in use and the screen does not lock, the sync runs to its end; new ones may start.',
    cases: [{ when: { platform: ['ios'], place: ['visible'] }, active: RUN, fresh: START }],
  },
  {
    id: 'A10', cite: IOS, says: 'The person uses another app: the sync is paused and does not complete; new ones do not start.',
    cases: [{ when: { ...ON_IOS, screen: ['unlocked'], inUse: [true] }, active: SUSPEND, fresh: WAIT, standsOn: ['A4'] }],
  },
  {
    id: 'A11', cite: ANDROID, says: 'The sync goes on in the background.',
    note: 'Nothing is said of new syncs: they wait for the app to be opened, as in 2024-05.',
    cases: [{ when: { platform: ['android'], place: ['away'], screen: ['unlocked'] }, active: RUN, fresh: WAIT, standsOn: ['A2'] }],
  },
  {
    id: 'A12', cite: ANDROID, says: 'The sync goes on while the device is locked.',
    note: 'Nothing is said of new syncs: they wait for the app to be opened, as in 2024-05.',
    cases: [{ when: { platform: ['android'], place: ['away'], screen: ['locked'] }, active: RUN, fresh: WAIT, standsOn: ['A2'] }],
  },
  {
    id: 'A13', cite: WINDOWS, says: 'The sync goes on while the window is minimized.',
    note: 'New syncs may start: the page does not speak of them.',
    cases: uncapped({ screen: ['unlocked'] }),
  },
  {
    id: 'A14', cite: WINDOWS, says: 'The sync goes on while the device is locked.',
    note: 'New syncs may start: the page does not speak of them.',
    cases: uncapped({ screen: ['locked'] }),
  },
  {
    id: 'A15', cite: WINDOWS, says: 'Minimized or locked, on battery with power saving on: 10 minutes, then suspended until the person maximizes the app.',
    note: 'The minutes count from when all of it holds at once, whether a sync runs or not. Once they are spent, neither plugging in nor the setting ends the suspension. Plugged in before that, the next stretch has 10 minutes of its own. With the setting at Always the limit does not apply.',
    cases: [
      { when: ALLOWED, time: { is: 'spent', limit: TEN_MINUTES }, active: SUSPEND, fresh: WAIT, standsOn: ['A16'] },
      {
        when: { ...ALLOWED, thrift: [true] }, time: { is: 'unspent', limit: TEN_MINUTES }, standsOn: ['A2', 'A16'],
        active: { engine: 'run', until: TEN_MINUTES, liftedBy: LIFTS }, fresh: { engine: 'start', until: TEN_MINUTES, liftedBy: LIFTS },
      },
    ],
  },
  {
    id: 'A16', cite: WINDOWS, says: 'The setting Let this app run in the background governs A13 to A15; Power optimized is recommended and the default.',
    note: 'Never: the sync is suspended when the app leaves the foreground, and none starts there. Always: the limit of A15 does not apply.',
    cases: [{
      when: { ...ON_WINDOWS, permission: ['never'] },
      active: { engine: 'suspend', endsBy: ['come-back', 'setting-background'] }, fresh: { engine: 'wait', endsBy: ['come-back', 'setting-background'] },
    }],
  },
  S1, S2,
];

export const RULES_2022_11: RuleSet = { name: '2022-11', rows: ROWS, transferKinds: [] };
