import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { DeviceStatus, EngineConfig, Report } from '@carryon/client';
import { decide, DEFAULT_RULE_SET, type Platform } from '@carryon/policy';
import { createOs, type OsOptions } from '../os/create-os.ts';
import type { Action, Os, ProcessHooks } from '../os/os.ts';
import type { Sample } from '../timeline/sample.ts';
import { DeviceTime } from '../world/clock.ts';
import type { Plain } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import { LabApp, type AppEdit } from './app.ts';
import { DeviceProcess } from './device-process.ts';
import { LabDisk, type LabDiskOptions } from './disk.ts';
import { LabDownloads } from './downloads.ts';
import { FaultyPeer } from './faults.ts';
import { LabLink, type LinkSpeed } from './link.ts';
import { has, shownLines } from './shown.ts';
import type { LabServer } from './server.ts';

export interface LabDeviceOptions {
  readonly platform: Platform;
  readonly name?: string;
  readonly user?: string;
  readonly config?: Partial<EngineConfig>;
  readonly link?: Partial<LinkSpeed>;
  readonly os?: OsOptions;
  readonly disk?: LabDiskOptions;
  /** How long a transaction takes, from and to, by chance. */
  readonly stepMs?: readonly [number, number];
  /** A fault on purpose: what the process is told instead of what is so; undefined: nothing. */
  readonly misreport?: (report: Report) => Report | undefined;
}

const STEP_MS = [2, 40] as const;

/** A person's device: its OS, its disk and link, and the process that its OS lets live. */
export class LabDevice implements ProcessHooks {
  readonly name: string;
  readonly user: string;
  readonly disk: LabDisk;
  readonly link: LabLink;
  /** Stands before the server, for this device alone. */
  readonly peer: FaultyPeer;
  readonly time: DeviceTime;
  readonly os: Os;
  readonly samples: Sample[] = [];
  readonly #app: LabApp;
  readonly #world: World;
  readonly #server: LabServer;
  readonly #options: LabDeviceOptions;
  #process: DeviceProcess | undefined;
  /** What the process was told last; undefined: there is none. */
  #told: Report | undefined;
  #processes = 0;
  #isForeign = false;
  #progress = 0;
  /** The most rows that each table had or was announced with. */
  readonly #announced = new Map<string, number>();
  #isSampling = false;

  constructor(world: World, server: LabServer, options: LabDeviceOptions) {
    this.#world = world;
    this.#server = server;
    this.#options = options;
    this.name = options.name ?? 'device';
    this.user = options.user ?? 'ann';
    this.disk = new LabDisk(options.disk);
    this.peer = new FaultyPeer(server);
    this.link = new LabLink(world, this.name, this.peer, options.link);
    this.time = new DeviceTime(world.queue);
    const timeline = { nowMs: () => world.queue.steadyMs, after: (ms: number, run: () => void) => world.queue.after(ms, run) };
    this.os = createOs(options.platform, {
      timeline, chance: world.random.fork(`os ${this.name}`), hooks: this, downloader: new LabDownloads(this.link), adopt: (name, bytes) => this.#adopt(name, bytes),
      wallMs: () => this.time.nowMs(), options: options.os ?? {},
    });
    this.#app = new LabApp({
      disk: this.disk, user: this.user, name: `edit ${this.name}`, note: (what, detail) => this.#note(what, detail), engine: () => this.engine,
      later: (delayMs, run) => this.#process?.later(delayMs, run),
    });
    this.#note('made', { platform: options.platform, ruleSet: options.config?.ruleSet ?? 'carry-on' });
    this.#sample();
  }

  /** The person, the surroundings or the OS do something. */
  act(action: Action): void {
    this.#note('action', action as unknown as Plain);
    if (action.do === 'clock') this.time.offsetMs += action.byMs;
    if (action.do === 'reboot' || action.do === 'power-loss') this.time.rebooted();
    this.os.act(action);
    // An app whose engine has ended makes a new one when the person opens it.
    if (action.do === 'open' && this.os.isRunning && this.#process?.isOver === true) this.#open();
    this.#sample();
  }

  /** The person edits rows, or settles a draft, if the app is in front of them. */
  use(what: { readonly edit: AppEdit } | { readonly settle: 'retry' | 'drop' }): void {
    const { app, screen } = this.os.situation();
    if (!this.os.isRunning || !this.disk.isReadable || app !== 'foreground' || screen !== 'unlocked') return;
    this.#note('use');
    if ('edit' in what) this.#app.edit(what.edit);
    else void this.#app.settle(what.settle);
  }

  /** What the engine says of itself; undefined: no engine runs. */
  status(): DeviceStatus | undefined {
    return this.#process?.isOver === false ? this.#process.status() : undefined;
  }

  get engine(): DeviceProcess['engine'] | undefined {
    return this.#process?.isOver === false ? this.#process.engine : undefined;
  }

  /** A transaction is open in the process. */
  get isWriting(): boolean {
    return this.#process?.isWriting === true;
  }

  /** Every table is usable and as the server's last checkpoint, as far as the engine knows. */
  get isUpToDate(): boolean {
    return this.status()?.state === 'up-to-date';
  }

  /** The engine has ended, for the server's sync data is another; when the person opens the app the next one begins anew. */
  get isForeign(): boolean {
    return this.#isForeign;
  }

  /** Edits are on their way to the server, as far as the engine knows. */
  get hasPending(): boolean {
    return (this.status()?.edits.operations ?? 0) > 0;
  }

  /** The rows that an app sees and the server has, as `LabServer.share` gives them; undefined: the table is not usable. */
  rows(table: string): string[] | undefined {
    return this.#read((db) => shownLines(db, table));
  }

  /** The names of the tables that are usable, without those that are there for edits alone. */
  tables(): string[] {
    return this.#read((db) => (has(db, '_carryon_table') ? db.prepare('SELECT name FROM _carryon_table WHERE usable').all().map(({ name }) => String(name)) : []));
  }

  /** All journal entries, oldest first. */
  journal(): { atMs: number; kind: string; detail: string; rule: string | null; nextMs: number | null }[] {
    const sql = 'SELECT at_ms AS atMs, kind, detail, rule, next_ms AS nextMs FROM _carryon_journal ORDER BY id';
    return this.#read((db) => (has(db, '_carryon_journal') ? db.prepare(sql).all() as never : []));
  }

  #read<T>(read: (db: DatabaseSync) => T): T {
    const db = new DatabaseSync(this.disk.database, { readOnly: true });
    try {
      return read(db);
    } finally {
      db.close();
    }
  }

  start(report: Report, why: string): void {
    this.#note('start', { why, report: report as unknown as Plain });
    this.#told = report;
    this.#open();
  }

  report(report: Report): void {
    this.#note('report', report as unknown as Plain);
    this.#told = report;
    const told = this.#options.misreport ? this.#options.misreport(report) : report;
    if (this.#process && !this.#process.isOver) {
      if (told) this.#process.report(told);
    } else if (report.app === 'foreground' && report.screen === 'unlocked') this.#open();
    this.#sample();
  }

  suspend(why: string, sockets: 'drop' | 'hang'): void {
    this.#note('suspend', { why, isWriting: this.isWriting });
    this.#process?.suspend(sockets);
    this.#sample();
  }

  resume(): void {
    this.#note('resume');
    this.#process?.resume();
  }

  kill(why: string): void {
    this.#note('kill', why);
    this.#leave();
    void this.disk.processEnded();
    this.#sample();
  }

  powerLoss(): void {
    this.#note('power-loss');
    this.#leave();
    void this.disk.powerLoss();
    this.#sample();
  }

  storage(readable: boolean): void {
    this.disk.setReadable(readable);
    if (readable && this.#told && !this.#process) this.#open();
  }

  network(to: 'up' | 'cut'): void {
    this.#reach = to;
    this.#process?.net.reach(to);
  }

  #reach: 'up' | 'cut' = 'up';

  /** The device is thrown away. */
  async close(): Promise<void> {
    this.#leave();
    await this.disk.close();
  }

  /** A new engine, in a new process or after the last one ended with an error. */
  #open(): void {
    const { disk, link, time } = this;
    if (!this.#told || !disk.isReadable) return;
    const [from, to] = this.#options.stepMs ?? STEP_MS;
    const random = this.#world.random.fork(`${this.name} ${++this.#processes}`);
    this.#process = new DeviceProcess({
      disk, link, time, random, config: this.#options.config ?? {}, transfers: this.os.transfers, credentials: () => this.#server.token(this.user),
      stepMs: () => random.between(from, to), note: (what, detail) => this.#note(what, detail), rested: () => this.os.rested(), wish: (wake) => this.os.wish(wake),
      changed: () => this.#sampleSoon(), ended: (code) => { this.#isForeign = code === 'epoch.changed'; }, reset: this.#isForeign,
    }, this.#told);
    if (this.#isForeign) this.#note('reset');
    this.#isForeign = false;
    this.#process.net.reach(this.#reach);
  }

  #leave(): void {
    this.#process?.kill();
    this.#process = undefined;
    this.#told = undefined;
  }

  #adopt(name: string, bytes: Uint8Array): void {
    this.disk.adopt(name, bytes);
    const isRight = createHash('sha256').update(bytes).digest('hex') === name;
    this.#note(isRight ? 'stored' : 'stored wrong', { pack: name.slice(0, 12), by: 'os' });
    // The process may be suspended and tell nothing; by then the OS has begun another transfer.
    this.#world.queue.after(1, () => this.#sample());
  }

  #note(what: string, detail: Plain = null): void {
    this.#world.trace.add(this.name, what, detail);
  }

  /** Once for all changes of one moment. */
  #sampleSoon(): void {
    if (this.#isSampling) return;
    this.#isSampling = true;
    this.#world.queue.after(0, () => {
      this.#isSampling = false;
      this.#sample();
    });
  }

  #sample(): void {
    const sample = this.#look();
    const last = this.samples.at(-1);
    if (last && JSON.stringify({ ...last, atMs: 0 }) === JSON.stringify({ ...sample, atMs: 0 })) return;
    this.samples.push(sample);
    if (!last || last.lease !== sample.lease || last.rule !== sample.rule) this.#note('engine', { lease: sample.lease, rule: sample.rule });
  }

  #look(): Sample {
    const situation = this.os.situation();
    const status = this.os.isRunning ? this.status() : undefined;
    if (status) this.#count(status);
    return {
      atMs: this.#world.queue.steadyMs, app: situation.app, screen: situation.screen, transfers: this.os.transfers?.running ?? 0, progress: this.#progress,
      lease: !status?.lease ? 'none' : status.lease.network ? 'run' : 'local', rule: this.#rule(situation, status),
    };
  }

  /** The row that the engine cites, or cited last; of a closed app nobody does, so the policy is asked from outside. */
  #rule(situation: Report, status: DeviceStatus | undefined): string {
    if (situation.app === 'closed') return decide(this.#options.config?.ruleSet ?? DEFAULT_RULE_SET, { ...situation, nowMs: this.time.nowMs() }, { kind: 'first', state: 'active' }, undefined).rule;
    return this.os.isRunning ? status?.verdict?.rule ?? '' : this.samples.at(-1)?.rule ?? '';
  }

  /** Progress: rows that are here, of all that a plan ever announced. */
  #count({ tables }: DeviceStatus): void {
    for (const { name, rows, rowsPlanned = 0 } of tables) this.#announced.set(name, Math.max(this.#announced.get(name) ?? 0, rows, rowsPlanned));
    const all = [...this.#announced.values()].reduce((sum, rows) => sum + rows, 0);
    this.#progress = tables.reduce((sum, { rows }) => sum + rows, 0) / Math.max(1, all);
  }
}
