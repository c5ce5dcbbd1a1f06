import type { CompiledProfile, Config } from '../config.ts';
import type { Rule } from '../rule.ts';
import type { NodeBook } from './nodes.ts';

/** For each table of which several profiles give different rows, the node of what people get who have more than one of them. */
export function unionNodes(profiles: readonly CompiledProfile[], book: NodeBook): Config['unions'] {
  const nodes = new Map(book.nodes.map((node) => [node.id, node]));
  const parts = new Map<number, { readonly profile: string; readonly node: number }[]>();
  for (const { name, shares } of profiles) {
    for (const { table, node } of shares) {
      // Who has all rows by any of their profiles needs no union.
      if (nodes.get(node)?.rule.kind !== 'every') parts.set(table, [...(parts.get(table) ?? []), { profile: name, node }]);
    }
  }
  const differing = [...parts].filter(([, all]) => new Set(all.map(({ node }) => node)).size > 1).sort(([a], [b]) => a - b);
  return Object.fromEntries(differing.map(([table, all]) => {
    const of = all.map(({ profile, node }): Rule => ({ kind: 'all', of: [{ kind: 'holds', profile }, { kind: 'same', node }] }));
    return [table, book.nodeOf(table, { kind: 'any', of }).id];
  }));
}
