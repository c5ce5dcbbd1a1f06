import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { CarryonError } from '@carryon/protocol';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Profile } from './core/profile.ts';
import { Follower } from './follower.ts';
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

const DEFAULT_HOST = '127.0.0.1';
/** Answers and reading that are under way when the server closes get so long; devices and the next start go on from where they were. */
const CLOSE_MS = 800;

/** Devices are answered by the thread that fits profiles: it does not wait for locks. */
const SERVING_BUSY_MS = 50;

export interface ServerOptions {
  /** The business database, an SQLite file. */
  readonly database: string;
  /** Who may hold what; one person may have several. */
  readonly profiles: readonly Profile[];
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
  /**
   * Rejects when the server can never follow the business database again (it was replaced) and somebody must act; resolves at `close`. That
   * profiles do not fit an altered database is no end: `/healthz` tells it, and the log.
   */
  readonly ended: Promise<void>;
  /**
   * Goes over to these profiles while devices are served. Rejects with `profile.invalid` and the like when they do not fit the business
   * database as it is now; then the old ones stay.
   */
  reload(profiles: readonly Profile[]): Promise<void>;
  /** Ends requests and timers, then closes the store. Nothing is lost. */
  close(): Promise<void>;
}

/** Starts a sync server. Throws what is wrong with options, profile, database or data directory before it listens. */
export async function startServer(options: ServerOptions, ports: ServerPorts): Promise<RunningServer> {
  const { clock, log } = ports;
  await mkdir(options.dataDir, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new CarryonError('usage', `The data directory ${options.dataDir} could not be made: ${cause.code}.`, { cause });
  });
  const source = { database: options.database, store: join(options.dataDir, 'sync.db') };
  const unlock = holdLock(join(options.dataDir, 'lock'));
  const closers: (() => unknown)[] = [unlock];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const config = compileFor(source.database, options.profiles, source.store);
    const keys = await openKeys(options.dataDir, ports.random);
    const auth = new Auth(options.auth, clock, options.development === true ? keys.development : undefined);
    const files = new PackFiles(join(options.dataDir, 'packs'));
    await files.open();
    // Before the business database is touched: a server that is refused must not take its changes over from another.
    await checkPort(options);
    const storage = await openSqliteStorage(source, config);
    closers.push(() => storage.close());
    const urls = new PackUrls(keys.url);
    const context: Context = {
      storage, files, urls, auth, clock, log, planner: new Planner(storage, files, urls, clock), changes: new Changes(clock), metrics: new Metrics(), health: { trouble: undefined },
    };
    const app = createApp(context, log);
    const url = await app.listen({ port: options.port, host: options.host ?? DEFAULT_HOST }).catch((cause: unknown) => { throw listenError(cause, options); });
    closers.push(() => closeApp(app, clock));
    const follower = new Follower(context, { profiles: options.profiles, compile: (profiles) => compileFor(source.database, profiles, source.store, SERVING_BUSY_MS), onIngest: options.onIngest });
    closers.push(() => within(CLOSE_MS, clock, follower.stop()), () => context.changes.close());
    log.info({ url, tables: config.tables.length }, 'listening');
    return { url, ready: follower.ready, ended: follower.ended, reload: (profiles) => follower.reload(profiles), close };
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
