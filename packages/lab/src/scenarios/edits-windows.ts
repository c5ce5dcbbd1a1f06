import { EDITED, EditStage } from './edit-stage.ts';
import { HOUR, MINUTE, type Scenario, SECOND } from './scenario.ts';

type Named = Pick<Scenario, 'id' | 'title' | 'ruleSet' | 'platform'>;

/** Minimized or locked as soon as the person has edited: it goes up there. */
const outOfSight = (named: Named, away: 'leave' | 'lock'): Scenario => ({
  ...named, options: EDITED,
  run: EditStage.playing(async (person) => {
    const { stage } = person;
    await person.settlesIn();
    await person.edits();
    await stage.does(away);
    await person.goUp(2 * SECOND);
    stage.runs(named.id);
    await stage.finishes();
  }),
});

/** Without a network, on battery with power saving: the edit goes up when the network is back within the ten minutes; after them it waits for the person. */
const tenMinutes = (named: Named, backAfterMs: number): Scenario => ({
  ...named, options: EDITED,
  run: EditStage.playing(async (person) => {
    const { stage } = person;
    await person.settlesIn();
    await stage.does({ do: 'saver-on' }, { do: 'network', to: 'none' });
    await person.edits();
    await stage.does('leave');
    await person.stay(backAfterMs);
    await stage.does({ do: 'network', to: 'unmetered' });
    if (backAfterMs < 10 * MINUTE) {
      await person.goFirst(5 * SECOND);
    } else {
      await person.stay(HOUR);
      for (const change of [{ do: 'plug' }, { do: 'permission', to: 'always' }] as const) {
        await stage.does(change);
        await person.stay(10 * MINUTE);
      }
      await stage.does('open');
      await person.goFirst(2 * SECOND);
    }
    await stage.finishes();
  }),
});

const never = (named: Named, away: 'leave' | 'lock'): Scenario => ({
  ...named, options: EDITED,
  run: EditStage.playing(async (person) => {
    const { stage } = person;
    await person.settlesIn();
    await stage.does({ do: 'permission', to: 'never' });
    await person.edits();
    await stage.does(away);
    await person.stay(HOUR);
    await stage.does(away === 'leave' ? 'open' : 'unlock');
    await person.goFirst(2 * SECOND);
    await stage.finishes();
  }),
});

/** What edits do on Windows. */
export const EDITS_ON_WINDOWS: readonly Scenario[] = [
  outOfSight({ id: 'A13', title: 'D60: an edit made just before minimizing goes up', ruleSet: '2022-11', platform: 'windows10' }, 'leave'),
  outOfSight({ id: 'A14', title: 'D60: an edit made just before the lock goes up', ruleSet: '2022-11', platform: 'windows11' }, 'lock'),
  tenMinutes({ id: 'A15', title: 'D60: an edit goes up within the ten minutes when the network is back', ruleSet: '2022-11', platform: 'windows11' }, 5 * MINUTE),
  tenMinutes({ id: 'A15', title: 'D60: after the ten minutes an edit waits until the app is maximized', ruleSet: '2022-11', platform: 'windows10' }, 12 * MINUTE),
  never({ id: 'A16', title: 'D60: with Never an edit waits until the app is maximized', ruleSet: '2022-11', platform: 'windows10' }, 'leave'),
  outOfSight({ id: 'B9', title: 'D60: an edit made just before minimizing goes up', ruleSet: '2024-05', platform: 'windows11' }, 'leave'),
  outOfSight({ id: 'B10', title: 'D60: an edit made just before the lock goes up', ruleSet: '2024-05', platform: 'windows10' }, 'lock'),
  never({ id: 'B11', title: 'D60: with Never an edit waits for the unlocked app', ruleSet: '2024-05', platform: 'windows11' }, 'lock'),
  outOfSight({ id: 'C3', title: 'D60: Windows: an edit made just before minimizing goes up', ruleSet: 'carry-on', platform: 'windows11' }, 'leave'),
  tenMinutes({ id: 'C3', title: 'D60: Windows: an edit goes up within the ten minutes when the network is back', ruleSet: 'carry-on', platform: 'windows10' }, 5 * MINUTE),
  tenMinutes({ id: 'C3', title: 'D60: Windows: after the ten minutes an edit waits until the app is maximized', ruleSet: 'carry-on', platform: 'windows11' }, 12 * MINUTE),
  never({ id: 'C3', title: 'D60: Windows: with Never an edit waits until the app is maximized', ruleSet: 'carry-on', platform: 'windows10' }, 'leave'),
];
