import { CarryonError } from '@carryon/protocol';
import type { Peer } from './link.ts';
import type { LabAnswer, LabRequest } from './server.ts';

/** Answers a request, or lets it be answered and changes that. */
export type Fault = (request: LabRequest, otherwise: () => Promise<LabAnswer>) => Promise<LabAnswer>;

/** A refusal as the server words it. */
export function refusal(status: number, code: string, headers: Readonly<Record<string, string>> = {}): Fault {
  const body = Buffer.from(JSON.stringify({ error: { code, message: `the lab says ${code}` } }));
  return async () => ({ status, headers: { 'content-type': 'application/json', ...headers }, body });
}

/** The answer with other bytes of the same length: one bit is flipped. */
export const flipped: Fault = async (_, otherwise) => {
  const answer = await otherwise();
  const body = Buffer.from(answer.body);
  if (body.length > 0) body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 4;
  return { ...answer, body };
};

/** The request is answered, and the answer is lost on its way. */
export const lost: Fault = async (_, otherwise) => {
  await otherwise();
  throw new CarryonError('server.unreachable', 'The answer was lost.');
};

/** The request comes twice, as from a proxy that tries again. */
export const twice: Fault = async (_, otherwise) => {
  await otherwise();
  return otherwise();
};

/** The server's process is killed when it has done what it was asked for, and has not said so. */
export const killed = (server: { restart(): Promise<void> }): Fault => async (_, otherwise) => {
  await otherwise();
  await server.restart();
  throw new CarryonError('server.unreachable', 'The server is gone.');
};

/** Whether a request brings edits. */
export const isPush = ({ body = '' }: LabRequest): boolean => body.includes('"push":{');

/** Stands before the server and answers some requests wrongly. */
export class FaultyPeer implements Peer {
  readonly #peer: Peer;
  readonly #faults: { readonly meets: (request: LabRequest) => boolean; readonly fault: Fault; left: number }[] = [];

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** The next `times` requests whose address contains that text, or that meet the condition, are answered so. */
  fault(which: string | ((request: LabRequest) => boolean), fault: Fault, times = 1): void {
    const meets = typeof which === 'string' ? ({ url }: LabRequest): boolean => url.includes(which) : which;
    this.#faults.push({ meets, fault, left: times });
  }

  /** Ends all faults. */
  mend(): void {
    this.#faults.length = 0;
  }

  request(request: LabRequest): Promise<LabAnswer> {
    const found = this.#faults.find(({ meets, left }) => left > 0 && meets(request));
    if (!found) return this.#peer.request(request);
    found.left--;
    return found.fault(request, () => this.#peer.request(request));
  }
}
