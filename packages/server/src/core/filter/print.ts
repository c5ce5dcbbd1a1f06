import type { Predicate, When } from './predicate.ts';
import { PERSON_FUNCTIONS, printColumn, printValue } from './syntax.ts';

/** A predicate as a filter that a person can read. */
export function printPredicate(predicate: Predicate): string {
  switch (predicate.op) {
    case 'and': case 'or': return predicate.of.map((part) => (part.op === 'and' || part.op === 'or' ? `(${printPredicate(part)})` : printPredicate(part))).join(` ${predicate.op} `);
    case 'not': return `not (${printPredicate(predicate.of)})`;
    case 'compare': return `${printColumn(predicate.column)} ${predicate.by} ${printAny(predicate.value)}`;
    case 'columns': return `${printColumn(predicate.column)} ${predicate.by} ${printColumn(predicate.other)}`;
    case 'in': return `${printColumn(predicate.column)} in (${predicate.values.map(printAny).join(', ')})`;
    case 'mine': return printMine(predicate);
    case 'text': return `${predicate.function}(${printColumn(predicate.column)}, ${printValue(predicate.value)})`;
    case 'time': return `${printColumn(predicate.column)} ${predicate.by} ${printWhen(predicate.when)}`;
    case 'constant': return String(predicate.value);
    default: return predicate satisfies never;
  }
}

/** Filters have no blobs; a predicate made by hand may. */
const printAny = (value: Parameters<typeof printValue>[0] | Uint8Array): string => printValue(value instanceof Uint8Array ? `blob of ${value.length} bytes` : value);

function printMine({ column, attribute }: Extract<Predicate, { readonly op: 'mine' }>): string {
  const isList = attribute === 'teams' || attribute === 'units';
  return `${printColumn(column)} ${isList ? 'in' : 'eq'} ${attribute === 'profiles' ? 'profiles' : PERSON_FUNCTIONS[attribute]}()`;
}

function printWhen(when: When): string {
  const plus = (by: number, text: string): string => (by === 0 ? '' : ` ${by < 0 ? 'sub' : 'add'} duration'${text}'`);
  switch (when.kind) {
    case 'at': return new Date(when.instant * 1000).toISOString().replace('.000Z', 'Z');
    case 'now': return `now()${plus(when.plusSeconds, durationText(Math.abs(when.plusSeconds)))}`;
    case 'today': return `today()${plus(when.plusDays, `P${Math.abs(when.plusDays)}D`)}`;
    default: return when satisfies never;
  }
}

/** 93784 seconds as P1DT2H3M4S. */
function durationText(seconds: number): string {
  const parts = [[Math.floor(seconds / 3600) % 24, 'H'], [Math.floor(seconds / 60) % 60, 'M'], [seconds % 60, 'S']] as const;
  const days = Math.floor(seconds / 86_400);
  const time = parts.map(([amount, unit]) => (amount === 0 ? '' : `${amount}${unit}`)).join('');
  return `P${days === 0 ? '' : `${days}D`}${time === '' ? '' : `T${time}`}`;
}
