import type { Platform, RuleSetName } from '@carryon/policy';
import type { AppEdit } from './actors/app.ts';
import { businessOf, type BusinessOptions } from './actors/businesses.ts';
import { LabDevice, type LabDeviceOptions } from './actors/device.ts';
import { flipped, isPush, killed, lost, refusal, twice, type Fault } from './actors/faults.ts';
import type { LinkMode } from './actors/link.ts';
import { LabServer } from './actors/server.ts';
import type { Problem } from './checkers/checker.ts';
import { Observer } from './checkers/observer.ts';
import type { Action } from './os/os.ts';
import type { Chart } from './timeline/sample.ts';
import { World } from './world/world.ts';

const WRONG = {
  busy: refusal(429, 'server.busy', { 'retry-after': '20' }), unavailable: refusal(503, 'server.unavailable'), expired: refusal(403, 'pack.url-expired'),
  gone: refusal(410, 'pack.gone'), flipped, lost, twice,
} as const satisfies Readonly<Record<string, Fault>>;
type Wrong = keyof typeof WRONG | 'killed';

/** What goes wrong around a device, and what people do in the app. */
export type Event =
  | Action
  | { readonly do: 'link'; readonly to: LinkMode }
  | { readonly do: 'break'; readonly oneIn: number }
  | { readonly do: 'server-down' | 'server-up' | 'server-restart' | 'disk-full' | 'disk-free' }
  /** The server forgets tombstones and packs that nobody used; `scopes`: and scopes that nobody uses at this moment. */
  | { readonly do: 'keep-house'; readonly scopes?: true }
  /** The server is told to go over to other profiles of the business; `killed`: it is killed while it does. */
  | { readonly do: 'reload'; readonly to: string; readonly how?: 'killed' }
  /** The next answers to this device are not what they should be; `push`: those to requests with edits. `killed`: the server's process ends instead. */
  | { readonly do: 'answer'; readonly path: 'sync' | 'packs' | 'push'; readonly how: Wrong; readonly times: number }
  /** The business application writes. */
  | { readonly do: 'write'; readonly sql: string }
  /** The business database is copied; the copy is put back. */
  | { readonly do: 'back-up' | 'restore' }
  /** The person edits rows in the app, if it is in front. */
  | ({ readonly do: 'edit' } & AppEdit)
  /** The person decides about the oldest draft. */
  | { readonly do: 'draft'; readonly how: 'retry' | 'drop' }
  | { readonly do: 'sync'; readonly kind: 'delta' | 'full-delta' }
  | { readonly do: 'pause' | 'resume'; readonly reason: string }
  | { readonly do: 'reset' };

/** A device beside the one that a lab is about. */
export interface OtherDevice {
  readonly name: string;
  readonly user: string;
  readonly platform: Platform;
}

export interface LabOptions extends Omit<LabDeviceOptions, 'config'> {
  readonly seed: number | string;
  readonly ruleSet?: RuleSetName;
  readonly config?: LabDeviceOptions['config'];
  readonly business?: BusinessOptions;
  /** Further devices, of this person or others. */
  readonly others?: readonly OtherDevice[];
  /** `shared`: one server's files for many runs that change nothing. */
  readonly folder?: 'copy' | 'shared';
  /** Checkers left out: a fault on purpose. */
  readonly blind?: readonly string[];
}

/** So long a healed device may take to be up to date. */
const HEAL_MS = 12 * 3_600_000;

/** An engine that has ended closes its database within this time. */
const LAST_WORDS_MS = 1000;

/** The longest wait at the server, the silence that ends it on a dead connection, and the retry. */
const LAST_NEWS_MS = 150_000;

/** One world with one server and its devices, and those who watch them. */
export class Lab {
  readonly world: World;
  readonly server: LabServer;
  /** The one that this is about, first of all. */
  readonly device: LabDevice;
  readonly devices: readonly LabDevice[];
  readonly problems: Problem[] = [];
  readonly #observers: readonly Observer[];
  readonly #blind: readonly string[];
  /** The app's reasons to pause, ever. */
  readonly #pauses = new Set<string>();

  private constructor(world: World, server: LabServer, devices: readonly [LabDevice, ...LabDevice[]], blind: readonly string[], ruleSet: RuleSetName) {
    this.world = world;
    this.server = server;
    this.device = devices[0];
    this.devices = devices;
    this.#blind = blind;
    this.#observers = devices.map((device) => new Observer(device, ruleSet, (checker, what) => this.#fail(checker, what)));
    world.trace.onEntry((entry) => { for (const observer of this.#observers) observer.see(entry); });
  }

  static async start(options: LabOptions): Promise<Lab> {
    const { seed, ruleSet = 'carry-on', config, business, folder, blind = [], others = [], ...device } = options;
    const world = new World({ seed });
    const server = await LabServer.start(world, { business: businessOf(business), ...(folder ? { folder } : {}) });
    const made = (one: LabDeviceOptions): LabDevice => new LabDevice(world, server, { ...one, config: { ruleSet, ...config } });
    return new Lab(world, server, [made(device), ...others.map(made)], blind, ruleSet);
  }

  /** Lets something happen now. `on`: the name of the device, where it is another than the first. */
  async do(event: Event, on?: string): Promise<void> {
    const device = this.devices.find(({ name }) => name === on) ?? this.device;
    await this.#do(event, device);
    await this.world.settle();
  }

  async #do(event: Event, device: LabDevice): Promise<void> {
    const { server } = this;
    switch (event.do) {
      case 'link': return device.link.setMode(event.to);
      case 'break': return device.link.setSpeed({ breakOneIn: event.oneIn });
      case 'server-down': return server.isUp ? server.down() : undefined;
      case 'server-up': return server.isUp ? undefined : server.up();
      case 'server-restart': return server.isUp ? server.restart() : undefined;
      case 'disk-full': return this.#fill(device, true);
      case 'disk-free': return this.#fill(device, false);
      case 'keep-house': return server.isUp ? server.keepHouse(0, 0, ...(event.scopes ? [0] : [])) : undefined;
      case 'reload': return server.reload(event.to, event.how);
      case 'answer': return this.#answerWrongly(device, event);
      case 'write': return server.change(event.sql);
      case 'back-up': return server.backUp();
      case 'restore': return server.hasBackup ? server.restore() : undefined;
      case 'edit': return device.use({ edit: event });
      case 'draft': return device.use({ settle: event.how });
      case 'sync': case 'reset': case 'pause': case 'resume': return this.#ask(device, event);
      default: return device.act(event);
    }
  }

  #answerWrongly({ peer }: LabDevice, { path, how, times }: Extract<Event, { do: 'answer' }>): void {
    peer.fault(path === 'push' ? isPush : `/v1/${path}`, how === 'killed' ? killed(this.server) : WRONG[how], times);
  }

  /** The app asks its engine for something. */
  #ask(device: LabDevice, event: Extract<Event, { do: 'sync' | 'reset' | 'pause' | 'resume' }>): void {
    if (event.do === 'pause') this.#pauses.add(event.reason);
    const engine = device.os.isRunning ? device.engine : undefined;
    if (!engine) return;
    switch (event.do) {
      case 'sync': return engine.syncNow({ kind: event.kind });
      case 'pause': return engine.pause(event.reason);
      case 'resume': return engine.resume(event.reason);
      case 'reset':
        this.world.trace.add(device.name, 'reset');
        return engine.reset();
      default: return event satisfies never;
    }
  }

  runFor(ms: number): Promise<void> {
    return this.world.runFor(ms);
  }

  /** Everything is well again and each person has the app in front: the devices must come up to date, and every edit must get where it belongs. */
  async heal(): Promise<void> {
    for (const device of this.devices) await this.#heal(device);
    await this.server.publish();
    for (const device of this.devices) await this.#settle(device);
    // What was written in the last moment comes with the wait at the server, or with the next where that one hangs.
    await this.runFor(LAST_NEWS_MS);
    const foreign = this.devices.filter(({ isForeign }) => isForeign);
    for (const device of foreign) await this.#settle(device);
    if (foreign.length > 0) await this.runFor(LAST_NEWS_MS);
  }

  /** Waits until the device has and has given all. A person who is told that the server's data is another agrees to begin anew. */
  async #settle(device: LabDevice): Promise<void> {
    const lags = (): boolean => !device.isUpToDate || device.hasPending;
    await this.world.runWhile(() => lags() && !device.isForeign, HEAL_MS);
    if (device.isForeign) {
      await this.runFor(LAST_WORDS_MS);
      await this.do({ do: 'open' }, device.name);
    }
    if (await this.world.runWhile(lags, HEAL_MS)) return;
    const { edits, reasons = 'no engine' } = device.status() ?? {};
    this.#fail('healing', `healed, ${device.name} does not come up to date: ${JSON.stringify({ edits, reasons })}`);
  }

  async #heal(device: LabDevice): Promise<void> {
    const good: readonly Event[] = [
      { do: 'link', to: 'up' }, { do: 'break', oneIn: 0 }, { do: 'server-up' }, { do: 'disk-free' }, { do: 'saver-off' }, { do: 'plug' }, { do: 'permission', to: 'always' },
      { do: 'wifi-only', on: false }, { do: 'mode', to: 'auto' }, { do: 'network', to: 'unmetered' }, { do: 'leave' }, { do: 'open' },
    ];
    device.peer.mend();
    device.link.setSpeed({ downBytesPerSecond: 2_000_000, upBytesPerSecond: 500_000 });
    for (const event of good) await this.do(event, device.name);
    for (const reason of this.#pauses) await this.do({ do: 'resume', reason }, device.name);
  }

  /** What each device holds is the person's share, and its journal tells what happened. */
  check(): void {
    for (const device of this.devices) {
      for (const what of this.server.differences(device)) this.#fail('share', what);
    }
    for (const observer of this.#observers) observer.checkJournal();
  }

  chart(title: string): Chart {
    return { title, samples: this.device.samples, endMs: this.world.queue.steadyMs };
  }

  async close(): Promise<void> {
    for (const device of this.devices) await device.close();
    await this.server.close();
  }

  #fill({ disk, name }: LabDevice, isFull: boolean): void {
    this.world.trace.add(name, 'disk', isFull ? 'full' : 'free');
    if (isFull) disk.fill();
    else disk.free();
  }

  #fail(checker: string, what: string): void {
    if (this.#blind.includes(checker)) return;
    this.problems.push({ atMs: this.world.queue.steadyMs, checker, what });
  }
}
