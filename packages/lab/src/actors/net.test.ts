import { gzipSync } from 'node:zlib';
import type { NetResponse } from '@carryon/client';
import { CarryonError } from '@carryon/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { World } from '../world/world.ts';
import type { DownloadEnd } from '../os/ports.ts';
import { LabDownloads } from './downloads.ts';
import { LabLink, type Peer } from './link.ts';
import { LabNet } from './net.ts';
import type { LabAnswer } from './server.ts';

const BODY = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `line ${i} of the body\n`).join(''));
const PACK = `v1/packs/${'a'.repeat(64)}?s=1`;

const peer: Peer = {
  async request({ url, headers = {}, method, body }) {
    const answer = (status: number, bytes: Buffer | string, more = {}): LabAnswer => ({ status, headers: { 'content-type': 'text/plain', ...more }, body: Buffer.from(bytes) });
    const { pathname } = new URL(url);
    if (pathname === '/echo') return answer(200, JSON.stringify({ method, body, headers }));
    if (pathname === '/zipped') return answer(200, gzipSync(BODY), { 'content-encoding': 'gzip' });
    if (pathname === '/refused') throw new CarryonError('server.unreachable', 'nobody there');
    if (pathname === '/busy') return answer(429, 'later', { 'retry-after': '7' });
    const from = /bytes=(\d+)-/.exec(headers['range'] ?? '')?.[1];
    return from === undefined ? answer(200, BODY) : answer(206, BODY.subarray(Number(from)));
  },
};

interface Outcome { status?: number; bytes: number; atMs?: number; error?: unknown; wire?: number | undefined; text?: string }

describe('LabNet', () => {
  let world: World;
  let link: LabLink;
  let net: LabNet;
  let controller: AbortController;
  beforeEach(() => {
    world = new World({ seed: 3 });
    link = new LabLink(world, 'phone', peer, { latencyMs: 20, jitterMs: 0, downBytesPerSecond: 1_000_000 });
    net = new LabNet(link);
    controller = new AbortController();
  });

  /** Asks and reads; the outcome fills as time goes on. */
  function get(path: string, signal = controller.signal): Outcome {
    const outcome: Outcome = { bytes: 0 };
    const read = async (): Promise<void> => {
      const response: NetResponse = await net.request({ method: 'GET', url: `http://server.lab/${path}`, headers: { 'x-mine': 'yes' }, signal });
      outcome.status = response.status;
      const pieces: Uint8Array[] = [];
      for await (const piece of response.body) {
        pieces.push(piece);
        outcome.bytes += piece.length;
        outcome.wire = response.wireBytes?.();
      }
      outcome.text = Buffer.concat(pieces).toString();
    };
    void read().catch((error: unknown) => { outcome.error = error; }).finally(() => { outcome.atMs = world.queue.steadyMs; });
    return outcome;
  }
  const unreachable = expect.objectContaining({ code: 'server.unreachable' });

  it('NET-1 NET-2 NET-3 gives status and body after latency and the body\'s time on the wire', async () => {
    const [file, echo, busy] = [get('file'), get('echo'), get('busy')];
    await world.runFor(10_000);
    expect(file).toMatchObject({ status: 200, bytes: BODY.length, text: BODY.toString() });
    expect(file.atMs).toBeGreaterThanOrEqual(40 + BODY.length / 1000);
    expect(file.atMs).toBeLessThan(60 + BODY.length / 1000);
    expect(JSON.parse(echo.text ?? '')).toMatchObject({ method: 'GET', headers: { 'x-mine': 'yes' } });
    expect([busy.status, busy.text]).toEqual([429, 'later']);
    const zipped = get('zipped');
    await world.runFor(10_000);
    expect(zipped).toMatchObject({ bytes: BODY.length, text: BODY.toString(), wire: gzipSync(BODY).length });
  });

  it('shares its speed among those who ask at the same time', async () => {
    const both = [get('file'), get('other')];
    await world.runFor(10_000);
    for (const { atMs } of both) expect(Math.abs((atMs ?? 0) - 2 * BODY.length / 1000 - 40)).toBeLessThan(30);
  });

  it('NET-6 no network and no server is server.unreachable', async () => {
    const refused = get('refused');
    await world.runFor(100);
    link.setMode('none');
    const none = get('file');
    await world.runFor(100);
    expect([refused.error, none.error]).toEqual([unreachable, unreachable]);
  });

  it('NET-5 a change of network breaks off, a half-open connection is silent', async () => {
    const broken = get('file');
    await world.runFor(200);
    link.setMode('none');
    await world.runFor(0);
    expect(broken).toMatchObject({ status: 200, atMs: 200, error: unreachable });
    expect(broken.bytes).toBeGreaterThan(0);
    link.setMode('up');
    const before = get('file');
    await world.runFor(200);
    link.setMode('half-open');
    const during = get('file');
    await world.runFor(1_000_000);
    link.setMode('up');
    await world.runFor(1_000_000);
    expect([before.atMs, during.atMs, during.status]).toEqual([undefined, undefined, undefined]);
    controller.abort(new CarryonError('usage', 'enough'));
    await world.runFor(0);
    expect([before.error, during.error]).toEqual([controller.signal.reason, controller.signal.reason]);
  });

  it('a portal answers everything with its page; a slow network takes longer', async () => {
    link.setMode('portal');
    const page = get('file');
    await world.runFor(1000);
    expect(page.status).toBe(200);
    expect(page.text).toContain('sign in');
    link.setMode('slow');
    const slow = get('file');
    await world.runFor(60_000);
    expect((slow.atMs ?? 0) - 1000).toBeGreaterThan(20 * BODY.length / 1000);
  });

  it('some answers break off by chance, the same for the same seed', async () => {
    link.setSpeed({ breakOneIn: 2 });
    const outcomes = Array.from({ length: 20 }, () => get('file'));
    await world.runFor(60_000);
    const broken = outcomes.filter(({ error }) => error !== undefined);
    expect(broken.length).toBeGreaterThan(3);
    expect(broken.length).toBeLessThan(17);
    expect(new Set(broken.map(({ bytes }) => bytes)).size).toBe(broken.length);
  });

  it.each([10, 30, 200])('NET-7 NET-8 an abort after %i ms is honoured at once', async (ms) => {
    const outcome = get('file');
    await world.runFor(ms);
    controller.abort(new CarryonError('usage', 'stopped by the test'));
    await world.runFor(0);
    expect(outcome).toMatchObject({ atMs: ms, error: controller.signal.reason });
    const { bytes } = outcome;
    await world.runFor(10_000);
    expect(outcome.bytes).toBe(bytes);
    expect([net.open, link.open]).toEqual([0, 0]);
    const late = get('file');
    await world.runFor(0);
    expect(late.error).toBe(controller.signal.reason);
  });

  it('a suspended process hears of dropped sockets when it goes on, of hanging ones never', async () => {
    const dropped = get('file');
    await world.runFor(100);
    net.suspend('drop');
    await world.runFor(5000);
    expect(dropped.atMs).toBeUndefined();
    net.resume();
    await world.runFor(0);
    expect(dropped).toMatchObject({ atMs: 5100, error: unreachable });
    const hanging = get('file');
    await world.runFor(100);
    net.suspend('hang');
    await world.runFor(5000);
    net.resume();
    await world.runFor(5000);
    expect(hanging.atMs).toBeUndefined();
    controller.abort();
    await world.runFor(0);
    expect(hanging.error).toBe(controller.signal.reason);
  });

  it('a killed process hears nothing; one that is cut off hears at once', async () => {
    const cut = get('file');
    await world.runFor(100);
    net.reach('cut');
    const later = get('file');
    await world.runFor(10);
    expect([cut.error, later.error]).toEqual([unreachable, unreachable]);
    net.reach('up');
    const killed = get('file');
    await world.runFor(100);
    net.kill();
    const after = get('file');
    controller.abort();
    await world.runFor(10_000);
    expect([killed.atMs, killed.error, after.status]).toEqual([undefined, undefined, undefined]);
    expect(link.open).toBe(0);
  });

  it('the OS\'s downloads go on while processes end, and resume after the bytes that came', async () => {
    const downloads = new LabDownloads(link);
    const ends: DownloadEnd[] = [];
    let bytes = 0;
    const start = (from: number): (() => void) => downloads.download(`http://server.lab/${PACK}`, from, (n) => { bytes += n; }, (end) => ends.push(end));
    start(0);
    net.kill();
    await world.runFor(200);
    link.setMode('none');
    await world.runFor(0);
    expect(ends).toEqual([{ ok: false }]);
    link.setMode('up');
    start(bytes)();
    start(bytes);
    await world.runFor(10_000);
    expect(ends[1]?.ok === true && Buffer.from(ends[1].bytes).equals(BODY)).toBe(true);
    expect(bytes).toBe(BODY.length);
    expect(link.packs.of('a'.repeat(64))).toMatchObject({ requests: 3, ranges: 2, received: BODY.length });
  });
});
