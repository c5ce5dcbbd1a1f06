import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Net, NetRequest, NetResponse } from '@carryon/client';
import { CarryonError } from '@carryon/protocol';

/** HTTP over Node's own client. Redirects are not followed: a pack's address is exact, and a portal's redirect is no answer. */
export const nodeNet: Net = {
  async request(request) {
    return toResponse(await send(request), request);
  },
};

function send(request: NetRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => reject(networkError(cause, request));
    try {
      const start = request.url.startsWith('https:') ? requestHttps : requestHttp;
      const body = request.body === undefined ? undefined : Buffer.from(request.body);
      const headers = body ? { ...request.headers, 'content-length': String(body.length) } : request.headers;
      const sent = start(request.url, { method: request.method, headers, signal: request.signal }, resolve);
      sent.on('error', fail);
      sent.end(body);
    } catch (cause) {
      fail(cause);
    }
  });
}

function toResponse(message: IncomingMessage, request: NetRequest): NetResponse {
  const zipped = message.headers['content-encoding'] === 'gzip';
  let wireBytes = 0;
  if (zipped) message.on('data', (chunk: Buffer) => { wireBytes += chunk.length; });
  return {
    status: message.statusCode ?? 0,
    header(name) {
      const value = message.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    body: readBody(zipped ? unzip(message) : message, message, request),
    ...(zipped ? { wireBytes: () => wireBytes } : {}),
  };
}

/** An end or an error on either side ends the other: a body that breaks off inside gzip must not wait for ever. */
const unzip = (message: IncomingMessage): AsyncIterable<Uint8Array> => pipeline(message, createGunzip(), () => undefined);

async function* readBody(chunks: AsyncIterable<Uint8Array>, message: IncomingMessage, request: NetRequest): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
    if (!message.complete) throw new Error('the connection ended early');
  } catch (cause) {
    throw networkError(cause, request);
  }
}

function networkError(cause: unknown, request: NetRequest): unknown {
  if (cause instanceof CarryonError) return cause;
  if (request.signal.aborted && request.signal.reason instanceof CarryonError) return request.signal.reason;
  const { origin } = new URL(request.url);
  return new CarryonError('server.unreachable', `No connection to ${origin}: ${(cause as { code?: string }).code ?? (cause instanceof Error ? cause.message : 'unknown')}.`, { cause });
}
