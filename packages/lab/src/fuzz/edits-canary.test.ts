import type { Lab } from '../lab.ts';
import { type Canary, findCanaries } from '../testing/canary.ts';
import { keepCopy, putBack, takeOverlayOff, tamper } from '../testing/device-files.ts';
import type { Entry } from '../world/trace.ts';
import type { AppStatement } from '../actors/app-edit.ts';
import type { Script, Timed } from './script.ts';

const MINUTE_MS = 60_000;
const UPDATE: AppStatement = { op: 'update', table: 'customers', at: 0, count: 2 };
const edit = (atMs: number, ...statements: readonly AppStatement[]): Timed => ({ atMs, event: { do: 'edit', by: 'sql', statements } });

/** A device that is well, on a fast network, in front all the time; what happens begins when its tables are there. */
const calm = (events: readonly Timed[]) => ({ seed, platform }: Script): Script => ({
  seed, platform, ruleSet: 'carry-on', link: {}, os: {}, config: {}, lengthMs: 3 * MINUTE_MS,
  business: { rows: { customers: 60, jobs: 160, notes: 120, parts: 80 }, packRows: 20, textLength: 80, edits: true },
  events: [{ atMs: 0, event: { do: 'open' } }, ...events],
});

/** Each time that the device's trace has such an entry. */
function whenever(lab: Lab, isIt: (entry: Entry) => boolean, then: () => void): void {
  lab.world.trace.onEntry((entry) => { if (isIt(entry)) then(); });
}

/** After each upload the server counts one less than it has taken in. */
function forgetsWatermark(lab: Lab): void {
  whenever(lab, ({ who, what }) => who === 'server' && what === 'upload', () => lab.server.write('UPDATE _carryon_device SET last = last - 1 WHERE last > 0'));
}

function losesErrors(lab: Lab): void {
  whenever(lab, ({ who, what }) => who === 'server' && what === 'upload', () => lab.server.write('DELETE FROM carryon_sync_error'));
}

/** What the app wrote last is gone with its process. */
function losesLastWrite({ device: { disk } }: Lab): void {
  const write = disk.write.bind(disk);
  const ended = disk.processEnded.bind(disk);
  let isCopied = false;
  disk.write = (work) => {
    keepCopy(disk.database);
    isCopied = true;
    return write(work);
  };
  disk.processEnded = async () => {
    await ended();
    if (isCopied) putBack(disk.database);
    isCopied = false;
  };
}

/** As soon as the outcome of an edit is known, its row is shown as the last commit had it. */
function showsOldValues(lab: Lab): void {
  whenever(lab, ({ who, what, detail }) => who === lab.device.name && what === 'journal' && detail === 'upload', () => takeOverlayOff(lab.device.disk.database));
}

function forgetsAtReset(lab: Lab): void {
  const { database } = lab.device.disk;
  whenever(lab, ({ who, what }) => who === lab.device.name && what === 'reset', () => {
    takeOverlayOff(database);
    tamper(database, (db) => db.exec('DELETE FROM _carryon_log WHERE op IS NOT NULL AND seq IS NULL'));
  });
}

/** Nobody can see that a request brings edits. */
function hidesPushes({ device: { link } }: Lab): void {
  const send = link.send.bind(link);
  link.send = (request, sink) => send(request.body === undefined ? request : { ...request, body: request.body.replace('"push":{', '"push" :{') }, sink);
}

const CANARIES: readonly Canary[] = [
  { what: 'a server that forgets what it has taken in', fault: { meddle: forgetsWatermark }, script: calm([edit(MINUTE_MS, UPDATE), edit(2 * MINUTE_MS, UPDATE)]), checker: 'edits' },
  {
    what: 'a device that loses the last transaction when it is killed', fault: { meddle: losesLastWrite }, checker: 'edits',
    script: calm([edit(MINUTE_MS, UPDATE), { atMs: MINUTE_MS + 10, event: { do: 'kill' } }, { atMs: MINUTE_MS + 5_000, event: { do: 'open' } }]),
  },
  { what: 'a device that shows the old values between outcome and commit', fault: { meddle: showsOldValues }, script: calm([edit(MINUTE_MS, UPDATE)]), checker: 'own-values' },
  {
    what: 'a reset that forgets edits', fault: { meddle: forgetsAtReset }, checker: 'edits',
    script: calm([edit(MINUTE_MS, UPDATE), { atMs: MINUTE_MS + 10, event: { do: 'reset' } }]),
  },
  {
    what: 'a server that refuses without a sync error', fault: { meddle: losesErrors }, checker: 'pending',
    script: calm([edit(MINUTE_MS, { op: 'update', table: 'parts', at: 0, count: 1, set: { price: -1 } })]),
  },
  { what: 'edits that go up after other questions', fault: { meddle: hidesPushes }, script: calm([edit(MINUTE_MS, UPDATE), edit(MINUTE_MS + 5_000, UPDATE)]), checker: 'edits-first' },
];

findCanaries(CANARIES);
