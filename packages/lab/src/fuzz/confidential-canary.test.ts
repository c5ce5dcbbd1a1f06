import type { Lab } from '../lab.ts';
import type { LabServer } from '../actors/server.ts';
import { findCanaries, type Canary } from '../testing/canary.ts';
import type { Script, Timed } from './script.ts';

const MINUTE_MS = 60_000;

/** A device of Ann's that is well, on a fast network, in front all the time, at the service company. */
const calm = (events: readonly Timed[]) => ({ seed, platform }: Script): Script => ({
  seed, platform, ruleSet: 'carry-on', link: {}, os: {}, config: {}, lengthMs: 4 * MINUTE_MS, business: { kind: 'service' },
  events: [{ atMs: 0, event: { do: 'open' } }, ...events],
});
const write = (atMs: number, sql: string): Timed => ({ atMs, event: { do: 'write', sql } });

/** The server reads some changes of that table as if another row had changed. */
const overlooks = (what: RegExp) => ({ server }: Lab): void => {
  const change = server.write.bind(server);
  server.write = (sql) => {
    change(sql);
    if (what.test(sql)) change("UPDATE _carryon_outbox SET k0 = 'nobody' WHERE id = (SELECT max(id) FROM _carryon_outbox) AND t > 0");
  };
};

/** What is right is another thing than what the server's profile says, of one table. */
const means = (table: string, rows: string, columns?: readonly string[]) => ({ server }: Lab): void => {
  const { rights } = server;
  rights.profiles = rights.profiles.map((profile) => {
    const given = profile.tables[table];
    return given ? { ...profile, tables: { ...profile.tables, [table]: { ...given, rows, ...(columns ? { columns } : {}) } } } : profile;
  });
};

/** Whoever has the address of a pack gets it. */
function servesFormerPacks({ server }: Lab): void {
  const ask: LabServer['ask'] = server.ask.bind(server);
  server.ask = async (request) => ({ ...(await ask(request)), status: 200 });
}

const LEAVES = write(MINUTE_MS, "DELETE FROM people WHERE id = 'ann'");

const CANARIES: readonly Canary[] = [
  { what: 'a server that gives rows of a team to people outside of it', fault: { meddle: means('jobs', 'jobs.owner = :user') }, script: calm([]), checker: 'confidential' },
  { what: 'a server that gives away a column', fault: { meddle: means('jobs', "jobs.owner = :user OR jobs.team = 'north'", ['id', 'owner', 'state']) }, script: calm([]), checker: 'confidential' },
  { what: 'a server that gives the packs of a table to who has lost it', fault: { meddle: servesFormerPacks }, script: calm([LEAVES]), checker: 'confidential' },
  { what: 'a server that overlooks that somebody is nobody any more', fault: { meddle: overlooks(/FROM people/) }, script: calm([LEAVES]), checker: 'share' },
  { what: 'a server that overlooks that somebody has left a team', fault: { meddle: overlooks(/FROM members/) }, script: calm([write(MINUTE_MS, "DELETE FROM members WHERE person = 'ann' AND team = 'north'")]), checker: 'snapshot' },
];

findCanaries(CANARIES);
