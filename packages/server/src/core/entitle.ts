import type { TableSpec } from '@carryon/protocol';
import type { Claims, Grant, Person, Scope, ScopeKey, Snapshot } from '../ports/storage.ts';
import type { Attributes } from './attributes.ts';
import type { Config } from './config.ts';
import { LIMITS } from './limits.ts';
import { resolveAll, type Resolved, type Share } from './resolve.ts';

/** A share whose scope exists. */
export interface ActiveShare {
  readonly table: TableSpec;
  readonly form: string;
  readonly scope: Scope;
  readonly isEverybodys: boolean;
  /** The checkpoint since when the person has it. */
  readonly since: number;
}

/** What a person may have in a snapshot. */
export interface Entitlement {
  readonly user: string;
  readonly shares: readonly ActiveShare[];
  /** Stands for the descriptions of all tables. */
  readonly specs: string;
  /** By scope; those that the person had before are among them. */
  readonly grants: ReadonlyMap<number, Grant>;
}

/** What the store must be told before the person can be answered: these are the scopes of their share, all of them. */
export interface Unready {
  readonly person: Person;
  readonly activate: readonly ScopeKey[];
}

/** Snapshots give the same object for attributes that have not changed; so this is computed once for each of them. */
const resolved = new WeakMap<Config, WeakMap<Attributes, Resolved>>();

/** What the person has, computed from nothing but the snapshot. */
export const sharesOf = (snapshot: Snapshot, person: Person): readonly Share[] => resolvedOf(snapshot, person).shares;

function resolvedOf(snapshot: Snapshot, person: Person): Resolved {
  const [config, attributes] = [snapshot.config(), snapshot.attributes(person)];
  if (!attributes) return resolveAll(config, person, undefined);
  const known = resolved.get(config) ?? new WeakMap<Attributes, Resolved>();
  resolved.set(config, known);
  const found = known.get(attributes) ?? resolveAll(config, person, attributes);
  known.set(attributes, found);
  return found;
}

/** What the person may have now; or what to activate before, when the store has noted something else. */
export function entitle(snapshot: Snapshot, person: Person, nowMs: number): Entitlement | Unready {
  const { shares, specs } = resolvedOf(snapshot, person);
  const grants = new Map(snapshot.grants(person.user).map((grant) => [grant.scope, grant]));
  const active = shares.flatMap((share) => activeShare(snapshot, share, grants, nowMs));
  const held = [...grants.values()].filter(({ until }) => until === undefined).length;
  const isNoted = active.length === shares.length && held === shares.length && (shares.length === 0 || sameClaims(snapshot, person));
  if (!isNoted) return { person, activate: shares.map(({ scope }) => scope) };
  return { user: person.user, shares: active, specs, grants };
}

function activeShare(snapshot: Snapshot, { scope: key, ...share }: Share, grants: ReadonlyMap<number, Grant>, nowMs: number): ActiveShare[] {
  const scope = snapshot.scope(key);
  const grant = scope && grants.get(scope.id);
  if (!grant || grant.until !== undefined || nowMs - grant.usedMs >= LIMITS.noteUseMs || !isSame(grant.columns, key.columns)) return [];
  return [{ ...share, scope, since: grant.since }];
}

const isSame = (some: readonly string[], others: readonly string[]): boolean => some.length === others.length && some.every((name, i) => name === others[i]);

/** Addresses of packs carry no token: they go by the claims of the last one. */
function sameClaims(snapshot: Snapshot, { user, claims }: Person): boolean {
  return !snapshot.config().people.claims || textOf(claims) === textOf(snapshot.claims(user));
}

const textOf = ({ teams, unit }: Claims): string => JSON.stringify([teams ?? null, unit ?? null]);
