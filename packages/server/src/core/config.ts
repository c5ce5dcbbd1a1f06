import type { ColumnSpec, TableSpec } from '@carryon/protocol';
import type { RuleNode } from './rule.ts';

/** A table that the store copies, with everything that any profile sends of it. */
export interface SyncedTable extends TableSpec {
  /** Columns that rules read and nobody gets; they stand after the others in the store. */
  readonly hidden: readonly ColumnSpec[];
}

/** What a profile gives of a table. */
export interface TableShare {
  readonly table: number;
  readonly node: number;
  /** Names, in the table's order. */
  readonly columns: readonly string[];
  readonly level: number;
  readonly everyMinutes?: number;
  readonly rights?: TableSpec['rights'];
  readonly conflicts?: TableSpec['conflicts'];
}

export interface Who {
  readonly users: readonly string[];
  readonly teams: readonly string[];
  readonly units: readonly string[];
}

export interface CompiledProfile {
  readonly name: string;
  /** Undefined: everybody. Else those whom any of it names. */
  readonly who: Who | undefined;
  readonly shares: readonly TableShare[];
}

/** Where it stands who belongs to what: tables of the business database, by id, or claims of the token. */
export interface People {
  /** Only who is in this table is anybody. */
  readonly users?: { readonly table: number; readonly id: string; readonly unit?: string };
  readonly teams?: { readonly table: number; readonly user: string; readonly team: string };
  readonly units?: { readonly table: number; readonly id: string; readonly parent: string };
  /** Names of claims. What tables say counts more. */
  readonly claims?: { readonly teams?: string; readonly unit?: string };
}

/** All profiles, fitted to the business database. */
export interface Config {
  readonly tables: readonly SyncedTable[];
  /** Each after those that it names. */
  readonly nodes: readonly RuleNode[];
  readonly profiles: readonly CompiledProfile[];
  /** Per table that several profiles give different rows of: the node of their union, for people who have more than one of them. */
  readonly unions: Readonly<Record<number, number>>;
  readonly people: People;
  /** IANA name; days begin there, and times without an offset are of there. */
  readonly timeZone: string;
}

/** Ids that a store has given before, so that they stay. Names of tables in lower case. */
export interface KnownIds {
  readonly tables: Readonly<Record<string, number>>;
  /** By the node's text. */
  readonly nodes: Readonly<Record<string, number>>;
  /** The highest ones ever given. */
  readonly lastTable: number;
  readonly lastNode: number;
}

export const NOTHING_KNOWN: KnownIds = { tables: {}, nodes: {}, lastTable: 0, lastNode: 0 };

/** A config as text, for a store to keep: whole numbers of filters stay whole. */
export function configText(config: Config): string {
  return JSON.stringify(config, (_, value: unknown) => (typeof value === 'bigint' ? { integer: value.toString() } : value));
}

/** What `configText` has written. */
export function readConfigText(text: string): Config {
  return JSON.parse(text, (_, value: unknown) => (isInteger(value) ? BigInt(value.integer) : value)) as Config;
}

function isInteger(value: unknown): value is { readonly integer: string } {
  return typeof value === 'object' && value !== null && 'integer' in value && typeof value.integer === 'string';
}
