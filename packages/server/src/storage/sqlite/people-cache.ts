import type { Attributes } from '../../core/attributes.ts';
import type { Config, SyncedTable } from '../../core/config.ts';
import type { Grant, Person, Scope, ScopeKey } from '../../ports/storage.ts';
import type { Database } from './driver.ts';
import { readAttributes } from './rules/people.ts';
import { rowTable, type State } from './schema.ts';

/** So much text is kept of all people together. */
const MOST_CHARACTERS = 16_000_000;
/** What a person takes besides texts, in characters. */
const PER_PERSON = 200;

/** What was granted to a person, and these scopes by their names. */
export interface Granted { readonly grants: Grant[]; readonly scopes: ReadonlyMap<string, Scope> }

export const scopeName = ({ node, param }: Pick<ScopeKey, 'node' | 'param'>): string => `${node} ${param}`;

/**
 * What a connection has read of people, for a poll to cost little: who belongs to what, as long as the rules and the tables of people stay,
 * and what they were granted, as long as the checkpoint and all grants do. Equal answers are the same object.
 */
export class PeopleCache {
  readonly #db: Database;
  readonly #attributes = new Kept<Attributes | undefined>((attributes) => Object.values(attributes ?? {}).flat().reduce((sum, value: string) => sum + value.length, 0));
  readonly #granted = new Kept<Granted>(({ scopes }) => [...scopes.keys()].reduce((sum, name) => sum + 2 * name.length, 0));

  constructor(db: Database) {
    this.#db = db;
  }

  /** In the present transaction, whose state that is. */
  attributes(person: Person, config: Config, state: State): Attributes | undefined {
    const key = JSON.stringify([person.user, person.claims]);
    return this.#attributes.get(`${state.config_ver} ${state.people_ver}`, key, () => readAttributes(this.#db, config, person, liveRows));
  }

  granted(user: string, state: State): Granted {
    return this.#granted.get(`${state.checkpoint} ${state.grant_ver}`, user, () => readGranted(this.#db, user));
  }
}

/** Values of one version; when they take too much all are forgotten. */
class Kept<T> {
  readonly #values = new Map<string, T>();
  readonly #lengthOf: (value: T) => number;
  #version = '';
  #length = 0;

  constructor(lengthOf: (value: T) => number) {
    this.#lengthOf = lengthOf;
  }

  get(version: string, key: string, read: () => T): T {
    if (version !== this.#version || this.#length > MOST_CHARACTERS) this.#forget();
    this.#version = version;
    const known = this.#values.get(key);
    if (known !== undefined || this.#values.has(key)) return known as T;
    const value = read();
    this.#values.set(key, value);
    this.#length += PER_PERSON + key.length + this.#lengthOf(value);
    return value;
  }

  #forget(): void {
    this.#values.clear();
    this.#length = 0;
  }
}

const liveRows = (table: SyncedTable): string => `(SELECT * FROM ${rowTable(table.id)} WHERE _live)`;

interface GrantRow {
  readonly id: number; readonly node: number; readonly param: string; readonly head: number; readonly rows: number; readonly sum: number;
  readonly tbl: number; readonly since: number; readonly until: number | null; readonly used_ms: number; readonly columns: string;
}

function readGranted(db: Database, user: string): Granted {
  const found = db.all<GrantRow>(`SELECT s.id, s.node, p.text AS param, s.head, s.rows, s.sum, n.tbl, g.since, g.until, g.used_ms, g.columns
    FROM sync_grant g JOIN sync_scope s ON s.id = g.scope JOIN sync_param p ON p.id = s.param JOIN sync_node n ON n.id = s.node WHERE g.user = ? ORDER BY g.scope`, user);
  return {
    grants: found.map(({ id, tbl, since, until, used_ms, columns }) => ({ scope: id, table: tbl, since, until: until ?? undefined, usedMs: used_ms, columns: JSON.parse(columns) as string[] })),
    scopes: new Map(found.map((row) => [scopeName(row), { id: row.id, table: row.tbl, node: row.node, param: row.param, columns: [], head: row.head, digest: { rows: row.rows, sum: row.sum } }])),
  };
}
