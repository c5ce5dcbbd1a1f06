import type { KnownIds, SyncedTable } from '../config.ts';
import type { Rule, RuleNode } from '../rule.ts';
import { canonical, nodesIn, ownAttributes, ruleText } from './rules.ts';

/** The name by which a rule's text knows a table; with its key, by which relations go. */
type TableText = (id: SyncedTable['id']) => string;

/** All nodes of the rules, each after those that it names; equal rules of a table are one. */
export class NodeBook {
  readonly #known: KnownIds;
  readonly #timeZone: string;
  readonly #tableText: TableText;
  readonly #byText = new Map<string, RuleNode>();
  readonly #byId = new Map<number, RuleNode>();
  #last: number;

  constructor(known: KnownIds, timeZone: string, tableText: TableText) {
    this.#known = known;
    this.#last = known.lastNode;
    this.#timeZone = timeZone;
    this.#tableText = tableText;
  }

  get nodes(): readonly RuleNode[] {
    return [...this.#byId.values()];
  }

  /** The node of a rule on a table. The nodes that it names must be here. */
  nodeOf(table: number, wanted: Rule): RuleNode {
    const rule = canonical(wanted, (part) => this.#textOf(table, part));
    const text = this.#textOf(table, rule);
    const found = this.#byText.get(text);
    if (found) return found;
    const id = Object.hasOwn(this.#known.nodes, text) ? this.#known.nodes[text] : undefined;
    const uses = [...new Set([...ownAttributes(rule), ...nodesIn(rule).flatMap((other) => this.#byId.get(other)?.uses ?? [])])].sort();
    const node: RuleNode = { id: id ?? ++this.#last, table, text, rule, uses };
    this.#byText.set(text, node);
    this.#byId.set(node.id, node);
    return node;
  }

  #textOf(table: number, rule: Rule): string {
    return `${this.#tableText(table)}: ${ruleText(rule, this.#timeZone, this.#tableText)}`;
  }
}
