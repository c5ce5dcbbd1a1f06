import { decide } from '../decide.ts';
import { type History, observe } from '../history.ts';
import type { RuleSetName } from '../rule-set.ts';
import type { Situation, Sync } from '../situation.ts';
import type { Verdict } from '../verdict.ts';

export const MINUTE = 60_000;
export const ACTIVE: Sync = { kind: 'delta', state: 'active' };
export const NEW: Sync = { kind: 'delta', state: 'none' };
export const FIRST: Sync = { kind: 'first', state: 'active' };

/** A device at ease: the app in front, plugged in, on Wi-Fi. */
export function situation(changes: Partial<Situation> = {}): Situation {
  return {
    nowMs: 0, platform: 'ios', app: 'foreground', screen: 'unlocked', inUse: true, power: 'plugged', saver: false,
    permission: 'power-optimized', network: 'unmetered', settings: { wifiOnly: false, mode: 'auto' }, ...changes,
  };
}

/** What is decided after the situation has lasted that long. */
export function after(ruleSet: RuleSetName, ms: number, sync: Sync, changes: Partial<Situation>): Verdict {
  const began = situation(changes);
  return decide(ruleSet, { ...began, nowMs: began.nowMs + ms }, sync, observe(undefined, began));
}

export const allowed = (verdict: Verdict): boolean => verdict.engine === 'run' && verdict.network === 'use';

/** A device that a test moves through time, one change after the other. */
export class Device {
  #now: Situation;
  #history: History;

  constructor(changes: Partial<Situation> = {}) {
    this.#now = situation(changes);
    this.#history = observe(undefined, this.#now);
  }

  get now(): Situation {
    return this.#now;
  }

  get history(): History {
    return this.#history;
  }

  change(changes: Partial<Situation>): this {
    this.#now = { ...this.#now, ...changes };
    this.#history = observe(this.#history, this.#now);
    return this;
  }

  /** Time passes without anybody looking. */
  pass(ms: number): this {
    const { steadyMs, nowMs } = this.#now;
    this.#now = { ...this.#now, nowMs: nowMs + ms, ...(steadyMs === undefined ? {} : { steadyMs: steadyMs + ms }) };
    return this;
  }

  /** Somebody sets the clock. */
  setClock(byMs: number): this {
    this.#now = { ...this.#now, nowMs: this.#now.nowMs + byMs };
    return this;
  }

  ask(ruleSet: RuleSetName, sync: Sync = ACTIVE): Verdict {
    return decide(ruleSet, this.#now, sync, this.#history);
  }
}
