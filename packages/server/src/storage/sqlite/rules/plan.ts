import type { ColumnSpec } from '@carryon/protocol';
import type { Config, SyncedTable } from '../../../core/config.ts';
import type { RuleNode } from '../../../core/rule.ts';
import { storedColumns } from '../schema.ts';
import { filterColumns, leavesOf, type Leaf } from './leaves.ts';

/** The rules and what in them depends on what, found out once. */
export class Plan {
  readonly config: Config;
  readonly #tables: ReadonlyMap<number, SyncedTable>;
  readonly #nodes: ReadonlyMap<number, RuleNode>;
  /** Per table the columns that rules read. */
  readonly #ruleColumns = new Map<number, Set<string>>();
  readonly #needed: ReadonlySet<number>;
  readonly #shared: ReadonlySet<number>;
  readonly #ofPeople: ReadonlySet<number>;

  constructor(config: Config) {
    this.config = config;
    this.#tables = new Map(config.tables.map((table) => [table.id, table]));
    this.#nodes = new Map(config.nodes.map((node) => [node.id, node]));
    const leaves = config.nodes.flatMap(({ rule }) => leavesOf(rule));
    this.#needed = new Set(leaves.flatMap((leaf) => ('node' in leaf ? [leaf.node] : [])));
    this.#shared = new Set(config.profiles.flatMap(({ shares }) => shares.map(({ table }) => table)));
    const { users, teams, units } = config.people;
    this.#ofPeople = new Set([users, teams, units].flatMap((table) => (table ? [table.table] : [])));
    for (const node of config.nodes) for (const leaf of leavesOf(node.rule)) this.#note(node, leaf);
    if (users) this.#reads(users.table, users.unit === undefined ? [users.id] : [users.id, users.unit]);
    if (teams) this.#reads(teams.table, [teams.user, teams.team]);
    if (units) this.#reads(units.table, [units.id, units.parent]);
  }

  table(id: number): SyncedTable {
    return found(this.#tables, id);
  }

  node(id: number): RuleNode {
    return found(this.#nodes, id);
  }

  isEvery(node: number): boolean {
    return this.node(node).rule.kind === 'every';
  }

  /** Other nodes name it. */
  isNeeded(node: number): boolean {
    return this.#needed.has(node);
  }

  /** Somebody gets rows of the table. */
  isShared(table: number): boolean {
    return this.#shared.has(table);
  }

  isOfPeople(table: number): boolean {
    return this.#ofPeople.has(table);
  }

  /** The columns whose former values evaluation needs. */
  ruleColumns(table: number): ColumnSpec[] {
    const names = this.#ruleColumns.get(table);
    return storedColumns(this.table(table)).filter(({ name }) => names?.has(name));
  }

  /** The columns of the node's own table on which it depends whether a row is in it. */
  ownColumns({ rule }: RuleNode): string[] {
    return [...new Set(leavesOf(rule).flatMap((leaf) => this.#own(leaf)))];
  }

  #own(leaf: Leaf): string[] {
    switch (leaf.kind) {
      case 'mine': return [leaf.column];
      case 'filter': return filterColumns(leaf.filter);
      case 'child': return [...leaf.by];
      case 'parent': case 'linked': case 'every': case 'same': case 'holds': return [];
      default: return leaf satisfies never;
    }
  }

  #note({ table }: RuleNode, leaf: Leaf): void {
    this.#reads(table, this.#own(leaf));
    if (leaf.kind === 'parent') this.#reads(this.node(leaf.node).table, leaf.by);
    if (leaf.kind === 'linked') this.#reads(leaf.through, [...leaf.by, ...leaf.to]);
  }

  #reads(table: number, columns: readonly string[]): void {
    const known = this.#ruleColumns.get(table) ?? new Set<string>();
    for (const column of columns) known.add(column);
    this.#ruleColumns.set(table, known);
  }
}

function found<T>(all: ReadonlyMap<number, T>, id: number): T {
  const one = all.get(id);
  if (one === undefined) throw new RangeError(`the rules have no table or node ${id}`);
  return one;
}
