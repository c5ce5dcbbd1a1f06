// Histories known to matter, written by hand.
import { ONE_ANSWER, type SyncStep } from '../sync-devices.ts';
import { ALL, childOf, EVALUATE, own, parentOf, profile, schema, sql, table, team, transaction } from './by-hand.ts';
import type { WorldProfile } from './profile.ts';
import type { RulesHistory, RulesStep } from './rules-history.ts';
import type { WorldPlan } from './store-world.ts';

const PEOPLE = { users: { table: 'users', id: 'user', unit: 'home' }, teams: { table: 'team_members', user: 'member', team: 'team' } };
const TABLES = [
  table('job', ['id INTEGER', 'site INTEGER', 'owner TEXT', 'due TEXT'], { site: 'site' }),
  table('site', ['id INTEGER', 'team TEXT', 'name TEXT']),
  table('users', ['user TEXT', 'home TEXT']),
  table('team_members', ['id INTEGER', 'member TEXT', 'team TEXT']),
];

/** Two people, of whom ann is in the red team; two jobs at a red site and a blue one. */
export const plan = (...profiles: readonly (readonly WorldProfile[])[]): WorldPlan => ({
  schema: schema(TABLES, PEOPLE), profiles,
  filling: ["INSERT INTO users VALUES('ann', 'hq'), ('7', 'hq')", "INSERT INTO team_members VALUES(1, 'ann', 'red')", "INSERT INTO site VALUES(1, 'red', 'a'), (2, 'blue', 'b')",
    "INSERT INTO job VALUES(1, 1, 'ann', '2026-11-21T12:00:00Z'), (2, 2, 'ann', '2026-11-22T12:00:00Z')"].map(sql),
});

export const TEAM_SITES = profile('team', { job: childOf('site', 'site'), site: team('team') });
export const OWN_JOBS = profile('own', { job: own('owner'), site: parentOf('job', 'site', 'site') });
const BOSS = profile('boss', { job: ALL }, { teams: ['boss'] });

/** All jobs without their owners are everybody's; the boss has the owners too. */
const PUBLIC: WorldProfile = { ...profile('public', {}), tables: { job: { rows: ALL, columns: ['site'], hidden: [], priority: 0, every: undefined, rights: undefined } } };

const sync = (device: number, answers = 12, pageRows = 7): SyncStep => ({ ...ONE_ANSWER, device, answers, pageRows });
const change = (...statements: readonly string[]): RulesStep[] => [transaction(...statements), EVALUATE];
const history = (of: WorldPlan, ...steps: readonly (RulesStep | readonly RulesStep[])[]): RulesHistory => ({ plan: of, steps: steps.flat() });

/** Positions at the beginning of every scope that there may be. */
const forge = (user: number): RulesStep[] => [1, 2, 3, 4, 5, 6].map((scope): RulesStep => ({ op: 'forge', device: user, user, numbers: [0, scope, 0, 0, 2, 0, scope, 0, 0, 2] }));

/** Device 0 and device 4 are ann's: with packs, and with the feed alone. Device 2 is somebody else's. */
export const KNOWN: Readonly<Record<string, RulesHistory>> = {
  'a row changes between plan and feed, and its pack is taken after the feed': history(plan([TEAM_SITES]), sync(0, 1), change("UPDATE site SET name = 'c'"), { ...sync(0, 2), latePacks: true }),
  'a team is joined and left': history(plan([TEAM_SITES]), sync(0), sync(4),
    change("INSERT INTO job VALUES(3, 2, NULL, NULL)", "INSERT INTO team_members VALUES(2, 'ann', 'blue')"), sync(0), sync(4, 1, 1), change('DELETE FROM team_members WHERE id = 1'), sync(4), sync(0, 2, 1)),
  'what came into a scope before the switch and after the last round is sent': history(plan([TEAM_SITES]), sync(4), change('INSERT INTO job VALUES(3, 1, NULL, NULL)', "INSERT INTO team_members VALUES(2, 'ann', 'blue')"), sync(4)),
  'a row leaves a scope and comes back in the round that takes it over': history(plan([BOSS, TEAM_SITES]), change("INSERT INTO team_members VALUES(2, 'ann', 'boss')"), sync(4),
    change('DELETE FROM team_members WHERE id = 2', "INSERT INTO site VALUES(3, 'red', 'x'), (4, 'red', 'x'), (5, 'red', 'x')"), sync(4, 1, 1),
    change("UPDATE site SET team = 'green' WHERE id = 1"), sync(4, 1, 1), change("UPDATE site SET team = 'red' WHERE id = 1"), sync(4)),
  'a row leaves a scope in the round that takes it over': history(plan([BOSS, TEAM_SITES]), change("INSERT INTO team_members VALUES(2, 'ann', 'boss')"), sync(4),
    change('DELETE FROM team_members WHERE id = 2', "INSERT INTO site VALUES(3, 'red', 'x'), (4, 'red', 'x'), (5, 'red', 'x')"), sync(4, 1, 1), change("UPDATE site SET team = 'green' WHERE id = 1"), sync(4)),
  'pages of one row': history(plan([TEAM_SITES]), change('INSERT INTO job VALUES(3, 1, NULL, NULL), (4, 1, NULL, NULL)'), sync(4, 20, 1), change('UPDATE job SET owner = NULL'), sync(4, 20, 1)),
  'rows of two people': history(plan([OWN_JOBS]), change("INSERT INTO users VALUES('Ann', NULL)", "INSERT INTO job VALUES(3, 1, 'Ann', NULL)"), sync(1), sync(4), sync(0)),
  'tombstones expire before a switch': history(plan([TEAM_SITES]), sync(0), change("INSERT INTO team_members VALUES(2, 'ann', 'blue')", 'DELETE FROM job WHERE id = 1'), { op: 'expire', keep: 0, idleMs: undefined },
    change("UPDATE site SET name = 'x'"), sync(0)),
  'tombstones expire': history(plan([TEAM_SITES]), sync(0), change('DELETE FROM job WHERE id = 1'), { op: 'expire', keep: 0, idleMs: undefined }, change("INSERT INTO job VALUES(3, 1, NULL, NULL)"), sync(0)),
  'other rules, and back': history(plan([TEAM_SITES], [OWN_JOBS]), sync(0), { op: 'reconfigure', set: 1, meanwhile: [] }, sync(0, 1, 1), { op: 'reconfigure', set: 0, meanwhile: [sql('DELETE FROM job WHERE id = 2')] }, sync(0)),
  'a person is no more, and comes back': history(plan([TEAM_SITES]), sync(0), change("DELETE FROM users WHERE user = 'ann'"), sync(0), change("INSERT INTO users VALUES('ann', NULL)"), sync(0)),
  'somebody asks with a token of another': history(plan([TEAM_SITES]), sync(0), sync(2), change("INSERT INTO job VALUES(3, 1, NULL, NULL)"), { op: 'steal', device: 0, user: 2 }),
  'somebody makes up positions in a scope of which rows left before': history(plan([TEAM_SITES]), sync(0), change('DELETE FROM job WHERE id = 1'), change("INSERT INTO team_members VALUES(2, '7', 'red')"), sync(2), forge(2)),
  'a pack with a column that only some people get shows others nothing of before': history(plan([PUBLIC, BOSS]), change("INSERT INTO team_members VALUES(2, 'ann', 'boss')"), sync(0),
    change('DELETE FROM job WHERE id = 1'), change("INSERT INTO team_members VALUES(3, '7', 'boss')"), sync(2), { op: 'probe', user: 2 }),
  'a pack with a column that a person gets later shows nothing of before': history(plan([{ ...PUBLIC, who: { users: [], teams: ['red'], units: [] } }, BOSS]),
    change("INSERT INTO team_members VALUES(2, 'ann', 'boss'), (3, '7', 'red')"), sync(0), sync(2), change('DELETE FROM job WHERE id = 1'), change("INSERT INTO team_members VALUES(4, '7', 'boss')"), sync(2), { op: 'probe', user: 2 }),
  'a pack of some people is not everybody\'s when its rule becomes so': history(plan([BOSS], [profile('all', { job: ALL })]), change("INSERT INTO team_members VALUES(2, 'ann', 'boss')"), sync(0),
    change('DELETE FROM job WHERE id = 1'), { op: 'reconfigure', set: 1, meanwhile: [] }, { op: 'probe', user: 2 }),
};
