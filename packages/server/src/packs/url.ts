import { createHmac, timingSafeEqual } from 'node:crypto';

export interface PackGrant {
  readonly name: string;
  readonly user: string;
}

/** Signed addresses of packs: they name the person they were made for and expire. */
export class PackUrls {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** An address relative to the server's, valid until that time. */
  sign(grant: PackGrant, expiresMs: number): string {
    const expires = Math.ceil(expiresMs / 1000);
    const query = new URLSearchParams({ u: grant.user, e: String(expires), s: this.#signature(grant, expires) });
    return `/v1/packs/${grant.name}?${query.toString()}`;
  }

  /** Undefined when the signature is wrong or the address has expired. */
  check(name: string, query: { readonly u?: unknown; readonly e?: unknown; readonly s?: unknown }, nowMs: number): PackGrant | undefined {
    if (typeof query.u !== 'string' || typeof query.e !== 'string' || typeof query.s !== 'string') return undefined;
    const grant = { name, user: query.u };
    const wanted = Buffer.from(this.#signature(grant, Number(query.e)));
    const given = Buffer.from(query.s);
    if (wanted.length !== given.length || !timingSafeEqual(wanted, given)) return undefined;
    return Number(query.e) * 1000 > nowMs ? grant : undefined;
  }

  #signature(grant: PackGrant, expires: number): string {
    return createHmac('sha256', this.#key).update(JSON.stringify([grant.name, grant.user, expires])).digest('base64url');
  }
}
