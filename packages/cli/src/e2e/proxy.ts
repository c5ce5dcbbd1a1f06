import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pause } from './harness.ts';

interface Planned { readonly name: string; readonly bytes: number }

/** Stands between devices and a server that may be killed and started elsewhere; slows packs down and counts their bytes. */
export class CountingProxy {
  readonly #server: Server;
  /** Bytes of each pack that went to devices. */
  readonly sent = new Map<string, number>();
  /** Size of each pack that a plan has named. */
  readonly planned = new Map<string, number>();
  /** How fast packs go through, each on its own. */
  bytesPerMs: number;
  /** Where the server is now. */
  target = '';
  /** Answers to uploads stay here: the server has done its work, and the device does not know. */
  holdsUploads = false;
  /** Answers that stayed here. */
  held = 0;
  /** Requests with edits that came. */
  uploads = 0;

  private constructor(bytesPerMs: number) {
    this.bytesPerMs = bytesPerMs;
    this.#server = createServer((from, to) => { this.#forward(from, to).catch(() => to.destroy()); });
  }

  static async start(bytesPerMs: number): Promise<CountingProxy> {
    const proxy = new CountingProxy(bytesPerMs);
    await new Promise<void>((resolve) => { proxy.#server.listen(0, '127.0.0.1', resolve); });
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get sentBytes(): number {
    return [...this.sent.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Ends every connection. */
  breakOff(): void {
    this.#server.closeAllConnections();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #forward(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const path = from.url ?? '/';
    let isUpload = false;
    from.on('data', (chunk: Buffer) => {
      if (isUpload || !chunk.includes('"push":')) return;
      isUpload = true;
      this.uploads++;
    });
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const onward = request(new URL(path, this.target), { method: from.method, headers: { ...from.headers, host: new URL(this.target).host } }, resolve);
      onward.on('error', reject);
      to.on('close', () => onward.destroy());
      from.pipe(onward);
    });
    if (isUpload && this.holdsUploads) {
      answer.resume();
      await once(answer, 'end');
      this.held++;
      return;
    }
    to.writeHead(answer.statusCode ?? 502, answer.headers);
    const name = /^\/v1\/packs\/(\w+)/.exec(path)?.[1];
    await pipeline(answer, name === undefined ? this.#readPlans() : this.#slowed(name), to);
  }

  #slowed(name: string): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        this.sent.set(name, (this.sent.get(name) ?? 0) + chunk.length);
        void pause(chunk.length / this.bytesPerMs).then(() => done(undefined, chunk));
      },
    });
  }

  #readPlans(): Transform {
    let text = '';
    return new Transform({
      transform(chunk: Buffer, _encoding, done) {
        text += chunk.toString('latin1');
        done(undefined, chunk);
      },
      flush: (done) => {
        for (const line of text.split('\n').filter((one) => one.startsWith('{"plan"'))) {
          for (const { name, bytes } of (JSON.parse(line) as { plan: { packs: Planned[] } }).plan.packs) this.planned.set(name, bytes);
        }
        done();
      },
    });
  }
}
