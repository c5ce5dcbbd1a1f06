import { encodeValue, PROTOCOL_VERSION, toRuns, type CheckRequest, type Frame, type PackSpec, type SqlValue, type SyncRequest, type TableSpec } from '@carryon/protocol';
import type { Clock } from '../ports/clock.ts';
import type { NetRequest, NetResponse } from '../ports/net.ts';
import { FakeInbox } from './fake-inbox.ts';
import { FakeNet, refuse, respond } from './fake-net.ts';
import { digestRows, makePack, type FakePack, type FakePart, type FakeRow, type PackOptions } from './fake-pack.ts';

interface Change {
  readonly seq: number;
  readonly table: number;
  readonly rid: number;
}

export interface FakeServerOptions {
  readonly clock: Clock;
  /** Rows to a pack. */
  readonly packRows?: number;
  /** Rows to an answer, before a page ends it. */
  readonly pageRows?: number;
  readonly packOptions?: PackOptions;
}

type Position = Record<string, number>;

/** A server of one person in this process, as strict and as small as the protocol allows. */
export class FakeServer {
  readonly #options: FakeServerOptions;
  readonly #rows = new Map<number, Map<number, FakeRow>>();
  readonly #log: Change[] = [];
  readonly packs = new Map<string, FakePack>();
  /** Takes in the device's edits. */
  readonly inbox = new FakeInbox(this);
  readonly net = new FakeNet((request) => this.#serve(request));
  tables: readonly TableSpec[];
  /** What was asked, in order. */
  readonly asked: SyncRequest[] = [];
  /** Plans that were made. */
  plans = 0;
  /** Requests for packs: name, and from which byte. */
  readonly fetched: { readonly name: string; readonly from: number }[] = [];
  /** Bytes of each pack that were handed out. */
  readonly sentBytes = new Map<string, number>();
  epoch = 'epoch-1';
  user = 'mia';
  /** Signed addresses of an earlier number have expired. */
  signature = 1;
  /** Changes up to here are forgotten: a device that is behind gets live-sets. */
  floor = 0;
  clockSkewMs = 0;
  /** A check that would bring more rows is answered with `lost`. */
  checkRows = 20_000;
  /** Tables whose digest is told wrong, so many times yet. */
  readonly wrongDigests = new Map<number, number>();
  #packOptions: PackOptions;
  #waiting: () => void = () => undefined;

  constructor(tables: readonly TableSpec[], options: FakeServerOptions) {
    this.tables = tables;
    this.#options = options;
    this.#packOptions = options.packOptions ?? {};
    for (const table of tables) this.#rows.set(table.id, new Map());
  }

  /** The person has other tables now, or others of their columns; rows stay under their tables' ids, and a column that is new is NULL. */
  setTables(tables: readonly TableSpec[]): void {
    for (const table of tables) {
      const was = this.tables.find(({ id }) => id === table.id);
      const from = table.columns.map(({ name }) => was?.columns.findIndex((column) => column.name === name) ?? -1);
      const moved = [...this.rowsOf(table.id)].map(([rid, { ver, values }]) => [rid, { ver, values: from.map((i) => values[i] ?? null) }] as const);
      this.#rows.set(table.id, new Map(moved));
    }
    this.tables = tables;
    setImmediate(this.#waiting);
  }

  rowsOf(table: number): Map<number, FakeRow> {
    return this.#rows.get(table) ?? new Map();
  }

  put(table: number, rid: number, ...values: readonly SqlValue[]): void {
    this.#change(table, rid);
    this.rowsOf(table).set(rid, { ver: this.#log.length, values });
  }

  remove(table: number, rid: number): void {
    this.#change(table, rid);
    this.rowsOf(table).delete(rid);
  }

  #change(table: number, rid: number): void {
    this.#log.push({ seq: this.#log.length + 1, table, rid });
    // All changes of one turn come together, like those of a transaction.
    setImmediate(this.#waiting);
  }

  /** How packs are made from now on. */
  makePacks(options: PackOptions): void {
    this.#packOptions = options;
  }

  async #serve(request: NetRequest): Promise<NetResponse> {
    const url = new URL(request.url);
    if (request.method === 'POST' && url.pathname === '/v1/sync') return this.#sync(request);
    const pack = this.packs.get(url.pathname.replace('/v1/packs/', ''));
    if (Number(url.searchParams.get('s')) < this.signature) return refuse(request, 403, 'pack.url-expired');
    return pack ? this.#sendPack(request, pack) : refuse(request, 410, 'pack.gone');
  }

  #sendPack(request: NetRequest, { spec, bytes }: FakePack): NetResponse {
    const ranged = request.headers['if-range'] === `"${spec.name}"` ? /^bytes=(\d+)-$/.exec(request.headers['range'] ?? '')?.[1] : undefined;
    const from = Number(ranged ?? 0);
    this.fetched.push({ name: spec.name, from });
    const counted = this.#count(spec.name, bytes.subarray(from));
    const headers = { 'content-type': 'application/octet-stream', etag: `"${spec.name}"` };
    return respond(request, ranged === undefined ? 200 : 206, headers, counted);
  }

  async *#count(name: string, bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    for (let from = 0; from < bytes.length; from += 4096) {
      const chunk = bytes.subarray(from, from + 4096);
      this.sentBytes.set(name, (this.sentBytes.get(name) ?? 0) + chunk.length);
      yield chunk;
    }
  }

  /** Waits, when nothing is new, for a change, the time asked for or the end of the request. */
  async #sync(request: NetRequest): Promise<NetResponse> {
    const ask = JSON.parse(request.body ?? '') as SyncRequest;
    this.asked.push(ask);
    if (ask.waitSeconds && this.#isCurrent(JSON.parse(ask.token ?? '{}') as Position)) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
        this.#options.clock.after((ask.waitSeconds ?? 0) * 1000, resolve);
        request.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      if (request.signal.aborted) throw request.signal.reason;
    }
    return this.#respond(request, ask);
  }

  #respond(request: NetRequest, ask: SyncRequest): NetResponse {
    if (ask.v !== PROTOCOL_VERSION) return refuse(request, 400, 'protocol.version');
    const frames: Frame[] = [{ header: { v: PROTOCOL_VERSION, epoch: this.epoch, user: this.user, checkpoint: this.#log.length, nowMs: this.#options.clock.nowMs() + this.clockSkewMs } }];
    if (ask.push?.user !== undefined && ask.push.user !== this.user) return refuse(request, 409, 'device.other-server');
    if (ask.push) frames.push({ pushed: this.inbox.take(ask.push) });
    frames.push(...this.#answer(ask));
    return respond(request, 200, { 'content-type': 'application/x-ndjson' }, frames.map((frame) => `${JSON.stringify(frame)}\n`).join(''));
  }

  #answer(ask: SyncRequest): Frame[] {
    if (ask.urls) return [{ urls: ask.urls.map((name) => (this.packs.has(name) ? this.#address(name) : '')) }];
    const known = ask.token === null ? {} : (JSON.parse(ask.token) as Position);
    const position = this.#positionOf(known);
    const told: Frame[] = known['specs'] === position['specs'] ? [] : [{ tables: [...this.tables] }];
    for (const id of ask.fresh ?? []) delete position[id];
    if (ask.check) return [...told, ...this.#check(ask.check, position)];
    const tables = this.tables.filter((table) => !ask.tables || ask.tables.includes(table.id));
    const missing = tables.filter((table) => position[table.id] === undefined);
    if (missing.length > 0) return [...told, ...this.#plan(missing, position)];
    // Without tables there is a commit all the same: it has the token.
    if (tables.length === 0 && (told.length > 0 || this.tables.length === 0)) return [...told, { commit: { ...this.#ack, checkpoint: this.#log.length, token: JSON.stringify(position), tables: [] } }];
    return [...told, ...this.#pull(tables, position)];
  }

  /** A position among the tables as they are: those that are gone, or have another form, are not in it. */
  #positionOf(known: Position): Position {
    const kept = this.tables.flatMap((table): [string, number][] => {
      const at = known[table.id];
      const form = `form ${table.id}`;
      return [[form, numberOf([table.name, table.columns, table.key])], ...(at === undefined || known[form] !== numberOf([table.name, table.columns, table.key]) ? [] : [[String(table.id), at] as [string, number]])];
    });
    return { ...Object.fromEntries(kept), specs: numberOf(this.tables) };
  }

  #isCurrent(position: Position): boolean {
    return position['specs'] === numberOf(this.tables) && this.tables.every(({ id }) => position[id] === undefined || position[id] === this.#log.length);
  }

  #address(name: string): string {
    return `v1/packs/${name}?s=${this.signature}`;
  }

  #plan(tables: readonly TableSpec[], position: Position): Frame[] {
    this.plans++;
    const made = tables.flatMap((table) => this.#cut(table)).map((part) => makePack([part], { asOf: this.#log.length, ...this.#packOptions }));
    for (const pack of made) this.packs.set(pack.spec.name, pack);
    const packs = made.map(({ spec }): PackSpec => ({ ...spec, url: this.#address(spec.name) })).sort((a, b) => a.level - b.level);
    const token = JSON.stringify({ ...position, ...Object.fromEntries(tables.map(({ id }) => [id, this.#log.length])) });
    return [{ building: { done: 1, of: 1 } }, { plan: { tables, packs, token } }];
  }

  #cut(table: TableSpec): FakePart[] {
    const rows = [...this.rowsOf(table.id)].sort(([a], [b]) => a - b);
    const size = this.#options.packRows ?? 100;
    return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => ({ table, rows: new Map(rows.slice(i * size, (i + 1) * size)) }));
  }

  #pull(tables: readonly TableSpec[], position: Position): Frame[] {
    const frames: Frame[] = [];
    let left = this.#options.pageRows ?? 1000;
    for (const level of [...new Set(tables.map((table) => table.level))].sort()) {
      const here = tables.filter((table) => table.level === level);
      for (const table of here) {
        const from = position[table.id] ?? 0;
        const changes = this.#log.filter((change) => change.table === table.id && change.seq > from && this.#isNewest(change) && (change.seq > this.floor || this.rowsOf(table.id).has(change.rid)));
        const sent = changes.slice(0, left);
        left -= sent.length;
        if (sent.length > 0) frames.push({ table: table.id }, ...sent.map((change) => this.#row(change)));
        if (sent.length < changes.length) return [...frames, { page: { token: JSON.stringify({ ...position, [table.id]: sent.at(-1)?.seq ?? from }) } }];
        if (from < this.floor) frames.push({ live: { table: table.id, runs: toRuns([...this.rowsOf(table.id).keys()].sort((a, b) => a - b)) } });
        position[table.id] = this.#log.length;
      }
      frames.push({ commit: { ...this.#ack, checkpoint: this.#log.length, token: JSON.stringify(position), tables: here.map((table) => this.#digest(table.id)) } });
    }
    return frames;
  }

  /** Compares a table range by range: rows of those that differ, and a commit of the table alone. */
  #check({ table, width, ranges }: CheckRequest, position: Position): Frame[] {
    const rangeOf = (i: number): [number, FakeRow][] => [...this.rowsOf(table)].filter(([rid]) => Math.floor(rid / width) === i).sort(([a], [b]) => a - b);
    const named = new Map(ranges.flatMap((i, at) => (at % 3 === 0 ? [[i, { rows: ranges[at + 1] ?? 0, sum: ranges[at + 2] ?? 0 }] as const] : [])));
    const all = new Set([...named.keys(), ...[...this.rowsOf(table).keys()].map((rid) => Math.floor(rid / width))]);
    const differing = [...all].sort((a, b) => a - b).map((i) => ({ i, rows: rangeOf(i) })).filter(({ i, rows }) => {
      const digest = digestRows(new Map(rows));
      return digest.rows !== (named.get(i)?.rows ?? 0) || digest.sum !== (named.get(i)?.sum ?? 0);
    });
    if (differing.reduce((sum, { rows }) => sum + rows.length, 0) > this.checkRows) return [{ lost: { table } }];
    const frames = differing.flatMap(({ i, rows }): Frame[] => [{ range: { table, low: i * width, high: Math.min(Number.MAX_SAFE_INTEGER, (i + 1) * width - 1) } }, ...rows.map(([rid]) => this.#row({ table, rid }))]);
    const token = JSON.stringify({ ...position, [table]: this.#log.length });
    return [{ table }, ...frames, { commit: { ...this.#ack, checkpoint: this.#log.length, token, tables: [this.#digest(table)] } }];
  }

  get #ack(): { ack?: number } {
    return this.inbox.last === 0 ? {} : { ack: this.inbox.last };
  }

  #isNewest(change: Change): boolean {
    return !this.#log.some((later) => later.seq > change.seq && later.table === change.table && later.rid === change.rid);
  }

  #row({ table, rid }: Pick<Change, 'table' | 'rid'>): Frame {
    const row = this.rowsOf(table).get(rid);
    return row ? ['P', rid, row.ver, ...row.values.map(encodeValue)] : ['R', rid];
  }

  #digest(table: number): { table: number; rows: number; sum: number } {
    const { rows, sum } = digestRows(this.rowsOf(table));
    const wrong = this.wrongDigests.get(table) ?? 0;
    this.wrongDigests.set(table, Math.max(0, wrong - 1));
    return { table, rows, sum: sum + (wrong > 0 ? 1 : 0) };
  }
}

/** A number that stands for the value. */
const numberOf = (value: unknown): number => [...JSON.stringify(value)].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 2_147_483_647, 7);
