import type { SqlValue } from '@carryon/protocol';
import type { Attribute } from '../attributes.ts';
import type { Comparison } from './predicate.ts';

/** What a filter says, as it is written; `at` is the offset of its first character. */
export type Syntax =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Syntax[]; readonly at: number }
  | { readonly kind: 'not'; readonly of: Syntax; readonly at: number }
  | { readonly kind: 'compare'; readonly left: Operand; readonly by: Comparison; readonly right: Operand; readonly at: number }
  | { readonly kind: 'in'; readonly column: ColumnOperand; readonly values: readonly (ValueOperand | TimeOperand)[] | PersonOperand; readonly at: number }
  | { readonly kind: 'text'; readonly function: TextFunction; readonly column: ColumnOperand; readonly value: string; readonly at: number }
  | { readonly kind: 'constant'; readonly value: boolean; readonly at: number };

export interface ColumnOperand { readonly kind: 'column'; readonly name: string; readonly at: number }
/** NULL, a number, a text or a guid as text; true and false are 1 and 0. */
export interface ValueOperand { readonly kind: 'value'; readonly value: Exclude<SqlValue, Uint8Array>; readonly at: number }
export interface TimeOperand { readonly kind: 'time'; readonly text: string; readonly at: number }
export interface PersonOperand { readonly kind: 'person'; readonly attribute: Exclude<Attribute, 'profiles'>; readonly at: number }
export type ClockOperand =
  | { readonly kind: 'now'; readonly plusSeconds: number; readonly at: number }
  | { readonly kind: 'today'; readonly plusDays: number; readonly at: number };
export type Operand = ColumnOperand | ValueOperand | TimeOperand | PersonOperand | ClockOperand;

export const TEXT_FUNCTIONS = ['startswith', 'endswith', 'contains'] as const;
export type TextFunction = (typeof TEXT_FUNCTIONS)[number];

export const COMPARISONS = ['eq', 'ne', 'gt', 'ge', 'lt', 'le'] as const;

/** How a filter names what it asks of a person. */
export const PERSON_FUNCTIONS: Readonly<Record<PersonOperand['attribute'], string>> = {
  user: 'user', teams: 'userTeams', unit: 'userBusinessUnit', units: 'userBusinessUnits',
};

/** Words that are no column's name unless it is quoted. */
export const KEYWORDS: ReadonlySet<string> = new Set([...COMPARISONS, 'and', 'or', 'not', 'in', 'null', 'true', 'false', 'add', 'sub']);

/** The filter as text that reads back as the same. */
export function printFilter(filter: Syntax): string {
  switch (filter.kind) {
    case 'and': case 'or': return filter.of.map((part) => (part.kind === 'and' || part.kind === 'or' ? `(${printFilter(part)})` : printFilter(part))).join(` ${filter.kind} `);
    case 'not': return `not (${printFilter(filter.of)})`;
    case 'compare': return `${printOperand(filter.left)} ${filter.by} ${printOperand(filter.right)}`;
    case 'in': return `${printOperand(filter.column)} in ${'kind' in filter.values ? printOperand(filter.values) : `(${filter.values.map(printOperand).join(', ')})`}`;
    case 'text': return `${filter.function}(${printOperand(filter.column)}, ${quoted(filter.value)})`;
    case 'constant': return String(filter.value);
    default: return filter satisfies never;
  }
}

function printOperand(operand: Operand): string {
  switch (operand.kind) {
    case 'column': return printColumn(operand.name);
    case 'value': return printValue(operand.value);
    case 'time': return operand.text;
    case 'person': return `${PERSON_FUNCTIONS[operand.attribute]}()`;
    case 'now': return `now()${plus(operand.plusSeconds, (seconds) => `PT${seconds}S`)}`;
    case 'today': return `today()${plus(operand.plusDays, (days) => `P${days}D`)}`;
    default: return operand satisfies never;
  }
}

/** A column's name as a filter writes it. */
export function printColumn(name: string): string {
  return /^[\p{L}_][\p{L}\p{M}\p{N}_]*$/u.test(name) && !KEYWORDS.has(name.toLowerCase()) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** A value as a filter writes it; a REAL keeps a mark that it is one. */
export function printValue(value: ValueOperand['value']): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'number') return String(value);
  const text = String(value);
  return /[.e]/.test(text) ? text : `${Object.is(value, -0) ? '-0' : text}.0`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const plus = (by: number, write: (amount: number) => string): string => (by === 0 ? '' : ` ${by < 0 ? 'sub' : 'add'} duration'${write(Math.abs(by))}'`);
