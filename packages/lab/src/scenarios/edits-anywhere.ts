import type { Event } from '../lab.ts';
import { EDITED, EditStage } from './edit-stage.ts';
import { HOUR, MINUTE, type Scenario, SECOND } from './scenario.ts';

type Edited = Omit<Scenario, 'run' | 'options'> & { readonly run: (person: EditStage) => Promise<void> };

const edited = ({ run, ...named }: Edited): Scenario => ({ ...named, options: EDITED, run: EditStage.playing(run) });

/** In front nothing holds an edit back: it goes up at once, whatever the mode and the power. */
const atOnce = (named: Pick<Scenario, 'id' | 'ruleSet' | 'platform'>): Scenario => edited({
  ...named, title: `D60: in front an edit goes up at once, in manual mode and on battery with power saving too (${named.platform})`,
  async run(person) {
    const { stage } = person;
    await person.settlesIn();
    await person.edits();
    await person.goUp(SECOND);
    await stage.does({ do: 'mode', to: 'manual' }, { do: 'saver-on' });
    await stage.passes(MINUTE);
    await person.edits();
    await person.goFirst(SECOND);
    await stage.finishes();
  },
});

const WIFI_ONLY = edited({
  id: 'N2', title: 'D60: with Wi-Fi only an edit waits for an unmetered network', ruleSet: 'carry-on', platform: 'android',
  async run(person) {
    const { stage } = person;
    await person.settlesIn();
    await stage.does({ do: 'wifi-only', on: true }, { do: 'network', to: 'metered' });
    await person.edits();
    await person.isNoticed();
    stage.rests('N2', { because: ['B2'] });
    await person.stay(HOUR);
    await stage.does({ do: 'network', to: 'unmetered' });
    await person.goFirst(SECOND);
    await stage.finishes();
  },
});

const A_DAY = edited({
  id: 'N1', title: 'D60: a day without a network: every edit stays, is seen after each start, and goes up in order when the network is back', ruleSet: 'carry-on', platform: 'ios',
  async run(person) {
    const { stage } = person;
    await person.settlesIn();
    await stage.does({ do: 'network', to: 'none' });
    for (let visit = 0; visit < 6; visit++) {
      await person.edits();
      await person.edits({ op: 'insert', table: 'customers', count: 1 });
      await person.stay(MINUTE);
      await stage.does('leave', visit % 2 === 0 ? 'lock' : 'kill');
      await person.stay(4 * HOUR);
      await stage.does('open');
    }
    await stage.does({ do: 'network', to: 'unmetered' });
    await person.goUp(5 * SECOND);
    await stage.finishes();
  },
});

/** The answer to the push is lost with the app's process, or with the server's. */
const killed = (named: Pick<Scenario, 'id' | 'ruleSet' | 'platform'>, how: 'lost' | 'killed', end: Event): Scenario => edited({
  ...named, title: `D62: ended between the server's commit and the answer, nothing is lost and nothing comes twice (${named.platform})`,
  async run(person) {
    const { stage } = person;
    const { world } = stage.lab;
    await person.settlesIn();
    await stage.does({ do: 'answer', path: 'push', how, times: 1 });
    await person.edits();
    await person.edits({ op: 'insert', table: 'customers', count: 2 });
    const isTaken = await world.runWhile(() => !person.isAtServer, 2 * SECOND);
    stage.is(isTaken, 'the server should take the edits in');
    await stage.does(end);
    await stage.passes(MINUTE);
    await stage.does('open');
    await person.goUp(MINUTE);
    await stage.finishes();
  },
});

const FROZEN = edited({
  id: 'C4', title: 'D60: web: an edit made just before the page is hidden goes up; one made just before it is frozen goes up when it is shown', ruleSet: 'carry-on', platform: 'web',
  async run(person) {
    const { stage } = person;
    await person.settlesIn();
    await person.edits();
    await stage.does('leave');
    await person.goUp(2 * SECOND);
    await stage.does('open');
    await stage.passes(MINUTE);
    await person.edits();
    await stage.does('leave', { do: 'freeze' });
    await person.stay(HOUR);
    await stage.does('open');
    await person.goFirst(2 * SECOND);
    await stage.finishes();
  },
});

const ASLEEP = edited({
  id: 'C5', title: 'D60: Node: an edit made just before the machine sleeps goes up when it is awake', ruleSet: 'carry-on', platform: 'node',
  async run(person) {
    const { stage } = person;
    await person.settlesIn();
    await person.edits();
    await stage.does({ do: 'sleep', forMs: HOUR });
    await person.stay(HOUR - SECOND);
    await person.goUp(5 * SECOND);
    await stage.finishes();
  },
});

/** What edits do wherever the app runs. */
export const EDITS_ANYWHERE: readonly Scenario[] = [
  atOnce({ id: 'A9', ruleSet: '2022-11', platform: 'ios' }), atOnce({ id: 'B4', ruleSet: '2024-05', platform: 'android' }),
  atOnce({ id: 'B2', ruleSet: 'carry-on', platform: 'windows11' }),
  WIFI_ONLY, A_DAY,
  killed({ id: 'A3', ruleSet: '2022-11', platform: 'windows10' }, 'lost', { do: 'kill' }), killed({ id: 'A3', ruleSet: '2024-05', platform: 'android' }, 'lost', { do: 'quit' }),
  killed({ id: 'C1', ruleSet: 'carry-on', platform: 'ios' }, 'killed', { do: 'kill' }), killed({ id: 'C5', ruleSet: 'carry-on', platform: 'node' }, 'killed', { do: 'leave' }),
  FROZEN, ASLEEP,
];
