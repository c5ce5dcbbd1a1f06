import type { PackStore, Report } from '@carryon/client';
import type { Lab } from '../lab.ts';
import { alone, type Canary, findCanaries } from '../testing/canary.ts';
import type { Script, Timed } from './script.ts';

/** Power fails again and again while packs come fast, and the person opens the app at once. */
function losesPower(life: Script): Script {
  const script = alone(life);
  const failures = [1_000, 2_500, 4_000].flatMap((atMs): Timed[] => [{ atMs, event: { do: 'power-loss' } }, { atMs: atMs + 500, event: { do: 'open' } }]);
  const others = script.events.filter(({ atMs }) => atMs === 0 || atMs > 10_000);
  return { ...script, link: { downBytesPerSecond: 20_000, latencyMs: 5 }, events: [...others, ...failures].sort((a, b) => a.atMs - b.atMs) };
}

/** The person leaves while packs come and are applied, again and again, and stays away until the app's grace is over. */
function leavesInMidst(life: Script): Script {
  const script = alone(life);
  const leaving = Array.from({ length: 10 }, (_, i): Timed[] => [{ atMs: 1 + i * 61_300, event: { do: 'open' } }, { atMs: 1_000 + i * 61_300, event: { do: 'leave' } }]);
  return { ...script, ruleSet: 'carry-on', link: { downBytesPerSecond: 500, latencyMs: 5 }, os: { service: 'none' }, events: leaving.flat(), lengthMs: 660_000 };
}

/** The server refuses every question for half an hour. */
function failsForLong(life: Script): Script {
  const script = alone(life);
  const events: Timed[] = [{ atMs: 0, event: { do: 'answer', path: 'sync', how: 'unavailable', times: 10_000 } }, { atMs: 1, event: { do: 'open' } }];
  return { ...script, link: {}, events, lengthMs: 1_800_000 };
}

/** A pack store in which one thing works otherwise. */
function otherwise(change: (store: PackStore) => Partial<PackStore>): (lab: Lab) => void {
  return ({ device: { disk } }) => {
    const make = disk.packStore.bind(disk);
    disk.packStore = () => {
      const store = make();
      return Object.assign(store, change(store));
    };
  };
}

const isInFront = ({ app, screen }: Report): boolean => app === 'foreground' && screen === 'unlocked';
const withoutEnd = (report: Report): Report => (report.window ? { ...report, window: { kind: report.window.kind } } : report);

const forgetsStored = otherwise((store) => {
  const list = store.list.bind(store);
  return { list: async () => (await list()).filter((pack) => !pack.complete) };
});

const forgetsParts = otherwise((store) => {
  const write = store.write.bind(store);
  return {
    write: async (name) => {
      const writer = await write(name);
      await writer.restart();
      return writer;
    },
  };
});

function losesRows({ server }: Lab): void {
  const write = server.write.bind(server);
  server.write = (sql) => {
    write(sql);
    write('UPDATE _carryon_outbox SET k0 = -1 WHERE id = (SELECT max(id) FROM _carryon_outbox) AND t > 0');
  };
}

/** Requests that are given up go on all the same. */
function hearsNoAbort({ device: { link } }: Lab): void {
  const send = link.send.bind(link);
  link.send = (request, sink) => {
    const exchange = send(request, sink);
    const stop = exchange.stop.bind(exchange);
    exchange.stop = (why) => { if (why !== 'aborted') stop(why); };
    return exchange;
  };
}

function callsItselfUpToDate({ device }: Lab): void {
  const status = device.status.bind(device);
  device.status = () => {
    const now = status();
    return now && { ...now, state: 'up-to-date' };
  };
}

function namesNoReason({ device }: Lab): void {
  const status = device.status.bind(device);
  device.status = () => {
    const now = status();
    return now && { ...now, reasons: [] };
  };
}

const CANARIES: readonly Canary[] = [
  { what: 'a process that is not told of leaving and lock', platform: 'ios', fault: { misreport: (report) => (isInFront(report) ? report : undefined) }, checker: 'rest' },
  { what: 'a process that is not told the ends of its windows', platform: 'ios', fault: { misreport: withoutEnd, stepMs: [150, 200] }, script: leavesInMidst, checker: 'deadline' },
  { what: 'requests that go on when the engine must rest', fault: { meddle: hearsNoAbort }, checker: 'rest' },
  { what: 'packs that were not written through before power is lost', fault: { disk: { skipSync: true } }, script: losesPower, checker: 'twice' },
  { what: 'a client that fetches stored packs again', fault: { meddle: forgetsStored }, checker: 'twice' },
  { what: 'a client that forgets what came of a pack', fault: { meddle: forgetsParts }, checker: 'waste' },
  { what: 'a client that leaves packs behind', fault: { meddle: otherwise(() => ({ remove: async () => undefined })) }, checker: 'leftovers' },
  { what: 'a server that loses rows', fault: { meddle: losesRows }, checker: 'snapshot' },
  { what: 'a device that believes a server that loses rows', fault: { meddle: losesRows }, checker: 'quiet' },
  { what: 'a device that always calls itself up to date', fault: { meddle: callsItselfUpToDate }, script: failsForLong, checker: 'quiet' },
  { what: 'a status that names no reason', fault: { meddle: namesNoReason }, checker: 'truth' },
];

findCanaries(CANARIES);
