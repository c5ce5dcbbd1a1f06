import type { Net, NetRequest, NetResponse } from '../ports/net.ts';

/** Answers a request, or hands it on to what would answer otherwise. */
export type Answering = (request: NetRequest, otherwise: () => Promise<NetResponse>) => Promise<NetResponse>;

const CHUNK = 16 * 1024;

/** An answer made by hand. The body comes in chunks and ends with the request's signal. */
export function respond(request: NetRequest, status: number, headers: Readonly<Record<string, string>>, body: string | Uint8Array | AsyncIterable<Uint8Array>): NetResponse {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  return {
    status,
    header: (name) => headers[name],
    body: untilAborted(bytes instanceof Uint8Array ? inChunks(bytes) : bytes, request.signal),
  };
}

export const PORTAL = '<!doctype html><html><title>Welcome to the train\'s WLAN</title>Please sign in.</html>';
/** What a network says that wants the person to sign in first: 200, whatever was asked for. */
export const portal = (request: NetRequest): NetResponse => respond(request, 200, { 'content-type': 'text/html; charset=utf-8' }, PORTAL);

export function refuse(request: NetRequest, status: number, code: string, headers: Readonly<Record<string, string>> = {}): NetResponse {
  return respond(request, status, { 'content-type': 'application/json', ...headers }, JSON.stringify({ error: { code, message: `the test says ${code}` } }));
}

export async function* inChunks(bytes: Uint8Array, size = CHUNK): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

/** The first bytes, then silence until the request is aborted. */
export async function* hanging(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
  await new Promise(() => undefined);
}

async function* untilAborted(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => { stop = () => reject(signal.reason as Error); });
  aborted.catch(() => undefined);
  signal.addEventListener('abort', stop);
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      if (signal.aborted) throw signal.reason;
      const next = await Promise.race([iterator.next(), aborted]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** A network in this process: a test puts in what goes wrong. */
export class FakeNet implements Net {
  readonly #serve: (request: NetRequest) => Promise<NetResponse>;
  readonly #faults: { readonly path: string; readonly answer: Answering; left: number }[] = [];

  constructor(serve: (request: NetRequest) => Promise<NetResponse>) {
    this.#serve = serve;
  }

  /** The next `times` requests whose address contains `path` are answered so. */
  fault(path: string, answer: Answering, times = 1): void {
    this.#faults.push({ path, answer, left: times });
  }

  /** Ends all faults. */
  mend(): void {
    this.#faults.length = 0;
  }

  async request(request: NetRequest): Promise<NetResponse> {
    // A network takes its time: what waits for it lets others have their turn.
    await new Promise((resolve) => { setImmediate(resolve); });
    if (request.signal.aborted) throw request.signal.reason;
    const fault = this.#faults.find((candidate) => candidate.left > 0 && request.url.includes(candidate.path));
    if (!fault) return this.#serve(request);
    fault.left--;
    return fault.answer(request, () => this.#serve(request));
  }
}
