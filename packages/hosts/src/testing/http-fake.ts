import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FakeServer } from '@carryon/client/testing';

const HEADERS = ['content-type', 'etag', 'retry-after'] as const;

export interface ServedFake {
  readonly url: string;
  close(): Promise<void>;
}

/** The server of this process for other processes: over HTTP. */
export async function serveFake(server: FakeServer): Promise<ServedFake> {
  const http = createServer((request, response) => void answer(server, request, response).catch(() => response.destroy()));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`,
    close: async () => {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}

async function answer(server: FakeServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const left = new AbortController();
  response.on('close', () => left.abort());
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const found = await server.net.request({ method: request.method === 'POST' ? 'POST' : 'GET', url: `http://server.test${request.url}`, headers, body: Buffer.concat(parts).toString(), signal: left.signal });
  const told = HEADERS.flatMap((name) => { const value = found.header(name); return value === undefined ? [] : [[name, value] as const]; });
  response.writeHead(found.status, Object.fromEntries(told));
  for await (const chunk of found.body) response.write(chunk);
  response.end();
}
