import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';

export const BODY = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `line ${i} of the body\n`).join(''));

export interface NetServer {
  readonly url: string;
  /** Connections opened so far, and those open now. */
  readonly connections: () => { readonly ever: number; readonly open: number };
  readonly end: () => Promise<void>;
}

/** A server whose answers go wrong in every way a network knows, by path. */
export async function startNetServer(): Promise<NetServer> {
  const open = new Set<Socket>();
  let ever = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => answer(request.url ?? '', response, {
      method: request.method, body: Buffer.concat(chunks).toString(), headers: request.headers,
    }));
  });
  server.on('connection', (socket) => {
    ever++;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    connections: () => ({ ever, open: open.size }),
    end: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

function answer(path: string, response: ServerResponse, echo: object): void {
  const half = BODY.length / 2;
  const zipped = gzipSync(BODY);
  switch (path) {
    case '/echo': return void response.writeHead(200, { 'content-type': 'application/json', 'x-two': ['a', 'b'] }).end(JSON.stringify(echo));
    case '/busy': return void response.writeHead(429, { 'retry-after': '7' }).end('later');
    case '/redirect': return void response.writeHead(302, { location: '/echo' }).end();
    case '/chunks': response.write(BODY.subarray(0, half)); return void setImmediate(() => response.end(BODY.subarray(half)));
    case '/gzip': return void response.writeHead(200, { 'content-encoding': 'gzip' }).end(zipped);
    case '/gzip-broken': return void response.writeHead(200, { 'content-encoding': 'gzip' }).end(BODY);
    case '/short': response.writeHead(200, { 'content-length': BODY.length }).write(BODY.subarray(0, half)); return void setImmediate(() => response.socket?.end());
    case '/reset': response.writeHead(200, { 'content-length': BODY.length }).write(BODY.subarray(0, half)); return void setTimeout(() => response.socket?.resetAndDestroy(), 30);
    case '/gzip-reset': response.writeHead(200, { 'content-encoding': 'gzip' }).write(zipped.subarray(0, zipped.length / 2)); return void setTimeout(() => response.socket?.resetAndDestroy(), 30);
    case '/hang': response.writeHead(200, { 'content-length': BODY.length }).write(BODY.subarray(0, half)); return;
    case '/gzip-hang': response.writeHead(200, { 'content-encoding': 'gzip' }).write(zipped.subarray(0, zipped.length / 2)); return;
    case '/silent': return;
    default: return void response.socket?.destroy();
  }
}
