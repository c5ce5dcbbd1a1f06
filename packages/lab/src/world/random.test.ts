import { describe, expect, it } from 'vitest';
import { LabRandom, splitMix64 } from './random.ts';

const draws = (random: LabRandom, count: number): number[] => Array.from({ length: count }, () => random.below(1_000_000));

describe('LabRandom', () => {
  it('is SplitMix64: known answers for the seed 1234567', () => {
    const values: bigint[] = [];
    for (let state = 1234567n; values.length < 5;) {
      const step = splitMix64(state);
      state = step.state;
      values.push(step.value);
    }
    expect(values).toEqual([6457827717110365317n, 3203168211198807973n, 9817491932198370423n, 4593380528125082431n, 16408922859458223821n]);
  });

  it('gives the same for the same seed, and another for another', () => {
    expect(draws(new LabRandom(7), 50)).toEqual(draws(new LabRandom(7), 50));
    expect(draws(new LabRandom(7), 50)).not.toEqual(draws(new LabRandom(8), 50));
  });

  it('forks do not depend on what was drawn, and differ from each other and from their origin', () => {
    const one = new LabRandom(7);
    const other = new LabRandom(7);
    draws(other, 99);
    draws(other.fork('b'), 99);
    expect(draws(one.fork('a'), 20)).toEqual(draws(other.fork('a'), 20));
    const streams = [new LabRandom(7), one.fork('a'), one.fork('b'), one.fork('a').fork('a')].map((random) => draws(random, 20).join());
    expect(new Set(streams).size).toBe(4);
  });

  it('is fair enough, and keeps to its bounds', () => {
    const random = new LabRandom('fair');
    const counts = Array.from({ length: 7 }, () => 0);
    for (let i = 0; i < 7000; i++) {
      const drawn = random.below(7);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
    const hits = Array.from({ length: 10_000 }, () => random.chance(1, 4)).filter(Boolean).length;
    expect(hits).toBeGreaterThan(2300);
    expect(hits).toBeLessThan(2700);
    const between = Array.from({ length: 1000 }, () => random.between(-2, 2));
    expect([Math.min(...between), Math.max(...between), new Set(between).size]).toEqual([-2, 2, 5]);
    for (let i = 0; i < 1000; i++) expect(random.fraction()).toBeLessThan(1);
    expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
