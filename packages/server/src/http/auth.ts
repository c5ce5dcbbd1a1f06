import { CarryonError } from '@carryon/protocol';
import { createRemoteJWKSet, decodeJwt, errors, jwtVerify, SignJWT, type JWTPayload, type JWTVerifyOptions } from 'jose';
import type { Config } from '../core/config.ts';
import type { Clock } from '../ports/clock.ts';
import type { Claims, Person } from '../ports/storage.ts';

const CACHED_TOKENS = 10_000;
const CLOCK_TOLERANCE_S = 30;

/** How tokens are checked: a shared secret (HS256), or the public keys at a JWKS address. */
export interface AuthOptions {
  readonly secret?: Uint8Array;
  readonly jwksUrl?: string;
  readonly issuer?: string;
  readonly audience?: string;
  /** The claim that holds the person's id. Default `sub`. */
  readonly userClaim?: string;
}

type Verify = (token: string, options: JWTVerifyOptions) => Promise<{ payload: JWTPayload }>;

/** A claim with the value `true` that lets its bearer see everybody's sync errors. */
const ADMIN_CLAIM = 'carryon_admin';

/** Who sends a request. */
export interface Caller {
  readonly user: string;
  readonly isAdmin: boolean;
  /** The token, which was found valid. */
  readonly token: string;
}

/** Who that is by the rules: with the claims that the profile names. */
export function personOf({ user, token }: Caller, config: Config): Person {
  return { user, claims: config.people.claims ? claimsOf(decodeJwt(token), config) : {} };
}

/** Half of a surrogate pair is no text: SQLite would take it for another. */
const isText = (value: unknown): value is string => typeof value === 'string' && value.isWellFormed();

/** A number stands for its text, as `own` and `team` compare it. */
const textOf = (value: unknown): string | undefined => (isText(value) ? value : Number.isSafeInteger(value) ? String(value) : undefined);

/** Claims of another form than they must have count as absent. */
function claimsOf(payload: Readonly<Record<string, unknown>>, { people }: Config): Claims {
  const [teams, unit] = [people.claims?.teams, people.claims?.unit].map((name) => (name !== undefined && Object.hasOwn(payload, name) ? payload[name] : undefined));
  const alone = textOf(teams);
  const list = Array.isArray(teams) ? teams.flatMap((team) => textOf(team) ?? []) : alone === undefined ? undefined : [alone];
  const own = textOf(unit);
  return { ...(list ? { teams: list } : {}), ...(own === undefined ? {} : { unit: own }) };
}

/** Tells who sends a request. Verified tokens are remembered until they expire. */
export class Auth {
  readonly #verify: Verify;
  readonly #development: Verify | undefined;
  readonly #options: AuthOptions;
  readonly #clock: Clock;
  readonly #known = new Map<string, Caller & { expiresMs: number }>();

  /** The development key signs further tokens, which name no issuer. Throws `server.no-keys` when there is nothing to check tokens with. */
  constructor(options: AuthOptions, clock: Clock, development?: Uint8Array) {
    const own = development && bySecret(development);
    this.#verify = verifier(options) ?? own ?? noKeys();
    this.#development = own;
    this.#options = options;
    this.#clock = clock;
  }

  /** Who sends the request. Throws `auth.missing`, `auth.invalid` or `auth.expired`. */
  async caller(authorization: string | undefined): Promise<Caller> {
    const token = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) throw new CarryonError('auth.missing', 'The request carries no bearer token.');
    const known = this.#known.get(token);
    if (known && known.expiresMs > this.#clock.nowMs()) return known;
    const { payload, claim } = await this.#check(token);
    const user = payload[claim];
    if (typeof user !== 'string' || user === '') throw new CarryonError('auth.invalid', `The token has no claim "${claim}".`);
    // SQLite would take such a text for another.
    if (!user.isWellFormed()) throw new CarryonError('auth.invalid', `The claim "${claim}" of the token is no well-formed text.`);
    const caller = { user, isAdmin: payload[ADMIN_CLAIM] === true, token };
    this.#remember(caller, payload.exp);
    return caller;
  }

  async #check(token: string): Promise<{ payload: JWTPayload; claim: string }> {
    const { issuer, audience, userClaim = 'sub' } = this.#options;
    const check: JWTVerifyOptions = { currentDate: new Date(this.#clock.nowMs()), clockTolerance: CLOCK_TOLERANCE_S, requiredClaims: ['exp'] };
    try {
      // A token of the development key is known by its signature alone; any other goes the way of all.
      const trial = await this.#development?.(token, check).catch(ifSigned);
      if (trial) return { payload: trial.payload, claim: 'sub' };
      const { payload } = await this.#verify(token, { ...check, ...(issuer === undefined ? {} : { issuer }), ...(audience === undefined ? {} : { audience }) });
      return { payload, claim: userClaim };
    } catch (cause) {
      throw toAuthError(cause);
    }
  }

  #remember(caller: Caller, expiresS: number | undefined): void {
    if (this.#known.size >= CACHED_TOKENS) this.#known.clear();
    this.#known.set(caller.token, { ...caller, expiresMs: (expiresS ?? 0) * 1000 });
  }
}

function verifier(options: AuthOptions): Verify | undefined {
  if (options.secret) return bySecret(options.secret);
  if (options.jwksUrl === undefined) return undefined;
  const keys = createRemoteJWKSet(new URL(options.jwksUrl));
  return (token, check) => jwtVerify(token, keys, { ...check, algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'] });
}

const bySecret = (secret: Uint8Array): Verify => (token, check) => jwtVerify(token, secret, { ...check, algorithms: ['HS256'] });

function noKeys(): never {
  throw new CarryonError('server.no-keys', 'The server has no key to check tokens with.');
}

/** Undefined when the token is not of this key; throws what else is wrong with it. */
function ifSigned(thrown: unknown): undefined {
  if (thrown instanceof errors.JWTExpired || thrown instanceof errors.JWTClaimValidationFailed) throw thrown;
  return undefined;
}

/** A fault of the key server is no fault of the token: devices try again by themselves. */
function toAuthError(cause: unknown): CarryonError {
  if (cause instanceof errors.JWTExpired) return new CarryonError('auth.expired', 'The token has expired.', { cause });
  const isFetch = cause instanceof errors.JWKSTimeout || cause instanceof errors.JWKSInvalid || (cause instanceof errors.JOSEError && cause.code === errors.JOSEError.code);
  if (cause instanceof errors.JOSEError && !isFetch) return new CarryonError('auth.invalid', `The token is not valid here: ${cause.message}.`, { cause });
  return new CarryonError('server.unavailable', 'The keys to check tokens with could not be obtained.', { cause });
}

export interface SignOptions {
  /** May see everybody's sync errors. */
  readonly admin?: boolean;
  /** Further claims: what a profile's `people` names. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Signs a token for trying things out. */
export function signToken(secret: Uint8Array, user: string, nowMs: number, validMs: number, { admin, claims = {} }: SignOptions = {}): Promise<string> {
  const issued = Math.floor(nowMs / 1000);
  return new SignJWT({ ...claims, ...(admin === true ? { [ADMIN_CLAIM]: true } : {}) }).setProtectedHeader({ alg: 'HS256' }).setSubject(user).setIssuedAt(issued)
    .setExpirationTime(issued + Math.floor(validMs / 1000)).sign(secret);
}
