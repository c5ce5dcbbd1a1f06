import { CarryonError, decodeValue, isErrorCode, OLDEST_VERSION, parseFrame, PROTOCOL_VERSION, toCarryonError, type CommitFrame, type ErrorFrame, type Frame, type HeaderFrame, type FeedValue, type SyncRequest } from '@carryon/protocol';
import type { Answer } from '../core/event.ts';
import type { Segment } from '../core/state.ts';
import type { Clock } from '../ports/clock.ts';
import type { Net, NetResponse } from '../ports/net.ts';
import { notCarryon, refusal } from './http.ts';
import { SILENCE_MS, Watchdog } from './watchdog.ts';

const MOST_LINE_CHARS = 256 * 1024 * 1024;

export interface AskPorts {
  readonly net: Net;
  readonly clock: Clock;
  readonly serverUrl: string;
  readonly credentials: () => Promise<string>;
  readonly onBuilding: (done: number, of: number) => void;
  readonly onBytes: (bytes: number) => void;
  readonly onHeader: (header: HeaderFrame['header']) => void;
}

/** Asks the server and reads its answer. Throws `server.*`, `auth.*`, `protocol.*`. Abort ends the request; whole pages and commits of it are kept. */
export async function ask(request: SyncRequest, signal: AbortSignal, ports: AskPorts): Promise<Answer> {
  const silenceMs = SILENCE_MS + (request.waitSeconds ?? 0) * 1000;
  const watchdog = new Watchdog(ports.clock, signal, silenceMs);
  try {
    const token = await ports.credentials();
    const response = await ports.net.request({
      method: 'POST', url: new URL('v1/sync', ports.serverUrl).href, signal: watchdog.signal, body: JSON.stringify(request),
      headers: { 'content-type': 'application/json', accept: 'application/x-ndjson', 'accept-encoding': 'gzip', ...(token === '' ? {} : { authorization: `Bearer ${token}` }) },
    });
    if (response.status !== 200) throw await refusal(response, ports.clock.nowMs());
    if (!(response.header('content-type') ?? '').startsWith('application/x-ndjson')) throw notCarryon();
    const reader = new AnswerReader(ports);
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
    if (rest.length > MOST_LINE_CHARS) throw new CarryonError('protocol.bad-answer', 'The server\'s answer has a line without end.');
    yield* parts;
  }
  if (rest !== '') yield rest;
}

interface OpenSegment { puts: Map<number, FeedValue[][]>; removes: Map<number, number[]>; lives: Map<number, readonly number[]>; rows: number }

const emptySegment = (): OpenSegment => ({ puts: new Map(), removes: new Map(), lives: new Map(), rows: 0 });

/** Puts an answer together, frame by frame. An answer that breaks off counts up to its last page or commit. */
class AnswerReader {
  readonly #ports: AskPorts;
  readonly #segments: Segment[] = [];
  #header: HeaderFrame['header'] | undefined;
  #plan: Answer['plan'];
  #urls: readonly string[] | undefined;
  #error: CarryonError | undefined;
  #table = 0;
  #open = emptySegment();

  constructor(ports: AskPorts) {
    this.#ports = ports;
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
    if (!this.#header) throw new CarryonError('protocol.bad-answer', 'The server\'s answer has no header.');
    if (Array.isArray(frame)) return this.#row(frame as readonly [string, number, ...unknown[]]);
    if ('building' in frame) this.#ports.onBuilding(frame.building.done, frame.building.of);
    else if ('plan' in frame) this.#plan = { kind: 'plan', ...frame.plan, epoch: this.#header.epoch, user: this.#header.user };
    else if ('urls' in frame) this.#urls = frame.urls;
    else if ('table' in frame) this.#table = frame.table;
    else if ('live' in frame) this.#open.lives.set(frame.live.table, frame.live.runs);
    else if ('page' in frame) this.#close(frame.page.token);
    else if ('commit' in frame) this.#close(frame.commit.token, frame.commit);
    else if ('error' in frame) this.#error = errorOf(frame.error);
  }

  #row(frame: readonly [string, number, ...unknown[]]): void {
    const [kind, rid, ver, ...values] = frame;
    if (kind === 'P') push(this.#open.puts, this.#table, [BigInt(rid), BigInt(ver as number), ...values.map(decode)]);
    else push(this.#open.removes, this.#table, rid);
    this.#open.rows++;
  }

  #close(token: string, commit?: CommitFrame['commit']): void {
    this.#segments.push({ ...this.#open, token, ...(commit ? { commit } : {}) });
    this.#open = emptySegment();
  }

  /** The answer as far as it came; throws what ended it, or `server.unreachable`, when that is nothing. */
  finish(broken?: CarryonError): Answer {
    const error = this.#error ?? broken;
    if (!this.#header) throw error ?? new CarryonError('protocol.bad-answer', 'The server\'s answer has no header.');
    if (!this.#plan && !this.#urls && this.#segments.length === 0) throw error ?? new CarryonError('server.unreachable', 'The server\'s answer broke off.');
    return {
      epoch: this.#header.epoch, user: this.#header.user, segments: this.#segments,
      ...(this.#plan ? { plan: this.#plan } : {}), ...(this.#urls ? { urls: this.#urls } : {}), ...(error ? { error } : {}),
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
