import type { Problem } from '../checkers/checker.ts';
import { leftovers } from '../checkers/leftovers.ts';
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
  readonly #shares: Shares;
  readonly #snapshot: Snapshot;
  readonly #quiet: Quiet;
  readonly #stop: () => void;

  constructor(lab: Lab, blind: readonly string[]) {
    const { device, server, world } = lab;
    this.#lab = lab;
    this.#blind = blind;
    this.#shares = new Shares(server, device.user);
    this.#snapshot = new Snapshot(device, server, this.#shares);
    this.#quiet = new Quiet(device, server);
    this.#stop = world.trace.onEntry((entry) => this.#see(entry));
  }

  /** Looks at everything as it is now. */
  look(): void {
    this.#note('snapshot', this.#snapshot.look('all'));
    this.#note('quiet', this.#quiet.look(this.#lab.world.queue.steadyMs));
  }

  /** The world has been healed and everything is done. */
  async end(): Promise<void> {
    this.look();
    this.#note('leftovers', await leftovers(this.#lab.device));
  }

  close(): void {
    this.#stop();
    this.#shares.close();
    this.#snapshot.close();
  }

  #see(entry: Entry): void {
    this.#shares.see(entry);
    this.#quiet.see(entry);
    if (entry.who !== this.#lab.device.name) return;
    if (entry.what === 'end') this.#note('snapshot', this.#snapshot.look('changed'));
    if (['start', 'kill', 'power-loss'].includes(entry.what)) this.#note('snapshot', this.#snapshot.look('all'));
  }

  #note(checker: string, found: readonly string[]): void {
    if (this.#blind.includes(checker)) return;
    for (const what of found) this.problems.push({ atMs: this.#lab.world.queue.steadyMs, checker, what });
  }
}
