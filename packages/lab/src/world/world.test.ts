import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

/** Work of different real durations, begun at one moment, and timers beside it. */
async function run(durations: readonly number[]): Promise<readonly unknown[]> {
  const world = new World({ seed: 1 });
  world.queue.after(10, () => {
    durations.forEach((ms, i) => {
      void world.track(sleep(ms)).then(() => {
        world.trace.add('work', `${i}`);
        world.queue.after(i, () => world.trace.add('timer', `${i}`));
      });
    });
  });
  world.queue.after(11, () => world.trace.add('timer', 'after all work'));
  await world.runFor(100);
  return world.trace.entries;
}

describe('World', () => {
  it('real work ends within the moment that began it, in the order of beginning, whatever it takes', async () => {
    const [slowFirst, fastFirst] = [await run([20, 1, 10]), await run([1, 20, 5])];
    expect(slowFirst).toEqual(fastFirst);
    expect(slowFirst.map((entry) => Object.values(entry as object).slice(0, 3).join(' '))).toEqual(
      ['10 work 0', '10 work 1', '10 work 2', '10 timer 0', '11 timer after all work', '11 timer 1', '12 timer 2']);
  });

  it('does not wait for work that waits for virtual time', async () => {
    const world = new World({ seed: 1 });
    let answered = false;
    world.queue.after(5, () => {
      const poll = new Promise<void>((resolve) => {
        world.waiting(1);
        world.queue.after(1000, () => { world.waiting(-1); resolve(); });
      }).then(() => sleep(5));
      void world.track(poll).then(() => { answered = true; });
    });
    await world.runFor(1004);
    expect(answered).toBe(false);
    await world.runFor(1);
    expect(answered).toBe(true);
  });

  it('work begun outside of a run is delivered too', async () => {
    const world = new World({ seed: 1 });
    expect(await world.track(sleep(2, 'done'))).toBe('done');
    await expect(world.track(Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  });

  it('runs while a condition holds, and tells whether it ended', async () => {
    const world = new World({ seed: 1 });
    let ticks = 0;
    const tick = (): void => {
      ticks++;
      world.queue.after(10, tick);
    };
    tick();
    expect(await world.runWhile(() => ticks < 5, 1000)).toBe(true);
    expect([ticks, world.queue.steadyMs]).toEqual([5, 40]);
    expect(await world.runWhile(() => true, 60)).toBe(false);
    expect([ticks, world.queue.steadyMs]).toEqual([11, 100]);
  });
});
