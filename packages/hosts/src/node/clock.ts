import { uptime } from 'node:os';
import type { Clock } from '@carryon/client';

/** The longest delay that setTimeout takes; longer ones are made of several. */
const LONGEST_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  // The machine's uptime counts sleep where the process's own clock does not: https://docs.libuv.org/en/v1.x/misc.html#c.uv_uptime
  steadyMs: () => uptime() * 1000,
  after(delayMs, run) {
    let timer: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      timer = setTimeout(() => (leftMs > LONGEST_MS ? arm(leftMs - LONGEST_MS) : run()), Math.min(leftMs, LONGEST_MS));
    };
    arm(Math.max(0, delayMs));
    return () => clearTimeout(timer);
  },
};
