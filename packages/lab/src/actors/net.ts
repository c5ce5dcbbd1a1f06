import { gunzipSync } from 'node:zlib';
import type { Net, NetRequest, NetResponse } from '@carryon/client';
import type { CarryonError } from '@carryon/protocol';
import { unreachable, type Exchange } from './exchange.ts';
import { Inbox } from './inbox.ts';
import type { LabLink } from './link.ts';
import type { LabAnswer } from './server.ts';

/** A request of the process, and how to tell it that the connection is gone. */
interface Socket {
  exchange: Exchange | undefined;
  readonly fail: (error: CarryonError) => void;
  readonly unlisten: () => void;
}

/** The network as one process has it. */
export class LabNet implements Net {
  readonly #link: LabLink;
  readonly #who: string;
  readonly #sockets = new Set<Socket>();
  readonly #dropped: Socket[] = [];
  #state: 'running' | 'drop' | 'hang' | 'dead' = 'running';
  #isCut = false;

  constructor(link: LabLink, who = link.name) {
    this.#link = link;
    this.#who = who;
  }

  /** Requests that have not ended. */
  get open(): number {
    return this.#sockets.size;
  }

  request(request: NetRequest): Promise<NetResponse> {
    return new Promise((resolve, reject) => {
      if (request.signal.aborted) return reject(request.signal.reason as Error);
      const inbox = new Inbox();
      const fail = (error: unknown, now: boolean): void => {
        this.#sockets.delete(socket);
        socket.unlisten();
        reject(error as Error);
        inbox.fail(error, now);
      };
      const abort = (): void => {
        socket.exchange?.stop('aborted');
        fail(request.signal.reason, true);
      };
      const socket: Socket = {
        exchange: undefined,
        fail: (error) => fail(error, false),
        unlisten: () => request.signal.removeEventListener('abort', abort),
      };
      request.signal.addEventListener('abort', abort);
      this.#sockets.add(socket);
      this.#open(socket, request, inbox, resolve);
    });
  }

  /** No code of the process runs: its sockets are closed, or never say a word again. */
  suspend(sockets: 'drop' | 'hang'): void {
    if (this.#state !== 'running') return;
    this.#state = sockets;
    for (const socket of this.#sockets) this.#letGo(socket);
  }

  /** The process goes on, and hears of what was closed meanwhile. */
  resume(): void {
    if (this.#state === 'dead') return;
    this.#state = 'running';
    const dropped = this.#dropped.splice(0);
    this.#link.world.queue.after(0, () => {
      for (const socket of dropped) if (this.#sockets.has(socket)) socket.fail(unreachable('the device closed it while the app was asleep'));
    });
  }

  /** The process is gone: nothing of it hears anything any more. */
  kill(): void {
    this.#state = 'dead';
    for (const socket of this.#sockets) {
      socket.unlisten();
      socket.exchange?.stop('killed');
    }
    this.#sockets.clear();
    this.#dropped.length = 0;
  }

  /** Whether the device's operating system lets the process reach the network. */
  reach(to: 'up' | 'cut'): void {
    this.#isCut = to === 'cut';
    if (!this.#isCut) return;
    for (const socket of [...this.#sockets]) {
      socket.exchange?.stop('cut');
      socket.fail(unreachable('the device keeps the app from the network'));
    }
  }

  #open(socket: Socket, request: NetRequest, inbox: Inbox, answered: (response: NetResponse) => void): void {
    if (this.#state !== 'running') return this.#letGo(socket);
    if (this.#isCut) return void this.#link.world.queue.after(1, () => socket.fail(unreachable('the device keeps the app from the network')));
    let decode = (bytes: Uint8Array): Uint8Array => bytes;
    socket.exchange = this.#link.send({ ...request, who: this.#who }, {
      head: (answer) => {
        const body = new Decoder(answer);
        decode = (bytes) => body.take(bytes);
        answered(toResponse(answer, inbox, body));
      },
      chunk: (bytes) => inbox.push(decode(bytes)),
      end: (error) => {
        if (error) return socket.fail(error);
        // An abort still ends the reading of what has come and was not taken.
        this.#sockets.delete(socket);
        inbox.end();
      },
    });
  }

  #letGo(socket: Socket): void {
    socket.exchange?.stop('suspended');
    if (this.#state === 'drop') this.#dropped.push(socket);
  }
}

function toResponse(answer: LabAnswer, inbox: Inbox, body: Decoder): NetResponse {
  return {
    status: answer.status, header: (name) => answer.headers[name], body: inbox,
    ...(body.isZipped ? { wireBytes: () => body.wireBytes } : {}),
  };
}

/** Gives out a zipped body in the proportion in which its bytes have come. */
class Decoder {
  readonly isZipped: boolean;
  readonly #wire: number;
  readonly #body: Buffer;
  #given = 0;
  wireBytes = 0;

  constructor({ headers, body }: LabAnswer) {
    this.isZipped = headers['content-encoding'] === 'gzip';
    this.#wire = body.length;
    this.#body = this.isZipped ? gunzipSync(body) : body;
  }

  take(bytes: Uint8Array): Uint8Array {
    this.wireBytes += bytes.length;
    const from = this.#given;
    this.#given = Math.floor((this.#body.length * this.wireBytes) / this.#wire);
    return this.#body.subarray(from, this.#given);
  }
}
