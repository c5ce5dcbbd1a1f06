import { EDITED, EditStage, SLOWLY_EDITED } from './edit-stage.ts';
import { HOUR, MINUTE, type Scenario, SECOND, USUAL } from './scenario.ts';

type Named = Pick<Scenario, 'id' | 'title' | 'ruleSet' | 'platform'>;

/** The app is left as soon as the person has edited: no upload has begun, and a new one may not start before the app is opened. */
const untilOpened = (named: Named, away: 'leave' | 'lock'): Scenario => ({
  ...named, options: EDITED,
  run: EditStage.playing(async (person) => {
    const { stage } = person;
    await person.settlesIn();
    await person.edits();
    await stage.does(away);
    await person.stay(HOUR);
    await stage.does('open');
    await person.goFirst(2 * SECOND);
    await stage.finishes();
  }),
});

/** While a first sync goes on in the background, edits that were made just before go up with it, and first. */
const withFirstSync = (named: Named, away: 'leave' | 'lock'): Scenario => ({
  ...named, options: SLOWLY_EDITED,
  run: EditStage.playing(async (person) => {
    const { stage } = person;
    await person.begins();
    await person.edits();
    await stage.does(away);
    stage.runs(named.id);
    await person.goUp(20 * SECOND);
    await stage.progresses(MINUTE);
    await stage.finishes();
  }),
});

const SLICE: Scenario = {
  id: 'A6', title: 'D60: an edit made just before the lock goes up in the first slice, before the first sync goes on', ruleSet: '2022-11', platform: 'ios', options: SLOWLY_EDITED,
  run: EditStage.playing(async (person) => {
    const { stage } = person;
    await person.begins();
    await person.edits();
    await stage.does('lock');
    stage.rests('A7', { nextInMs: 15 * MINUTE });
    await person.stay(15 * MINUTE - SECOND);
    await person.goFirst(20 * SECOND);
    stage.is(stage.lab.device.status()?.verdict?.rule === 'A6', 'it should be a slice');
    await stage.does('open');
    await stage.finishes();
  }),
};

const GRACE: Scenario = {
  id: 'C1', title: 'D61: iOS: an edit made just before the lock goes up in the grace, and nothing else is asked for', ruleSet: 'carry-on', platform: 'ios', options: EDITED,
  run: EditStage.playing(async (person) => {
    const { stage } = person;
    await person.settlesIn();
    await stage.writes();
    await person.edits();
    await stage.does('lock');
    const seen = stage.watch();
    await person.goFirst(2 * SECOND);
    stage.is(stage.lab.device.status()?.verdict?.rule === 'C1', 'the grace should let it go up');
    await stage.passes(30 * SECOND);
    stage.is(!stage.isCurrent, 'a new sync should not start');
    stage.is(seen.suspensions.length === 1 && seen.suspensions[0]?.isWriting === false, 'iOS should suspend the app once, without an open transaction');
    await stage.stands(HOUR);
    await stage.does('open');
    await stage.finishes();
  }),
};

const GRACE_FIRST: Scenario = {
  id: 'C1', title: 'D60: iOS: while the first sync goes on in the grace, an edit goes up before more of it', ruleSet: 'carry-on', platform: 'ios', options: SLOWLY_EDITED,
  run: EditStage.playing(async (person) => {
    const { stage } = person;
    await person.begins();
    await person.edits();
    await stage.does('lock');
    stage.runs('C1', { forMs: 30 * SECOND });
    await person.goUp(20 * SECOND);
    await stage.passes(30 * SECOND);
    stage.rests('C1');
    await stage.onlyTransfers(MINUTE);
    await stage.does('open');
    await stage.finishes({ again: 5 });
  }),
};

const REFRESH: Scenario = {
  id: 'C1', title: 'D60: iOS: an edit that found no network in the grace goes up in the next window of the OS, and first', ruleSet: 'carry-on', platform: 'ios',
  options: { ...EDITED, os: { ios: { backgroundRefresh: true, refreshLateMs: [10 * MINUTE, 10 * MINUTE], processingLateMs: [2 * HOUR, 2 * HOUR] } } },
  run: EditStage.playing(async (person) => {
    const { stage } = person;
    await person.settlesIn();
    await stage.does({ do: 'network', to: 'none' });
    await person.edits();
    await stage.does('lock');
    await person.stay(MINUTE);
    await stage.does({ do: 'network', to: 'unmetered' });
    await person.stay(5 * MINUTE);
    await person.goFirst(30 * MINUTE);
    stage.is(stage.lab.device.os.situation().window !== undefined, 'it should be a window of the OS');
    await stage.finishes();
  }),
};

const JOB: Scenario = {
  id: 'C2', title: 'D60: Android: an edit made just before the lock goes up in the next job, and first', ruleSet: 'carry-on', platform: 'android',
  options: { ...EDITED, os: { android: { ...USUAL.os.android, jobLateMs: [10 * MINUTE, 10 * MINUTE] } } },
  run: EditStage.playing(async (person) => {
    const { stage } = person;
    await person.settlesIn();
    await person.edits();
    await stage.does('lock');
    await person.stay(9 * MINUTE);
    await person.goFirst(2 * MINUTE);
    stage.is(stage.lab.device.os.situation().window?.kind === 'job', 'a job should run');
    await stage.finishes();
  }),
};

/** What edits do on phones. */
export const EDITS_ON_PHONES: readonly Scenario[] = [
  untilOpened({ id: 'A7', title: 'D60: an edit made just before the lock stays on the device: slices are for syncs that have begun', ruleSet: '2022-11', platform: 'ios' }, 'lock'),
  SLICE,
  untilOpened({ id: 'A12', title: 'D60: an edit made just before the lock waits for the open app', ruleSet: '2022-11', platform: 'android' }, 'lock'),
  withFirstSync({ id: 'A11', title: 'D60: an edit made just before leaving goes up with the first sync that goes on', ruleSet: '2022-11', platform: 'android' }, 'leave'),
  untilOpened({ id: 'B8', title: 'D60: an edit made just before the lock waits for the open app', ruleSet: '2024-05', platform: 'ios' }, 'lock'),
  untilOpened({ id: 'B6', title: 'D60: an edit made just before leaving waits for the open app', ruleSet: '2024-05', platform: 'android' }, 'leave'),
  withFirstSync({ id: 'B5', title: 'D60: an edit made just before the lock goes up with the first sync that goes on', ruleSet: '2024-05', platform: 'android' }, 'lock'),
  GRACE, GRACE_FIRST, REFRESH, JOB,
  withFirstSync({ id: 'C2', title: 'D60: Android: an edit made just before leaving goes up with the first sync that goes on', ruleSet: 'carry-on', platform: 'android' }, 'leave'),
];
