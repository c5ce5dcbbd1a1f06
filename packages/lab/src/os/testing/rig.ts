// One operating system on virtual time, with everything written down that it does to the app.
import type { Report, TransferItem, WakeWish } from '@carryon/client';
import type { Platform } from '@carryon/policy';
import { createOs, type OsOptions } from '../create-os.ts';
import type { Action, Os } from '../os.ts';
import type { Chance, DownloadEnd, Timeline } from '../ports.ts';

export class FakeTimeline implements Timeline {
  #nowMs = 0;
  #count = 0;
  #due: { readonly atMs: number; readonly nr: number; readonly run: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const entry = { atMs: this.#nowMs + delayMs, nr: this.#count++, run };
    this.#due.push(entry);
    return () => {
      this.#due = this.#due.filter((one) => one !== entry);
    };
  }

  pass(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#due.toSorted((a, b) => a.atMs - b.atMs || a.nr - b.nr)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#due = this.#due.filter((one) => one !== next);
      this.#nowMs = next.atMs;
      next.run();
    }
    this.#nowMs = untilMs;
  }
}

/** Mulberry32: small, and enough for tests. */
export function fakeChance(seed: number): Chance {
  let state = seed;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number): number => Math.floor(fraction() * n);
  return {
    below, chance: (n, d) => below(d) < n, between: (from, to) => from + below(to - from + 1),
    pick: <T>(items: readonly T[]): T => items[below(items.length)] as T,
  };
}

export interface Fetching {
  readonly url: string;
  readonly fromByte: number;
  readonly onBytes: (n: number) => void;
  readonly onEnd: (end: DownloadEnd) => void;
}

export class OsRig {
  readonly timeline = new FakeTimeline();
  readonly os: Os;
  /** `<ms> <what>`; a report by what is not as usual in it. */
  readonly log: string[] = [];
  readonly reports: Report[] = [];
  readonly fetching: Fetching[] = [];
  readonly adopted = new Map<string, Uint8Array>();
  /** What the app does at each report. */
  onReport: (report: Report) => void = () => {};

  constructor(platform: Platform, options: OsOptions = {}, seed = 1, offsetMs: () => number = () => 0) {
    const say = (what: string): number => this.log.push(`${this.timeline.nowMs()} ${what}`);
    const heard = (verb: string) => (report: Report): void => {
      say(`${verb} ${brief(report)}`);
      this.reports.push(report);
      this.onReport(report);
    };
    this.os = createOs(platform, {
      timeline: this.timeline, chance: fakeChance(seed), options, wallMs: () => this.timeline.nowMs() + offsetMs(),
      hooks: {
        start: heard('start'), report: heard('report'), resume: () => say('resume'), suspend: (_why, sockets) => say(`suspend ${sockets}`),
        kill: () => say('kill'), powerLoss: () => say('power-loss'), storage: (readable) => say(`storage ${readable}`), network: (to) => say(`network ${to}`),
      },
      downloader: { download: (url, fromByte, onBytes, onEnd) => this.#fetch({ url, fromByte, onBytes, onEnd }) },
      adopt: (name, bytes) => this.adopted.set(name, bytes),
    });
  }

  /** Does these at once and forgets the log of before. */
  act(...names: readonly (Exclude<Action['do'], 'permission' | 'network' | 'wifi-only' | 'mode' | 'sleep' | 'clock'> | Action)[]): this {
    this.log.length = 0;
    for (const name of names) this.os.act(typeof name === 'string' ? { do: name } : name);
    return this;
  }

  pass(ms: number): this {
    this.timeline.pass(ms);
    return this;
  }

  wish(notBeforeMs: number, ...kinds: WakeWish['kinds']): this {
    this.os.wish({ notBeforeMs, kinds });
    return this;
  }

  enqueue(count: number, changes: Partial<TransferItem> = {}): Promise<readonly string[]> {
    const items = Array.from({ length: count }, (_, i) => ({ name: `p${i}`, url: `/p${i}`, bytes: 10, priority: i, allowMetered: false, ...changes }));
    const refused = this.os.transfers?.enqueue(items);
    this.pass(0);
    return refused ?? Promise.resolve([]);
  }

  /** Ends the download of that address. */
  end(url: string, end: DownloadEnd): void {
    const found = this.fetching.find((one) => one.url === url);
    if (found === undefined) throw new Error(`${url} is not being fetched`);
    this.fetching.splice(this.fetching.indexOf(found), 1);
    found.onEnd(end);
    this.pass(0);
  }

  get urls(): readonly string[] {
    return this.fetching.map(({ url }) => url);
  }

  async phases(): Promise<readonly string[]> {
    return ((await this.os.transfers?.list()) ?? []).map(({ name, phase }) => `${name} ${phase}`);
  }

  #fetch(fetching: Fetching): () => void {
    this.fetching.push(fetching);
    return () => {
      const at = this.fetching.indexOf(fetching);
      if (at >= 0) this.fetching.splice(at, 1);
    };
  }
}

function brief({ app, screen, inUse, network, window }: Report): string {
  const parts = [app, screen === 'locked' ? 'locked' : '', inUse ? '' : 'idle', network === 'unmetered' ? '' : network, window === undefined ? '' : `${window.kind}<${window.endsMs ?? '?'}`];
  return parts.filter((part) => part !== '').join(' ');
}
