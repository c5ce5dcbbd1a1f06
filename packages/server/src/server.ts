import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { CarryonError, toCarryonError } from '@carryon/protocol';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { LIMITS } from './core/limits.ts';
import type { Profile } from './core/profile.ts';
import { createApp } from './http/app.ts';
import { Auth, type AuthOptions } from './http/auth.ts';
import { Changes } from './http/changes.ts';
import type { Context } from './http/context.ts';
import { Metrics } from './http/metrics.ts';
import { openKeys } from './keys.ts';
import { PackFiles } from './packs/files.ts';
import { Planner } from './packs/planner.ts';
import { PackUrls } from './packs/url.ts';
import type { Clock } from './ports/clock.ts';
import type { Random } from './ports/random.ts';
import type { IngestProgress } from './ports/storage.ts';
import { holdLock } from './storage/sqlite/driver.ts';
import { openSqliteStorage } from './storage/sqlite/storage.ts';
import { compileFor } from './storage/sqlite/store.ts';

const HOUSEKEEPING_MS = 3_600_000;
const RETRY_MS = 1000;
const DEFAULT_HOST = '127.0.0.1';
/** Answers and reading that are under way when the server closes get so long; devices and the next start go on from where they were. */
const CLOSE_MS = 800;

export interface ServerOptions {
  /** The business database, an SQLite file. */
  readonly database: string;
  readonly profile: Profile;
  /** Everything of the server's own goes here. */
  readonly dataDir: string;
  /** 0: any free port. */
  readonly port: number;
  /** Address to listen on. Default 127.0.0.1: this machine alone. */
  readonly host?: string;
  readonly auth: AuthOptions;
  /** Also accept tokens that the data directory's own key signed. */
  readonly development?: boolean;
  readonly onIngest?: (progress: IngestProgress) => void;
}

export interface ServerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: FastifyBaseLogger;
}

export interface RunningServer {
  readonly url: string;
  /** Resolves when the business database has been read and devices are served. Rejects when that fails. */
  readonly ready: Promise<void>;
  /** Rejects when the server cannot follow the business database any more and somebody must act; resolves at `close`. */
  readonly ended: Promise<void>;
  /** Ends requests and timers, then closes the store. Nothing is lost. */
  close(): Promise<void>;
}

/** Starts a sync server. Throws what is wrong with options, profile, database or data directory before it listens. */
export async function startServer(options: ServerOptions, ports: ServerPorts): Promise<RunningServer> {
  const { clock, log } = ports;
  await mkdir(options.dataDir, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new CarryonError('usage', `The data directory ${options.dataDir} could not be made: ${cause.code}.`, { cause });
  });
  const tables = compileFor(options.database, options.profile);
  const unlock = holdLock(join(options.dataDir, 'lock'));
  const closers: (() => unknown)[] = [unlock];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const keys = await openKeys(options.dataDir, ports.random);
    const auth = new Auth(options.auth, clock, options.development === true ? keys.development : undefined);
    const files = new PackFiles(join(options.dataDir, 'packs'));
    await files.open();
    // Before the business database is touched: a server that is refused must not take its changes over from another.
    await checkPort(options);
    const storage = await openSqliteStorage({ database: options.database, store: join(options.dataDir, 'sync.db') }, tables);
    closers.push(() => storage.close());
    const urls = new PackUrls(keys.url);
    const context: Context = {
      storage, tables, files, urls, auth, clock, log, planner: new Planner(storage, files, urls, clock), changes: new Changes(clock), metrics: new Metrics(),
    };
    const app = createApp(context, log);
    const url = await app.listen({ port: options.port, host: options.host ?? DEFAULT_HOST }).catch((cause: unknown) => { throw listenError(cause, options); });
    closers.push(() => closeApp(app, clock));
    const loop = followSource(context, options.onIngest);
    closers.push(() => within(CLOSE_MS, clock, loop.stop()), () => context.changes.close());
    log.info({ url, tables: tables.length }, 'listening');
    return { url, ready: loop.ready, ended: loop.ended, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Throws what listening would. */
async function checkPort(options: ServerOptions): Promise<void> {
  const probe = createServer();
  try {
    probe.listen(options.port, options.host ?? DEFAULT_HOST);
    await once(probe, 'listening');
  } catch (cause) {
    throw listenError(cause, options);
  } finally {
    probe.close();
  }
}

/** A device that downloads slowly does not hold up the end: it goes on by Range. */
async function closeApp(app: FastifyInstance, clock: Clock): Promise<void> {
  const cancel = clock.after(CLOSE_MS, () => app.server.closeAllConnections());
  await app.close().finally(cancel);
}

/** Waits for the work, but not for longer. */
function within(ms: number, clock: Clock, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, resolve);
    void work.finally(() => { cancel(); resolve(); });
  });
}

function listenError(cause: unknown, { port, host = DEFAULT_HOST }: ServerOptions): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return new CarryonError('server.port-in-use', `Port ${port} is taken by another process.`, { cause });
  if (code === undefined) return cause;
  return new CarryonError('usage', `The server cannot listen on ${host}, port ${port}: ${code}.`, { cause });
}

/** Reads the business database once, then takes in its changes as they come. */
function followSource(context: Context, onIngest: ((progress: IngestProgress) => void) | undefined): { ready: Promise<void>; ended: Promise<void>; stop: () => Promise<void> } {
  const { storage, clock, log, metrics } = context;
  let stopped = false;
  let wake = (): void => undefined;
  let lastHousekeepingMs = clock.nowMs();
  const pause = (ms: number): Promise<void> => new Promise((resolve) => {
    const cancel = clock.after(ms, resolve);
    wake = () => { cancel(); resolve(); };
  });
  const turn = async (): Promise<void> => {
    const startMs = clock.nowMs();
    if (await storage.evaluate(startMs)) {
      metrics.evaluation.observe((clock.nowMs() - startMs) / 1000);
      context.changes.wake();
    }
    if (clock.nowMs() - lastHousekeepingMs < HOUSEKEEPING_MS) return;
    lastHousekeepingMs = clock.nowMs();
    await keepHouse(context);
  };
  const prepare = async (): Promise<void> => {
    await storage.prepare((progress) => {
      onIngest?.(progress);
      return !stopped;
    });
    if (stopped) return;
    await turn();
    log.info({}, 'ready');
  };
  const ready = prepare();
  const run = async (): Promise<void> => {
    await ready;
    while (!stopped) {
      await pause(LIMITS.pollEveryMs);
      if (stopped) return;
      await turn().catch(async (thrown: unknown) => {
        const error = toCarryonError(thrown);
        metrics.failures.inc({ code: error.code });
        log.error({ err: thrown, code: error.code }, 'changes of the business database could not be taken in');
        if (error.retry === 'no' && error.code !== 'internal') throw error;
        await pause(RETRY_MS);
      });
    }
  };
  const ended = run();
  const quiet = ended.catch(() => undefined);
  return { ready, ended, stop: async () => { stopped = true; wake(); await quiet; } };
}

async function keepHouse(context: Context): Promise<void> {
  const now = context.clock.nowMs();
  await context.storage.expire(now - LIMITS.tombstoneKeepMs);
  for (const name of await context.storage.dropPacks(now - LIMITS.packKeepMs)) await context.files.remove(name);
}
