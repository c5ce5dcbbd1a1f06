import type { RuleSetName } from '@carryon/policy';
import type { LabDevice } from '../actors/device.ts';
import type { Entry } from '../world/trace.ts';
import type { Checker } from './checker.ts';
import { deadlineChecker } from './deadline.ts';
import { editsFirstChecker } from './edits-first.ts';
import { Permission } from './permission.ts';
import { restChecker } from './rest.ts';
import { journalProblems, truthChecker } from './truth.ts';
import { twiceChecker } from './twice.ts';
import { wasteChecker } from './waste.ts';

/** What a device does is seen by these. */
const SEEN = ['start', 'report', 'resume', 'rested', 'timer', 'ended', 'action', 'engine', 'kill', 'use', 'noticed', 'edit', 'draft'];

/** Those who watch one device by the trace alone. */
export class Observer {
  readonly #device: LabDevice;
  readonly #permission: Permission;
  readonly #checkers: readonly Checker[];
  readonly #fail: (checker: string, what: string) => void;
  /** When the device did something, by its own clock. */
  readonly #seenMs: number[] = [];

  constructor(device: LabDevice, ruleSet: RuleSetName, fail: (checker: string, what: string) => void) {
    const permission = new Permission(ruleSet, device.time);
    this.#device = device;
    this.#permission = permission;
    this.#fail = fail;
    this.#checkers = [
      restChecker(permission, device.name), deadlineChecker(permission, device.name, device.time), twiceChecker(device.name), wasteChecker(device.name),
      truthChecker(permission, device), editsFirstChecker(device.name),
    ];
  }

  see(entry: Entry): void {
    const isOwn = entry.who === this.#device.name;
    if (isOwn) this.#permission.see(entry);
    if (isOwn && SEEN.includes(entry.what)) this.#seenMs.push(this.#device.time.nowMs());
    for (const checker of this.#checkers) {
      const what = checker.see(entry);
      if (what !== undefined) this.#fail(checker.name, what);
    }
  }

  /** The device's journal tells what happened. */
  checkJournal(): void {
    for (const problem of journalProblems(this.#device, this.#seenMs)) this.#fail('journal', problem);
  }
}
