import type { Happening } from '../core/event.ts';
import type { Pack } from '../core/state.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { PackStore } from '../ports/pack-store.ts';
import type { Transfers } from '../ports/transfers.ts';
import { within } from './patience.ts';

/** A call of the OS's transfer service that takes longer is given up. */
const ANSWER_MS = 15_000;

export interface HandOverPorts {
  readonly transfers: Transfers | undefined;
  readonly packs: PackStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly serverUrl: string;
  /** Names of the packs of the plan that are not applied. */
  readonly planned: () => ReadonlySet<string>;
}

/** The OS's transfer service as the engine calls it: it may throw, fail or never answer, and something is always told. */
export class HandOver {
  readonly #ports: HandOverPorts;

  constructor(ports: HandOverPorts) {
    this.#ports = ports;
  }

  /** When it is not known what the OS took over, its list tells. */
  async hand(packs: readonly Pack[], allowMetered: boolean): Promise<Happening> {
    const refused = await this.#call((transfers) => transfers.enqueue(packs.map((pack) => ({
      name: pack.name, url: new URL(pack.url, this.#ports.serverUrl).href, bytes: pack.bytes, priority: pack.level, allowMetered,
    }))));
    return refused ? { type: 'handed', refused } : this.list();
  }

  async recall(names: readonly string[]): Promise<Happening> {
    await this.drop(names);
    return this.list();
  }

  /** What the OS has, and what the pack store has; transfers of no pack of the plan are ended. */
  async list(): Promise<Happening> {
    const transfers = await this.#call((service) => service.list());
    const planned = this.#ports.planned();
    const strange = (transfers ?? []).filter((transfer) => !planned.has(transfer.name)).map((transfer) => transfer.name);
    if (strange.length > 0) await this.drop(strange);
    const stored = await this.#ports.packs.list().catch(() => []);
    return { type: 'listed', transfers, stored: stored.filter((pack) => pack.complete).map((pack) => pack.name) };
  }

  /** Ends transfers; when that fails, a later list does it. */
  async drop(names: readonly string[]): Promise<void> {
    await this.#call((transfers) => transfers.cancel(names));
  }

  /** Undefined: there is no service, it failed, or gave no answer in time. */
  async #call<T>(call: (transfers: Transfers) => Promise<T>): Promise<T | undefined> {
    const { transfers, clock, log } = this.#ports;
    if (!transfers) return undefined;
    try {
      return await within(() => call(transfers), ANSWER_MS, clock);
    } catch (thrown) {
      log.warn({ err: thrown }, 'the system\'s transfers did not answer');
      return undefined;
    }
  }
}
