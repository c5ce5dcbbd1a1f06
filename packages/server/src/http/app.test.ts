import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { CarryonError, ERRORS, PROTOCOL_VERSION } from '@carryon/protocol';
import { LIMITS } from '../core/limits.ts';
import type { Storage } from '../ports/storage.ts';
import { commitsOf, openToken, tokenOf, withApp } from '../testing/temp-app.ts';

const EPOCH = 'id-2';

describe('questions about data', () => {
  it('S45 carry a token', async () => {
    await withApp(async ({ post, ask }) => {
      const body = { v: PROTOCOL_VERSION, device: 'd', token: null, accept: ['gzip'] };
      expect(await post(body)).toMatchObject({ status: 401, code: 'auth.missing' });
      expect(await post(body, { authorization: 'Bearer abc' })).toMatchObject({ status: 401, code: 'auth.invalid' });
      expect(await ask('ann')).toMatchObject({ status: 200, headers: { 'content-type': expect.stringContaining('application/x-ndjson') as string } });
    });
  });

  it('S46 are bounded in size', async () => {
    await withApp(async ({ ask }) => {
      expect(await ask('ann', { device: 'x'.repeat(LIMITS.requestBytes) })).toMatchObject({ status: 400, code: 'protocol.bad-request' });
      expect(await ask('ann', { urls: Array.from({ length: 10_001 }, () => 'x') })).toMatchObject({ status: 400, code: 'protocol.bad-request' });
      expect(await ask('ann', { tables: Array.from({ length: 10_001 }, () => 1) })).toMatchObject({ status: 400, code: 'protocol.bad-request' });
    });
  });

  it('S46 are bounded in number per person, and are told when to come back', async () => {
    await withApp(async ({ ask, clock }) => {
      for (let i = 0; i < LIMITS.requestsPerMinute; i += 100) await Promise.all(Array.from({ length: 100 }, () => ask('ann', { urls: [] })));
      clock.pass(59_500);
      expect(await ask('ann')).toMatchObject({ status: 429, code: 'server.busy', headers: { 'retry-after': '1' } });
      expect((await ask('bob')).status).toBe(200);
      clock.pass(500);
      expect((await ask('ann')).status).toBe(200);
    });
  });

  it('S47 that are no JSON or have another form are refused with what is wrong', async () => {
    await withApp(async (app) => {
      const { ask, post, context } = app;
      const authorization = await app.authorization('ann');
      for (const text of ['', '{', 'null', '[]', '"a"', '1', '{}', '{"__proto__":{"v":1}}', '{"v":1}']) {
        expect(await post(text, { authorization }), text).toMatchObject({ status: 400, code: 'protocol.bad-request' });
      }
      expect(await post('v=1', { authorization, 'content-type': 'application/x-www-form-urlencoded' })).toMatchObject({ status: 400, code: 'protocol.bad-request' });
      const wrong: [object, string][] = [
        [{ v: '1' }, 'v '], [{ v: 1.5 }, 'v '], [{ device: 7 }, 'device'], [{ device: undefined }, 'device'], [{ token: 5 }, 'token'], [{ accept: 'gzip' }, 'accept'], [{ accept: ['br'] }, 'accept[0]'],
        [{ tables: {} }, 'tables'], [{ tables: [-1] }, 'tables[0]'], [{ tables: ['1'] }, 'tables[0]'], [{ fresh: [1.5] }, 'fresh[0]'], [{ urls: [null] }, 'urls[0]'], [{ waitSeconds: -1 }, 'waitSeconds'],
        [{ waitSeconds: 1e300 }, 'waitSeconds'],
      ];
      for (const [body, place] of wrong) {
        const answer = await ask('ann', body);
        expect(answer, JSON.stringify(body)).toMatchObject({ status: 400, code: 'protocol.bad-request' });
        expect(answer.text).toContain(place);
      }
      expect((await context.metrics.rows.get()).values[0]?.value ?? 0).toBe(0);
    });
  });

  it('S47 of another protocol version are refused as such, whatever else they hold', async () => {
    await withApp(async ({ ask }) => {
      for (const v of [0, -1, PROTOCOL_VERSION + 1, 1000]) expect(await ask('ann', { v, token: 7, accept: 'new' })).toMatchObject({ status: 400, code: 'protocol.version' });
    });
  });

  it('S47 while the business database is read for the first time are asked to come back', async () => {
    await withApp(async ({ ask }) => {
      expect(await ask('ann')).toMatchObject({ status: 503, code: 'server.preparing', headers: { 'retry-after': '1' } });
    }, { prepared: false });
  });

  it('S47 at other addresses are refused in the same form', async () => {
    await withApp(async ({ app }) => {
      for (const [method, url] of [['GET', '/'], ['GET', '/v1/sync'], ['POST', '/healthz'], ['PUT', '/v1/sync'], ['GET', '/v2/sync'], ['GET', '/..%2f'], ['DELETE', '/v1/packs/x']] as const) {
        const answer = await app.inject({ method, url });
        expect([answer.statusCode, answer.json()], url).toEqual([404, { error: { code: 'protocol.not-found', message: expect.any(String) as string } }]);
      }
    });
  });
});

describe('tokens of devices', () => {
  it('S24 that cannot be read, or are of another epoch, are refused', async () => {
    await withApp(async ({ ask }) => {
      for (const token of ['', 'abc', '!!', Buffer.from('{"epoch":1}').toString('base64url'), tokenOf(EPOCH, '', ['f', 1, -1, 1]), tokenOf(EPOCH, '', ['f', 1])]) {
        expect(await ask('ann', { token }), token).toMatchObject({ status: 400, code: 'protocol.bad-request' });
      }
      const old = Buffer.from('["another",[[1,0],[2,5,5,5,5,1]]]').toString('base64url');
      expect(await ask('ann', { token: old }), 'one of an earlier version').toMatchObject({ status: 409, code: 'epoch.changed' });
      expect(await ask('ann', { token: tokenOf('another', '', ['f', 1, 0, 1]) })).toMatchObject({ status: 409, code: 'epoch.changed' });
    });
  });

  it('S23 S85 that say what is not so make their own device miss rows or download them again, and nothing else', async () => {
    await withApp(async ({ ask, publish, business, tokenAt }) => {
      const honest = await tokenAt('ann', 0);
      const { specs, tables } = openToken(honest);
      const [items, jobs] = [tables.get(1) ?? expect.fail('no items'), tables.get(2) ?? expect.fail('no jobs')];
      const ofBob = openToken(await tokenAt('bob', 0)).tables.get(2)?.scope ?? 0;
      const first = await ask('ann', { token: honest });
      const rowsOf = (answer: typeof first): number => answer.frames.filter((frame) => 0 in frame).length;
      expect(rowsOf(first)).toBe(102);
      const item = (...numbers: readonly number[]): (string | number)[] => [items.form, 1, ...numbers];
      const job = (...numbers: readonly number[]): (string | number)[] => [jobs.form, 2, ...numbers];
      const [i, j] = [items.scope, jobs.scope];
      const forged = [
        tokenOf(EPOCH, specs, item(9e15, i), job(9e15, j)), tokenOf(EPOCH, specs, item(9e15, i, i, 9e15, 9e15, 9e15, 1), job(0, j)), tokenOf(EPOCH, specs, item(0, i, i, 9e15, 0, 0, 3), job(0, j, j, 0, 9e15, 9e15, 2)),
        tokenOf(EPOCH, '', item(0, i), job(0, j), ['f', 3, 5, 1], ['', 77, 0, 0], ['', 9e15, 9e15, 9e15]), tokenOf(EPOCH, specs, item(0, i), item(9e15, i), job(0, j)),
        tokenOf(EPOCH, specs, item(5, i, ofBob, 5, 5, 5, 0), job(5, j, ofBob, 5, 5, 5, 2)), tokenOf(EPOCH, specs, item(5, i, 9e15, 5, 5, 5, 255), job(1, j, i, 5, 5, 5, 2)),
      ];
      for (const token of forged) {
        const answer = await ask('ann', { token });
        expect(answer.status, token).toBe(200);
        expect(rowsOf(answer)).toBeLessThanOrEqual(102);
        expect(answer.text).not.toContain('of bob');
        const commits = commitsOf(answer);
        expect(commits.flatMap((commit) => commit.tables).find(({ table }) => table === 1)?.rows).toBe(100);
        business.exec('UPDATE item SET v = v || 1 WHERE id = 1');
        await publish();
        expect(rowsOf(await ask('ann', { token: commits.at(-1)?.token ?? '' })), 'the next round is as any other').toBe(1);
      }
    });
  });

  it('S85 S88 P9 that name the scope of another person, of another table or none get a plan, as if they named nothing', async () => {
    await withApp(async ({ ask, tokenAt }) => {
      const { specs, tables } = openToken(await tokenAt('ann', 1));
      const jobs = tables.get(2) ?? expect.fail('no jobs');
      const ofBob = openToken(await tokenAt('bob', 1)).tables.get(2)?.scope ?? 0;
      const bare = await ask('ann', { token: tokenOf(EPOCH, specs), tables: [2] });
      const planOf = (answer: typeof bare): unknown => answer.frames.flatMap((frame) => ('plan' in frame ? [frame.plan.packs.map(({ name }) => name), openToken(frame.plan.token)] : []));
      expect(planOf(bare)).toHaveLength(2);
      for (const entry of [[jobs.form, 2, 1, ofBob], [jobs.form, 2, 1, tables.get(1)?.scope ?? 0], [jobs.form, 2, 1, 0], [jobs.form, 2, 1, 9e15], ['', 2, 1, jobs.scope], [jobs.form, 2, 1, ofBob, jobs.scope, 1, 1, 1, 0]]) {
        expect(planOf(await ask('ann', { token: tokenOf(EPOCH, specs, entry), tables: [2] })), String(entry)).toEqual(planOf(bare));
      }
    });
  });

  it('S23 unknown tables are left out; a question without tables is answered by the header', async () => {
    await withApp(async ({ ask, tokenAt }) => {
      const token = await tokenAt('ann', 0);
      const only = await ask('ann', { token, tables: [2, 3, 99], fresh: [50] });
      expect(commitsOf(only).flatMap(({ tables }) => tables.map(({ table }) => table))).toEqual([2]);
      for (const body of [{ token: null, tables: [] }, { token, tables: [] }]) {
        expect((await ask('ann', body)).frames.map((frame) => Object.keys(frame)[0])).toEqual(['header']);
      }
      const foreign = await ask('ann', { token, tables: [3, 99] });
      expect(foreign.frames.map((frame) => Object.keys(frame)[0])).toEqual(['header', 'commit']);
      expect(commitsOf(foreign)).toMatchObject([{ tables: [], token }]);
    });
  });

  it('S27 I20 commits tell count and digest of each of their tables', async () => {
    await withApp(async ({ ask, tokenAt, entitlement }) => {
      const [commit] = commitsOf(await ask('ann', { token: await tokenAt('ann', 0) }));
      const digests = (await entitlement('ann')).shares.map(({ scope }) => ({ table: scope.table, ...scope.digest }));
      expect(commit?.tables).toEqual(digests);
      expect(digests.map(({ rows }) => rows)).toEqual([100, 2]);
    });
  });
});

describe('answers', () => {
  it('S47 are compressed only for who takes gzip', async () => {
    await withApp(async ({ ask, app, tokenAt, ...bench }) => {
      const token = await tokenAt('ann', 0);
      const plain = await ask('ann', { token });
      expect(plain.headers['content-encoding']).toBeUndefined();
      for (const accept of ['br', 'gzip;q=0', 'br, gzip; q=0.0', 'x-gzip', 'identity', '']) {
        expect((await ask('ann', { token }, { 'accept-encoding': accept })).headers['content-encoding'], accept).toBeUndefined();
      }
      const authorization = await bench.authorization('ann');
      for (const accept of ['gzip', 'deflate, GZIP;q=0.5, br', 'gzip;q=1']) {
        const packed = await app.inject({ method: 'POST', url: '/v1/sync', headers: { authorization, 'accept-encoding': accept }, payload: { v: 1, device: 'd', token, accept: ['gzip'] } });
        expect(packed.headers['content-encoding'], accept).toBe('gzip');
        expect(gunzipSync(packed.rawPayload).toString()).toBe(plain.text);
      }
    });
  });

  it('S47 say nothing of what went wrong inside; the log does', async () => {
    const storage = (real: Storage): Storage => ({ ...real, extent: () => Promise.reject(new Error('ENOSPC /srv/secret/sync.db')), packsNamed: () => Promise.reject(new Error('ENOSPC /srv/secret/sync.db')) });
    await withApp(async ({ ask, log }) => {
      const named = await ask('ann', { urls: ['0'.repeat(64)] });
      expect([named.status, named.code]).toEqual([500, 'server.unavailable']);
      const planned = await ask('ann');
      expect(planned.frames.at(-1)).toEqual({ error: { code: 'server.unavailable', message: expect.any(String) as string } });
      for (const answer of [named, planned]) expect(answer.text).not.toMatch(/ENOSPC|secret/);
      expect(log.filter((line) => line.includes('ENOSPC /srv/secret/sync.db'))).toHaveLength(2);
    }, { storage });
  });

  it('S47 errors have a code of the list', async () => {
    await withApp(async ({ app }) => {
      const answer = await app.inject({ method: 'GET', url: '/nothing' });
      expect(Object.keys(ERRORS)).toContain((answer.json() as { error: { code: string } }).error.code);
    });
  });
});

describe('what admins see', () => {
  it('S61 /healthz tells whether devices are served yet', async () => {
    await withApp(async ({ app, storage, clock }) => {
      const health = async (): Promise<unknown> => (await app.inject({ method: 'GET', url: '/healthz' })).json();
      expect(await health()).toEqual({ status: 'preparing', checkpoint: 0, epoch: EPOCH, nowMs: clock.nowMs() });
      await storage.prepare(() => undefined);
      await storage.evaluate(1);
      expect(await health()).toMatchObject({ status: 'ok', checkpoint: 1 });
    }, { prepared: false });
  });

  it('S61 S95 /healthz tells that rules do not fit, by the code alone', async () => {
    await withApp(async ({ app, context }) => {
      context.health.trouble = new CarryonError('source.schema-changed', 'The table "secret" is gone.');
      const answer = await app.inject({ method: 'GET', url: '/healthz' });
      expect([answer.statusCode, answer.json()]).toMatchObject([200, { status: 'degraded', code: 'source.schema-changed', checkpoint: 1 }]);
      expect(answer.payload).not.toContain('secret');
    });
  });

  it('S61 /metrics is text in Prometheus\' format and counts what was done', async () => {
    await withApp(async ({ app, ask, plan, tokenAt }) => {
      await plan('ann');
      await ask('ann', { token: await tokenAt('ann', 0) });
      await ask('ann', { token: 'abc' });
      const answer = await app.inject({ method: 'GET', url: '/metrics' });
      expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
      const values = readMetrics(answer.payload);
      expect(values.get('carryon_requests_total{route="/v1/sync",status="200"}')).toBe(2);
      expect(values.get('carryon_requests_total{route="/v1/sync",status="400"}')).toBe(1);
      expect(values.get('carryon_feed_rows_total')).toBe(102);
      expect(values.get('carryon_packs_built')).toBe(2);
      expect(values.get('carryon_checkpoint')).toBe(2);
      expect(values.get('carryon_rules')).toBe(2);
      expect(values.get('carryon_devices_waiting')).toBe(0);
      expect(answer.payload).not.toMatch(/\bann\b/);
    });
  });
});

/** Reads the text format; every sample must belong to a metric whose help and type were told before. */
function readMetrics(text: string): Map<string, number> {
  expect(text.endsWith('\n')).toBe(true);
  const values = new Map<string, number>();
  const told = new Set<string>();
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const comment = /^# (HELP [a-z_]+ .+|TYPE ([a-z_]+) (?:counter|gauge|histogram|summary))$/.exec(line);
    if (comment) {
      if (comment[2] !== undefined) told.add(comment[2]);
      continue;
    }
    const sample = /^([a-z_]+)((?:\{[a-z_]+="[^"\\]*"(?:,[a-z_]+="[^"\\]*")*\})?) (-?[\d.e+-]+|NaN|[+-]Inf)$/.exec(line) ?? expect.fail(`no sample: ${line}`);
    const [, name = '', labels = '', value = ''] = sample;
    expect([name, name.replace(/_(?:bucket|sum|count)$/, '')].some((one) => told.has(one)), `${name} has a type`).toBe(true);
    values.set(name + labels, Number(value));
  }
  return values;
}
