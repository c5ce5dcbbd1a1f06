import { CarryonError, type Codec, type Frame, type PackSpec } from '@carryon/protocol';
import { cutPacks, isMadeForEverybody, keepWidth, scopeBytes, type PackSketch, type SizedScope } from '../core/cut.ts';
import { sharesOf, type ActiveShare, type Entitlement } from '../core/entitle.ts';
import { LIMITS } from '../core/limits.ts';
import { carriedToken, positionOf, tablesOf } from '../core/pull.ts';
import { moveToken, tokenToText, type TablePosition, type Token } from '../core/token.ts';
import type { Clock } from '../ports/clock.ts';
import type { PackPart, PackRecord, Person, ScopeKey, Snapshot, Storage } from '../ports/storage.ts';
import type { PackFiles } from './files.ts';
import type { PackGrant, PackUrls } from './url.ts';

/** How many packs are built at a time: while one is compressed the next is cut. */
const BUILD_AHEAD = 3;

export interface PlanRequest {
  readonly token: Token;
  /** What the person may have, as it was read when the plan was asked for. */
  readonly entitlement: Entitlement;
  /** The tables the device has nothing of yet. */
  readonly shares: readonly ActiveShare[];
  /** The checkpoint that the entitlement was read at: the feed starts there at the latest. */
  readonly checkpoint: number;
  readonly codec: Codec;
  readonly seal: (text: string) => string;
}

/** A scope of a plan, and since when the person may know what is in it. */
interface PlannedScope extends SizedScope {
  readonly knowsSince: number;
}

interface PlannedPack extends PackRecord {
  /** A checkpoint at which its rows are exact. */
  readonly exactAt: number;
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

  /** The person's tables where they have changed, frames that tell how the building goes, then the plan. */
  async *plan(request: PlanRequest): AsyncGenerator<Frame> {
    checkSize(request.entitlement);
    yield* tablesOf(request.entitlement, request.token);
    const scopes = await Promise.all(request.shares.map((share) => this.#plannedScope(share)));
    const sketches = await this.#cut(scopes);
    const packs: PlannedPack[] = [];
    const pending: Promise<PackRecord>[] = [];
    for (const [i, sketch] of sketches.entries()) {
      for (let ahead = pending.length; ahead < Math.min(sketches.length, i + BUILD_AHEAD); ahead++) {
        const one = sketches[ahead] ?? sketch;
        const next = this.#obtain(one, knownSince(one, scopes), request.codec);
        next.catch(() => undefined);
        pending.push(next);
      }
      const record = await (pending[i] as Promise<PackRecord>);
      // A pack that was made for somebody else may have been of another level there; an older one than the person's share is exact then too.
      packs.push({ ...record, level: sketch.level, exactAt: Math.max(record.asOf, knownSince(sketch, scopes)) });
      yield { building: { done: i + 1, of: sketches.length } };
    }
    await this.#storage.usePacks(packs.map((pack) => pack.name), this.#clock.nowMs());
    yield this.#planFrame(request, packs);
  }

  async #plannedScope({ table, scope: { id: _, head: _head, digest: _digest, ...key }, isEverybodys, since }: ActiveShare): Promise<PlannedScope> {
    return { ...key, level: table.level, isEverybodys, extent: await this.#storage.extent(key), knowsSince: isEverybodys ? 0 : since };
  }

  /** A fresh address for each name, in order; '' where the pack is gone or not this person's. */
  async addresses(person: Person, names: readonly string[]): Promise<string[]> {
    return Promise.all(names.map(async (name) => ((await this.#mayRead(name, () => person)) ? this.#address(name, person.user) : '')));
  }

  /**
   * Whether the pack exists, all of its rows are in the person's share as it is now, and none of them was gone before the person came.
   * Addresses carry no token, so claims are those of the person's last one.
   */
  mayRead({ name, user }: PackGrant): Promise<boolean> {
    return this.#mayRead(name, (snapshot) => ({ user, claims: snapshot.claims(user) }));
  }

  async #mayRead(name: string, personOf: (snapshot: Snapshot) => Person): Promise<boolean> {
    const records = await this.#storage.packsNamed(name);
    if (records.length === 0) return false;
    const { known, floor } = await this.#storage.read((snapshot) => ({ known: knownScopes(snapshot, personOf(snapshot)), floor: snapshot.state().floor }));
    for (const record of records) {
      const isEverybodys = isMadeForEverybody(record.key);
      const since = Math.max(...record.scopes.map((scope) => sinceOf(known.get(nameOf(scope)), isEverybodys)));
      if (since <= record.asOf) return true;
      // Below the floor nobody can tell what has changed since.
      if (since < Infinity && record.asOf >= floor && (await this.#isUnchanged(record.scopes, record.asOf))) return true;
    }
    return false;
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

  async #obtain(sketch: PackSketch, since: number, codec: Codec): Promise<PackRecord> {
    const id = `${codec} ${since} ${sketch.key}`;
    const running = this.#building.get(id);
    if (running) return running;
    const work = this.#findOrBuild(sketch, since, codec).finally(() => this.#building.delete(id));
    this.#building.set(id, work);
    return work;
  }

  async #findOrBuild(sketch: PackSketch, since: number, codec: Codec): Promise<PackRecord> {
    const found = await this.#storage.findPack(sketch.key, codec);
    if (found && (await this.#isFresh(sketch, found, since))) return found;
    const raw = await this.#storage.buildPack(sketch.parts);
    const file = await this.#files.write(raw.bytes, codec);
    const pack: PackRecord = {
      key: sketch.key, codec, ...file, rawBytes: raw.bytes.length, asOf: raw.asOf, level: sketch.level, parts: raw.parts, scopes: sketch.parts,
    };
    await this.#storage.savePack(pack, this.#clock.nowMs());
    this.built.packs++;
    this.built.rows += rowsOf(pack);
    return pack;
  }

  /** An older pack would show what had left a scope before the person got it. */
  async #isFresh(sketch: PackSketch, pack: PackRecord, since: number): Promise<boolean> {
    if ((await this.#files.size(pack.name)) !== pack.bytes) return false;
    if (pack.asOf < since) return this.#isUnchanged(sketch.parts, pack.asOf);
    const most = Math.floor(rowsOf(pack) * LIMITS.staleShare);
    return (await this.#storage.changedSince(sketch.parts, pack.asOf, most + 1)) <= most;
  }

  async #isUnchanged(parts: readonly PackPart[], asOf: number): Promise<boolean> {
    return (await this.#storage.changedSince(parts, asOf, 1)) === 0;
  }

  #planFrame({ token, entitlement, shares, checkpoint, seal }: PlanRequest, records: readonly PlannedPack[]): Frame {
    const positions = shares.map((share): [number, TablePosition] => {
      const exactAt = records.filter((pack) => pack.parts.some((part) => part.table === share.table.id)).map((pack) => pack.exactAt);
      // Rows that came after the share was sized lie beyond the last range, so the feed starts no later than there.
      return [share.table.id, positionOf(share, Math.min(checkpoint, ...exactAt))];
    });
    const packs = records.filter((pack) => rowsOf(pack) > 0).map((pack): PackSpec => ({
      name: pack.name, bytes: pack.bytes, rawBytes: pack.rawBytes, codec: pack.codec as Codec, level: pack.level,
      parts: pack.parts.map(({ table, rows, sum }) => ({ table, rows, sum })), asOf: pack.asOf, url: this.#address(pack.name, entitlement.user),
    }));
    return { plan: { tables: shares.map(({ table }) => table), packs, token: seal(tokenToText(moveToken(carriedToken(token, entitlement), positions))) } };
  }

  #address(name: string, user: string): string {
    return this.#urls.sign({ name, user }, this.#clock.nowMs() + LIMITS.packUrlValidMs);
  }
}

/** Since when the person may know all that is in the pack. */
const knownSince = ({ parts }: PackSketch, scopes: readonly PlannedScope[]): number =>
  Math.max(0, ...scopes.filter(({ table }) => parts.some((part) => part.table === table)).map(({ knowsSince }) => knowsSince));

const rowsOf = (pack: PackRecord): number => pack.parts.reduce((sum, part) => sum + part.rows, 0);

const nameOf = ({ table, node, param, columns }: ScopeKey): string => JSON.stringify([table, node, param, columns]);

/** A scope that the person has now. */
interface KnownScope {
  readonly isEverybodys: boolean;
  readonly since: number;
}

/** What was made when the scope was not everybody's yet may show what only others were to see. */
const sinceOf = (scope: KnownScope | undefined, isMadeForEverybody: boolean): number =>
  scope?.isEverybodys && isMadeForEverybody ? 0 : scope?.since ?? Infinity;

/** Since which checkpoint the person has the scopes that they have now. */
function knownScopes(snapshot: Snapshot, person: Person): Map<string, KnownScope> {
  const grants = new Map(snapshot.grants(person.user).map((grant) => [grant.scope, grant]));
  return new Map(sharesOf(snapshot, person).map(({ scope, isEverybodys }) => {
    const grant = grants.get(snapshot.scope(scope)?.id ?? 0);
    const since = grant?.until === undefined ? grant?.since : undefined;
    return [nameOf(scope), { isEverybodys, since: since ?? Infinity }];
  }));
}

/** Throws `share.too-large` when the person's tables have more rows than a device may have. */
function checkSize({ shares }: Entitlement): void {
  const rows = shares.reduce((sum, { scope }) => sum + scope.digest.rows, 0);
  if (rows <= LIMITS.rowsPerDevice) return;
  const largest = shares.toSorted((a, b) => b.scope.digest.rows - a.scope.digest.rows).slice(0, 3);
  const named = largest.map(({ table, scope }) => `"${table.name}" with ${scope.digest.rows}`).join(', ');
  throw new CarryonError('share.too-large', `This person's tables have ${rows} rows together, which is more than the ${LIMITS.rowsPerDevice} that a device may have. The largest are ${named}.`);
}
