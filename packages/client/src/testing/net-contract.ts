import { CarryonError } from '@carryon/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Net, NetRequest, NetResponse } from '../ports/net.ts';
import { BODY, startNetServer, type NetServer } from './net-server.ts';

/** What every Net does, against a real server. */
export function netContract(name: string, make: () => Net | Promise<Net>): void {
  describe(`Net: ${name}`, () => {
    let server: NetServer;
    let net: Net;
    let controller: AbortController;
    beforeEach(async () => {
      server = await startNetServer();
      net = await make();
      controller = new AbortController();
    });
    afterEach(() => server.end());

    const get = (path: string, more: Partial<NetRequest> = {}): Promise<NetResponse> =>
      net.request({ method: 'GET', url: server.url + path, headers: {}, signal: controller.signal, ...more });
    const read = async (response: NetResponse): Promise<Buffer> => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of response.body) chunks.push(chunk);
      return Buffer.concat(chunks);
    };
    const unreachable = expect.objectContaining({ code: 'server.unreachable' });
    const reason = new CarryonError('usage', 'stopped by the test');

    it('NET-1 sends method, headers and body, and gives status, headers and body', async () => {
      const response = await get('echo', { method: 'POST', body: '{"grüße":1}', headers: { 'content-type': 'application/json', 'x-mine': 'yes' } });
      expect(response.status).toBe(200);
      expect(response.header('content-type')).toBe('application/json');
      expect(response.header('x-two')).toBe('a, b');
      expect(response.header('x-none')).toBeUndefined();
      expect(JSON.parse((await read(response)).toString())).toMatchObject({ method: 'POST', body: '{"grüße":1}', headers: { 'x-mine': 'yes', 'content-type': 'application/json' } });
    });

    it('NET-2 a status that is no success is an answer too', async () => {
      const response = await get('busy');
      expect([response.status, response.header('retry-after'), (await read(response)).toString()]).toEqual([429, '7', 'later']);
    });

    it('NET-3 a body comes whole, in chunks, and decompressed', async () => {
      expect((await read(await get('chunks'))).equals(BODY)).toBe(true);
      expect((await read(await get('gzip'))).equals(BODY)).toBe(true);
    });

    it('NET-4 does not follow a redirect to give another address\'s answer as this one\'s', async () => {
      const outcome = await get('redirect').then((response) => response.status, (error: unknown) => error);
      expect(outcome === 302 || (outcome as CarryonError).code === 'server.unreachable').toBe(true);
    });

    it.each(['short', 'reset', 'gzip-reset', 'gzip-broken'])('NET-5 a body that breaks off rejects with server.unreachable: %s', async (path) => {
      const response = await get(path);
      expect(response.status).toBe(200);
      await expect(read(response)).rejects.toThrow(unreachable);
    });

    it('NET-6 no connection, or one that ends without an answer, is server.unreachable', async () => {
      await expect(get('destroyed')).rejects.toThrow(unreachable);
      const { url } = server;
      await server.end();
      await expect(net.request({ method: 'GET', url, headers: {}, signal: controller.signal })).rejects.toThrow(unreachable);
      await expect(net.request({ method: 'GET', url: 'http://nowhere.invalid/', headers: {}, signal: controller.signal })).rejects.toThrow(unreachable);
    });

    it.each(['silent'])('NET-7 an abort before the answer rejects with its reason: %s', async (path) => {
      const asked = get(path);
      setTimeout(() => controller.abort(reason), 20);
      await expect(asked).rejects.toBe(reason);
      await expect(get('echo')).rejects.toBe(reason);
    });

    it.each(['hang', 'gzip-hang'])('NET-8 an abort in the middle of a body rejects its reading with the reason: %s', async (path) => {
      const response = await get(path);
      let bytes = 0;
      const reading = (async () => {
        for await (const chunk of response.body) {
          bytes += chunk.length;
          controller.abort(reason);
        }
      })();
      await expect(reading).rejects.toBe(reason);
      expect(bytes).toBeGreaterThan(0);
    });

    it('NET-9 an abort after the body has ended does nothing; connections do not pile up', async () => {
      for (let i = 0; i < 20; i++) {
        const own = new AbortController();
        await read(await get(i % 2 === 0 ? 'gzip' : 'chunks', { signal: own.signal }));
        own.abort();
      }
      expect((await read(await get('echo'))).length).toBeGreaterThan(0);
      expect(server.connections().ever).toBeLessThanOrEqual(8);
    });

    it('NET-10 an abort lets go of a connection whose body nobody reads', async () => {
      for (let i = 0; i < 10; i++) {
        const own = new AbortController();
        await get('hang', { signal: own.signal });
        own.abort();
      }
      await expect.poll(() => server.connections().open, { timeout: 5000 }).toBeLessThanOrEqual(1);
    });
  });
}
