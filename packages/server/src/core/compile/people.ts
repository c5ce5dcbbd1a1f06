import type { Attribute } from '../attributes.ts';
import type { People } from '../config.ts';
import { zoneNamed } from '../filter/time.ts';
import type { Profile, ProfilePeople } from '../profile.ts';
import type { Source, SourceTable } from '../source.ts';
import { findColumn, findTable, invalid } from './names.ts';

/** What all profiles have in common. */
export interface Settings {
  readonly people: ProfilePeople;
  readonly timeZone: string;
}

/** One profile may say it for all; two must not differ. */
export function settingsOf(profiles: readonly Profile[]): Settings {
  const timeZone = common(profiles, 'timeZone', ({ timeZone: named }) => (named === undefined ? undefined : checkZone(named))) ?? 'UTC';
  return { people: common(profiles, 'people', ({ people }) => people) ?? {}, timeZone };
}

function checkZone(name: string): string {
  const zone = zoneNamed(name);
  if (zone === undefined) throw invalid(`There is no time zone "${name}": "timeZone" is an IANA name such as "Europe/Berlin".`);
  return zone;
}

function common<T>(profiles: readonly Profile[], what: string, of: (profile: Profile) => T | undefined): T | undefined {
  const [first, ...others] = profiles.flatMap((profile) => {
    const value = of(profile);
    return value === undefined ? [] : [{ name: profile.name, value }];
  });
  const differing = others.find(({ value }) => ordered(value) !== ordered(first?.value));
  if (first && differing) throw invalid(`The profiles "${first.name}" and "${differing.name}" have a different "${what}": all profiles share one, which one of them says.`);
  return first?.value;
}

/** As text, whatever the order of its names. */
function ordered(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner));
}

/** The tables of people, and which of their columns say it. */
export function peopleTables(people: ProfilePeople, source: Source): readonly { readonly table: SourceTable; readonly columns: readonly string[] }[] {
  const parts = [people.users, people.teams, people.units].filter((part) => part !== undefined);
  return parts.map(({ table: name, ...columns }) => {
    const table = findTable(name, source);
    return { table, columns: Object.values(columns).filter((column) => column !== undefined).map((column) => findColumn(column, table)) };
  });
}

/** The same over the tables' ids. */
export function compilePeople({ users, teams, units, claims }: ProfilePeople, source: Source, idOf: (name: string) => number): People {
  const column = (part: { readonly table: string }, name: string): string => findColumn(name, findTable(part.table, source));
  return {
    ...(users ? { users: { table: idOf(users.table), id: column(users, users.id), ...(users.unit === undefined ? {} : { unit: column(users, users.unit) }) } } : {}),
    ...(teams ? { teams: { table: idOf(teams.table), user: column(teams, teams.user), team: column(teams, teams.team) } } : {}),
    ...(units ? { units: { table: idOf(units.table), id: column(units, units.id), parent: column(units, units.parent) } } : {}),
    ...(claims ? { claims: { ...(claims.teams === undefined ? {} : { teams: claims.teams }), ...(claims.unit === undefined ? {} : { unit: claims.unit }) } } : {}),
  };
}

/** Why nobody could have such an attribute; undefined: somebody can. */
export function whyUnknown(attribute: Attribute, { users, teams, units, claims }: ProfilePeople): string | undefined {
  if (attribute === 'teams' && !teams && claims?.teams === undefined) return 'nothing says who is in which team: "people" needs "teams", or a claim for them';
  if ((attribute === 'unit' || attribute === 'units') && users?.unit === undefined && claims?.unit === undefined) return 'nothing says who belongs to which business unit: "people" needs "users" with "unit", or a claim for it';
  return attribute === 'units' && !units ? 'nothing says which business units are below others: "people" needs "units"' : undefined;
}
