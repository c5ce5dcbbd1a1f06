import { describe, expect, it } from 'vitest';
import { FaultyPeer, flipped, refusal } from './faults.ts';

describe('FaultyPeer', () => {
  it('answers so many requests wrongly, then as the server does', async () => {
    const peer = new FaultyPeer({ request: async () => ({ status: 200, headers: {}, body: Buffer.from('abc') }) });
    peer.fault('/v1/sync', refusal(503, 'server.preparing', { 'retry-after': '7' }), 2);
    peer.fault('/v1/packs/', flipped);
    const ask = async (url: string): Promise<string> => {
      const { status, body } = await peer.request({ method: 'GET', url });
      return `${status} ${body.length} ${body.equals(Buffer.from('abc'))}`;
    };
    expect([await ask('/v1/packs/x'), await ask('/v1/packs/x')]).toEqual(['200 3 false', '200 3 true']);
    for (let i = 0; i < 2; i++) expect(await ask('/v1/sync')).toMatch(/^503/);
    expect(await ask('/v1/sync')).toBe('200 3 true');
  });
});
