import type { Condition } from '../facts.ts';
import type { ActiveOutcome, Citation, FreshOutcome, Row, RuleSet } from '../rule-set.ts';
import { S2 } from './silent.ts';

const cited = (section: string): Citation => ({ page: 'Sync data offline in the background', revised: '2024-05-29', section });
const INTRODUCTION = cited('what offline use needs');
const GENERAL = cited('foreground and background');
const ANDROID = cited('Android');
const IOS = cited('iOS');
const WINDOWS = cited('Windows');
const SETTING = cited('the background setting of Windows');

const RUN: ActiveOutcome = { engine: 'run' };
const START: FreshOutcome = { engine: 'start' };
const WAIT: FreshOutcome = { engine: 'wait', endsBy: ['come-back'] };

const ALLOWED_ON_WINDOWS: Condition = { platform: ['windows10', 'windows11'], place: ['away'], permission: ['always', 'power-optimized'] };
const NEW_ON_WINDOWS = 'New syncs may start unless the setting is Never: the page does not speak of them. The page has no rule about power.';

export const B1: Row = {
  id: 'B1', cite: INTRODUCTION, says: 'For offline use the app is downloaded and the data is synced to the device first.',
  remark: { when: { kind: ['first'] } }, requires: ['app', 'data'],
};

export const B12: Row = {
  id: 'B12', cite: SETTING, says: 'On Windows 10 the setting stands on the page of background apps.',
  remark: { when: { platform: ['windows10'] }, advises: 'setting-background' },
};

export const B13: Row = {
  id: 'B13', cite: SETTING, says: 'On Windows 11 the setting stands among the advanced options of the installed app.',
  remark: { when: { platform: ['windows11'] }, advises: 'setting-background' },
};

const ROWS: readonly Row[] = [
  {
    id: 'A3', cite: { page: 'Sync data offline in the background', revised: '2022-11-08', section: 'while the app is in the background' },
    says: 'Closing the app ends the sync; nothing is lost, and it goes on at the next open.',
    note: 'The later page does not speak of a closed app; the row of the earlier one holds.',
    cases: [{ when: { place: ['closed'] }, active: { engine: 'stop', endsBy: ['open-app'] }, fresh: { engine: 'wait', endsBy: ['open-app'] } }],
  },
  B1,
  {
    id: 'B2', cite: GENERAL, says: 'In front and unlocked, syncs are reliable: they run, and new ones may start.',
    note: 'This row decides where no row of the platform says the same (B4, B7).',
    cases: [{ when: { platform: ['windows10', 'windows11', 'web', 'node'], place: ['visible'] }, active: RUN, fresh: START }],
  },
  {
    id: 'B3', cite: GENERAL, says: 'In the background or locked, a sync may go on as far as the OS is capable of it.',
    note: 'The page does not speak of browsers and Node: this row is theirs, and new syncs may start.',
    cases: [{ when: { platform: ['web', 'node'], place: ['away'] }, active: RUN, fresh: START }],
  },
  {
    id: 'B4', cite: ANDROID, says: 'In front and open, syncs run; only here do they start.',
    cases: [{ when: { platform: ['android'], place: ['visible'] }, active: RUN, fresh: START, standsOn: ['B2'] }],
  },
  {
    id: 'B5', cite: ANDROID, says: 'In the background, with the app still open, a sync goes on.',
    note: 'Locked is treated alike, by B3 and A12.',
    cases: [{ when: { platform: ['android'], place: ['away'] }, active: RUN, standsOn: ['B3'] }],
  },
  {
    id: 'B6', cite: ANDROID, says: 'In the background scheduled syncs do not start.',
    note: 'Nor do others, by B4.',
    cases: [{ when: { platform: ['android'], place: ['away'] }, fresh: WAIT, standsOn: ['B4'] }],
  },
  {
    id: 'B7', cite: IOS, says: 'In front and open, syncs run; only here do they start.',
    cases: [{ when: { platform: ['ios'], place: ['visible'] }, active: RUN, fresh: START, standsOn: ['B2'] }],
  },
  {
    id: 'B8', cite: IOS, says: 'In the background a sync is paused and scheduled syncs do not start.',
    note: 'Locked is treated alike, by B2. Syncs that are not scheduled do not start either, by B7.',
    cases: [{ when: { platform: ['ios'], place: ['away'] }, active: { engine: 'suspend', endsBy: ['come-back'] }, fresh: WAIT, standsOn: ['B7'] }],
  },
  {
    id: 'B9', cite: WINDOWS, says: 'A sync goes on while the window is minimized.', note: NEW_ON_WINDOWS,
    cases: [{ when: { ...ALLOWED_ON_WINDOWS, screen: ['unlocked'] }, active: RUN, fresh: START, standsOn: ['B3', 'B11'] }],
  },
  {
    id: 'B10', cite: WINDOWS, says: 'A sync goes on while the device is locked.', note: NEW_ON_WINDOWS,
    cases: [{ when: { ...ALLOWED_ON_WINDOWS, screen: ['locked'] }, active: RUN, fresh: START, standsOn: ['B3', 'B11'] }],
  },
  {
    id: 'B11', cite: SETTING, says: 'The setting Let this app run in the background governs B9 and B10; Power optimized is recommended.',
    note: 'Never: the sync is suspended when the app leaves the foreground, and none starts there.',
    cases: [{
      when: { platform: ['windows10', 'windows11'], place: ['away'], permission: ['never'] },
      active: { engine: 'suspend', endsBy: ['come-back', 'setting-background'] }, fresh: { engine: 'wait', endsBy: ['come-back', 'setting-background'] },
    }],
  },
  B12, B13, S2,
];

export const RULES_2024_05: RuleSet = { name: '2024-05', rows: ROWS, transferKinds: [] };
