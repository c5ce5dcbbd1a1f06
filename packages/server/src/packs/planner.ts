import type { Codec, Frame, PackSpec, TableSpec } from '@carryon/protocol';
import { cutPacks, keepWidth, scopeBytes, scopeOf, type PackSketch, type SizedScope } from '../core/cut.ts';
import { LIMITS } from '../core/limits.ts';
import { moveToken, tokenToText, type Token } from '../core/token.ts';
import type { Clock } from '../ports/clock.ts';
import type { PackRecord, ScopeKey, Storage, SyncedTable } from '../ports/storage.ts';
import type { PackFiles } from './files.ts';
import type { PackUrls } from './url.ts';

/** How many packs are built at a time: while one is compressed the next is cut. */
const BUILD_AHEAD = 3;

export interface PlanRequest {
  readonly user: string;
  readonly token: Token;
  /** The tables the device has nothing of yet. */
  readonly tables: readonly SyncedTable[];
  readonly codec: Codec;
  readonly seal: (text: string) => string;
}

/** Makes plans: every pack that a device needs, built or from the cache, before the first byte is fetched. */
export class Planner {
  readonly #storage: Storage;
  readonly #files: PackFiles;
  readonly #urls: PackUrls;
  readonly #clock: Clock;
  readonly #building = new Map<string, Promise<PackRecord>>();
  /** Counts for the metrics page. */
  readonly built = { packs: 0, rows: 0 };

  constructor(storage: Storage, files: PackFiles, urls: PackUrls, clock: Clock) {
    this.#storage = storage;
    this.#files = files;
    this.#urls = urls;
    this.#clock = clock;
  }

  /** Frames that tell how the building goes, then the plan. */
  async *plan(request: PlanRequest): AsyncGenerator<Frame> {
    const keys = request.tables.map((table) => ({ ...scopeOf(table, request.user), level: table.level }));
    await this.#activate(keys);
    // The feed starts here at the latest; making a scope is a checkpoint of its own, which it need not repeat.
    const { checkpoint } = await this.#storage.read((snapshot) => snapshot.state());
    const scopes = await Promise.all(keys.map(async (key) => ({ ...key, extent: await this.#storage.extent(key) })));
    const sketches = await this.#cut(scopes);
    const packs: PackRecord[] = [];
    const pending: Promise<PackRecord>[] = [];
    for (const [i, sketch] of sketches.entries()) {
      for (let ahead = pending.length; ahead < Math.min(sketches.length, i + BUILD_AHEAD); ahead++) {
        const next = this.#obtain(sketches[ahead] ?? sketch, request.codec);
        next.catch(() => undefined);
        pending.push(next);
      }
      packs.push(await (pending[i] as Promise<PackRecord>));
      yield { building: { done: i + 1, of: sketches.length } };
    }
    await this.#storage.usePacks(packs.map((pack) => pack.name), this.#clock.nowMs());
    yield this.#planFrame(request, packs, checkpoint);
  }

  /** A fresh address for each name, in order; '' where the pack is gone or not this person's. */
  async addresses(user: string, names: readonly string[]): Promise<string[]> {
    return Promise.all(names.map(async (name) => ((await this.mayRead({ name, user })) ? this.#address(name, user) : '')));
  }

  /** Whether the pack exists and all of its rows are in the person's share. */
  async mayRead(grant: { readonly name: string; readonly user: string }): Promise<boolean> {
    const records = await this.#storage.packsNamed(grant.name);
    return records.some((pack) => pack.scopes.every((scope) => scope.param === '' || scope.param === grant.user));
  }

  /** Makes the scopes that the person asks for the first time. */
  async #activate(keys: readonly ScopeKey[]): Promise<void> {
    const missing = await this.#storage.read((snapshot) => keys.filter((key) => snapshot.scope(key) === undefined));
    if (missing.length > 0) await this.#storage.activate(missing, this.#clock.nowMs());
  }

  async #cut(scopes: readonly SizedScope[]): Promise<PackSketch[]> {
    const shareBytes = scopes.reduce((sum, scope) => sum + scopeBytes(scope), 0);
    const widths = new Map<SizedScope, number>();
    const sketches = cutPacks(scopes, (scope) => {
      const width = keepWidth(scope.extent, shareBytes);
      if (width !== scope.extent.width) widths.set(scope, width);
      return width;
    });
    for (const [scope, width] of widths) await this.#storage.setWidth(scope, width);
    return sketches;
  }

  async #obtain(sketch: PackSketch, codec: Codec): Promise<PackRecord> {
    const id = `${codec} ${sketch.key}`;
    const running = this.#building.get(id);
    if (running) return running;
    const work = this.#findOrBuild(sketch, codec).finally(() => this.#building.delete(id));
    this.#building.set(id, work);
    return work;
  }

  async #findOrBuild(sketch: PackSketch, codec: Codec): Promise<PackRecord> {
    const found = await this.#storage.findPack(sketch.key, codec);
    if (found && (await this.#isFresh(sketch, found))) return found;
    const raw = await this.#storage.buildPack(sketch.parts);
    const file = await this.#files.write(raw.bytes, codec);
    const pack: PackRecord = {
      key: sketch.key, codec, ...file, rawBytes: raw.bytes.length, asOf: raw.asOf, level: sketch.level, parts: raw.parts,
      scopes: sketch.parts.map(({ table, param }) => ({ table, param })),
    };
    await this.#storage.savePack(pack, this.#clock.nowMs());
    this.built.packs++;
    this.built.rows += rowsOf(pack);
    return pack;
  }

  async #isFresh(sketch: PackSketch, pack: PackRecord): Promise<boolean> {
    if ((await this.#files.size(pack.name)) !== pack.bytes) return false;
    const most = Math.floor(rowsOf(pack) * LIMITS.staleShare);
    return (await this.#storage.changedSince(sketch.parts, pack.asOf, most + 1)) <= most;
  }

  #planFrame(request: PlanRequest, records: readonly PackRecord[], checkpoint: number): Frame {
    const positions = request.tables.map((table): [number, { at: number }] => {
      const asOf = records.filter((pack) => pack.parts.some((part) => part.table === table.id)).map((pack) => pack.asOf);
      // Rows that came after the share was sized lie beyond the last range, so the feed starts no later than there.
      return [table.id, { at: Math.min(checkpoint, ...asOf) }];
    });
    const packs = records.filter((pack) => rowsOf(pack) > 0).map((pack): PackSpec => ({
      name: pack.name, bytes: pack.bytes, rawBytes: pack.rawBytes, codec: pack.codec as Codec, level: pack.level,
      parts: pack.parts.map(({ table, rows, sum }) => ({ table, rows, sum })), asOf: pack.asOf, url: this.#address(pack.name, request.user),
    }));
    const tables = request.tables.map(({ rule: _, ...spec }): TableSpec => spec);
    return { plan: { tables, packs, token: request.seal(tokenToText(moveToken(request.token, positions))) } };
  }

  #address(name: string, user: string): string {
    return this.#urls.sign({ name, user }, this.#clock.nowMs() + LIMITS.packUrlValidMs);
  }
}

const rowsOf = (pack: PackRecord): number => pack.parts.reduce((sum, part) => sum + part.rows, 0);

