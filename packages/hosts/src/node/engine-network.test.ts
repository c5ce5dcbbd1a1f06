import { readdirSync } from 'node:fs';
import { hanging, inChunks, portal, refuse, respond, type Answering } from '@carryon/client/testing';
import { CarryonError } from '@carryon/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rig } from '../testing/rig.ts';
import { packsFolder } from './folder.ts';

const OCTETS = { 'content-type': 'application/octet-stream' };
const ALWAYS = 1_000_000;
const unreachable: Answering = async () => { throw new CarryonError('server.unreachable', 'no connection'); };
const refused = (status: number, code = '', headers = {}): Answering => async (request) => (code === '' ? respond(request, status, headers, 'no') : refuse(request, status, code, headers));

async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** Answers with the right bytes, changed. */
const changed = (change: (bytes: Uint8Array) => Uint8Array | AsyncIterable<Uint8Array>): Answering => async (request, otherwise) => {
  const answer = await otherwise();
  return respond(request, answer.status, { 'content-type': answer.header('content-type') ?? '' }, change(await bytesOf(answer.body)));
};
const half = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, bytes.length >> 1);

describe('a device on a bad network', () => {
  let rig: Rig;
  beforeEach(() => { rig = new Rig({ packRows: 60, pageRows: 500 }).fill(100); });
  afterEach(() => rig.end());

  const isRight = (): void => {
    expect(rig.visible()).toEqual(rig.expected());
    expect(readdirSync(packsFolder(rig.folder))).toEqual([]);
  };
  const sentTwice = (): number => [...rig.server.sentBytes].reduce((sum, [name, bytes]) => sum + bytes - (rig.server.packs.get(name)?.bytes.length ?? 0), 0);

  it.each([
    ['500', refused(500)], ['503', refused(503)], ['503 with a code', refused(503, 'server.preparing')], ['429', refused(429)], ['no connection', unreachable],
    ['an answer that ends at once', changed(() => new Uint8Array())], ['half an answer', changed(half)], ['no JSON', changed(() => Buffer.from('what?\n'))],
  ] as const)('D17 a question that fails is asked again: %s', async (_, answer) => {
    rig.server.net.fault('/v1/sync', answer, 2);
    const startMs = rig.clock.nowMs();
    expect(await rig.sync()).toBeUndefined();
    expect(rig.clock.nowMs() - startMs).toBeGreaterThan(500);
    isRight();
  });

  it.each([['500', refused(500), 'server.unavailable'], ['no connection', unreachable, 'server.unreachable']] as const)('D17 a run of mode once gives up after some attempts, waiting longer each time: %s', async (_, answer, code) => {
    rig.server.net.fault('/v1/sync', answer, ALWAYS);
    const startMs = rig.clock.nowMs();
    expect(await rig.sync()).toMatchObject({ code });
    expect(rig.clock.nowMs() - startMs).toBe((500 + 1000 + 2000 + 4000 + 8000) * 0.75);
  });

  it.each([['in seconds', '7'], ['as a date', new Date(Date.UTC(2026, 10, 21, 8, 0, 7)).toUTCString()]])('D17 Retry-After %s is honoured', async (_, header) => {
    rig.server.net.fault('/v1/sync', refused(429, 'server.busy', { 'retry-after': header }));
    const startMs = rig.clock.nowMs();
    expect(await rig.sync()).toBeUndefined();
    expect(rig.clock.nowMs() - startMs).toBe(7000);
  });

  it.each([[401, '', 'auth.invalid'], [401, 'auth.expired', 'auth.expired'], [403, '', 'auth.forbidden'], [426, '', 'protocol.version'], [400, 'protocol.version', 'protocol.version'], [404, '', 'server.not-carryon'], [409, 'epoch.changed', 'epoch.changed']])(
    'D16 HTTP %i %s ends a run of mode once with %s', async (status, own, code) => {
      rig.server.net.fault('/v1/sync', refused(status, own));
      expect(await rig.sync()).toMatchObject({ code });
      expect(rig.server.asked).toHaveLength(0);
      expect(await rig.sync()).toBeUndefined();
    });

  it('D16 a sign-in page of the network is no answer and no pack, and nothing of it is kept', async () => {
    rig.server.net.fault('/v1/sync', async (request) => portal(request));
    expect(await rig.sync()).toMatchObject({ code: 'server.not-carryon' });
    rig.server.net.fault('/v1/packs/', async (request) => portal(request), ALWAYS);
    expect(await rig.sync()).toMatchObject({ code: 'server.not-carryon' });
    expect(rig.query('SELECT sum(applied) AS n FROM _carryon_pack')).toEqual([{ n: 0 }]);
    rig.server.net.mend();
    expect(await rig.sync()).toBeUndefined();
    isRight();
    expect(sentTwice()).toBe(0);
  });

  it('D16 a sign-in page that comes after half of a pack spoils nothing of that half', async () => {
    rig.server.net.fault('/v1/packs/', changed(half));
    rig.server.net.fault('/v1/packs/', async (request) => portal(request), ALWAYS);
    expect(await rig.sync()).toMatchObject({ code: 'server.not-carryon' });
    rig.server.net.mend();
    expect(await rig.sync()).toBeUndefined();
    isRight();
    expect(rig.server.fetched.filter(({ from }) => from > 0)).toHaveLength(1);
  });

  it('D9 a pack that breaks off is gone on with by Range', async () => {
    rig.server.net.fault('/v1/packs/', changed(half), 3);
    expect(await rig.sync()).toBeUndefined();
    expect(rig.server.fetched.filter(({ from }) => from > 0)).toHaveLength(3);
    isRight();
  });

  it('D9 where Range is not understood, the pack comes anew', async () => {
    rig.server.net.fault('/v1/packs/', changed(half), 3);
    rig.server.net.fault('/v1/packs/', async (request, otherwise) => {
      Object.assign(request.headers, { range: 'none' });
      return otherwise();
    }, 3);
    expect(await rig.sync()).toBeUndefined();
    expect(rig.server.fetched.every(({ from }) => from === 0)).toBe(true);
    isRight();
  });

  it('D10 a body that hangs is given up after 15 seconds without a byte, and gone on with', async () => {
    rig.server.net.fault('/v1/packs/', changed((bytes) => hanging(half(bytes))), 2);
    const engine = await rig.open();
    const run = rig.finish(engine, engine.run());
    await rig.until(engine, () => rig.server.fetched.length >= 3 && engine.status().download?.packs.stored === 1);
    rig.clock.advance(14_999);
    await rig.settle();
    expect(engine.status().waiting).toBeUndefined();
    rig.clock.advance(1);
    expect(await run).toBeUndefined();
    expect(rig.server.fetched.filter(({ from }) => from > 0)).toHaveLength(2);
    isRight();
  });

  it('D10 an answer that hangs is given up after 15 seconds, and asked for again', async () => {
    rig.server.net.fault('/v1/sync', changed((bytes) => hanging(half(bytes))));
    const engine = await rig.open();
    const run = rig.finish(engine, engine.run());
    await rig.until(engine, () => engine.received > 0);
    rig.clock.advance(15_000);
    expect(await run).toBeUndefined();
    isRight();
  });

  it('D10 a question that waits at the server has 15 seconds more than it asked for', async () => {
    await rig.sync();
    const engine = await rig.open({ config: { mode: 'watch' } });
    rig.server.net.fault('/v1/sync', async (_request, otherwise) => otherwise());
    let isWaiting = false;
    rig.server.net.fault('/v1/sync', (request) => new Promise((_, reject) => {
      isWaiting = true;
      request.signal.addEventListener('abort', () => reject(request.signal.reason as Error));
    }));
    const run = engine.run();
    await rig.until(engine, () => isWaiting);
    rig.clock.advance(39_999);
    await rig.settle();
    expect(engine.status().state).toBe('up-to-date');
    rig.clock.advance(1);
    await rig.until(engine, () => engine.status().state !== 'up-to-date', 'still');
    expect(engine.status().waiting).toMatchObject({ code: 'server.unreachable' });
    await engine.close();
    await run;
  });

  it.each([
    ['a flipped bit', (bytes: Uint8Array) => bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 4 : byte))],
    ['one byte more', (bytes: Uint8Array) => new Uint8Array([...bytes, 0])],
    ['endless bytes', (bytes: Uint8Array) => inChunks(new Uint8Array(bytes.length * 100))],
    ['other bytes', (bytes: Uint8Array) => new Uint8Array(bytes.length)],
  ])('D7 a pack that comes wrong is fetched again, and nothing of it is used: %s', async (_, change) => {
    rig.server.net.fault('/v1/packs/', changed(change), 2);
    expect(await rig.sync()).toBeUndefined();
    isRight();
    expect(rig.server.fetched).toHaveLength(rig.server.packs.size + 2);
  });

  it('D7 another pack\'s bytes are not this pack', async () => {
    rig.server.net.fault('/v1/packs/', async (request) => {
      const { pathname } = new URL(request.url);
      const other = [...rig.server.packs].find(([name]) => !pathname.includes(name))?.[1];
      return respond(request, 200, OCTETS, other?.bytes ?? new Uint8Array());
    }, 2);
    expect(await rig.sync()).toBeUndefined();
    isRight();
  });

  it('D8 a pack that always comes wrong is fetched three times in all', async () => {
    const name = async (): Promise<string> => [...rig.server.packs.keys()][0] ?? '';
    rig.server.net.fault('/v1/packs/', async (request, otherwise) => (request.url.includes(await name()) ? changed((bytes) => new Uint8Array(bytes.length))(request, otherwise) : otherwise()), ALWAYS);
    expect(await rig.sync()).toMatchObject({ code: 'pack.wrong-bytes' });
    const first = await name();
    expect(rig.server.fetched.filter((fetch) => fetch.name === first)).toHaveLength(3);
  });

  it('D11 expired addresses are asked for anew, for exactly the packs that lack', async () => {
    rig.server.net.fault('/v1/packs/', async (_request, otherwise) => {
      rig.server.signature = 2;
      return otherwise();
    });
    expect(await rig.sync()).toBeUndefined();
    isRight();
    expect(sentTwice()).toBe(0);
    expect(rig.server.asked.filter((ask) => ask.urls).length).toBeLessThanOrEqual(3);
  });

  it('D11 addresses that are always refused end the run', async () => {
    rig.server.net.fault('/v1/packs/', refused(403, 'pack.url-expired'), ALWAYS);
    expect(await rig.sync()).toMatchObject({ code: 'pack.url-expired' });
    expect(rig.server.asked.length).toBeLessThan(10);
  });

  it('D11 a pack that is gone leads to a new plan for its table; other tables keep what they have', async () => {
    let gone = '';
    rig.server.net.fault('/v1/packs/', async (_request, otherwise) => {
      gone = [...rig.server.packs.values()].filter(({ spec }) => spec.parts[0]?.table === 2).at(-1)?.spec.name ?? '';
      rig.server.packs.delete(gone);
      return otherwise();
    });
    expect(await rig.sync()).toBeUndefined();
    isRight();
    const planned = rig.server.asked.filter((ask) => ask.fresh);
    expect(planned.map((ask) => ask.fresh)).toEqual([[2]]);
    expect(rig.server.fetched.filter(({ name }) => rig.server.packs.get(name)?.spec.parts[0]?.table !== 2).length).toBe([...rig.server.packs.values()].filter(({ spec }) => spec.parts[0]?.table !== 2).length);
  });

  it('D11 packs that are gone again and again end the run', async () => {
    rig.server.net.fault('/v1/packs/', async (_request, otherwise) => {
      rig.server.packs.clear();
      return otherwise();
    }, ALWAYS);
    expect(await rig.sync()).toMatchObject({ code: 'pack.gone' });
    expect(rig.server.asked.length).toBeLessThan(20);
  });

  it('D17 while one waits for the server, packs that are there are applied', async () => {
    let fetches = 0;
    rig.server.net.fault('/v1/packs/', async (_request, otherwise) => {
      if (++fetches > 2) throw new CarryonError('server.unreachable', 'no connection');
      return otherwise();
    }, ALWAYS);
    const engine = await rig.open();
    const run = engine.run();
    await rig.until(engine, () => engine.status().download?.packs.applied === 2, 'still');
    expect(engine.status().waiting).toMatchObject({ code: 'server.unreachable' });
    expect(await rig.finish(engine, run)).toMatchObject({ code: 'server.unreachable' });
  });
});
