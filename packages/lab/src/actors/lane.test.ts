import { describe, expect, it } from 'vitest';
import { Lane } from './lane.ts';

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

describe('Lane', () => {
  it('lets one in at a time, in the order of asking, also after one that fails', async () => {
    const lane = new Lane();
    const seen: string[] = [];
    const work = (name: string, turns: number) => async (): Promise<string> => {
      seen.push(`${name} begins`);
      for (let i = 0; i < turns; i++) await turn();
      seen.push(`${name} ends`);
      if (name === 'b') throw new Error(name);
      return name;
    };
    const all = await Promise.allSettled([lane.run(work('a', 5)), lane.run(work('b', 3)), lane.run(work('c', 1))]);
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('who steps aside lets the next one in', async () => {
    const lane = new Lane();
    const { promise, resolve } = Promise.withResolvers<string>();
    const waits = lane.run(() => {
      lane.stepAside();
      return promise;
    });
    expect(await lane.run(async () => 'next')).toBe('next');
    resolve('first');
    expect(await waits).toBe('first');
  });
});
