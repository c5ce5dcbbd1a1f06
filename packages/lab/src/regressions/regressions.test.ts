import { describe, expect, it } from 'vitest';
import { play, type Played } from '../fuzz/play.ts';
import type { Script, Timed } from '../fuzz/script.ts';

const SCRIPT: Omit<Script, 'events' | 'platform'> = {
  seed: 1, ruleSet: 'carry-on', link: { downBytesPerSecond: 4_000, latencyMs: 30, jitterMs: 0 }, os: {}, config: {}, lengthMs: 120_000,
  business: { rows: { customers: 60, jobs: 160, notes: 120, parts: 80 }, packRows: 20, textLength: 80 },
};
const OPENED: Timed = { atMs: 0, event: { do: 'open' } };

const endings = ({ entries }: Played): unknown[] => entries.filter(({ what }) => what === 'ended').map(({ detail }) => detail);

describe('what went wrong once', () => {
  it('D31: a reset while packs are fetched ended the engine: what it aborts has not failed', async () => {
    const played = await play({ ...SCRIPT, platform: 'node', events: [OPENED, { atMs: 3_000, event: { do: 'reset' } }] });
    expect(played.entries.some(({ what, detail }) => what === 'request-end' && JSON.stringify(detail).includes('aborted'))).toBe(true);
    expect([endings(played), played.problems]).toEqual([[], []]);
  });

  it('D8, D16: sign-in pages that the OS took for packs ended the sync after seconds: a pack that comes wrong is fetched by the engine, which knows a page', async () => {
    const events: Timed[] = [OPENED, { atMs: 6_000, event: { do: 'link', to: 'portal' } }, { atMs: 100_000, event: { do: 'link', to: 'up' } }];
    const played = await play({ ...SCRIPT, platform: 'android', events });
    expect(played.entries.filter(({ what }) => what === 'stored wrong').length).toBeGreaterThan(2);
    expect([endings(played), played.problems]).toEqual([[], []]);
  });

  it('D11: one housekeeping of the server ended a first sync handed over to the OS: all packs that lack are asked for at once', async () => {
    const events: Timed[] = [OPENED, { atMs: 3_000, event: { do: 'keep-house' } }];
    const played = await play({ ...SCRIPT, platform: 'ios', events });
    const plans = played.entries.filter(({ what, detail }) => what === 'journal' && detail === 'plan').length;
    expect([plans, endings(played), played.problems]).toEqual([2, [], []]);
  });
});
