import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LightMyRequestResponse } from 'fastify';
import { describe, expect, it } from 'vitest';
import type { PackSpec } from '@carryon/protocol';
import { LIMITS } from '../core/limits.ts';
import { withApp, type TempApp } from '../testing/temp-app.ts';

interface Bench extends TempApp {
  /** Ann's pack of shared rows and the bytes of its file. */
  readonly shared: PackSpec;
  /** Ann's pack of her own rows. */
  readonly own: PackSpec;
  readonly file: Buffer;
  get(url: string, headers?: Record<string, string>, method?: 'GET' | 'HEAD'): Promise<LightMyRequestResponse>;
}

const withPacks = (work: (bench: Bench) => Promise<void>): Promise<void> => withApp(async (app) => {
  const { packs } = await app.plan('ann');
  const holding = (table: number): PackSpec => packs.find((pack) => pack.parts.some((part) => part.table === table)) ?? expect.fail('no pack holds the table');
  const shared = holding(1);
  const get: Bench['get'] = async (url, headers = {}, method = 'GET') => app.app.inject({ method, url, headers });
  await work({ ...app, shared, own: holding(2), file: readFileSync(join(app.packs, shared.name)), get });
});

const codeOf = (response: LightMyRequestResponse): unknown => (response.json() as { error?: { code?: string } }).error?.code;
const withQuery = (url: string, changes: Record<string, string | undefined>): string => {
  const parsed = new URL(url, 'http://localhost');
  for (const [key, value] of Object.entries(changes)) value === undefined ? parsed.searchParams.delete(key) : parsed.searchParams.set(key, value);
  return parsed.pathname + parsed.search;
};

describe('downloads', () => {
  it('S42 S30 give the announced bytes, and say that they never change', async () => {
    await withPacks(async ({ get, shared, file }) => {
      const answer = await get(shared.url);
      expect(answer.statusCode).toBe(200);
      expect(answer.rawPayload.equals(file)).toBe(true);
      expect(createHash('sha256').update(answer.rawPayload).digest('hex')).toBe(shared.name);
      expect(answer.headers).toMatchObject({ etag: `"${shared.name}"`, 'accept-ranges': 'bytes', 'content-length': String(shared.bytes), 'content-type': 'application/octet-stream' });
      expect(answer.headers['cache-control']).toMatch(/private.*immutable.*no-transform/);
      expect(answer.headers['content-encoding']).toBeUndefined();
    });
  });

  it('S42 are never compressed a second time', async () => {
    await withPacks(async ({ get, shared, file }) => {
      const answer = await get(shared.url, { 'accept-encoding': 'gzip' });
      expect(answer.headers['content-encoding']).toBeUndefined();
      expect(answer.rawPayload.equals(file)).toBe(true);
    });
  });

  it('S42 HEAD tells what GET would, without the bytes', async () => {
    await withPacks(async ({ get, shared, context }) => {
      const head = await get(shared.url, {}, 'HEAD');
      expect([head.statusCode, head.rawPayload.length, head.headers['content-length'], head.headers['etag']]).toEqual([200, 0, String(shared.bytes), `"${shared.name}"`]);
      const part = await get(shared.url, { range: 'bytes=0-9' }, 'HEAD');
      expect([part.statusCode, part.headers['content-length']]).toEqual([206, '10']);
      expect((await get('/v1/packs/x', {}, 'HEAD')).statusCode).toBe(403);
      expect((await context.metrics.packBytes.get()).values[0]?.value ?? 0).toBe(0);
    });
  });

  it('S42 give ranges: first, middle, last, open, beyond the end', async () => {
    await withPacks(async ({ get, shared, file }) => {
      const size = file.length;
      const ranges: [string, number, number][] = [
        ['bytes=0-0', 0, 0], ['bytes=0-9', 0, 9], ['bytes=100-199', 100, 199], [`bytes=${size - 1}-`, size - 1, size - 1], ['bytes=7-', 7, size - 1], ['bytes=-1', size - 1, size - 1],
        ['bytes=-16', size - 16, size - 1], [`bytes=-${size + 5}`, 0, size - 1], [`bytes=5-${size + 5}`, 5, size - 1], ['BYTES=1-2', 1, 2], [`bytes=3-${'9'.repeat(400)}`, 3, size - 1],
      ];
      for (const [range, start, end] of ranges) {
        const answer = await get(shared.url, { range });
        expect([answer.statusCode, answer.headers['content-range'], answer.headers['content-length']], range).toEqual([206, `bytes ${start}-${end}/${size}`, String(end - start + 1)]);
        expect(answer.rawPayload.equals(file.subarray(start, end + 1)), range).toBe(true);
      }
    });
  });

  it('S42 refuse ranges outside of the file', async () => {
    await withPacks(async ({ get, shared, file }) => {
      for (const range of [`bytes=${file.length}-`, `bytes=${file.length}-${file.length + 9}`, 'bytes=-0', `bytes=${'9'.repeat(400)}-`]) {
        const answer = await get(shared.url, { range });
        expect([answer.statusCode, answer.headers['content-range'], answer.rawPayload.length], range).toEqual([416, `bytes */${file.length}`, 0]);
      }
    });
  });

  it('S42 answer several ranges, or what is no range, with the whole file', async () => {
    await withPacks(async ({ get, shared, file }) => {
      for (const range of ['bytes=0-1,4-5', 'bytes=-', 'rows=0-1', 'bytes', 'bytes=a-b', 'bytes=1', 'bytes=0x1-2', '']) {
        const answer = await get(shared.url, { range });
        expect([answer.statusCode, answer.rawPayload.equals(file)], range).toEqual([200, true]);
      }
    });
  });

  it('S42 go on where they stopped only if the file is the one that If-Range names', async () => {
    await withPacks(async ({ get, shared }) => {
      const status = async (ifRange: string): Promise<number> => (await get(shared.url, { range: 'bytes=5-', 'if-range': ifRange })).statusCode;
      expect(await status(`"${shared.name}"`)).toBe(206);
      for (const other of [`"${'0'.repeat(64)}"`, `W/"${shared.name}"`, shared.name, 'Sat, 21 Nov 2026 02:22:48 GMT']) expect(await status(other), other).toBe(200);
    });
  });

  it('S42 answer 304 to who has the file', async () => {
    await withPacks(async ({ get, shared }) => {
      const answer = await get(shared.url, { 'if-none-match': `"${shared.name}"` });
      expect([answer.statusCode, answer.rawPayload.length, answer.headers['etag']]).toEqual([304, 0, `"${shared.name}"`]);
      expect((await get(shared.url, { 'if-none-match': '"other"' })).statusCode).toBe(200);
    });
  });
});

describe('addresses', () => {
  it('S40 end with their time', async () => {
    await withPacks(async ({ get, shared, clock }) => {
      clock.pass(LIMITS.packUrlValidMs - 1000);
      expect((await get(shared.url)).statusCode).toBe(200);
      clock.pass(2000);
      const late = await get(shared.url);
      expect([late.statusCode, codeOf(late)]).toEqual([403, 'pack.url-expired']);
    });
  });

  it('S40 are refused when anything in them was changed', async () => {
    await withPacks(async ({ get, shared, own }) => {
      const forged = [
        withQuery(own.url, { u: 'bob' }), withQuery(own.url, { e: '9999999999' }), withQuery(own.url, { s: 'AAAA' }), withQuery(own.url, { s: undefined }), withQuery(own.url, { u: undefined }),
        withQuery(own.url, { e: undefined }), own.url.replace(own.name, shared.name), `${own.url}&u=ann`, `${own.url}&s=`, own.url.replace(/\?.*/, ''), own.url.toUpperCase().replace('/V1/PACKS', '/v1/packs'),
      ];
      for (const url of forged) {
        const answer = await get(url);
        expect([answer.statusCode, codeOf(answer)], url).toEqual([403, 'pack.url-expired']);
      }
      expect((await get(own.url)).statusCode).toBe(200);
    });
  });

  it('S40 S47 lead nowhere but to packs, whatever the name', async () => {
    await withPacks(async ({ get, shared }) => {
      const query = shared.url.slice(shared.url.indexOf('?'));
      for (const name of ['..%2Fsync.db', '..%2f..%2fapp.db', '%2e%2e%2fsync.db', '..%5Csync.db', '%00', `${shared.name}%00`, `${shared.name}.part`, shared.name.toUpperCase(), 'x']) {
        const answer = await get(`/v1/packs/${name}${query}`);
        expect([answer.statusCode, codeOf(answer)], name).toEqual([403, 'pack.url-expired']);
      }
      for (const url of [`/v1/packs/${query}`, '/v1/packs', '/v1/packs/../sync.db', `/v1/packs/${shared.name}/`, `/v1/packs/${'a'.repeat(5000)}`]) {
        expect([400, 403, 404], url).toContain((await get(url)).statusCode);
      }
      const bent = await get('/v1/packs/%zz');
      expect([bent.statusCode, codeOf(bent)]).toEqual([400, 'protocol.bad-request']);
    });
  });

  it('S41 even a rightly signed one gives no pack of another person', async () => {
    await withPacks(async ({ get, own, shared, context, clock }) => {
      const sign = (name: string, user: string): string => context.urls.sign({ name, user }, clock.nowMs() + 1000);
      expect((await get(sign(own.name, 'bob'))).statusCode).toBe(403);
      expect((await get(sign(own.name, ''))).statusCode).toBe(403);
      expect((await get(sign(own.name, 'ann'))).statusCode).toBe(200);
      expect((await get(sign(shared.name, 'bob'))).statusCode).toBe(200);
    });
  });

  it('S42 of a pack that is gone say so', async () => {
    await withPacks(async ({ get, own, shared, packs, storage, clock, context }) => {
      rmSync(join(packs, own.name));
      clock.pass(1000);
      for (const name of await storage.dropPacks(clock.nowMs())) await context.files.remove(name);
      for (const { url } of [own, shared]) {
        const answer = await get(url);
        expect([answer.statusCode, codeOf(answer)]).toEqual([410, 'pack.gone']);
      }
    });
  });

  it('S40 S41 fresh ones are given for packs of the own share that are still there', async () => {
    await withPacks(async ({ ask, get, own, shared, clock }) => {
      const urls = async (user: string, names: readonly string[]): Promise<readonly string[]> => {
        const answer = (await ask(user, { urls: names })).frames.find((frame) => 'urls' in frame);
        return answer?.urls ?? expect.fail('no addresses');
      };
      clock.pass(2 * LIMITS.packUrlValidMs);
      const [freshOwn = '', freshShared = '', ...rest] = await urls('ann', [own.name, shared.name, '0'.repeat(64), '../sync.db', '']);
      expect(rest).toEqual(['', '', '']);
      for (const url of [freshOwn, freshShared]) expect((await get(url)).statusCode).toBe(200);
      expect((await urls('bob', [own.name, shared.name])).map((url) => url !== '')).toEqual([false, true]);
      expect(await urls('ann', [])).toEqual([]);
    });
  });
});
