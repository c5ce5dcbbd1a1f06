import { expect, it } from 'vitest';
import { clockContract } from './clock-contract.ts';
import { VirtualClock } from './virtual-clock.ts';

clockContract('virtual', () => {
  const clock = new VirtualClock();
  return { clock, pass: async (ms) => clock.advance(ms) };
});

it('CLOCK-6 timers of a virtual clock do not notice that someone sets it', () => {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  let runs = 0;
  clock.after(1000, () => { runs++; });
  clock.set(-3_600_000);
  expect(clock.nextMs).toBe(1000);
  clock.advance(1000);
  expect(runs).toBe(1);
  expect(clock.nowMs()).toBe(Date.UTC(2026, 0, 1) - 3_599_000);
});
