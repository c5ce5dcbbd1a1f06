import { join } from 'node:path';
import { PackFiles } from '../../packs/files.ts';
import { Planner } from '../../packs/planner.ts';
import { PackUrls } from '../../packs/url.ts';
import { sortedTexts } from '../store-audit.ts';
import { SyncDevices, type Served, type Truth } from '../sync-devices.ts';
import type { Mutant } from '../sync-mutants.ts';
import { personOf } from './schema.ts';
import { StoreWorld, type WorldPlan } from './store-world.ts';

/** A store world with devices: whatever its people are sent, and whatever they hold, is compared with the oracle. */
export class RulesWorld {
  readonly store: StoreWorld;
  readonly devices: SyncDevices;
  readonly #files: PackFiles;
  readonly #texts = new Map<string, readonly string[]>();

  constructor(plan: WorldPlan, mutant: Mutant = {}) {
    this.store = new StoreWorld(plan);
    const folder = join(this.store.folder, 'packs');
    this.#files = new PackFiles(folder);
    const nowMs = (): number => this.store.nowMs;
    const urls = new PackUrls(new Uint8Array(32));
    const served = (): Served => {
      const { storage } = this.store;
      return { storage, planner: new Planner(storage, this.#files, urls, { nowMs, after: () => () => undefined }), nowMs, personOf };
    };
    this.devices = new SyncDevices(folder, served, this.#truth, mutant);
  }

  async start(): Promise<void> {
    await this.#files.open();
    await this.store.start();
  }

  readonly #truth: Truth = {
    mayKnow: (user, table, rid) => this.store.mayKnow(user, table, rid),
    tables: (checkpoint, user) => this.store.oracleAt(checkpoint).columnsOf(user),
    rows: (checkpoint, user, { name, columns }) => this.#remembered(['of', checkpoint, user, name, columns.map((column) => column.name)], () =>
      sortedTexts(this.store.oracleAt(checkpoint).shareOf(user, name, columns.map((column) => column.name)))),
    publicRows: (checkpoint, { name, columns }) => this.#remembered(['all', checkpoint, name, columns.map((column) => column.name)], () =>
      sortedTexts(this.store.oracleAt(checkpoint).publicRows(name, columns.map((column) => column.name)))),
  };

  #remembered(what: readonly unknown[], find: () => readonly string[]): readonly string[] {
    const key = JSON.stringify(what);
    const texts = this.#texts.get(key) ?? find();
    this.#texts.set(key, texts);
    return texts;
  }
}
