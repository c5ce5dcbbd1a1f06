import { LIMITS } from '../limits.ts';
import type { Rule, RuleNode } from '../rule.ts';
import type { SourceTable } from '../source.ts';
import { type Draft, relatedTables } from './draft.ts';
import { invalid } from './names.ts';
import type { NodeBook } from './nodes.ts';

/** How far a table's rows depend on others, and in how many ways: every path over relations is one, also when it leads to the same table. */
interface Reach { readonly depth: number; readonly paths: number }

/** Throws when rules go round in a circle, naming it, or over too many relations. */
export function checkRelations(rules: ReadonlyMap<SourceTable, Draft>): void {
  const seen = new Map<SourceTable, Reach>();
  const reachOf = (table: SourceTable, path: readonly SourceTable[]): Reach => {
    const known = seen.get(table);
    if (known !== undefined) return known;
    const from = path.indexOf(table);
    if (from >= 0) throw invalid(`The rules go round in a circle: ${[...path.slice(from), table].map(({ name }) => name).join(' => ')}.`);
    const draft = rules.get(table);
    const related = (draft ? relatedTables(draft) : []).map((other) => reachOf(other, [...path, table]));
    const depth = Math.max(0, ...related.map((other) => other.depth + 1));
    const paths = related.reduce((sum, other) => sum + other.paths + 1, 0);
    if (depth > LIMITS.relationDepth) throw invalid(`The rows of table "${table.name}" depend on more than ${LIMITS.relationDepth} relations one after another.`);
    if (paths > LIMITS.relationPaths) throw invalid(`The rows of table "${table.name}" depend on others in more than ${LIMITS.relationPaths} ways, each a path over relations.`);
    seen.set(table, { depth, paths });
    return { depth, paths };
  };
  for (const table of rules.keys()) reachOf(table, []);
}

/** Makes the nodes of one profile's rules, each after those that it names. */
export class ProfileNodes {
  readonly #rules: ReadonlyMap<SourceTable, Draft>;
  readonly #book: NodeBook;
  readonly #idOf: (name: string) => number;
  readonly #nodes = new Map<SourceTable, RuleNode>();

  /** The rules must have passed `checkRelations`. */
  constructor(rules: ReadonlyMap<SourceTable, Draft>, book: NodeBook, idOf: (name: string) => number) {
    this.#rules = rules;
    this.#book = book;
    this.#idOf = idOf;
  }

  of(table: SourceTable): RuleNode {
    const known = this.#nodes.get(table);
    if (known) return known;
    const draft = this.#rules.get(table);
    if (!draft) throw new Error(`Table ${table.name} has no rule.`);
    const node = this.#book.nodeOf(this.#idOf(table.name), this.#rule(draft));
    this.#nodes.set(table, node);
    return node;
  }

  #rule(draft: Draft): Rule {
    switch (draft.kind) {
      case 'every': case 'mine': case 'filter': return draft;
      case 'child': case 'parent': return { kind: draft.kind, node: this.of(draft.table).id, by: draft.by };
      case 'linked': return { kind: 'linked', node: this.of(draft.table).id, through: this.#idOf(draft.through.name), by: draft.by, to: draft.to };
      case 'any': case 'all': return { kind: draft.kind, of: draft.of.map((part) => this.#rule(part)) };
      default: return draft satisfies never;
    }
  }
}
