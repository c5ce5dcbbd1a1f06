import type { RuleSetName } from '@carryon/policy';
import { demo, type DemoOptions } from './actors/business.ts';
import { LabDevice, type LabDeviceOptions } from './actors/device.ts';
import { flipped, refusal } from './actors/faults.ts';
import type { LinkMode } from './actors/link.ts';
import { LabServer } from './actors/server.ts';
import type { Checker, Problem } from './checkers/checker.ts';
import { deadlineChecker } from './checkers/deadline.ts';
import { Permission } from './checkers/permission.ts';
import { restChecker } from './checkers/rest.ts';
import { journalProblems, truthChecker } from './checkers/truth.ts';
import { twiceChecker } from './checkers/twice.ts';
import { wasteChecker } from './checkers/waste.ts';
import type { Action } from './os/os.ts';
import type { Chart } from './timeline/sample.ts';
import type { Entry } from './world/trace.ts';
import { World } from './world/world.ts';

const WRONG = {
  busy: refusal(429, 'server.busy', { 'retry-after': '20' }), unavailable: refusal(503, 'server.unavailable'), expired: refusal(403, 'pack.url-expired'),
  gone: refusal(410, 'pack.gone'), flipped,
};
type Wrong = keyof typeof WRONG;

/** What goes wrong around a device, and what people do in the app. */
export type Event =
  | Action
  | { readonly do: 'link'; readonly to: LinkMode }
  | { readonly do: 'break'; readonly oneIn: number }
  | { readonly do: 'server-down' | 'server-up' | 'server-restart' | 'disk-full' | 'disk-free' | 'reset' }
  /** The server forgets tombstones and packs that nobody used. */
  | { readonly do: 'keep-house' }
  /** The next answers to this device are not what they should be. */
  | { readonly do: 'answer'; readonly path: 'sync' | 'packs'; readonly how: Wrong; readonly times: number }
  | { readonly do: 'write'; readonly sql: string }
  | { readonly do: 'sync'; readonly kind: 'delta' | 'full-delta' }
  | { readonly do: 'pause' | 'resume'; readonly reason: string };

export interface LabOptions extends Omit<LabDeviceOptions, 'config'> {
  readonly seed: number | string;
  readonly ruleSet?: RuleSetName;
  readonly config?: LabDeviceOptions['config'];
  readonly business?: DemoOptions;
  /** `shared`: one server's files for many runs that change nothing. */
  readonly folder?: 'copy' | 'shared';
  /** Checkers left out: a fault on purpose. */
  readonly blind?: readonly string[];
}

/** So long a healed device may take to be up to date. */
const HEAL_MS = 12 * 3_600_000;

/** The longest wait at the server, the silence that ends it on a dead connection, and the retry. */
const LAST_NEWS_MS = 150_000;

/** One world with one server and one device, and those who watch it. */
export class Lab {
  readonly world: World;
  readonly server: LabServer;
  readonly device: LabDevice;
  readonly problems: Problem[] = [];
  /** When the device did something, by its own clock. */
  readonly #seenMs: number[] = [];
  readonly #blind: readonly string[];
  /** The app's reasons to pause, ever. */
  readonly #pauses = new Set<string>();

  private constructor(world: World, server: LabServer, device: LabDevice, blind: readonly string[], ruleSet: RuleSetName) {
    this.world = world;
    this.server = server;
    this.device = device;
    this.#blind = blind;
    const permission = new Permission(ruleSet, device.time);
    const checkers = [restChecker(permission, device.name), deadlineChecker(permission, device.name, device.time), twiceChecker(device.name), wasteChecker(device.name), truthChecker(permission, device)];
    world.trace.onEntry((entry) => {
      if (entry.who === device.name) permission.see(entry);
      if (entry.who === device.name && ['start', 'report', 'resume', 'rested', 'timer', 'ended', 'action', 'engine', 'kill'].includes(entry.what)) this.#seenMs.push(device.time.nowMs());
      for (const checker of checkers) this.#note(checker, entry);
    });
  }

  static async start(options: LabOptions): Promise<Lab> {
    const { seed, ruleSet = 'carry-on', config, business, folder, blind = [], ...device } = options;
    const world = new World({ seed });
    const server = await LabServer.start(world, { business: demo(business), ...(folder ? { folder } : {}) });
    return new Lab(world, server, new LabDevice(world, server, { ...device, config: { ruleSet, ...config } }), blind, ruleSet);
  }

  /** Lets something happen now. */
  async do(event: Event): Promise<void> {
    switch (event.do) {
      case 'link': this.device.link.setMode(event.to); break;
      case 'break': this.device.link.setSpeed({ breakOneIn: event.oneIn }); break;
      case 'server-down': if (this.server.isUp) await this.server.down(); break;
      case 'server-up': if (!this.server.isUp) await this.server.up(); break;
      case 'server-restart': if (this.server.isUp) await this.server.restart(); break;
      case 'disk-full': this.#fill(true); break;
      case 'disk-free': this.#fill(false); break;
      case 'keep-house': if (this.server.isUp) await this.server.keepHouse(0, 0); break;
      case 'answer': this.device.peer.fault(`/v1/${event.path}`, WRONG[event.how], event.times); break;
      case 'write': this.server.change(event.sql); break;
      case 'sync': if (this.device.os.isRunning) this.device.engine?.syncNow({ kind: event.kind }); break;
      case 'reset': this.#reset(); break;
      case 'pause': this.#pauses.add(event.reason); if (this.device.os.isRunning) this.device.engine?.pause(event.reason); break;
      case 'resume': if (this.device.os.isRunning) this.device.engine?.resume(event.reason); break;
      default: this.device.act(event);
    }
    await this.world.settle();
  }

  runFor(ms: number): Promise<void> {
    return this.world.runFor(ms);
  }

  /** Everything is well again and the person has the app in front: the device must come up to date. */
  async heal(): Promise<void> {
    const good: readonly Event[] = [
      { do: 'link', to: 'up' }, { do: 'break', oneIn: 0 }, { do: 'server-up' }, { do: 'disk-free' }, { do: 'saver-off' }, { do: 'plug' }, { do: 'permission', to: 'always' },
      { do: 'wifi-only', on: false }, { do: 'mode', to: 'auto' }, { do: 'network', to: 'unmetered' }, { do: 'leave' }, { do: 'open' },
    ];
    this.device.peer.mend();
    this.device.link.setSpeed({ downBytesPerSecond: 2_000_000, upBytesPerSecond: 500_000 });
    for (const event of good) await this.do(event);
    for (const reason of this.#pauses) await this.do({ do: 'resume', reason });
    await this.server.publish();
    const isDone = await this.world.runWhile(() => !this.device.isUpToDate, HEAL_MS);
    if (!isDone) this.#fail('healing', `healed, the device does not come up to date: ${JSON.stringify(this.device.status()?.reasons ?? 'no engine')}`);
    // What was written in the last moment comes with the wait at the server, or with the next where that one hangs.
    await this.runFor(LAST_NEWS_MS);
  }

  /** What the device holds is the person's share, and its journal tells what happened. */
  check(): void {
    for (const { name } of this.server.tables) {
      const rows = this.device.rows(name);
      const share = this.server.share(this.device.user, name);
      if (JSON.stringify(rows) !== JSON.stringify(share)) this.#fail('share', `table ${name} has ${rows?.length ?? 'no'} rows, the share ${share.length}, or they differ`);
    }
    for (const problem of journalProblems(this.device, this.#seenMs)) this.#fail('journal', problem);
  }

  chart(title: string): Chart {
    return { title, samples: this.device.samples, endMs: this.world.queue.steadyMs };
  }

  async close(): Promise<void> {
    await this.device.close();
    await this.server.close();
  }

  #fill(isFull: boolean): void {
    const { disk, name } = this.device;
    this.world.trace.add(name, 'disk', isFull ? 'full' : 'free');
    if (isFull) disk.fill();
    else disk.free();
  }

  #reset(): void {
    const { device } = this;
    if (!device.os.isRunning || !device.engine) return;
    this.world.trace.add(device.name, 'reset');
    device.engine.reset();
  }

  #note(checker: Checker, entry: Entry): void {
    const what = checker.see(entry);
    if (what !== undefined) this.#fail(checker.name, what);
  }

  #fail(checker: string, what: string): void {
    if (this.#blind.includes(checker)) return;
    this.problems.push({ atMs: this.world.queue.steadyMs, checker, what });
  }
}
