import type { LabDevice } from '../actors/device.ts';
import type { Problem } from '../checkers/checker.ts';
import { Confidential } from '../checkers/confidential.ts';
import { EditsWatch, type Note } from '../checkers/edits-watch.ts';
import { leftovers } from '../checkers/leftovers.ts';
import { writesOf } from '../checkers/own-values.ts';
import { Quiet } from '../checkers/quiet.ts';
import { Shares } from '../checkers/shares.ts';
import { Snapshot } from '../checkers/snapshot.ts';
import type { Lab } from '../lab.ts';
import type { Entry } from '../world/trace.ts';

/** The checkers that read whole tables, in a world that is small enough for that. */
export class Watch {
  readonly problems: Problem[] = [];
  readonly #lab: Lab;
  readonly #blind: readonly string[];
  readonly #devices: DeviceWatch[];
  readonly #edits: EditsWatch | undefined;
  readonly #stop: () => void;

  constructor(lab: Lab, blind: readonly string[]) {
    this.#lab = lab;
    this.#blind = blind;
    const note: Note = (checker, found) => this.#note(checker, found);
    this.#devices = lab.devices.map((device) => new DeviceWatch(lab, device, note));
    this.#edits = EditsWatch.of(lab.devices, lab.server, note);
    this.#stop = lab.world.trace.onEntry((entry) => this.#see(entry));
  }

  /** Looks at everything as it is now. */
  look(): void {
    for (const device of this.#devices) device.look();
    this.#edits?.look();
  }

  /** The world has been healed and everything is done. */
  async end(): Promise<void> {
    for (const device of this.#devices) await device.end();
    await this.#edits?.end();
  }

  close(): void {
    this.#stop();
    this.#edits?.close();
    for (const device of this.#devices) device.close();
  }

  #see(entry: Entry): void {
    for (const device of this.#devices) device.see(entry);
    this.#edits?.see(entry);
  }

  #note(checker: string, found: readonly string[]): void {
    if (this.#blind.includes(checker)) return;
    for (const what of found) this.problems.push({ atMs: this.#lab.world.queue.steadyMs, checker, what });
  }
}

/** Those who read one device's tables. */
class DeviceWatch {
  readonly #lab: Lab;
  readonly #device: LabDevice;
  readonly #quiet: Quiet;
  readonly #note: Note;
  #shares: Shares;
  readonly #snapshot: Snapshot;
  readonly #confidential: Confidential;

  constructor(lab: Lab, device: LabDevice, note: Note) {
    this.#lab = lab;
    this.#device = device;
    this.#note = note;
    this.#shares = new Shares(lab.server, device.user);
    this.#snapshot = new Snapshot(device, this.#shares);
    this.#quiet = new Quiet(device, lab.server);
    this.#confidential = new Confidential(device, lab.server, this.#shares, (found) => note('confidential', found));
  }

  look(): void {
    this.#note('snapshot', this.#snapshot.look('all'));
    this.#note('quiet', this.#quiet.look(this.#lab.world.queue.steadyMs));
  }

  async end(): Promise<void> {
    this.look();
    this.#note('confidential', await this.#confidential.end());
    this.#note('leftovers', await leftovers(this.#device));
  }

  close(): void {
    this.#confidential.close();
    this.#shares.close();
    this.#snapshot.close();
  }

  see(entry: Entry): void {
    if (entry.who === 'server' && entry.what === 'new epoch') this.#renew();
    this.#shares.see(entry);
    if (entry.who === 'server' && entry.what === 'published') this.#confidential.learn(this.#shares);
    this.#quiet.see(entry);
    if (entry.who !== this.#device.name) return;
    this.#snapshot.touch(writesOf(entry));
    if (entry.what === 'end') this.#note('snapshot', this.#snapshot.look('changed'));
    if (['start', 'kill', 'power-loss'].includes(entry.what)) this.#note('snapshot', this.#snapshot.look('all'));
    if (entry.what === 'kill') this.#note('confidential', this.#confidential.look());
  }

  #renew(): void {
    this.#shares.close();
    this.#shares = new Shares(this.#lab.server, this.#device.user);
    this.#snapshot.renew(this.#shares);
    this.#confidential.learn(this.#shares);
    this.#confidential.renew();
  }
}
