import type { ColumnSpec, TableSpec } from '@carryon/protocol';
import type { Person, ScopeKey } from '../ports/storage.ts';
import { attributesOf, paramOf, type Attributes } from './attributes.ts';
import type { CompiledProfile, Config, SyncedTable, TableShare, Who } from './config.ts';
import { shortHash } from './hash.ts';
import type { RuleNode } from './rule.ts';

/** What a person gets of a table. */
export interface Share {
  /** The table as this person gets it. */
  readonly table: TableSpec;
  /** Equal for tables of the same name, columns and key: devices keep the rows of one form. */
  readonly form: string;
  readonly scope: ScopeKey;
  /** Whether everybody gets these rows. */
  readonly isEverybodys: boolean;
}

/** A share without the person: it is the same for all who have the same profiles. */
interface Pattern extends Pick<Share, 'table' | 'form'> {
  readonly node: RuleNode;
  readonly columns: readonly string[];
  readonly isPublic: boolean;
}

interface Patterns {
  readonly tables: readonly Pattern[];
  readonly specs: string;
}

/** What a person gets of all tables. */
export interface Resolved {
  readonly shares: readonly Share[];
  /** Stands for the descriptions of all tables. */
  readonly specs: string;
}

const RIGHTS = ['create', 'update', 'delete'] as const;
/** The strictest last. */
const CONFLICTS = ['last-writer-wins', 'merge', 'detect'] as const;

/** Tables and their descriptions by sets of profiles: most people have one of a few. */
const patterns = new WeakMap<Config, Map<string, Patterns>>();

/**
 * What the person gets, in the order of the tables; nothing for nobody (attributes undefined). Of a table that several profiles give,
 * they get the rows, columns and rights of all of these, once.
 */
export const resolve = (config: Config, person: Person, attributes: Attributes | undefined): readonly Share[] => resolveAll(config, person, attributes).shares;

/** The same with what stands for the descriptions of the tables. */
export function resolveAll(config: Config, person: Person, attributes: Attributes | undefined): Resolved {
  const profiles = attributes ? profilesOf(config, person, attributes) : [];
  const { tables, specs } = patternsOf(config, profiles);
  const paramFor = params({ ...(attributes ?? attributesOf('')), profiles: profiles.map(({ name }) => name) });
  const shares = tables.map(({ table, form, node, columns, isPublic }): Share => {
    const scope = { table: table.id, node: node.id, param: paramFor(node), columns };
    return { table, form, scope, isEverybodys: isPublic && scope.param === '' };
  });
  return { shares, specs };
}

/** Nodes that use the same of a person get the same text, not only an equal one: it may be long. */
function params(attributes: Attributes): (node: RuleNode) => string {
  const known = new Map<string, string>();
  return ({ uses }) => {
    const key = uses.join();
    const param = known.get(key) ?? paramOf(uses, attributes);
    known.set(key, param);
    return param;
  };
}

/** The profiles that the person has. */
export function profilesOf(config: Config, { user }: Person, attributes: Attributes): readonly CompiledProfile[] {
  return config.profiles.filter(({ who }) => who === undefined || isAmong(who, user, attributes));
}

const isAmong = (who: Who, user: string, { teams, unit }: Attributes): boolean =>
  who.users.includes(user) || who.teams.some((team) => teams.includes(team)) || who.units.some((one) => unit.includes(one));

/** Equal for equal descriptions of tables, all of them together. */
export const specsOf = (shares: readonly Pick<Share, 'table'>[]): string => hash(shares.map(({ table }) => table));

export const formOf = ({ name, columns, key }: TableSpec): string => hash([name, columns.map((column) => [column.name, column.type, column.collation]), key]);

const hash = (value: unknown): string => shortHash(JSON.stringify(value));

function patternsOf(config: Config, profiles: readonly CompiledProfile[]): Patterns {
  const known = patterns.get(config) ?? new Map<string, Patterns>();
  patterns.set(config, known);
  const key = JSON.stringify(profiles.map(({ name }) => name));
  const tables = known.has(key) ? [] : makePatterns(config, profiles);
  const found = known.get(key) ?? { tables, specs: specsOf(tables) };
  known.set(key, found);
  return found;
}

function makePatterns(config: Config, profiles: readonly CompiledProfile[]): readonly Pattern[] {
  const specs = config.tables.flatMap((table) => {
    const given = profiles.flatMap(({ shares }) => shares.filter((share) => share.table === table.id));
    return given.length === 0 ? [] : [{ given, spec: specOf(table, given) }];
  });
  return specs.map(({ given, spec }) => {
    const table = withReferences(spec, specs.map((one) => one.spec));
    const node = nodeOf(config, spec.id, given);
    const isPublic = isGivenToAll(config, node.id, table);
    return { table, form: formOf(table), node, columns: table.columns.map(({ name }) => name), isPublic };
  });
}

/** Whether everybody gets the rows of the node, and all of these columns: of the rows that they get they have the columns of all of their profiles. */
function isGivenToAll({ profiles }: Config, node: number, table: TableSpec): boolean {
  const shares = profiles.filter(({ who }) => who === undefined).flatMap((profile) => profile.shares.filter((share) => share.table === table.id));
  const given = new Set(shares.flatMap(({ columns }) => columns));
  return shares.some((share) => share.node === node) && table.columns.every(({ name }) => given.has(name));
}

/** The node of all the rows that these shares give: one of theirs, or the union's. */
function nodeOf(config: Config, table: number, given: readonly TableShare[]): RuleNode {
  const nodes = config.nodes.filter(({ id }) => given.some((share) => share.node === id));
  const found = nodes.length === 1 ? nodes[0] : nodes.find(({ rule }) => rule.kind === 'every') ?? config.nodes.find(({ id }) => id === config.unions[table]);
  if (!found) throw new RangeError(`table ${table} has no rule that unites its profiles`);
  return found;
}

/** A table with what all shares together give of it; positions of columns are counted anew. */
function specOf(table: SyncedTable, given: readonly TableShare[]): TableSpec {
  const names = new Set(given.flatMap(({ columns }) => columns));
  const columns = table.columns.filter(({ name }) => names.has(name));
  const place = (position: number): number => columns.indexOf(table.columns[position] as ColumnSpec);
  const every = given.flatMap(({ everyMinutes }) => everyMinutes ?? []);
  const rights = RIGHTS.filter((right) => given.some((share) => share.rights?.includes(right)));
  const spec: TableSpec = {
    id: table.id, name: table.name, columns, key: table.key.map(place), level: Math.min(...given.map(({ level }) => level)),
    ...(every.length > 0 ? { everyMinutes: Math.min(...every) } : {}),
  };
  if (rights.length === 0) return spec;
  const conflicts = CONFLICTS.findLast((mode) => given.some((share) => share.conflicts === mode)) ?? 'last-writer-wins';
  const computed = (table.computed ?? []).map(place).filter((position) => position >= 0);
  const references = (table.references ?? []).map(({ column, table: to }) => ({ column: place(column), table: to })).filter(({ column }) => column >= 0);
  return {
    ...spec, rights,
    ...(conflicts === 'last-writer-wins' ? {} : { conflicts }),
    ...(table.newKeys && rights.includes('create') ? { newKeys: table.newKeys } : {}),
    ...(computed.length > 0 ? { computed } : {}),
    ...(references.length > 0 ? { references } : {}),
  };
}

/** Only tables in which the person can make rows have keys that are replaced. */
function withReferences(spec: TableSpec, specs: readonly TableSpec[]): TableSpec {
  if (!spec.references) return spec;
  const { references, ...rest } = spec;
  const kept = references.filter(({ table }) => specs.some(({ id, newKeys }) => id === table && newKeys === 'temporary'));
  return kept.length > 0 ? { ...rest, references: kept } : rest;
}
