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

/** Stands before the server and answers some requests wrongly. */
export class FaultyPeer implements Peer {
  readonly #peer: Peer;
  readonly #faults: { readonly path: string; readonly fault: Fault; left: number }[] = [];

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** The next `times` requests whose address contains `path` are answered so. */
  fault(path: string, fault: Fault, times = 1): void {
    this.#faults.push({ path, fault, left: times });
  }

  /** Ends all faults. */
  mend(): void {
    this.#faults.length = 0;
  }

  request(request: LabRequest): Promise<LabAnswer> {
    const found = this.#faults.find(({ path, left }) => left > 0 && request.url.includes(path));
    if (!found) return this.#peer.request(request);
    found.left--;
    return found.fault(request, () => this.#peer.request(request));
  }
}
