import { describe, expect, it, vi } from 'vitest';
import type { PackSpec } from '@carryon/protocol';
import type { Grant } from '../ports/storage.ts';
import { ModelDevice, rowText } from '../testing/model-device.ts';
import { TEAMS_PROFILE, TEAMS_SQL, teamShare } from '../testing/teams.ts';
import { openToken, tokenOf, withApp, type Answer, type AppOptions, type TempApp } from '../testing/temp-app.ts';

const withTeams = (work: (app: TempApp) => Promise<void>, options: AppOptions = {}): Promise<void> => withApp(work, { sql: TEAMS_SQL, profile: [TEAMS_PROFILE], ...options });

const kinds = ({ frames }: Answer): string[] => frames.map((frame) => (0 in frame ? frame[0] : Object.keys(frame)[0] ?? ''));

interface Sent { readonly device: ModelDevice; readonly packs: PackSpec[] }

/** Asks until the device has a commit and nothing is missing; gives the answers' kinds of frames and the packs that were planned. */
async function follow({ ask, app }: TempApp, device: ModelDevice, body: object = {}): Promise<Sent & { readonly kinds: string[] }> {
  const found: string[] = [];
  const packs: PackSpec[] = [];
  for (let answers = 0; answers < 20; answers++) {
    const answer = await ask(device.user, { token: device.token, ...body });
    found.push(...kinds(answer));
    for (const frame of answer.frames) {
      device.take(frame);
      if (!('plan' in frame)) continue;
      device.takePlan(frame);
      packs.push(...frame.plan.packs);
      for (const spec of frame.plan.packs) {
        const { statusCode, rawPayload } = await app.inject({ method: 'GET', url: spec.url });
        expect(statusCode).toBe(200);
        device.takePack(spec, rawPayload);
      }
    }
    if (answer.frames.some((frame) => 'commit' in frame)) return { device, packs, kinds: found };
  }
  return expect.fail('the device never gets a commit');
}

const download = (bench: TempApp, user: string): ReturnType<typeof follow> => follow(bench, new ModelDevice(user, []));

function expectShare({ business }: TempApp, device: ModelDevice): void {
  expect(device.isCommitted).toBe(true);
  for (const { id, name } of device.specs) expect((device.rows(id) ?? []).map(({ values }) => rowText(values)).sort(), `${name} of ${device.user}`).toEqual(teamShare(business, name, device.user));
}

const status = async ({ app }: TempApp, url: string): Promise<number> => (await app.inject({ method: 'GET', url })).statusCode;
const statuses = (bench: TempApp, packs: readonly PackSpec[]): Promise<number[]> => Promise.all(packs.map(({ url }) => status(bench, url)));
const holding = (packs: readonly PackSpec[], table: number): PackSpec => packs.find(({ parts }) => parts.some((part) => part.table === table)) ?? expect.fail('no pack holds the table');

describe('what people get', () => {
  it('I1 I12 S84 is theirs: by plan and packs, then by what changes', () => withTeams(async (bench) => {
    const devices = await Promise.all(['ann', 'bob', 'eve'].map(async (user) => (await download(bench, user)).device));
    for (const device of devices) expectShare(bench, device);
    bench.business.exec("INSERT INTO member VALUES('eve', 'north'), ('ann', 'south'); DELETE FROM member WHERE person = 'bob'; UPDATE job SET owner = 'eve' WHERE id = 3; DELETE FROM job WHERE id = 5");
    await bench.publish();
    for (const device of devices) {
      await follow(bench, device);
      expectShare(bench, device);
    }
  }));

  it('S84 S32 people with the same teams share scopes and packs', () => withTeams(async (bench) => {
    bench.business.exec("DELETE FROM job WHERE owner IS NOT NULL; DELETE FROM person; INSERT INTO person VALUES('ann'), ('bob'), ('eve'); INSERT INTO member VALUES('eve', 'north')");
    await bench.publish();
    const [ann, eve] = [await bench.entitlement('ann'), await bench.entitlement('eve')];
    expect(eve.shares.find(({ table }) => table.name === 'job')?.scope.id).toBe(ann.shares.find(({ table }) => table.name === 'job')?.scope.id);
    const packs = async (user: string): Promise<string[]> => (await bench.plan(user)).packs.map(({ name }) => name);
    expect(await packs('eve')).toEqual(await packs('ann'));
  }, { profile: [{ ...TEAMS_PROFILE, tables: { ...TEAMS_PROFILE.tables, job: { rows: { team: 'team' } } } }] }));
});

describe('tables of people', () => {
  const sql = TEAMS_SQL.replace('member(person TEXT, team TEXT, PRIMARY KEY(person, team))', 'member(id INTEGER PRIMARY KEY, person TEXT, team TEXT)').replace('INSERT INTO member VALUES', 'INSERT INTO member(person, team) VALUES');

  it('S84 S60 I1 are looked at as they are at the checkpoint, also in columns that are sent to nobody, and wake those who wait', () => withTeams(async (bench) => {
    const { device } = await download(bench, 'ann');
    const answer = bench.ask('ann', { token: device.token, waitSeconds: 30 });
    await vi.waitFor(() => expect(bench.clock.timers).toBe(1));
    bench.business.exec("UPDATE member SET team = 'south' WHERE person = 'ann'");
    await bench.publish();
    expect(kinds(await answer)).toContain('P');
    await follow(bench, device);
    expectShare(bench, device);
    bench.business.exec("UPDATE member SET person = 'ann' WHERE person = 'bob' AND team = 'north'");
    await bench.publish();
    await follow(bench, device);
    expectShare(bench, device);
  }, { sql }));
});

describe('a person without tables', () => {
  it('S90 gets an empty list and a commit, waits, and is woken when there are tables', () => withTeams(async (bench) => {
    const device = new ModelDevice('zoe', []);
    const first = await follow(bench, device);
    expect([first.kinds, device.specs]).toEqual([['header', 'tables', 'commit'], []]);
    const answer = bench.ask('zoe', { token: device.token, waitSeconds: 30 });
    await vi.waitFor(() => expect(bench.clock.timers).toBe(1));
    bench.business.exec("INSERT INTO person VALUES('zoe')");
    await bench.publish();
    expect(kinds(await answer)).toContain('plan');
    await follow(bench, device);
    expectShare(bench, device);
  }));

  it('S90 S41 who was deleted has all taken away in the next round, also while waiting, and old addresses of packs serve nothing', () => withTeams(async (bench) => {
    const { device, packs } = await download(bench, 'ann');
    expect(await statuses(bench, packs)).toEqual(packs.map(() => 200));
    const answer = bench.ask('ann', { token: device.token, waitSeconds: 30 });
    await vi.waitFor(() => expect(bench.clock.timers).toBe(1));
    bench.business.exec("DELETE FROM person WHERE id = 'ann'");
    await bench.publish();
    expect(kinds(await answer)).toEqual(['header', 'tables', 'commit']);
    for (const frame of (await answer).frames) device.take(frame);
    expect(device.specs).toEqual([]);
    expect(await statuses(bench, packs)).toEqual(packs.map(() => 403));
    expect((await bench.ask('ann', { urls: packs.map(({ name }) => name) })).frames.at(-1)).toEqual({ urls: packs.map(() => '') });
  }));

  it('S90 S88 who comes back begins anew: what they had ended when they were answered last', () => withTeams(async (bench) => {
    const grants = (): Promise<readonly Grant[]> => bench.storage.read((snapshot) => snapshot.grants('ann'));
    await download(bench, 'ann');
    const before = await grants();
    expect(before.map(({ until }) => until)).toEqual([undefined, undefined, undefined]);
    bench.business.exec("DELETE FROM person WHERE id = 'ann'");
    await bench.publish();
    await bench.ask('ann');
    const { checkpoint } = await bench.storage.read((snapshot) => snapshot.state());
    expect((await grants()).map(({ until }) => until)).toEqual([checkpoint, checkpoint, checkpoint]);
    bench.business.exec("INSERT INTO person VALUES('ann')");
    await bench.publish();
    await bench.ask('ann');
    for (const { since, until } of await grants()) expect([since > checkpoint, until]).toEqual([true, undefined]);
  }));

  it('S90 S41 before they ask again, too', () => withTeams(async (bench) => {
    const { packs } = await download(bench, 'ann');
    bench.business.exec("DELETE FROM person WHERE id = 'ann'");
    await bench.publish();
    expect(await statuses(bench, packs)).toEqual(packs.map(() => 403));
  }));
});

describe('packs', () => {
  it('S41 I12 of a former scope are not served any more, those of the present one are', () => withTeams(async (bench) => {
    const { device, packs } = await download(bench, 'bob');
    bench.business.exec("DELETE FROM member WHERE person = 'bob' AND team = 'south'");
    await bench.publish();
    const [jobs, parts] = [holding(packs, idOf(bench, 'job')), holding(packs, idOf(bench, 'part'))];
    expect([await status(bench, jobs.url), await status(bench, parts.url)]).toEqual([403, 200]);
    expect((await bench.ask('bob', { urls: [jobs.name, parts.name] })).frames.at(-1)).toEqual({ urls: ['', expect.stringContaining(parts.name)] });
    await follow(bench, device);
    expectShare(bench, device);
    const again = (await download(bench, 'bob')).packs;
    expect(await status(bench, holding(again, idOf(bench, 'job')).url)).toBe(200);
  }));

  it('S41 of people with other attributes, or with the same but other columns, are nobody else\'s', () => withTeams(async (bench) => {
    const { packs } = await download(bench, 'ann');
    const jobs = holding(packs, idOf(bench, 'job'));
    const sign = (name: string, user: string): string => bench.context.urls.sign({ name, user }, bench.clock.nowMs() + 1000);
    for (const user of ['bob', 'eve', 'zoe', '', 'ann ']) expect(await status(bench, sign(jobs.name, user)), user).toBe(403);
    expect(await status(bench, sign(jobs.name, 'ann'))).toBe(200);
  }));

  it('S91 I12 made before a person came are theirs only if nothing in them has changed since', () => withTeams(async (bench) => {
    const first = holding((await bench.plan('bob')).packs, idOf(bench, 'job'));
    bench.business.exec("INSERT INTO person VALUES('tim')");
    await bench.publish();
    const join = "INSERT INTO member VALUES('tim', 'north'), ('tim', 'south')";
    bench.business.exec(`UPDATE job SET v = 'old secret' WHERE id = 1`);
    await bench.publish();
    const old = holding((await bench.plan('bob')).packs, idOf(bench, 'job'));
    expect(old.name, 'one changed row does not make a pack anew').toBe(first.name);
    bench.business.exec(join);
    await bench.publish();
    const tims = holding((await bench.plan('tim')).packs, idOf(bench, 'job'));
    expect(tims.name).not.toBe(old.name);
    const sign = (name: string): string => bench.context.urls.sign({ name, user: 'tim' }, bench.clock.nowMs() + 1000);
    expect([await status(bench, sign(old.name)), await status(bench, sign(tims.name))]).toEqual([403, 200]);
    expect((await bench.ask('tim', { urls: [old.name, tims.name] })).frames.at(-1)).toEqual({ urls: ['', expect.stringContaining(tims.name)] });
    expect(holding((await bench.plan('bob')).packs, idOf(bench, 'job')).name, 'who was there before goes on with the newest').toBe(tims.name);
  }, { profile: [{ ...TEAMS_PROFILE, tables: { job: { rows: { team: 'team' } } } }] }));

  it('S91 S32 made before a person came are theirs when nothing has changed', () => withTeams(async (bench) => {
    const first = holding((await bench.plan('bob')).packs, idOf(bench, 'job'));
    bench.business.exec("INSERT INTO person VALUES('tim'); INSERT INTO member VALUES('tim', 'north'), ('tim', 'south')");
    await bench.publish();
    const { packs, kinds: found, device } = await download(bench, 'tim');
    expect(holding(packs, idOf(bench, 'job')).name).toBe(first.name);
    expect(found, 'the pack is exact at the checkpoint when he came').not.toContain('live');
    expect(device.rows(idOf(bench, 'job'))).toHaveLength(12);
  }, { profile: [{ ...TEAMS_PROFILE, tables: { job: { rows: { team: 'team' } } } }] }));
});

describe('tokens', () => {
  it('S85 I12 P9 of another person are worth nothing: a plan of the own share follows', () => withTeams(async (bench) => {
    const bob = (await download(bench, 'bob')).device;
    bench.business.exec("UPDATE job SET v = 'news of south' WHERE id = 2");
    await bench.publish();
    const answer = await bench.ask('ann', { token: bob.token });
    const { plan } = answer.frames.find((frame) => 'plan' in frame) ?? expect.fail('there is no plan');
    expect(answer.text).not.toContain('south');
    const fresh = (await bench.plan('ann')).packs.map(({ name }) => name);
    expect(plan.tables.map(({ name }) => name), 'parts are everybody\'s').toEqual(['job', 'note']);
    expect(plan.packs.map(({ name }) => name).filter((name) => !fresh.includes(name))).toEqual([]);
  }));

  it('S85 I1 of a scope that is long forgotten get a plan', () => withTeams(async (bench) => {
    const { device } = await download(bench, 'ann');
    bench.business.exec("DELETE FROM member WHERE person = 'ann'");
    await bench.publish();
    await bench.entitlement('ann');
    await bench.storage.expire(0, 1e15);
    const { kinds: found } = await follow(bench, device);
    expect(found).toContain('plan');
    expectShare(bench, device);
  }));
});

describe('tables of profiles that a person does not have', () => {
  const profile = [TEAMS_PROFILE, { version: 1, name: 'Chiefs', who: { users: ['bob'] }, tables: { salary: { rights: ['create', 'read', 'update', 'delete'] } } }];
  const sql = `${TEAMS_SQL} CREATE TABLE salary(id INTEGER PRIMARY KEY, v); INSERT INTO salary VALUES(1, 'secret'), (2, 'secret')`;

  it('S83 S88 I12 are as if they were not there, whatever is asked', () => withTeams(async (bench) => {
    const [bob, { device }] = [await download(bench, 'bob'), await download(bench, 'ann')];
    const table = idOf(bench, 'salary');
    const nowhere = 77;
    const { specs, tables } = openToken(bob.device.token ?? '');
    const stolen = tables.get(table) ?? expect.fail('bob has no salaries');
    expect(device.specs.map(({ name }) => name)).not.toContain('salary');
    const withEntry = (id: number): string => tokenOf('id-2', specs, [stolen.form, id, stolen.at, stolen.scope]);
    const questions = (id: number): object[] => [
      { token: device.token, tables: [id] }, { token: device.token, fresh: [id] }, { token: null, tables: [id], fresh: [id] }, { token: withEntry(id), tables: [id] },
      { token: withEntry(id), check: { table: id, width: 10, ranges: [] } }, { token: device.token, check: { table: id, width: 10, ranges: [] } },
    ];
    for (const [i, body] of questions(table).entries()) {
      const [answer, other] = [await bench.ask('ann', body), await bench.ask('ann', questions(nowhere)[i])];
      expect(answer.text, JSON.stringify(body)).not.toMatch(/secret|salary/);
      expect(answer.text.replaceAll(String(table), 'ID')).toBe(other.text.replaceAll(String(nowhere), 'ID').replaceAll(String(table), 'ID'));
    }
    const packs = bob.packs.filter(({ parts }) => parts.some((part) => part.table === table));
    expect((await bench.ask('ann', { urls: packs.map(({ name }) => name) })).frames.at(-1)).toEqual({ urls: [''] });
  }, { sql, profile }));

  it('S83 S77 I12 cannot be written either, nor be told apart from none', () => withTeams(async (bench) => {
    const changes = (name: string): object => ({
      tables: [], push: {
        known: 0, tables: [{ name, columns: ['id', 'v'], key: [0] }],
        changesets: [{ seq: 1, changes: [{ op: 'delete', table: 0, key: [1] }] }, { seq: 2, changes: [{ op: 'update', table: 0, key: [2], set: [[1, 'secret', 'x']] }] }, { seq: 3, changes: [{ op: 'insert', table: 0, key: [3], set: [[1, 'x']] }] }],
      },
    });
    const codes = ({ frames }: Answer): unknown => frames.flatMap((frame) => ('pushed' in frame ? frame.pushed.outcomes.map(({ refused }) => refused?.code) : []));
    const [known, unknown] = [await bench.ask('ann', changes('salary')), await bench.ask('eve', changes('nothing'))];
    expect(codes(known)).toEqual(['write.unknown', 'write.unknown', 'write.unknown']);
    expect(codes(unknown)).toEqual(codes(known));
    expect(bench.business.prepare('SELECT count(*) AS n FROM salary WHERE v = ?').get('secret')).toMatchObject({ n: 2 });
  }, { sql, profile }));
});

describe('live profiles', () => {
  const readers = { ...TEAMS_PROFILE, tables: { ...TEAMS_PROFILE.tables, part: { priority: 6, every: 30 } } };

  it('S89 P24 what has changed of the tables is told before anything else, once', () => withTeams(async (bench) => {
    const { device } = await download(bench, 'ann');
    await bench.reconfigure([readers]);
    const answer = await follow(bench, device);
    expect(answer.kinds).toEqual(['header', 'tables', 'commit']);
    expect(device.specs.find(({ name }) => name === 'part')?.everyMinutes).toBe(30);
    expect((await follow(bench, device)).kinds).toEqual(['header', 'commit']);
    expectShare(bench, device);
  }));

  it('S89 wakes those who wait', () => withTeams(async (bench) => {
    const { device } = await download(bench, 'ann');
    const answer = bench.ask('ann', { token: device.token, waitSeconds: 30 });
    await vi.waitFor(() => expect(bench.clock.timers).toBe(1));
    await bench.reconfigure([readers]);
    expect(kinds(await answer)).toEqual(['header', 'tables', 'commit']);
  }));

  it('S85 S89 a table of another form comes by a plan, the others go on; one that is gone is given up', () => withTeams(async (bench) => {
    const { device } = await download(bench, 'ann');
    const note = idOf(bench, 'note');
    await bench.reconfigure([{ ...TEAMS_PROFILE, tables: { job: { ...TEAMS_PROFILE.tables.job, columns: ['id', 'v'] }, part: {} } }]);
    bench.business.exec("INSERT INTO part VALUES(3, 'washer')");
    await bench.publish();
    const { packs, kinds: found } = await follow(bench, device);
    expect(found.filter((kind) => kind === 'tables')).toHaveLength(1);
    expect(packs.flatMap(({ parts }) => parts.map(({ table }) => table))).toEqual([idOf(bench, 'job')]);
    expect(device.rows(note)).toBeUndefined();
    expect(device.specs.map(({ name }) => name)).toEqual(['job', 'part']);
    expect(device.specs[0]?.columns.map(({ name }) => name)).toEqual(['id', 'owner', 'team', 'v']);
    expect(device.isCommitted).toBe(true);
  }, { profile: [{ ...TEAMS_PROFILE, tables: { ...TEAMS_PROFILE.tables, job: { ...TEAMS_PROFILE.tables.job, columns: ['id'] } } }] }));

  it('S86 I1 another filter sends only what differs', () => withTeams(async (bench) => {
    const { device } = await download(bench, 'ann');
    await bench.reconfigure([{ ...TEAMS_PROFILE, tables: { part: { rows: { filter: "v ne 'nut'" } } } }]);
    const { kinds: found } = await follow(bench, device);
    expect(found).toEqual(['header', 'tables', 'table', 'R', 'commit']);
    expect(device.specs.map(({ id }) => device.rows(id)?.length)).toEqual([1]);
    await bench.reconfigure([TEAMS_PROFILE]);
    await follow(bench, device);
    expectShare(bench, device);
  }));

  it('S83 I1 a profile that a person gets besides brings its rows, and takes them with it again', () => withTeams(async (bench) => {
    const { device } = await download(bench, 'eve');
    const more = { version: 1, name: 'Chiefs', who: { users: ['eve'] }, tables: { job: { rows: 'all' }, part: {} } };
    await bench.reconfigure([TEAMS_PROFILE, more]);
    await follow(bench, device);
    expect(device.rows(idOf(bench, 'job'))).toHaveLength(24);
    await bench.reconfigure([TEAMS_PROFILE]);
    await follow(bench, device);
    expectShare(bench, device);
  }));
});

describe('claims', () => {
  const profile = [{ version: 1, people: { claims: { teams: 'groups' } }, tables: { job: { rows: { team: 'team' } } } }];

  it('S93 S41 say who belongs to which team; addresses of packs go by those of the last token', () => withTeams(async (bench) => {
    const claims = bench.claims;
    const { device, packs } = await download(bench, 'ann');
    expect(device.rows(idOf(bench, 'job'))).toHaveLength(6);
    claims['ann'] = { groups: ['north', 'south'] };
    expect(await statuses(bench, packs), 'nothing was asked with the new token yet').toEqual([200]);
    await follow(bench, device);
    expect(device.rows(idOf(bench, 'job'))).toHaveLength(12);
    expect(await statuses(bench, packs)).toEqual([403]);
    claims['ann'] = { groups: ['south', 'north', 'north'] };
    await follow(bench, device);
    expect(await bench.storage.read((snapshot) => snapshot.claims('ann')), 'also when they mean the same').toEqual({ teams: ['south', 'north', 'north'] });
    claims['ann'] = {};
    await follow(bench, device);
    expect(device.rows(idOf(bench, 'job'))).toEqual([]);
    expect(openToken(device.token ?? '').tables.size).toBe(1);
  }, { profile, claims: { ann: { groups: ['north'] } } }));
});

const idOf = ({ config }: TempApp, name: string): number => config().tables.find((table) => table.name === name)?.id ?? expect.fail(`no table ${name}`);
