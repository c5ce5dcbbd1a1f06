import { describe, expect, it } from 'vitest';
import { Queue, START_MS } from './queue.ts';
import { LabRandom } from './random.ts';

describe('Queue', () => {
  it('runs events in order of time, and of putting in at the same time', () => {
    const queue = new Queue();
    const ran: string[] = [];
    const put = (name: string, ms: number): (() => void) => queue.after(ms, () => ran.push(`${name}@${queue.steadyMs}`));
    put('c', 20);
    put('a', 5);
    put('d', 20);
    put('b', 5)();
    put('e', 4.2);
    queue.after(5, () => put('f', 0));
    while (queue.step());
    expect(ran).toEqual(['a@5', 'e@5', 'f@5', 'c@20', 'd@20']);
    expect(queue.nowMs).toBe(START_MS + 20);
  });

  it('is a heap: a thousand events with cancelled ones among them come sorted', () => {
    const queue = new Queue();
    const random = new LabRandom('queue');
    const expected: [number, number][] = [];
    const ran: [number, number][] = [];
    for (let i = 0; i < 1000; i++) {
      const atMs = random.below(100);
      const cancel = queue.after(atMs, () => ran.push([atMs, i]));
      if (random.chance(1, 3)) cancel();
      else expected.push([atMs, i]);
    }
    while (queue.step());
    expect(ran).toEqual(expected.sort((a, b) => a[0] - b[0] || a[1] - b[1]));
  });

  it('passes time where nothing happens, and not past an event', () => {
    const queue = new Queue();
    queue.after(10, () => undefined);
    queue.passTo(START_MS + 10);
    expect(() => queue.passTo(START_MS + 11)).toThrow(RangeError);
  });
});
