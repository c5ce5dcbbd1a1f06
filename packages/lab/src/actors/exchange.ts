import { CarryonError, toCarryonError } from '@carryon/protocol';
import type { LabLink } from './link.ts';
import { PackTraffic } from './pack-traffic.ts';
import { isPush } from './faults.ts';
import type { LabAnswer, LabRequest } from './server.ts';

export interface ExchangeRequest extends LabRequest {
  /** Who asks, in the trace. */
  readonly who: string;
}

export interface ExchangeSink {
  /** The body is the whole one, before it comes. */
  readonly head: (answer: LabAnswer) => void;
  readonly chunk: (bytes: Uint8Array) => void;
  /** Without an error: all has come. */
  readonly end: (error?: CarryonError) => void;
}

export const unreachable = (why: string): CarryonError => new CarryonError('server.unreachable', `No connection: ${why}.`);

const CHUNK = 16 * 1024;
const LEAST_CHUNK = 128;
/** About what the heads of a request and of an answer take. */
const HEAD_BYTES = 400;
/** So soon it is known that there is no connection. */
const NO_CONNECTION_MS = 50;
const PAGE = '<!doctype html><html><title>Welcome to the train\'s WLAN</title>Please sign in.</html>';
const portalPage = (): LabAnswer => ({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: Buffer.from(PAGE) });

/** One request on its way through a link, and its answer on the way back. */
export class Exchange {
  readonly #link: LabLink;
  readonly #id: number;
  readonly #request: ExchangeRequest;
  readonly #sink: ExchangeSink;
  readonly #left: () => void;
  readonly #pack: string | undefined;
  #state: 'open' | 'silent' | 'ended' = 'open';
  #cancel = (): void => undefined;
  #status = 0;
  #offset = 0;
  #breakAt = Infinity;

  constructor(link: LabLink, id: number, request: ExchangeRequest, sink: ExchangeSink, left: () => void) {
    this.#link = link;
    this.#id = id;
    this.#request = request;
    this.#sink = sink;
    this.#left = left;
    this.#pack = PackTraffic.nameOf(request.url);
  }

  start(): void {
    const { method, url, headers = {}, body = '', who } = this.#request;
    const range = headers['range'];
    const path = this.#pack === undefined ? new URL(url).pathname : `pack ${this.#pack.slice(0, 12)}`;
    this.#link.world.trace.add(who, 'request', { id: this.#id, method, path, range, bytes: body.length, ...(isPush(this.#request) ? { push: true } : {}) });
    this.#link.packs.add(this.#pack, { requests: 1, ranges: range === undefined ? 0 : 1 });
    if (this.#link.mode === 'none') return this.#after(NO_CONNECTION_MS, () => this.fail(unreachable('there is no network')));
    if (this.#link.mode === 'half-open') return this.hush();
    this.#link.bytes.up += body.length;
    this.#after(this.#link.reserve('up', HEAD_BYTES + body.length) + this.#link.latencyMs(), () => this.#arrive());
  }

  /** Nothing comes any more; only who asked can end it. */
  hush(): void {
    this.#cancel();
    if (this.#state === 'open') this.#state = 'silent';
  }

  /** Nothing more comes; who asked is told by the next event. */
  breakOff(error: CarryonError): void {
    this.#cancel();
    this.#after(0, () => this.fail(error));
  }

  /** Ends it with an error that who asked is told. */
  fail(error: CarryonError): void {
    if (this.#state !== 'open') return;
    this.#end(error.message);
    this.#sink.end(error);
  }

  /** Ends it without telling who asked. */
  stop(why: string): void {
    if (this.#state === 'ended') return;
    this.#end(why);
    this.#left();
  }

  #after(delayMs: number, run: () => void): void {
    this.#cancel = this.#link.world.queue.after(delayMs, () => { if (this.#state === 'open') run(); });
  }

  #arrive(): void {
    if (this.#link.mode === 'portal') return this.#after(this.#link.latencyMs(), () => this.#answer(portalPage()));
    this.#link.peer.request(this.#request).then(
      (answer) => { if (this.#state === 'open') this.#after(this.#link.latencyMs(), () => this.#answer(answer)); },
      (thrown: unknown) => { if (this.#state === 'open') this.#after(this.#link.latencyMs(), () => this.fail(toCarryonError(thrown))); },
    );
  }

  #answer(answer: LabAnswer): void {
    const { random, speed } = this.#link;
    if (speed.breakOneIn > 0 && random.chance(1, speed.breakOneIn)) this.#breakAt = random.below(answer.body.length + 1);
    this.#after(this.#link.reserve('down', HEAD_BYTES), () => {
      this.#status = answer.status;
      this.#sink.head(answer);
      this.#next(answer.body);
    });
  }

  /** About what comes in half a second: a slow link brings small pieces, not long silences. */
  #chunk(): number {
    return Math.min(CHUNK, Math.max(LEAST_CHUNK, Math.floor(this.#link.speed.downBytesPerSecond / 2)));
  }

  /** The next piece waits for the link; so pieces of several answers take turns. */
  #next(body: Buffer): void {
    if (this.#state !== 'open') return;
    if (this.#offset >= this.#breakAt) return this.fail(unreachable('it broke off'));
    if (this.#offset >= body.length) {
      this.#end('whole');
      return this.#sink.end();
    }
    const chunk = body.subarray(this.#offset, Math.min(this.#offset + this.#chunk(), this.#breakAt));
    this.#count({ sent: chunk.length });
    this.#after(this.#link.reserve('down', chunk.length), () => {
      this.#offset += chunk.length;
      this.#link.bytes.down += chunk.length;
      this.#count({ received: chunk.length });
      this.#sink.chunk(chunk);
      this.#next(body);
    });
  }

  /** Refusals of a pack are no bytes of it. */
  #count(bytes: { readonly sent: number } | { readonly received: number }): void {
    if (this.#status === 200 || this.#status === 206) this.#link.packs.add(this.#pack, bytes);
  }

  #end(how: string): void {
    this.#cancel();
    this.#state = 'ended';
    this.#link.world.trace.add(this.#request.who, 'request-end', { id: this.#id, status: this.#status, bytes: this.#offset, how });
  }
}
