import { HOUR, MINUTE, type Scenario, SECOND } from './scenario.ts';
import { SERVED, ShareStage, SLOWLY_SERVED } from './share-stage.ts';

type Named = Pick<Scenario, 'id' | 'ruleSet' | 'platform'>;

const ANYWHERE: readonly Named[] = [
  { id: 'A9', ruleSet: '2022-11', platform: 'ios' }, { id: 'B4', ruleSet: '2024-05', platform: 'android' }, { id: 'B2', ruleSet: 'carry-on', platform: 'windows11' },
];
const TECHNICIAN = ['customers', 'jobs', 'skills', 'steps', 'visits'];

interface Play {
  readonly title: string;
  readonly options?: Scenario['options'];
  readonly run: (person: ShareStage) => Promise<void>;
}

const on = (all: readonly Named[], { title, options = SERVED, run }: Play): Scenario[] =>
  all.map((named) => ({ ...named, title: `${title} (${named.platform})`, options, run: ShareStage.playing(run) }));

const JOINED: Play = {
  title: 'S86: who joins a team while the first sync goes on gets its rows too, and nothing that is here comes twice', options: SLOWLY_SERVED,
  async run(person) {
    const { stage } = person;
    await stage.begin();
    await stage.progresses(MINUTE);
    await person.writes("INSERT INTO members VALUES('ann', 'south')");
    await stage.completes(HOUR);
    person.isExact();
    person.fetchedNothingTwice();
    await person.finishes();
  },
};

const WHILE_SUSPENDED: Play = {
  title: 'S89, D67: the profile changes while the app is suspended and the transfers go on: the first look brings the new one, whole', options: SLOWLY_SERVED,
  async run(person) {
    const { stage } = person;
    await stage.begin();
    await stage.does('lock');
    await stage.passes(2 * MINUTE);
    await person.reloads('narrow');
    await stage.passes(10 * MINUTE);
    await stage.does('unlock', 'open');
    await person.becomesExact(HOUR);
    person.has(['customers', 'jobs', 'steps']);
    await stage.completes(HOUR);
    await person.finishes();
  },
};

const TABLE_LOST: Play = {
  title: 'D70: a table that the profile loses goes at once; what was edited in it waits for the person, who settles it',
  async run(person) {
    const { stage } = person;
    const { device } = stage.lab;
    await person.settlesIn();
    await stage.does({ do: 'network', to: 'none' });
    await person.edits('steps');
    await person.reloads('no-steps');
    await stage.passes(MINUTE);
    await stage.does({ do: 'network', to: 'unmetered' });
    await person.becomesExact(10 * SECOND);
    await stage.passes(MINUTE);
    person.has(TECHNICIAN.filter((name) => name !== 'steps'));
    stage.is(device.status()?.edits.drafts === 1, `the edit should wait for the person: ${JSON.stringify(device.status()?.edits)}`);
    await stage.does({ do: 'draft', how: 'drop' });
    await stage.passes(10 * SECOND);
    stage.is(device.rows('steps') === undefined && device.status()?.edits.drafts === 0, 'the table should be gone');
    await person.finishes();
  },
};

const REVOKED: Play = {
  title: 'S90, D71: who is nobody any more has nothing after the first round but their own edits, and gets everything back when they are somebody again',
  async run(person) {
    const { stage } = person;
    const { device } = stage.lab;
    await person.settlesIn();
    await stage.does({ do: 'network', to: 'none' });
    await person.edits('jobs');
    await person.edits('steps', 'insert');
    await person.writes("DELETE FROM people WHERE id = 'ann'");
    await stage.does('leave', { do: 'network', to: 'unmetered' });
    await stage.does('open');
    await person.becomesExact(10 * SECOND);
    await stage.passes(MINUTE);
    person.has([]);
    stage.is(device.status()?.share === 'none' && device.tables().length === 0, 'nothing should be here');
    stage.is(device.status()?.edits.drafts === 2, `the edits should wait for the person: ${JSON.stringify(device.status()?.edits)}`);
    await person.writes("INSERT INTO people VALUES('ann', 'tech')");
    await person.becomesExact(2 * MINUTE);
    person.has(TECHNICIAN);
    await person.finishes();
  },
};

const HANDED_OVER: Play = {
  title: 'S86: all jobs are handed over while the device is locked: the first round is exact',
  async run(person) {
    const { stage } = person;
    await person.settlesIn();
    const before = person.count('jobs');
    await stage.does('lock', { do: 'network', to: 'none' });
    await stage.passes(10 * MINUTE);
    await person.writes("UPDATE jobs SET owner = 'bob', team = 'east'; UPDATE jobs SET owner = 'ann' WHERE id % 10 = 0");
    await person.staysBehind(10 * MINUTE);
    await stage.does({ do: 'network', to: 'unmetered' }, 'unlock', 'open');
    await person.becomesExact(10 * SECOND);
    stage.is(person.count('jobs') > 0 && person.count('jobs') < before, `of ${before} jobs some should be left, not ${person.count('jobs')}`);
    await person.finishes();
  },
};

const MIDNIGHT: Play = {
  title: 'S98: the app sleeps over midnight, and nobody writes: what is due by the clock of the profile\'s time zone has come and gone',
  async run(person) {
    const { stage } = person;
    await person.settlesIn();
    const before = JSON.stringify(stage.lab.device.rows('jobs'));
    await stage.does('lock', { do: 'network', to: 'none' });
    // Midnight in Berlin is at 23:00 UTC, fifteen hours after the world began.
    await stage.passes(16 * HOUR);
    await stage.does({ do: 'network', to: 'unmetered' }, 'unlock', 'open');
    await person.becomesExact(20 * SECOND);
    stage.is(JSON.stringify(stage.lab.device.rows('jobs')) !== before, 'the day should have moved the window');
    await person.finishes();
  },
};

const TWO_PROFILES: Play = {
  title: 'S83, S84: who gets a second profile has both, each row once; who loses the first keeps the second',
  async run(person) {
    const { stage } = person;
    await person.settlesIn();
    person.has(TECHNICIAN);
    await person.writes("UPDATE people SET unit = 'sales' WHERE id = 'ann'");
    await person.becomesExact(10 * SECOND);
    person.has([...TECHNICIAN, 'units']);
    await person.writes("DELETE FROM members WHERE person = 'ann'");
    await person.becomesExact(10 * SECOND);
    person.has(['customers', 'jobs', 'units']);
    await person.writes("INSERT INTO members VALUES('ann', 'north'); UPDATE people SET unit = 'tech' WHERE id = 'ann'");
    await person.becomesExact(10 * SECOND);
    person.has(TECHNICIAN);
    await person.finishes();
  },
};

const WAITING: Play = {
  title: 'S89, S94: a device that waits at the server hears of a new profile at once; of one that is refused it hears nothing',
  async run(person) {
    const { stage } = person;
    await person.settlesIn();
    await person.reloads('broken');
    person.isExact();
    await person.reloads('narrow');
    await person.becomesExact(5 * SECOND);
    await person.reloads('wide');
    await person.becomesExact(5 * SECOND);
    await person.reloads('read-only');
    await stage.passes(5 * SECOND);
    await stage.does({ do: 'edit', by: 'sql', statements: [{ op: 'update', table: 'jobs', at: 0, count: 1 }] });
    await stage.passes(SECOND);
    stage.is(stage.lab.world.trace.entries.some(({ what }) => what === 'edit failed'), 'nobody should be able to write');
    await person.finishes();
  },
};

const KILLED: Play = {
  title: 'S94: the server is killed while it goes over to another profile: it goes on when it is started, and nobody sees half of it',
  async run(person) {
    const { stage } = person;
    await person.settlesIn();
    for (const to of ['narrow', 'wide', 'usual']) {
      await person.writes(`UPDATE jobs SET info = '~jobs ' || id || ' ${to}~' WHERE id % 3 = 0`);
      await person.reloads(to, 'killed');
      await stage.passes(2 * MINUTE);
      person.isExact();
    }
    await person.finishes();
  },
};

const PHONES: readonly Named[] = [
  { id: 'A7', ruleSet: '2022-11', platform: 'ios' }, { id: 'B5', ruleSet: '2024-05', platform: 'android' }, { id: 'C1', ruleSet: 'carry-on', platform: 'ios' },
];
const NODE: Named = { id: 'C5', ruleSet: 'carry-on', platform: 'node' };
const EVERYWHERE: readonly Named[] = [...ANYWHERE, NODE];

/** What people may have changes, and their devices follow. */
export const SHARES: readonly Scenario[] = [
  on(ANYWHERE, JOINED), on(PHONES, WHILE_SUSPENDED), on(ANYWHERE, TABLE_LOST), on(EVERYWHERE, REVOKED), on(ANYWHERE, HANDED_OVER), on([...PHONES.slice(0, 1), NODE], MIDNIGHT),
  on(ANYWHERE, TWO_PROFILES), on(ANYWHERE, WAITING), on(ANYWHERE, KILLED),
].flat();
