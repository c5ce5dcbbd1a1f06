import type { Report } from '@carryon/client';
import { decide, observe, type History, type RuleSetName, type Sync, type Verdict } from '@carryon/policy';
import type { DeviceTime } from '../world/clock.ts';
import type { Entry } from '../world/trace.ts';

export interface Allowed {
  /** Some sync may use the network, may work at all. */
  readonly network: boolean;
  readonly work: boolean;
  /** For how long nothing has been allowed, and for how long no network. */
  readonly deniedForMs: number;
  readonly offForMs: number;
}

/** The most that any sync may be allowed: begun or new, asked for by the person. */
const SYNCS: readonly Sync[] = [
  { kind: 'first', state: 'active' }, { kind: 'first', state: 'none', byPerson: true }, { kind: 'delta', state: 'active' }, { kind: 'delta', state: 'none', byPerson: true },
  { kind: 'upload', state: 'active' }, { kind: 'upload', state: 'none' },
];

/** What the policy allows a device, computed apart from the engine, from what the OS told the process. */
export class Permission {
  readonly #ruleSet: RuleSetName;
  readonly #time: DeviceTime;
  #history: History | undefined;
  #report: Report | undefined;
  #deniedSinceMs: number | undefined;
  #offSinceMs: number | undefined;
  /** The row that spoke last for a first sync that has begun. */
  rule = '';

  constructor(ruleSet: RuleSetName, time: DeviceTime) {
    this.#ruleSet = ruleSet;
    this.#time = time;
  }

  /** Follows what the process is told. A new process knows nothing of the past. */
  see({ what, detail, atMs }: Entry): void {
    if (what === 'start') this.#history = undefined;
    if (what === 'start') this.#report = (detail as unknown as { report: Report }).report;
    if (what === 'report') this.#report = detail as unknown as Report;
    if (what === 'start' || what === 'report' || what === 'timer') this.now(atMs);
  }

  verdict(sync: Sync): Verdict | undefined {
    if (!this.#report) return undefined;
    const situation = { ...this.#report, nowMs: this.#time.nowMs(), steadyMs: this.#time.steadyMs() };
    this.#history = observe(this.#history, situation);
    return decide(this.#ruleSet, situation, sync, this.#history);
  }

  now(atMs: number): Allowed {
    const verdicts = SYNCS.map((sync) => this.verdict(sync));
    const work = verdicts.some((verdict) => verdict?.engine === 'run');
    const network = verdicts.some((verdict) => verdict?.network === 'use');
    this.rule = verdicts[0]?.rule ?? '';
    this.#deniedSinceMs = work ? undefined : this.#deniedSinceMs ?? atMs;
    this.#offSinceMs = network ? undefined : this.#offSinceMs ?? atMs;
    return { work, network, deniedForMs: atMs - (this.#deniedSinceMs ?? atMs), offForMs: atMs - (this.#offSinceMs ?? atMs) };
  }
}
