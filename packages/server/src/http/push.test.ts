import { CarryonError, type PushedFrame } from '@carryon/protocol';
import { describe, expect, it, vi } from 'vitest';
import { pushOf, type NamedChange } from '../testing/edits.ts';
import { commitsOf, SECRET, tokenOf, withApp, type Answer, type TempApp } from '../testing/temp-app.ts';
import { signToken } from './auth.ts';

const RIGHTS = ['create', 'read', 'update', 'delete'];
const PROFILE = { item: { rights: RIGHTS }, job: { rows: { own: 'owner' }, rights: RIGHTS, conflicts: 'detect' } };

const withEdits = (work: (app: TempApp) => Promise<void>): Promise<void> => withApp(work, { profile: PROFILE });
const kinds = ({ frames }: Answer): string[] => frames.map((frame) => (0 in frame ? frame[0] : Object.keys(frame)[0] ?? ''));
const pushedOf = ({ frames }: Answer): PushedFrame['pushed'] => frames.find((frame) => 'pushed' in frame)?.pushed ?? expect.fail('there is no pushed frame');
const v = (id: number, from: unknown, to: unknown): NamedChange => ({ update: 'job', key: [id], set: { v: [from, to] }, base: { owner: 'ann' } });
const MINE = v(1, 'of ann', 'edited');
const THEIRS = v(2, 'of bob', 'edited');

/** A token that has read everything so far. */
async function current({ ask, tokenAt }: TempApp, user = 'ann'): Promise<string> {
  return commitsOf(await ask(user, { token: await tokenAt(user, 0) })).at(-1)?.token ?? expect.fail('no commit');
}

describe('a request with edits', () => {
  it('S81 P20 P21 has them taken in first: the answer tells their outcomes, and the rows as they are then', () => withEdits(async (app) => {
    const token = await current(app);
    const answer = await app.ask('ann', { token, push: pushOf(app.tables, [[MINE], [THEIRS]]) });
    expect(kinds(answer).slice(0, 2)).toEqual(['header', 'pushed']);
    expect(pushedOf(answer)).toEqual({ last: 2, ledger: expect.any(String) as string, outcomes: [{ seq: 2, refused: { code: 'write.not-found', message: expect.any(String) as string, change: 0, error: 'device:2' } }] });
    expect(answer.frames.filter((frame) => 0 in frame && frame[0] === 'P').map((frame) => Object.values(frame).slice(3))).toEqual([[1, 'ann', 'edited'], expect.arrayContaining(['device:2', 'write.not-found'])].toReversed());
    expect(commitsOf(answer).map(({ ack }) => ack)).toEqual([2, 2]);
    expect(app.business.prepare('SELECT v FROM job ORDER BY id').all()).toMatchObject([{ v: 'edited' }, { v: 'of bob' }, { v: 'of ann too' }]);
  }));

  it('S81 of which only the outcomes are wanted has no other answer', () => withEdits(async (app) => {
    const answer = await app.ask('ann', { tables: [], push: pushOf(app.tables, [[MINE]]) });
    expect(kinds(answer)).toEqual(['header', 'pushed']);
    expect(pushedOf(answer)).toEqual({ last: 1, ledger: expect.any(String) as string, outcomes: [] });
  }));

  it.each([
    ['a plan', { token: null }, ['header', 'pushed', 'building']], ['addresses', { urls: [] }, ['header', 'pushed', 'urls']],
    ['a check', { check: { table: 2, width: 10, ranges: [] } }, ['header', 'pushed', 'table']],
  ] as const)('S81 P20 may ask for %s besides', (_, body, wanted) => withEdits(async (app) => {
    const answer = await app.ask('ann', { token: await app.tokenAt('ann', 0), ...body, push: pushOf(app.tables, [[MINE]]) });
    const found = kinds(answer);
    expect(found.slice(0, 2)).toEqual(wanted.slice(0, 2));
    if (wanted[2] !== 'building') expect(found[2]).toBe(wanted[2]);
    else expect(found).toContain('plan');
    expect(app.business.prepare('SELECT v FROM job WHERE id = 1').get()).toMatchObject({ v: 'edited' });
  }));

  it('S81 P21 commits of checks tell how far the edits are, as those of later answers do', () => withEdits(async (app) => {
    await app.ask('ann', { tables: [], push: pushOf(app.tables, [[MINE]]) });
    const token = await current(app);
    expect(commitsOf(await app.ask('ann', { token, check: { table: 2, width: 10, ranges: [] } })).map(({ ack }) => ack)).toEqual([1]);
    expect(commitsOf(await app.ask('ann', { token })).map(({ ack }) => ack)).toEqual([1]);
    expect(commitsOf(await app.ask('ann', { token, device: 'tablet' })).map(({ ack }) => ack)).toEqual([undefined]);
    expect(commitsOf(await app.ask('bob', { token, tables: [1] })).map(({ ack }) => ack)).toEqual([undefined]);
  }));

  it('S81 is answered at once, and those who wait hear of its changes', () => withEdits(async (app) => {
    const { ask, context } = app;
    const [ann, bob] = [await current(app), await current(app, 'bob')];
    let waiting = 0;
    const next = context.changes.next.bind(context.changes);
    context.changes.next = (ms) => { waiting++; return next(ms); };
    const waits = ask('bob', { token: bob, waitSeconds: 50 });
    await vi.waitFor(() => expect(waiting).toBe(1));
    const answer = await ask('ann', { token: ann, waitSeconds: 50, push: pushOf(app.tables, [[{ update: 'item', key: [1], set: { v: ['value 1', 'new'] } }]]) });
    expect(commitsOf(answer).at(-1)?.ack).toBe(1);
    expect((await waits).frames.filter((frame) => 0 in frame)).toEqual([['P', 1, expect.any(Number), 1, 'new']]);
    expect(waiting).toBe(1);
  }));

  it('S81 S80 that change nothing are news for the device\'s other request alone', () => withEdits(async (app) => {
    const { ask, context } = app;
    const [ann, bob] = [await current(app), await current(app, 'bob')];
    let waiting = 0;
    const next = context.changes.next.bind(context.changes);
    context.changes.next = (ms) => { waiting++; return next(ms); };
    const waits = [ask('ann', { token: ann, waitSeconds: 50 }), ask('bob', { token: bob, waitSeconds: 50 })] as const;
    await vi.waitFor(() => expect(waiting).toBe(2));
    await ask('ann', { tables: [], push: pushOf(app.tables, [[v(1, 'of ann', 'of ann')]]) });
    expect(commitsOf(await waits[0]).map(({ ack }) => ack)).toEqual([1]);
    await vi.waitFor(() => expect(waiting).toBe(3));
    app.clock.pass(50_000);
    expect(commitsOf(await waits[1])).toHaveLength(1);
  }));

  it('S24 S47 S81 that is refused as a whole takes nothing in', () => withEdits(async (app) => {
    const push = pushOf(app.tables, [[MINE]]);
    const token = await app.tokenAt('ann', 0);
    const refused: [object, string][] = [
      [{ token: tokenOf('another', '', ['f', 1, 0, 1]), push }, 'epoch.changed'], [{ token: 'abc', push }, 'protocol.bad-request'], [{ push: { ...push, known: -1 } }, 'protocol.bad-request'],
      [{ push: { ...push, changesets: [{ seq: 1, changes: [{ op: 'drop', table: 0, key: [] }] }] } }, 'protocol.bad-request'],
      [{ token, push, check: { table: 9, width: 1, ranges: [] } }, 'protocol.bad-request'],
    ];
    for (const [body, code] of refused) expect(await app.ask('ann', body), code).toMatchObject({ code });
    expect(app.business.prepare('SELECT v FROM job WHERE id = 1').get()).toMatchObject({ v: 'of ann' });
  }));

  it('S72 S47 meets a locked business database with a code that devices try again at', () => withEdits(async (app) => {
    app.business.exec('BEGIN IMMEDIATE');
    expect(await app.ask('ann', { push: pushOf(app.tables, [[MINE]]) })).toMatchObject({ status: 503, code: 'source.locked' });
    app.business.exec('ROLLBACK');
  }));

  it('S61 is counted by what became of its changesets', () => withEdits(async (app) => {
    for (let i = 0; i < 2; i++) await app.ask('ann', { tables: [], push: pushOf(app.tables, [[MINE], [THEIRS], []]) });
    const { payload } = await app.app.inject({ method: 'GET', url: '/metrics' });
    expect(payload).toMatch(/^carryon_changesets_total\{result="accepted"\} 2$/m);
    expect(payload).toMatch(/^carryon_changesets_total\{result="refused"\} 1$/m);
  }));

  it('S70 takes a thousand edits in at once', () => withEdits(async (app) => {
    const many = Array.from({ length: 1000 }, (_, i): NamedChange[] => [{ insert: 'item', key: [-1 - i], set: { v: `new ${i}` } }]);
    const pushed = pushedOf(await app.ask('ann', { tables: [], push: pushOf(app.tables, many) }));
    expect([pushed.last, pushed.outcomes.length, pushed.outcomes.at(-1)]).toEqual([1000, 1000, { seq: 1000, keys: [{ table: 'item', temporary: -1000, key: 1100 }] }]);
    expect(app.business.prepare('SELECT count(*) AS n FROM item').get()).toMatchObject({ n: 1100 });
  }));
});

describe('a business database that the rules do not fit', () => {
  it('S95 S81 has edits refused for now, and the log says nothing of it: that was said before', () => withEdits(async (app) => {
    const token = await current(app);
    app.business.exec('ALTER TABLE job DROP COLUMN v');
    const answered = async (): Promise<unknown[]> => {
      const { status, code, headers } = await app.ask('ann', { token, push: pushOf(app.tables, [[MINE]]) });
      return [status, code, Number(headers['retry-after'])];
    };
    expect(await answered(), 'while they are being fitted').toEqual([503, 'server.preparing', 1]);
    app.context.health.trouble = new CarryonError('source.schema-changed', 'The table "job" lacks a column.');
    expect(await answered()).toEqual([503, 'server.unavailable', 30]);
    expect([app.log.filter((line) => line.includes('a request failed')), (await app.ask('ann', { token })).status]).toEqual([[], 200]);
  }));
});

describe('GET /v1/errors', () => {
  const errors = async (app: TempApp, user: string, query = '', admin = false): Promise<unknown> => {
    const authorization = `Bearer ${await signToken(SECRET, user, app.clock.nowMs(), 60_000, { admin })}`;
    const { statusCode, payload } = await app.app.inject({ method: 'GET', url: `/v1/errors${query}`, headers: { authorization } });
    const body = JSON.parse(payload) as { errors?: { id: string; owner: string }[]; error?: { code: string } };
    return body.errors?.map(({ id, owner }) => `${owner} ${id}`) ?? [statusCode, body.error?.code];
  };

  it('S82 tells a person\'s own refused edits, and an admin everybody\'s', () => withEdits(async (app) => {
    await app.ask('ann', { tables: [], push: pushOf(app.tables, [[THEIRS]]) });
    app.clock.pass(1000);
    await app.ask('bob', { tables: [], device: 'tablet', push: pushOf(app.tables, [[MINE]]) });
    expect(await errors(app, 'ann')).toEqual(['ann device:1']);
    expect(await errors(app, 'ann', '?user=ann')).toEqual(['ann device:1']);
    expect(await errors(app, 'eve')).toEqual([]);
    expect(await errors(app, 'eve', '', true)).toEqual(['bob tablet:1', 'ann device:1']);
    expect(await errors(app, 'eve', '?user=bob', true)).toEqual(['bob tablet:1']);
    expect(await errors(app, 'ann', '?user=bob')).toEqual([403, 'auth.forbidden']);
    expect(await errors(app, 'eve', '?user=a&user=b', true)).toEqual([400, 'protocol.bad-request']);
  }));

  it('S45 S46 carries a token, and counts as a request', () => withEdits(async (app) => {
    const answer = await app.app.inject({ method: 'GET', url: '/v1/errors' });
    expect([answer.statusCode, (answer.json() as { error: { code: string } }).error.code]).toEqual([401, 'auth.missing']);
  }));
});
