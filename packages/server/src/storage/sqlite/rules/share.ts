import { keyColumns, quoteName } from '@carryon/protocol';
import type { Attribute, Attributes } from '../../../core/attributes.ts';
import type { Config, SyncedTable } from '../../../core/config.ts';
import type { Rule, RuleNode } from '../../../core/rule.ts';
import { predicateSql } from './predicate.ts';
import { allOf, ALWAYS, anyOf, bind, columnOf, join, NEVER, raw, sql, textOf, type Sql } from './sql.ts';

type Related = Extract<Rule, { kind: 'child' | 'parent' | 'linked' }>;

/**
 * Which rows of the business tables themselves are in a person's share. For one row at a time, relations are followed from it; `forMany`
 * gives conditions for a whole table, in which what relations refer to is read once.
 */
export class ShareSql {
  readonly #config: Config;
  readonly #attributes: Attributes;
  readonly #clockMs: number;
  readonly #forMany: boolean;
  readonly #nodes: ReadonlyMap<number, RuleNode>;
  readonly #tables: ReadonlyMap<number, SyncedTable>;
  #aliases = 0;

  constructor(config: Config, attributes: Attributes, clockMs: number, forMany = false) {
    this.#config = config;
    this.#attributes = attributes;
    this.#clockMs = clockMs;
    this.#forMany = forMany;
    this.#nodes = new Map(config.nodes.map((node) => [node.id, node]));
    this.#tables = new Map(config.tables.map((table) => [table.id, table]));
  }

  /** The condition that the row with that alias, of the node's table, is in the node for the person: 1 or 0, never NULL. */
  of(node: number, alias: string): Sql {
    const { table, rule } = found(this.#nodes, node);
    return allOf([keyFilled(found(this.#tables, table), alias), this.#rule(rule, table, alias)]);
  }

  #rule(rule: Rule, table: number, alias: string): Sql {
    switch (rule.kind) {
      case 'every': return ALWAYS;
      case 'mine': return certain(this.#mine(columnOf(alias, rule.column), rule.attribute));
      case 'filter': return predicateSql(rule.filter, { alias, clockMs: this.#clockMs, timeZone: this.#config.timeZone, mine: (column, attribute) => this.#mine(column, attribute) });
      case 'same': return this.of(rule.node, alias);
      case 'holds': return this.#attributes.profiles.includes(rule.profile) ? ALWAYS : NEVER;
      case 'any': return anyOf(rule.of.map((one) => this.#rule(one, table, alias)));
      case 'all': return allOf(rule.of.map((one) => this.#rule(one, table, alias)));
      case 'child': case 'parent': case 'linked': return this.#related(rule, found(this.#tables, table), alias);
      default: return rule satisfies never;
    }
  }

  #mine(column: Sql, attribute: Attribute): Sql {
    return sql`${textOf(column)} IN (SELECT value FROM json_each(${bind(JSON.stringify(this.#attributes[attribute]))}))`;
  }

  /** What is compared has the key at its left: by the key's collation, and by the affinities of both. */
  #related(rule: Related, table: SyncedTable, alias: string): Sql {
    const [other, related] = [this.#alias(), found(this.#tables, found(this.#nodes, rule.node).table)];
    const isRelated = this.of(rule.node, other);
    if (rule.kind === 'child') return sql`EXISTS (SELECT 1 FROM ${from(related, other)} WHERE ${equal(columns(other, keys(related)), columns(alias, rule.by))} AND ${isRelated})`;
    const key = columns(alias, keys(table));
    if (rule.kind === 'parent') return this.#refersTo(key, columns(other, rule.by), from(related, other), isRelated);
    const [link, linking] = [this.#alias(), found(this.#tables, rule.through)];
    const isLinked = allOf([keyFilled(linking, link), sql`EXISTS (SELECT 1 FROM ${from(related, other)} WHERE ${equal(columns(other, keys(related)), columns(link, rule.to))} AND ${isRelated})`]);
    return this.#refersTo(key, columns(link, rule.by), from(linking, link), isLinked);
  }

  /** Some row of the table refers to the key. There may be no index on what it refers with, so for many rows it is collected once. */
  #refersTo(key: readonly Sql[], by: readonly Sql[], table: Sql, condition: Sql): Sql {
    if (!this.#forMany) return sql`EXISTS (SELECT 1 FROM ${table} WHERE ${equal(key, by)} AND ${condition})`;
    return certain(sql`(${join(key, ', ')}) IN (SELECT ${join(by, ', ')} FROM ${table} WHERE ${condition})`);
  }

  #alias(): string {
    return `s${++this.#aliases}`;
  }
}

function found<T>(all: ReadonlyMap<number, T>, id: number): T {
  const one = all.get(id);
  if (one === undefined) throw new RangeError(`the rules have no table or node ${id}`);
  return one;
}

const keys = (table: SyncedTable): string[] => keyColumns(table).map(({ name }) => name);
const columns = (alias: string, names: readonly string[]): Sql[] => names.map((name) => columnOf(alias, name));
const from = (table: SyncedTable, alias: string): Sql => raw(`${quoteName(table.name)} ${alias}`);
const equal = (left: readonly Sql[], right: readonly Sql[]): Sql => join(left.map((one, i) => sql`${one} = ${right[i] ?? NEVER}`), ' AND ');

/** Rows with a NULL in their key are not synced. */
const keyFilled = (table: SyncedTable, alias: string): Sql => allOf(columns(alias, keys(table)).map((column) => sql`(${column} IS NOT NULL)`));

/** What is NULL does not hold. */
const certain = (condition: Sql): Sql => sql`coalesce(${condition}, 0)`;
