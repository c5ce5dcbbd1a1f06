import type { Attribute } from '../attributes.ts';
import type { Predicate } from './predicate.ts';

/** The same predicate, in a form that is equal for predicates that differ only in order, repetition, nesting and constants. */
export function simplify(predicate: Predicate): Predicate {
  switch (predicate.op) {
    case 'and': case 'or': return join(predicate.op, predicate.of.map(simplify));
    case 'not': return negate(simplify(predicate.of));
    case 'in': return sortValues(predicate);
    // Nothing is less or greater than NULL.
    case 'compare': return predicate.value === null && predicate.by !== 'eq' && predicate.by !== 'ne' ? { op: 'constant', value: false } : predicate;
    case 'columns': case 'mine': case 'text': case 'time': case 'constant': return predicate;
    default: return predicate satisfies never;
  }
}

/** All of the parts, or any of them. */
export function join(op: 'and' | 'or', parts: readonly Predicate[]): Predicate {
  const flat = parts.flatMap((part) => (part.op === op ? part.of : [part]));
  // What decides the whole alone: `false` in an and, `true` in an or.
  const decides = op === 'or';
  if (flat.some((part) => part.op === 'constant' && part.value === decides)) return { op: 'constant', value: decides };
  const byText = new Map(flat.filter((part) => part.op !== 'constant').map((part) => [predicateText(part), part]));
  const of = [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, part]) => part);
  if (of.length === 0) return { op: 'constant', value: !decides };
  return of.length === 1 && of[0] ? of[0] : { op, of };
}

function negate(predicate: Predicate): Predicate {
  if (predicate.op === 'not') return predicate.of;
  return predicate.op === 'constant' ? { op: 'constant', value: !predicate.value } : { op: 'not', of: predicate };
}

function sortValues(predicate: Predicate & { readonly op: 'in' }): Predicate {
  const byText = new Map(predicate.values.map((value) => [predicateText({ op: 'compare', column: '', by: 'eq', value }), value]));
  const [[, value = null] = []] = byText;
  if (byText.size === 1) return { op: 'compare', column: predicate.column, by: 'eq', value };
  return { ...predicate, values: [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one) };
}

/** Equal for equal predicates. */
export function predicateText(predicate: Predicate): string {
  return JSON.stringify(predicate, (_, value: unknown) => {
    if (typeof value === 'bigint') return { integer: value.toString() };
    return Object.is(value, -0) ? { real: '-0' } : value;
  });
}

/** Every predicate inside, itself included. */
export function* partsOf(predicate: Predicate): Generator<Predicate> {
  yield predicate;
  if (predicate.op === 'not') yield* partsOf(predicate.of);
  if (predicate.op === 'and' || predicate.op === 'or') for (const part of predicate.of) yield* partsOf(part);
}

/** The columns that a predicate reads. */
export function columnsOf(predicate: Predicate): string[] {
  return [...new Set([...partsOf(predicate)].flatMap((part) => ('column' in part ? [part.column, ...(part.op === 'columns' ? [part.other] : [])] : [])))];
}

/** What of a person a predicate depends on. */
export function attributesIn(predicate: Predicate): Attribute[] {
  return [...new Set([...partsOf(predicate)].flatMap((part) => (part.op === 'mine' ? [part.attribute] : [])))];
}

/** Whether the clock alone moves rows in and out. */
export function isTimed(predicate: Predicate): boolean {
  return [...partsOf(predicate)].some((part) => part.op === 'time' && part.when.kind !== 'at');
}
