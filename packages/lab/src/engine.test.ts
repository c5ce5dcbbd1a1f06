import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { DEFAULT_CONFIG, Engine, type Host, type Report } from '@carryon/client';
import { describe, expect, it } from 'vitest';
import { LabDisk } from './actors/disk.ts';
import { LabLink } from './actors/link.ts';
import { LabNet } from './actors/net.ts';
import { rowLines } from './actors/row-lines.ts';
import { SERVER_URL } from './actors/server-app.ts';
import { LabServer } from './actors/server.ts';
import { DeviceTime, ProcessClock } from './world/clock.ts';
import { firstDifference, type Plain } from './world/trace.ts';
import { World } from './world/world.ts';

const REPORT: Report = {
  platform: 'node', app: 'foreground', screen: 'unlocked', inUse: true, power: 'plugged', saver: false, permission: 'always', network: 'unmetered',
  settings: { wifiOnly: false, mode: 'auto' },
};
const host: Host = {
  start(events) {
    events.situation(REPORT);
    return () => undefined;
  },
  rested: () => undefined,
};

/** What one process of a device has. */
function startProcess(world: World, server: LabServer, disk: LabDisk, link: LabLink, name: string): { engine: Engine; net: LabNet; clock: ProcessClock; done: () => boolean } {
  const net = new LabNet(link);
  const clock = new ProcessClock(new DeviceTime(world.queue));
  const log = (_: object, message: string): void => world.trace.add(link.name, 'log', message);
  const engine = new Engine({ clock, net, host, sqlite: disk.sqlite(), packs: disk.packStore(), random: world.random.fork(name), log: { debug: log, warn: log } }, {
    config: DEFAULT_CONFIG, serverUrl: SERVER_URL, credentials: () => server.token('ann'),
  });
  let isDone = false;
  engine.run().then(() => { isDone = true; }, (error: unknown) => world.trace.add(link.name, 'failed', String(error)));
  return { engine, net, clock, done: () => isDone };
}

/** A first sync that is killed in its midst, and gone on with by another process on a network that breaks. */
async function history(world: World): Promise<readonly { atMs: number; who: string; what: string; detail: Plain }[]> {
  const server = await LabServer.start(world);
  const disk = new LabDisk();
  try {
    const link = new LabLink(world, 'phone', server, { downBytesPerSecond: 100_000 });
    const first = startProcess(world, server, disk, link, 'first');
    await world.runWhile(() => link.packs.received < 100_000, 600_000);
    first.net.kill();
    first.clock.kill();
    await disk.processEnded();
    link.setSpeed({ breakOneIn: 3 });
    const second = startProcess(world, server, disk, link, 'second');
    expect(await world.runWhile(() => !second.done(), 600_000)).toBe(true);
    const device = new DatabaseSync(disk.database, { readOnly: true });
    for (const name of server.rights.tablesOf('ann')) expect(rowLines(device, name, server.rights.columns('ann', name))).toEqual(server.share('ann', name));
    device.close();
    await second.engine.close();
    return world.trace.entries;
  } finally {
    await server.close();
    await disk.close();
  }
}

describe('the engine in the lab', () => {
  it('gets the share through a kill and a bad network, the same way each time', async () => {
    const one = await history(new World({ seed: 11 }));
    let turns = 0;
    const other = await history(new World({ seed: 11, disturb: () => sleep((turns++ * 5) % 4) }));
    expect(firstDifference(one, other)).toBeUndefined();
    expect(one.filter(({ detail }) => JSON.stringify(detail).includes('it broke off')).length).toBeGreaterThan(0);
  });
});
