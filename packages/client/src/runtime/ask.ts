import { CarryonError, decodeValue, isErrorCode, OLDEST_VERSION, parseFrame, PROTOCOL_VERSION, toCarryonError, type CheckRequest, type CommitFrame, type ErrorFrame, type Frame, type HeaderFrame, type FeedValue, type PushedFrame, type RangeFrame, type SyncRequest, type TablesFrame } from '@carryon/protocol';
import type { Answer } from '../core/event.ts';
import type { Segment } from '../core/state.ts';
import type { Clock } from '../ports/clock.ts';
import type { Net, NetResponse } from '../ports/net.ts';
import { notCarryon, refusal } from './http.ts';
import { orAborted } from './patience.ts';
import { SILENCE_MS, Watchdog } from './watchdog.ts';

const MOST_LINE_CHARS = 256 * 1024 * 1024;

export interface AskPorts {
  readonly net: Net;
  readonly clock: Clock;
  readonly serverUrl: string;
  readonly credentials: () => Promise<string>;
  readonly onBuilding: (done: number, of: number) => void;
  readonly onBytes: (bytes: number) => void;
  /** So many bytes of a request's body are sent. */
  readonly onSent: (bytes: number) => void;
  readonly onHeader: (header: HeaderFrame['header']) => void;
}

/** Asks the server and reads its answer. Throws `server.*`, `auth.*`, `protocol.*`. Abort ends the request; whole pages and commits of it are kept. */
export async function ask(request: SyncRequest, signal: AbortSignal, ports: AskPorts): Promise<Answer> {
  const silenceMs = SILENCE_MS + (request.waitSeconds ?? 0) * 1000;
  const watchdog = new Watchdog(ports.clock, signal, silenceMs);
  try {
    const token = await orAborted(tokenOf(ports), watchdog.signal);
    const body = JSON.stringify(request);
    ports.onSent(body.length);
    const response = await ports.net.request({
      method: 'POST', url: new URL('v1/sync', ports.serverUrl).href, signal: watchdog.signal, body,
      headers: { 'content-type': 'application/json', accept: 'application/x-ndjson', 'accept-encoding': 'gzip', ...(token === '' ? {} : { authorization: `Bearer ${token}` }) },
    });
    if (response.status !== 200) throw await refusal(response, ports.clock.nowMs());
    if (!(response.header('content-type') ?? '').startsWith('application/x-ndjson')) throw notCarryon();
    const reader = new AnswerReader(ports, request.check);
    try {
      for await (const line of lines(response, watchdog, ports.onBytes)) reader.add(line);
    } catch (thrown) {
      return reader.finish(toCarryonError(thrown));
    }
    return reader.finish();
  } finally {
    watchdog.done();
  }
}

/** The person's token. What an app's own sign-in throws is no end: it may have had no network. */
async function tokenOf(ports: AskPorts): Promise<string> {
  try {
    return await ports.credentials();
  } catch (cause) {
    if (cause instanceof CarryonError) throw cause;
    throw new CarryonError('auth.unavailable', `The app could not give a token: ${cause instanceof Error ? cause.message : String(cause)}.`, { cause });
  }
}

async function* lines(response: NetResponse, watchdog: Watchdog, onBytes: (bytes: number) => void): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let told = 0;
  for await (const chunk of response.body) {
    watchdog.feed();
    const received = response.wireBytes?.() ?? told + chunk.length;
    onBytes(received - told);
    told = received;
    const parts = decoder.decode(chunk, { stream: true }).split('\n');
    parts[0] = rest + (parts[0] ?? '');
    rest = parts.pop() ?? '';
    if (rest.length > MOST_LINE_CHARS) throw bad('has a line without end');
    yield* parts;
  }
  if (rest !== '') yield rest;
}

type Range = readonly [low: number, high: number];

interface OpenSegment { puts: Map<number, FeedValue[][]>; removes: Map<number, number[]>; lives: Map<number, readonly number[]>; ranges: Range[]; rows: number }

const emptySegment = (): OpenSegment => ({ puts: new Map(), removes: new Map(), lives: new Map(), ranges: [], rows: 0 });
const bad = (why: string): CarryonError => new CarryonError('protocol.bad-answer', `The server's answer ${why}.`);

/** Puts an answer together, frame by frame. An answer that breaks off counts up to its last page or commit. */
class AnswerReader {
  readonly #ports: AskPorts;
  /** What was asked to be compared; the answer brings ranges, or that the table is lost, and nothing else. */
  readonly #check: CheckRequest | undefined;
  readonly #segments: Segment[] = [];
  #header: HeaderFrame['header'] | undefined;
  #pushed: PushedFrame['pushed'] | undefined;
  #tables: TablesFrame['tables'] | undefined;
  #plan: Answer['plan'];
  #urls: readonly string[] | undefined;
  #lost: readonly number[] | undefined;
  #error: CarryonError | undefined;
  #table = 0;
  #open = emptySegment();

  constructor(ports: AskPorts, check: CheckRequest | undefined) {
    this.#ports = ports;
    this.#check = check;
  }

  add(line: string): void {
    if (line === '') return;
    const frame = parseFrame(line);
    if (frame) this.#take(frame);
  }

  #begin(header: HeaderFrame['header']): void {
    if (header.v < OLDEST_VERSION || header.v > PROTOCOL_VERSION) {
      throw new CarryonError('protocol.version', `The server answers in version ${header.v} of the protocol, this device speaks ${OLDEST_VERSION} to ${PROTOCOL_VERSION}.`);
    }
    this.#header = header;
    this.#ports.onHeader(header);
  }

  #take(frame: Frame): void {
    if ('header' in frame) return this.#begin(frame.header);
    if (!this.#header) throw bad('has no header');
    if (Array.isArray(frame)) return this.#row(frame as readonly [string, number, ...unknown[]]);
    if ('pushed' in frame) this.#pushed = frame.pushed;
    else if ('tables' in frame) this.#tables = frame.tables;
    else if ('building' in frame) this.#ports.onBuilding(frame.building.done, frame.building.of);
    else if ('plan' in frame) this.#plan = { kind: 'plan', ...frame.plan, epoch: this.#header.epoch, user: this.#header.user };
    else if ('urls' in frame) this.#urls = frame.urls;
    else if ('table' in frame) this.#table = frame.table;
    else if ('live' in frame) this.#open.lives.set(frame.live.table, frame.live.runs);
    else if ('range' in frame) this.#range(frame.range);
    else if ('lost' in frame) this.#lose(frame.lost.table);
    else if ('page' in frame) this.#close(frame.page.token);
    else if ('commit' in frame) this.#close(frame.commit.token, frame.commit);
    else if ('error' in frame) this.#error = errorOf(frame.error);
  }

  /** A range counts as a change: that it came says that something in it differs. */
  #range({ table, low, high }: RangeFrame['range']): void {
    const { ranges } = this.#open;
    if (table !== this.#check?.table) throw bad(`compares table ${table}, which it was not asked for`);
    if (low > high || low <= (ranges.at(-1)?.[1] ?? -1)) throw bad('has ranges that are not in order');
    ranges.push([low, high]);
    this.#table = table;
    this.#open.rows++;
  }

  #lose(table: number): void {
    if (table !== this.#check?.table) throw bad(`gives up table ${table}, which it was not asked to compare`);
    this.#lost = [table];
  }

  #row(frame: readonly [string, number, ...unknown[]]): void {
    const [kind, rid, ver, ...values] = frame;
    if (this.#check) this.#checkRow(kind, rid);
    if (kind === 'P') push(this.#open.puts, this.#table, [BigInt(rid), BigInt(ver as number), ...values.map(decode)]);
    else push(this.#open.removes, this.#table, rid);
    this.#open.rows++;
  }

  #checkRow(kind: string, rid: number): void {
    const [low, high] = this.#open.ranges.at(-1) ?? [1, 0];
    if (kind !== 'P' || this.#table !== this.#check?.table || rid < low || rid > high) throw bad('has a row outside of the ranges that it compares');
  }

  #close(token: string, commit?: CommitFrame['commit']): void {
    const { ranges, ...rows } = this.#open;
    // The person may no longer have the table that was to be compared.
    const isCheck = this.#check && !(this.#tables && commit?.tables.length === 0 && rows.rows === 0);
    if (isCheck && (rows.lives.size > 0 || commit?.tables.length !== 1 || commit.tables[0]?.table !== this.#check?.table)) throw bad('to a check is none');
    this.#segments.push({ ...rows, token, ...(commit ? { commit } : {}), ...(this.#check && isCheck ? { check: true, ranges: new Map([[this.#check.table, ranges]]) } : {}) });
    this.#open = emptySegment();
  }

  /** The answer as far as it came; throws what ended it, or `server.unreachable`, when that is nothing. */
  finish(broken?: CarryonError): Answer {
    const error = this.#error ?? broken;
    if (!this.#header) throw error ?? bad('has no header');
    if (!this.#pushed && !this.#tables && !this.#plan && !this.#urls && !this.#lost && this.#segments.length === 0) throw error ?? new CarryonError('server.unreachable', 'The server\'s answer broke off.');
    return {
      epoch: this.#header.epoch, user: this.#header.user, segments: this.#segments, ...(this.#pushed ? { pushed: this.#pushed } : {}), ...(this.#tables ? { tables: this.#tables } : {}),
      ...(this.#plan ? { plan: this.#plan } : {}), ...(this.#urls ? { urls: this.#urls } : {}), ...(this.#lost ? { lost: this.#lost } : {}), ...(error ? { error } : {}),
    };
  }
}

function errorOf({ code, message, retryAfterMs }: ErrorFrame['error']): CarryonError {
  return new CarryonError(isErrorCode(code) ? code : 'server.unavailable', message, retryAfterMs === undefined ? {} : { retryAfterMs });
}

function push<T>(map: Map<number, T[]>, key: number, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

function decode(value: unknown): FeedValue {
  try {
    return decodeValue(value);
  } catch (cause) {
    throw new CarryonError('protocol.bad-answer', 'The server\'s answer holds a value that is none.', { cause });
  }
}
