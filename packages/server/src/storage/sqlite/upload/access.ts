import type { TableSpec } from '@carryon/protocol';
import type { Attributes } from '../../../core/attributes.ts';
import type { Config, TableShare } from '../../../core/config.ts';
import { profilesOf, resolve } from '../../../core/resolve.ts';
import type { Person } from '../../../ports/storage.ts';
import { ShareSql } from '../rules/share.ts';
import { anyOf, type Sql } from '../rules/sql.ts';
import { ROW } from './row.ts';

export type Right = NonNullable<TableSpec['rights']>[number];

/**
 * Which tables a person may write, and which of their rows: a profile gives its rights to the rows and columns that it gives, so of somebody
 * who has several, each change needs one that allows all of it. Looked up in the business database itself, as it is at that moment.
 */
export class Access {
  /** As the person gets them. Somebody who is nobody (attributes undefined) has none. */
  readonly tables: readonly TableSpec[];
  readonly isNobody: boolean;
  readonly #config: Config;
  readonly #attributes: Attributes | undefined;
  readonly #shares: readonly TableShare[];
  readonly #clockMs: number;
  /** Conditions by the nodes that they are about: the same text each time is prepared once. */
  readonly #conditions = new Map<string, Sql>();

  constructor(config: Config, person: Person, attributes: Attributes | undefined, clockMs: number) {
    const profiles = attributes ? profilesOf(config, person, attributes) : [];
    this.tables = resolve(config, person, attributes).map(({ table }) => table);
    this.isNobody = attributes === undefined;
    this.#config = config;
    this.#attributes = attributes && { ...attributes, profiles: profiles.map(({ name }) => name) };
    this.#shares = profiles.flatMap(({ shares }) => shares);
    this.#clockMs = clockMs;
  }

  /** False: no profile of the person gives them a right, so every change is refused. */
  get mayWrite(): boolean {
    return this.tables.some(({ rights = [] }) => rights.length > 0);
  }

  /** The condition that row ROW of the table is in the person's share. */
  sees(table: TableSpec): Sql {
    return this.#inAny(this.#shares.filter((share) => share.table === table.id));
  }

  /** The condition that a profile lets the person do that with row ROW of the table, and with these of its columns. */
  allows(right: Right, table: TableSpec, columns: readonly string[]): Sql {
    const granting = this.#shares.filter((share) => share.table === table.id && share.rights?.includes(right));
    return this.#inAny(granting.filter((share) => columns.every((name) => share.columns.includes(name))));
  }

  #inAny(shares: readonly TableShare[]): Sql {
    const nodes = [...new Set(shares.map(({ node }) => node))].sort((a, b) => a - b);
    const known = this.#conditions.get(nodes.join());
    if (known) return known;
    const attributes = this.#attributes;
    const share = attributes && new ShareSql(this.#config, attributes, this.#clockMs);
    const condition = anyOf(share ? nodes.map((node) => share.of(node, ROW)) : []);
    this.#conditions.set(nodes.join(), condition);
    return condition;
  }
}
