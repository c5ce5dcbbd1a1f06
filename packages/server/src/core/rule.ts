import type { Attribute } from './attributes.ts';
import type { Predicate } from './filter/predicate.ts';

/** Which rows of a table a person gets. Other nodes are named by their ids: "related" always means related to rows that the node gives the same person. */
export type Rule =
  | { readonly kind: 'every' }
  /** The column, as text, is one of the person's values. */
  | { readonly kind: 'mine'; readonly column: string; readonly attribute: Attribute }
  /** Nothing of it could be expressed as another kind. It may name attributes of the person inside. */
  | { readonly kind: 'filter'; readonly filter: Predicate }
  /** One-to-many: the row's columns hold the key of a row of the node. */
  | { readonly kind: 'child'; readonly node: number; readonly by: readonly string[] }
  /** Many-to-one: a row of the node holds this row's key in these of its columns. */
  | { readonly kind: 'parent'; readonly node: number; readonly by: readonly string[] }
  /** Many-to-many: a row of the table `through` holds this row's key in the columns `by` and the key of a row of the node in `to`. */
  | { readonly kind: 'linked'; readonly node: number; readonly through: number; readonly by: readonly string[]; readonly to: readonly string[] }
  /** The row is among those of another node of the same table. */
  | { readonly kind: 'same'; readonly node: number }
  /** The person has the profile. */
  | { readonly kind: 'holds'; readonly profile: string }
  | { readonly kind: 'any' | 'all'; readonly of: readonly Rule[] };

/** A rule on a table. Equal rules are one node, whichever profiles they are in. */
export interface RuleNode {
  /** Kept by the store for as long as the rule is in use, and never used for another. */
  readonly id: number;
  readonly table: number;
  /** Equal for equal rules: what the id stands for. It names tables, and other nodes by their ids, which stay. */
  readonly text: string;
  readonly rule: Rule;
  /** What of a person it depends on, its own nodes included; sorted. */
  readonly uses: readonly Attribute[];
}
