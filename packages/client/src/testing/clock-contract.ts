import { describe, expect, it } from 'vitest';
import type { Clock } from '../ports/clock.ts';

export interface ClockSubject {
  readonly clock: Clock;
  /** Lets at least that much time pass. */
  readonly pass: (ms: number) => Promise<void>;
}

/** What every Clock does. */
export function clockContract(name: string, make: () => ClockSubject | Promise<ClockSubject>): void {
  describe(`Clock: ${name}`, () => {
    it('CLOCK-1 tells milliseconds since 1970, which pass', async () => {
      const { clock, pass } = await make();
      const before = clock.nowMs();
      expect(before).toBeGreaterThan(Date.UTC(2020));
      await pass(20);
      expect(clock.nowMs() - before).toBeGreaterThanOrEqual(19);
    });

    it('CLOCK-6 has a second clock that passes as time does and never goes back', async () => {
      const { clock, pass } = await make();
      const times = [clock.steadyMs()];
      for (let i = 0; i < 5; i++) {
        await pass(30);
        times.push(clock.steadyMs());
      }
      expect(times).toEqual([...times].sort((a, b) => a - b));
      // It may tell time in hundredths of a second.
      expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(130);
    });

    it('CLOCK-2 runs a function once, later, and when its time has come', async () => {
      const { clock, pass } = await make();
      let runs = 0;
      clock.after(10, () => { runs++; });
      clock.after(0, () => { runs += 10; });
      clock.after(-5, () => { runs += 100; });
      expect(runs).toBe(0);
      await pass(50);
      expect(runs).toBe(111);
      await pass(50);
      expect(runs).toBe(111);
    });

    it('CLOCK-3 runs functions in the order of their times', async () => {
      const { clock, pass } = await make();
      const order: number[] = [];
      for (const ms of [40, 5, 20]) clock.after(ms, () => order.push(ms));
      await pass(100);
      expect(order).toEqual([5, 20, 40]);
    });

    it('CLOCK-4 does not run what was cancelled; cancelling late or twice does nothing', async () => {
      const { clock, pass } = await make();
      const ran: string[] = [];
      const cancel = clock.after(5, () => ran.push('cancelled'));
      const late = clock.after(5, () => ran.push('late'));
      cancel();
      cancel();
      await pass(50);
      late();
      expect(ran).toEqual(['late']);
    });

    it('CLOCK-5 waits for very long times too, and a timer may set the next', async () => {
      const { clock, pass } = await make();
      const ran: string[] = [];
      const cancel = clock.after(2 ** 40, () => ran.push('too soon'));
      clock.after(5, () => clock.after(5, () => ran.push('second')));
      await pass(60);
      cancel();
      expect(ran).toEqual(['second']);
    });
  });
}
