import type { Transfer } from '@carryon/client';
import type { Platform } from '@carryon/policy';
import { describe, expect, it } from 'vitest';
import type { OsOptions } from './create-os.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from './ports.ts';
import { OsRig } from './testing/rig.ts';

const BYTES = new Uint8Array([1, 2, 3]);
const OK = { ok: true, bytes: BYTES } as const;
const BROKEN = { ok: false } as const;
const CELLULAR = { do: 'network', to: 'metered' } as const;
const OFFLINE = { do: 'network', to: 'none' } as const;
const WIFI = { do: 'network', to: 'unmetered' } as const;

const opened = (platform: Platform, options?: OsOptions): OsRig => new OsRig(platform, options).act('open');

describe('OsTransfers', () => {
  it('C1: fetches a few at a time, by priority, and stores them while the app is suspended', async () => {
    const rig = opened('ios');
    await rig.enqueue(6);
    expect(rig.urls).toEqual(['/p0', '/p1', '/p2', '/p3']);
    rig.act('leave').pass(HOUR_MS);
    rig.end('/p1', OK);
    expect(rig.adopted.get('p1')).toEqual(BYTES);
    expect(await rig.phases()).toEqual(['p0 running', 'p1 stored', 'p2 running', 'p3 running', 'p4 running', 'p5 queued']);
  });

  it('C1: listeners hear of changes only while the process runs', async () => {
    const rig = opened('ios');
    await rig.enqueue(2);
    const heard: Transfer[] = [];
    const stop = rig.os.transfers?.onChange((transfer) => heard.push(transfer));
    rig.fetching[0]?.onBytes(2);
    expect(heard).toEqual([{ name: 'p0', phase: 'running', received: 2 }]);
    rig.act('leave').pass(HOUR_MS);
    rig.end('/p0', OK);
    expect(heard).toHaveLength(1);
    rig.act('open');
    rig.fetching[0]?.onBytes(1);
    expect(heard).toHaveLength(2);
    stop?.();
    rig.end('/p1', OK);
    expect(heard).toHaveLength(2);
  });

  it('C1, C2: a process that the OS ends leaves them, a person who ends the app takes them away', async () => {
    for (const platform of ['ios', 'android'] as const) {
      const rig = opened(platform);
      await rig.enqueue(1);
      expect(rig.act('kill').urls).toEqual(['/p0']);
      rig.act('open', 'quit').pass(HOUR_MS);
      expect(rig.urls).toEqual([]);
      expect(await rig.phases()).toEqual([]);
    }
  });

  it('C1, C2: they go on after a restart, once the device was unlocked', async () => {
    for (const platform of ['ios', 'android'] as const) {
      const rig = opened(platform);
      await rig.enqueue(1);
      rig.fetching[0]?.onBytes(2);
      expect(rig.act('reboot').pass(HOUR_MS).urls).toEqual([]);
      expect(rig.act('unlock').pass(0).fetching).toMatchObject([{ url: '/p0', fromByte: 2 }]);
    }
  });

  it('C3: Windows takes 200 at most, and goes on after a restart when the app is opened', async () => {
    const rig = opened('windows11');
    expect(await rig.enqueue(202)).toEqual(['p200', 'p201']);
    expect(rig.act('quit').pass(0).urls).toHaveLength(5);
    expect(rig.act('reboot', 'unlock').pass(HOUR_MS).urls).toEqual([]);
    expect(rig.act('open').pass(0).urls).toHaveLength(5);
    expect(rig.act('saver-on').pass(0).urls).toEqual([]);
    expect(rig.act('plug').pass(0).urls).toHaveLength(5);
    expect(rig.act({ do: 'sleep', forMs: HOUR_MS }).pass(1).urls).toEqual([]);
  });

  it('C4: Background Fetch has two at a time, and stores at the end of each registration', async () => {
    const rig = opened('web');
    await rig.enqueue(2);
    await rig.os.transfers?.enqueue([{ name: 'later', url: '/later', bytes: 1, priority: 0, allowMetered: true }]);
    rig.act('leave', 'freeze', 'discard').pass(0);
    rig.end('/p0', OK);
    expect([rig.urls, await rig.phases()]).toEqual([['/p1'], ['p0 running', 'p1 running', 'later queued']]);
    rig.end('/p1', OK);
    expect([rig.urls, await rig.phases()]).toEqual([['/later'], ['p0 stored', 'p1 stored', 'later running']]);
  });

  it('C4: one bad status fails what is left of a registration; what came is kept', async () => {
    const rig = opened('web');
    await rig.enqueue(4);
    rig.end('/p0', OK);
    rig.end('/p1', { ok: false, status: 503 });
    expect(await rig.phases()).toEqual(['p0 stored', 'p1 failed', 'p2 failed', 'p3 failed']);
    expect(rig.urls).toEqual([]);
    expect(await rig.os.transfers?.list()).toContainEqual({ name: 'p1', phase: 'failed', status: 503, received: 0 });
  });

  it('C4: a killed browser goes on when it is opened, with the files in flight from byte 0', async () => {
    const rig = opened('web');
    await rig.enqueue(3);
    rig.end('/p0', OK);
    rig.fetching[0]?.onBytes(2);
    expect(rig.act('kill').pass(HOUR_MS).urls).toEqual([]);
    rig.act('open').pass(0);
    expect(rig.fetching).toMatchObject([{ url: '/p1', fromByte: 0 }, { url: '/p2', fromByte: 0 }]);
  });

  it('waits for a network that an item may use', async () => {
    const rig = opened('ios');
    await rig.enqueue(1);
    rig.fetching[0]?.onBytes(2);
    expect(rig.act(CELLULAR).pass(0).urls).toEqual([]);
    expect(rig.act(WIFI).pass(0).fetching).toMatchObject([{ fromByte: 2 }]);
    await rig.enqueue(1, { name: 'any', url: '/any', allowMetered: true });
    expect(rig.act(CELLULAR).pass(0).urls).toEqual(['/any']);
    expect(rig.act(OFFLINE).pass(0).urls).toEqual([]);
  });

  it('tries a broken connection again, ever later, and gives up after a day', async () => {
    const rig = opened('android', { service: { resumes: false } });
    await rig.enqueue(1);
    rig.fetching[0]?.onBytes(2);
    rig.end('/p0', BROKEN);
    expect(rig.pass(4 * SECOND_MS).urls).toEqual([]);
    expect(rig.pass(SECOND_MS).fetching).toMatchObject([{ fromByte: 0 }]);
    rig.end('/p0', BROKEN);
    expect(rig.pass(9 * SECOND_MS).urls).toEqual([]);
    rig.pass(24 * HOUR_MS);
    rig.end('/p0', BROKEN);
    expect(await rig.phases()).toEqual(['p0 failed']);
  });

  it('C1: what is enqueued out of sight waits a minute, and twice as long at each wake', async () => {
    const rig = opened('ios').act('leave');
    await rig.enqueue(1);
    expect(rig.pass(59 * SECOND_MS).urls).toEqual([]);
    expect(rig.pass(SECOND_MS).urls).toEqual(['/p0']);
    rig.end('/p0', OK);
    await rig.enqueue(1, { name: 'b', url: '/b' });
    expect(rig.pass(119 * SECOND_MS).urls).toEqual([]);
    expect(rig.pass(SECOND_MS).urls).toEqual(['/b']);
    rig.act('open', 'leave');
    await rig.enqueue(1, { name: 'c', url: '/c' });
    expect(rig.pass(MINUTE_MS).urls).toEqual(['/b', '/c']);
  });

  it('forgets what is cancelled, and leaves a name that it has', async () => {
    const rig = opened('ios', { service: { parallel: 1 } });
    await rig.enqueue(2);
    await rig.enqueue(2, { url: '/other' });
    await rig.os.transfers?.cancel(['p0', 'unknown']);
    expect(rig.pass(0).urls).toEqual(['/p1']);
    expect(await rig.phases()).toEqual(['p1 running']);
  });

  it('goes wrong as often as it is told to', async () => {
    const after = async (faults: OsOptions['faults'] & {}): Promise<readonly string[]> => {
      const rig = opened('ios', { faults });
      await rig.enqueue(1);
      const [phase = 'gone'] = await rig.pass(HOUR_MS).phases();
      return [phase, ...rig.adopted.keys(), ...rig.urls];
    };
    expect(await after({ failPercent: 100 })).toEqual(['p0 failed']);
    expect(await after({ vanishPercent: 100 })).toEqual(['gone']);
    expect(await after({ stallPercent: 100 })).toEqual(['p0 running']);
    expect(await after({ portalPercent: 100 })).toEqual(['p0 stored', 'p0']);
    expect(await after({})).toEqual(['p0 running', '/p0']);
  });
});
