import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Lab } from '../lab.ts';

/** In another order than the tables have. */
const sorted = (names: readonly string[]): string[] => [...names].sort();
const TECHNICIAN = ['carryon_sync_error', 'customers', 'jobs', 'skills', 'steps', 'visits'];
const SALES = ['carryon_sync_error', 'customers', 'jobs', 'units'];

describe('the service company', () => {
  let lab: Lab;

  beforeEach(async () => {
    lab = await Lab.start({ seed: 1, platform: 'node', business: { kind: 'service', customers: 20, jobs: 40 }, others: [{ name: 'desk', user: 'bob', platform: 'node' }] });
  });

  afterEach(() => lab.close());

  const tables = (user: string): string[] => sorted(lab.server.rights.tablesOf(user));
  const told = (what: string): unknown[] => lab.world.trace.entries.filter((entry) => entry.what === what).map(({ detail }) => detail);

  it('gives each person what their profiles say, and nobody nothing', () => {
    const { rights } = lab.server;
    expect([tables('ann'), tables('dan'), tables('eve')]).toEqual([TECHNICIAN, SALES, []]);
    expect(tables('bob')).toEqual(sorted([...new Set([...TECHNICIAN, ...SALES])]));
    expect(rights.columns('dan', 'jobs')).toEqual(['id', 'customer', 'state', 'info']);
    expect(rights.columns('bob', 'jobs')).toEqual(['id', 'owner', 'team', 'customer', 'state', 'due', 'info']);
    for (const table of TECHNICIAN.slice(1)) expect(lab.server.share('ann', table), table).not.toEqual([]);
    expect(lab.server.share('eve', 'jobs')).toEqual([]);
  });

  it('S94: every profile is gone over to, and each device holds what it gives; one that does not fit is refused, and nothing changes', async () => {
    for (const device of ['device', 'desk']) await lab.do({ do: 'open' }, device);
    for (const to of ['narrow', 'no-steps', 'wide', 'broken', 'read-only', 'only-sales', 'usual']) {
      const before = tables('ann');
      await lab.do({ do: 'reload', to });
      await lab.runFor(25_000);
      if (to === 'broken') expect(tables('ann')).toEqual(before);
      for (const device of lab.devices) expect(lab.server.differences(device), to).toEqual([]);
    }
    expect(told('reload refused')).toEqual(['profile.invalid']);
  });

  it('S98: rows come and go by the clock alone', async () => {
    const before = lab.server.share('ann', 'visits');
    await lab.runFor(20 * 60_000);
    expect(told('write')).toEqual([]);
    expect(lab.server.share('ann', 'visits')).not.toEqual(before);
  });
});
