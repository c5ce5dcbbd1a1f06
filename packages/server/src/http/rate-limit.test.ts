import { describe, expect, it } from 'vitest';
import { ManualClock } from '../testing/manual-clock.ts';
import { RateLimit } from './rate-limit.ts';

const waitOf = (limit: RateLimit, user: string): number | undefined => {
  try {
    limit.take(user);
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: 'server.busy' });
    return (error as { retryAfterMs?: number }).retryAfterMs;
  }
};

describe('rate limit', () => {
  it('S46 counts each person apart, and says how long to wait', () => {
    const clock = new ManualClock(1_000_000);
    const limit = new RateLimit(3, clock);
    for (let i = 0; i < 3; i++) expect(waitOf(limit, 'ann')).toBeUndefined();
    clock.pass(20_000);
    expect(waitOf(limit, 'ann')).toBe(40_000);
    expect(waitOf(limit, 'bob')).toBeUndefined();
    clock.pass(39_999);
    expect(waitOf(limit, 'ann')).toBe(1);
    clock.pass(1);
    expect(waitOf(limit, 'ann')).toBeUndefined();
  });

  it('S46 a clock that is set back holds nobody up for longer than a minute', () => {
    const clock = new ManualClock(1_000_000_000);
    const limit = new RateLimit(1, clock);
    expect(waitOf(limit, 'ann')).toBeUndefined();
    clock.pass(-86_400_000);
    expect(waitOf(limit, 'ann')).toBeUndefined();
    expect(waitOf(limit, 'ann')).toBe(60_000);
  });
});
