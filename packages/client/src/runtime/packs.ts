import { toCarryonError } from '@carryon/protocol';
import type { Happening } from '../core/event.ts';
import type { Pack } from '../core/state.ts';
import { isPackFault } from '../core/step.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Net } from '../ports/net.ts';
import type { PackStore } from '../ports/pack-store.ts';
import type { PackSource } from '../ports/sqlite.ts';
import { fetchPack, verifyStored } from './fetch-pack.ts';

export interface PacksPorts {
  readonly net: Net;
  readonly store: PackStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly serverUrl: string;
  /** The host has a transfer service of the OS. */
  readonly hasTransfers: boolean;
  /** So many more bytes have come. */
  readonly onBytes: (bytes: number) => void;
  /** A pack is done with: the OS need not keep it. */
  readonly onDropped: (name: string) => void;
}

/** The packs of the plan on this device: fetched, unpacked and cleared away. */
export class Packs {
  readonly #ports: PacksPorts;
  readonly #sources = new Map<string, PackSource>();
  /** Bytes received of packs that are not complete, by name. */
  readonly partial = new Map<string, number>();

  constructor(ports: PacksPorts) {
    this.#ports = ports;
  }

  /** Compares the plan with what is on the disk: packs that came meanwhile need not be fetched, others are cleared away. */
  async reconcile(packs: readonly Pack[]): Promise<Pack[]> {
    const stored = await this.#ports.store.list();
    const wanted = new Set(packs.filter((pack) => pack.stage === 'wanted').map((pack) => pack.name));
    for (const { name, bytes, complete } of stored) {
      if (!wanted.has(name)) await this.#ports.store.remove(name);
      else if (!complete) this.partial.set(name, bytes);
    }
    const complete = new Set(stored.filter((pack) => pack.complete).map((pack) => pack.name));
    const own = (pack: Pack): boolean => this.partial.has(pack.name) || !this.#ports.hasTransfers;
    return packs.map((pack) => ({ ...pack, own: own(pack), ...(pack.stage === 'wanted' && complete.has(pack.name) ? { stage: 'stored' as const } : {}) }));
  }

  async fetch(pack: Pack, signal: AbortSignal): Promise<Happening> {
    const { net, clock, serverUrl, store, onBytes } = this.#ports;
    try {
      await fetchPack(pack, signal, {
        net, clock, serverUrl, packs: store,
        onBytes: (bytes, offset) => {
          this.partial.set(pack.name, offset);
          onBytes(bytes);
        },
      });
      return { type: 'fetched', name: pack.name };
    } catch (thrown) {
      const error = toCarryonError(thrown);
      if (error.code === 'pack.wrong-bytes') this.partial.delete(pack.name);
      return { type: 'fetch-failed', name: pack.name, error };
    }
  }

  async unpack(pack: Pack): Promise<Happening> {
    const { store } = this.#ports;
    try {
      if (!pack.verified) await verifyStored(pack, store);
      this.#sources.set(pack.name, await store.unpack(pack.name, pack.codec, pack.rawBytes));
      return { type: 'unpacked', name: pack.name };
    } catch (thrown) {
      const error = toCarryonError(thrown);
      if (isPackFault(error)) await this.drop(pack.name);
      return { type: 'unpack-failed', name: pack.name, error };
    }
  }

  /** An unpacked pack, to be applied. */
  source(name: string): PackSource | undefined {
    return this.#sources.get(name);
  }

  /** Clears a pack away. When that fails, the next start does it. */
  async drop(name: string): Promise<void> {
    this.#sources.delete(name);
    this.partial.delete(name);
    this.#ports.onDropped(name);
    await this.#ports.store.remove(name).catch((thrown: unknown) => this.#ports.log.warn({ err: thrown }, 'a pack was not removed'));
  }
}
