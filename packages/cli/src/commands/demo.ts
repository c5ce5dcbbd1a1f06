import { existsSync, rmSync, statSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { queryDevice, readDevice, systemClock, systemRandom } from '@carryon/hosts/node';
import { CarryonError } from '@carryon/protocol';
import { parseProfile, readKeys, signToken, startServer, type RunningServer } from '@carryon/server';
import type { Command } from 'commander';
import { pino } from 'pino';
import { action, newCommand, wholeNumber } from '../command.ts';
import { createDemoDatabase, DEMO_MAX_WORK_ORDERS, DEMO_TECHNICIAN } from '../demo/database.ts';
import { editDemo, showWorkOrder } from '../demo/edit.ts';
import { demoHints } from '../demo/hints.ts';
import { DEMO_PROFILE, SAMPLE_QUERY } from '../demo/profile.ts';
import { signalExit } from '../exit.ts';
import { bytes, count, duration, table, type Output } from '../output.ts';
import { bar, ProgressLine } from '../progress.ts';
import { diskBytes, runSync, type SyncSummary } from '../run-sync.ts';
import { DEFAULT_PORT, stopSignal } from './serve.ts';
import { printStatus } from './status.ts';

interface Options { readonly dir: string; readonly workOrders: number; readonly port: number; readonly user: string; readonly once?: boolean; readonly edit?: boolean; readonly show?: string }

const DAY_MS = 86_400_000;

export function demoCommand(): Command {
  return newCommand('demo', 'a demonstration: a field-service database, its server, and one technician\'s device')
    .option('--dir <dir>', 'where everything goes', 'carryon-demo')
    .option('--work-orders <n>', 'size of a new database', wholeNumber('--work-orders', 1, DEMO_MAX_WORK_ORDERS), 100_000)
    .option('--port <n>', 'the server\'s port; another one when it is taken', wholeNumber('--port', 0, 65_535), DEFAULT_PORT)
    .option('--user <id>', 'the technician', DEMO_TECHNICIAN)
    .option('--once', 'end after the sync instead of serving on')
    .option('--edit', 'only change one of the technician\'s work orders in the business database, to see it arrive')
    .option('--show <number>', 'only show a work order as the business database has it now')
    .action(action(demo));
}

async function demo(out: Output, options: Options): Promise<number | void> {
  const files = { database: join(options.dir, 'business.db'), profile: join(options.dir, 'profile.json'), data: join(options.dir, 'server'), device: join(options.dir, options.user) };
  if (options.edit || options.show !== undefined) return inBusiness(out, files.database, options);
  makeDatabase(out, files.database, options);
  writeFileSync(files.profile, `${JSON.stringify(DEMO_PROFILE, null, 2)}\n`);
  let isStopping = false;
  const signalled = stopSignal().then(() => { isStopping = true; });
  const server = await serveDemo(out, files, options.port);
  try {
    await Promise.race([waitReady(out, server), signalled]);
    if (isStopping) return;
    const token = await signToken((await readKeys(files.data)).development, options.user, systemClock.nowMs(), DAY_MS);
    out.line(`\n3. ${options.user}'s device`);
    const summary = await syncDemo(server.url, files.device, token, out.json);
    if (summary?.interrupted !== undefined) return signalExit(summary.interrupted);
    out.line(summary ? `   ${count(summary.rows)} rows are on the device: ${bytes(summary.receivedBytes)} received in ${duration(summary.elapsedMs)}\n` : '   another process is syncing into it\n');
    const status = await readDevice(files.device);
    printStatus(out, files.device, status, diskBytes(files.device));
    const answer = queryDevice(files.device, SAMPLE_QUERY);
    out.line(`\n4. Plain SQL on the device, without a network: the next jobs\n\n${table(answer.columns, answer.rows)}`);
    out.result({ url: server.url, ...files, sync: summary, status, sample: answer });
    if (options.once) return;
    out.line(demoHints({ url: server.url, ...files, dir: options.dir, user: options.user, number: String(answer.rows[0]?.[0] ?? 'WO-0000001') }));
    await Promise.race([signalled, server.ended]);
  } finally {
    await server.close();
  }
}

/** Undefined: a process from before, which the demonstration has suggested, does it already. */
async function syncDemo(url: string, folder: string, token: string, quiet: boolean): Promise<SyncSummary | undefined> {
  return runSync({ url, folder, token, watch: false, quiet }).catch((error: unknown) => {
    if (error instanceof CarryonError && error.code === 'device.in-use') return undefined;
    throw error;
  });
}

/** Changes a work order as the office would, or looks at one. */
function inBusiness(out: Output, database: string, { edit, user, show = '' }: Options): void {
  const order = edit ? editDemo(database, user, systemRandom.fraction()) : showWorkOrder(database, show);
  out.result(order);
  out.line(`${order.number} is ${edit ? 'now ' : ''}"${order.title}", ${order.status}`);
}

function makeDatabase(out: Output, file: string, options: Options): void {
  mkdirSync(options.dir, { recursive: true });
  if (existsSync(file)) return out.line(`1. The business database is there: ${file}, ${bytes(statSync(file).size)}`);
  out.line(`1. Making a field-service database with ${count(options.workOrders)} work orders: ${file}`);
  const line = new ProgressLine(out.json);
  const startMs = systemClock.nowMs();
  rmSync(join(options.dir, 'server'), { recursive: true, force: true });
  createDemoDatabase(file, {
    workOrders: options.workOrders, today: new Date(startMs),
    onProgress: (done, of) => line.show(() => `   ${bar(done / of)}  ${count(done)}/${count(of)} work orders`, systemClock.nowMs()),
  });
  line.end(`   ${bar(1)}  ${bytes(statSync(file).size)} in ${duration(systemClock.nowMs() - startMs)}`, systemClock.nowMs());
}

async function serveDemo(out: Output, files: { readonly database: string; readonly data: string }, port: number): Promise<RunningServer> {
  const start = (at: number): Promise<RunningServer> => startServer(
    { database: files.database, profiles: [parseProfile(DEMO_PROFILE)], dataDir: files.data, port: at, auth: {}, development: true },
    { clock: systemClock, random: systemRandom, log: pino({ level: 'warn' }, pino.destination({ fd: 2, sync: true })) });
  const server = await start(port).catch((error: unknown) => {
    if (error instanceof CarryonError && error.code === 'server.port-in-use') return start(0);
    throw error;
  });
  out.line(`\n2. The sync server on it: ${server.url}`);
  return server;
}

async function waitReady(out: Output, server: RunningServer): Promise<void> {
  const startMs = systemClock.nowMs();
  await server.ready;
  out.line(`   it has taken in the database in ${duration(systemClock.nowMs() - startMs)} and follows its changes`);
}
