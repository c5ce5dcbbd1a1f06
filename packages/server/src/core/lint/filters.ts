import type { Predicate } from '../filter/predicate.ts';

/** Why a filter holds for no row, where that can be seen from itself; undefined: it may hold. */
export function whyNever(predicate: Predicate): string | undefined {
  if (predicate.op === 'constant') return predicate.value ? undefined : 'it is false whatever a row has';
  if (predicate.op === 'or') {
    const whys = predicate.of.map(whyNever);
    return whys.every((why) => why !== undefined) ? whys[0] : undefined;
  }
  if (predicate.op !== 'and') return undefined;
  return clash(predicate.of) ?? predicate.of.map(whyNever).find((why) => why !== undefined);
}

/** A column that would have to be two numbers, or a number and nothing. Texts may be equal in spite of their letters. */
function clash(parts: readonly Predicate[]): string | undefined {
  const values = new Map<string, number | bigint | null>();
  for (const part of parts) {
    if (part.op !== 'compare' || part.by !== 'eq' || typeof part.value === 'string' || part.value instanceof Uint8Array) continue;
    const other = values.get(part.column);
    if (other !== undefined && !isEqual(other, part.value)) return `"${part.column}" cannot be ${String(other)} and ${String(part.value)} at once`;
    values.set(part.column, part.value);
  }
  return undefined;
}

const isEqual = (a: number | bigint | null, b: number | bigint | null): boolean => (a === null || b === null ? a === b : Number(a) === Number(b));

/**
 * Columns of which an index would help to find the rows of a filter; none: it has them, or no index could. `isIndexed` tells whether an index
 * begins with a column.
 */
export function columnsToIndex(predicate: Predicate, isIndexed: (column: string) => boolean): readonly string[] {
  return hasIndex(predicate, isIndexed) ? [] : (candidates(predicate, isIndexed) ?? []);
}

/** One part of an `and` is enough; an `or` needs all. */
function hasIndex(predicate: Predicate, isIndexed: (column: string) => boolean): boolean {
  if (predicate.op === 'and') return predicate.of.some((part) => hasIndex(part, isIndexed));
  if (predicate.op === 'or') return predicate.of.every((part) => hasIndex(part, isIndexed));
  return isSearchable(predicate) && isIndexed(predicate.column);
}

function candidates(predicate: Predicate, isIndexed: (column: string) => boolean): readonly string[] | undefined {
  if (hasIndex(predicate, isIndexed)) return [];
  if (predicate.op === 'or') {
    const all = predicate.of.map((part) => candidates(part, isIndexed));
    return all.some((columns) => columns === undefined) ? undefined : [...new Set(all.flatMap((columns) => columns ?? []))];
  }
  // Of the parts of an `and` equality leaves the fewest rows.
  if (predicate.op === 'and') return [...predicate.of].sort((a, b) => Number(isEquality(b)) - Number(isEquality(a))).map((part) => candidates(part, isIndexed)).find((columns) => columns !== undefined);
  return isSearchable(predicate) ? [predicate.column] : undefined;
}

type Searchable = Extract<Predicate, { readonly op: 'compare' | 'in' }>;
const isSearchable = (predicate: Predicate): predicate is Searchable => predicate.op === 'in' || (predicate.op === 'compare' && predicate.by !== 'ne');
const isEquality = (predicate: Predicate): boolean => predicate.op === 'in' || (predicate.op === 'compare' && predicate.by === 'eq');
