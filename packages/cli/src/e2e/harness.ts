import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '@carryon/hosts/node';

export const REPOSITORY = resolve(import.meta.dirname, '../../../..');
export const CARRYON = join(REPOSITORY, 'packages/cli/bin/carryon.js');
const SOURCES = '--conditions=@carryon/source';

const POLL_MS = 5;
const PATIENCE_MS = 30_000;

export const pause = (ms: number): Promise<void> => new Promise((resume) => { systemClock.after(ms, resume); });

/** Waits for something to become true; rejects, saying what did not come. */
export async function until(what: string, check: () => unknown, withinMs = PATIENCE_MS): Promise<void> {
  const endMs = systemClock.nowMs() + withinMs;
  while (!(await check())) {
    if (systemClock.nowMs() > endMs) throw new Error(`this did not come about within ${withinMs / 1000} s: ${what}`);
    await pause(POLL_MS);
  }
}

export interface Finished {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Another program than this Node.js with `carryon`: its whole command line. */
  readonly instead?: readonly string[];
}

/** A process that this test started, and what it has written so far. */
export class Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Finished>;
  readonly #startMs = systemClock.nowMs();
  stdout = '';
  stderr = '';
  isOver = false;

  constructor(command: readonly string[], options: StartOptions) {
    const { NODE_OPTIONS: _, CARRYON_TOKEN: __, CARRYON_JWT_SECRET: ___, ...inherited } = process.env;
    const [program = process.execPath, ...args] = command;
    this.process = spawn(program, args, { cwd: options.cwd, env: { ...inherited, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => { this.stdout += text; });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => { this.stderr += text; });
    this.ended = new Promise((done, fail) => {
      this.process.on('error', fail);
      this.process.on('close', (code, signal) => {
        this.isOver = true;
        done({ code, signal, stdout: this.stdout, stderr: this.stderr, elapsedMs: systemClock.nowMs() - this.#startMs });
      });
    });
    this.ended.catch(() => undefined);
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name);
  }

  /** Ends the process at once, in whatever it is doing. */
  async kill(): Promise<Finished> {
    this.signal('SIGKILL');
    return this.ended;
  }

  /** Waits for something while the process runs; rejects with what it wrote when it ends before. */
  async until(what: string, check: () => unknown): Promise<void> {
    await until(what, async () => {
      if (await check()) return true;
      if (this.isOver) throw new Error(`the process ended before ${what}:\n${this.stdout}${this.stderr}`);
      return false;
    });
  }
}

/** A server process that is ready to serve. */
export interface Served {
  readonly url: string;
  readonly dataDir: string;
  readonly running: Running;
}

export interface ServeOptions {
  readonly database: string;
  readonly profile: string;
  readonly dataDir: string;
  readonly args?: readonly string[];
  /** Resolve when it listens, without waiting for it to have read the database. */
  readonly early?: boolean;
}

/** A folder and the processes that work in it; `end` takes both away, however the test went. */
export class Lab {
  readonly folder = mkdtempSync(join(tmpdir(), 'carryon-e2e-'));
  readonly #processes = new Set<Running>();
  readonly #closers: (() => unknown)[] = [];

  path(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  /** Calls the function at the end. */
  atEnd(close: () => unknown): void {
    this.#closers.push(close);
  }

  writeJson(name: string, value: unknown): string {
    const file = this.path(name);
    mkdirSync(resolve(file, '..'), { recursive: true });
    writeFileSync(file, JSON.stringify(value, null, 2));
    return file;
  }

  /** The application's own connection to its database. */
  open(file: string): DatabaseSync {
    const db = new DatabaseSync(file, { timeout: 10_000 });
    this.atEnd(() => { if (db.isOpen) db.close(); });
    return db;
  }

  start(args: readonly string[], options: StartOptions = {}): Running {
    const running = new Running(options.instead ?? [process.execPath, SOURCES, CARRYON, ...args], { cwd: this.folder, ...options });
    this.#processes.add(running);
    return running;
  }

  run(args: readonly string[], options: StartOptions = {}): Promise<Finished> {
    return this.start(args, options).ended;
  }

  /** Runs a command with --json and returns its one value; throws when it failed. */
  async json<T>(args: readonly string[]): Promise<T> {
    const done = await this.run([...args, '--json']);
    if (done.code !== 0) throw new Error(`carryon ${args.join(' ')} ended with ${done.code}: ${done.stdout}${done.stderr}`);
    return JSON.parse(done.stdout) as T;
  }

  /** Starts a server on any free port. */
  async serve(options: ServeOptions): Promise<Served> {
    const args = ['serve', '--database', options.database, '--profile', options.profile, '--data', options.dataDir, '--port', '0', '--dev', '--json', '--log-level', 'warn'];
    const running = this.start([...args, ...options.args ?? []]);
    await running.until('the server listens', () => running.stdout.includes('\n'));
    const { url } = JSON.parse(running.stdout) as { url: string };
    if (!options.early) await running.until('the server has read its database', async () => (await health(url)) === 'ok');
    return { url, dataDir: options.dataDir, running };
  }

  async token(dataDir: string, user: string): Promise<string> {
    return (await this.json<{ token: string }>(['token', '--data', dataDir, '--user', user])).token;
  }

  sync(url: string, folder: string, token: string, ...args: readonly string[]): Running {
    return this.start(['sync', url, '--into', folder, '--token', token, ...args]);
  }

  /** Syncs once; throws when that fails. */
  async synced(url: string, folder: string, token: string): Promise<SyncResult> {
    return this.json<SyncResult>(['sync', url, '--into', folder, '--token', token]);
  }

  async end(): Promise<void> {
    for (const running of this.#processes) if (!running.isOver) await running.kill().catch(() => undefined);
    for (const close of this.#closers.splice(0).reverse()) await close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface SyncResult {
  readonly rows: number;
  readonly tables: number;
  readonly receivedBytes: number;
}

export async function health(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/healthz`);
    return ((await response.json()) as { status?: string }).status;
  } catch {
    return undefined;
  }
}

/** Waits until a server has taken in everything that its business database has committed. */
export async function caughtUp(database: string, dataDir: string): Promise<void> {
  const newest = (): number => readOne(database, 'SELECT max(id) AS n FROM _carryon_outbox');
  await until('the server has read the outbox', () => readOne(join(dataDir, 'sync.db'), 'SELECT outbox_pos AS n FROM sync_state') >= newest());
}

/** One number from a database that another process may be writing. */
export function readOne(file: string, sql: string): number {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
  try {
    return Number(db.prepare(sql).get()?.['n'] ?? 0);
  } finally {
    db.close();
  }
}
