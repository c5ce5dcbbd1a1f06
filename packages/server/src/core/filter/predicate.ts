import type { SqlValue } from '@carryon/protocol';
import type { Attribute } from '../attributes.ts';

export type Comparison = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le';

/** A moment that a column is compared with. */
export type When =
  /** Seconds since 1970 of an instant, and of what clocks on the wall show then (in the profile's time zone), counted as if it were UTC. */
  | { readonly kind: 'at'; readonly instant: number; readonly wall: number }
  | { readonly kind: 'now'; readonly plusSeconds: number }
  /** The beginning of the day that is so many days from today, in the profile's time zone. */
  | { readonly kind: 'today'; readonly plusDays: number };

/**
 * A filter, read and fitted to a table: columns have the names they have there. It holds or it does not, there is no third: a comparison with
 * NULL holds only as `eq null`, or `ne` something else.
 */
export type Predicate =
  | { readonly op: 'and' | 'or'; readonly of: readonly Predicate[] }
  | { readonly op: 'not'; readonly of: Predicate }
  | { readonly op: 'compare'; readonly column: string; readonly by: Comparison; readonly value: SqlValue }
  | { readonly op: 'columns'; readonly column: string; readonly by: Comparison; readonly other: string }
  | { readonly op: 'in'; readonly column: string; readonly values: readonly SqlValue[] }
  /** The column is one of the person's: `eq user()`, `in userTeams()`. */
  | { readonly op: 'mine'; readonly column: string; readonly attribute: Attribute }
  | { readonly op: 'text'; readonly function: 'startswith' | 'endswith' | 'contains'; readonly column: string; readonly value: string }
  | { readonly op: 'time'; readonly column: string; readonly by: Comparison; readonly when: When }
  | { readonly op: 'constant'; readonly value: boolean };
