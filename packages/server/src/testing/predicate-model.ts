import type { SqlValue } from '@carryon/protocol';
import type { Attributes } from '../core/attributes.ts';
import type { Comparison, Predicate } from '../core/filter/predicate.ts';
import { momentOf } from '../core/filter/time.ts';

/** What a predicate means, in plain JavaScript: SQLite's comparisons as its documentation tells them (https://www.sqlite.org/datatype3.html). */
export interface ModelColumn { readonly name: string; readonly affinity: 'number' | 'text' | 'none'; readonly collation: 'BINARY' | 'NOCASE' | 'RTRIM' }

/** A row's values as they are stored, by column. REAL is told apart, since its text is. */
export type ModelRow = Readonly<Record<string, { readonly value: SqlValue; readonly isReal: boolean }>>;

export interface ModelWorld {
  readonly columns: readonly ModelColumn[];
  readonly attributes: Attributes;
  readonly clockMs: number;
  readonly timeZone: string;
}

const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
const toNumber = (value: SqlValue): SqlValue => (typeof value === 'string' && NUMBER.test(value) ? Number(value) : value);
const toText = (value: SqlValue): SqlValue => (typeof value === 'number' || typeof value === 'bigint' ? String(value) : value);
const rank = (value: SqlValue): number => (value === null ? 0 : typeof value === 'number' || typeof value === 'bigint' ? 1 : typeof value === 'string' ? 2 : 3);
const lower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
const FORMS: Readonly<Record<ModelColumn['collation'], (text: string) => string>> = { BINARY: (text) => text, NOCASE: lower, RTRIM: (text) => text.replace(/ +$/, '') };

/** Negative, 0 or positive, as SQLite orders two values. */
function order(a: SqlValue, b: SqlValue, collation: ModelColumn['collation']): number {
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (rank(a) === 1) return Number(a) - Number(b);
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(FORMS[collation](a)), Buffer.from(FORMS[collation](b)));
  return a === null ? 0 : Buffer.compare(a as Uint8Array, b as Uint8Array);
}

function holdsBetween(a: SqlValue, by: Comparison, b: SqlValue, collation: ModelColumn['collation']): boolean {
  if (a === null || b === null) return by === 'eq' ? a === b : by === 'ne' && a !== b;
  const sign = order(a, b, collation);
  return { eq: sign === 0, ne: sign !== 0, gt: sign > 0, ge: sign >= 0, lt: sign < 0, le: sign <= 0 }[by];
}

function comparesWith({ affinity, collation }: ModelColumn, value: SqlValue, by: Comparison, other: SqlValue): boolean {
  return holdsBetween(value, by, affinity === 'number' ? toNumber(other) : affinity === 'text' ? toText(other) : other, collation);
}

export function comparesColumns(a: ModelColumn, left: SqlValue, by: Comparison, b: ModelColumn, right: SqlValue): boolean {
  const isNumeric = a.affinity === 'number' || b.affinity === 'number';
  return isNumeric ? holdsBetween(toNumber(left), by, toNumber(right), a.collation) : holdsBetween(left, by, right, a.collation);
}

/** What CAST(value AS TEXT) has as bytes. */
const bytesOf = (value: SqlValue, isReal: boolean): Buffer => (value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(isReal && Number.isInteger(value) ? `${String(value)}.0` : String(value)));

const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?(Z|[+-]\d\d:\d\d)?)?$/;

function timeOf(value: SqlValue): { seconds: number; isWall: boolean } | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return { seconds: Number(value) >= 1e11 ? Number(value) / 1000 : Number(value), isWall: false };
  const [, year, month, day, hour = '0', minute = '0', second = '0', offset] = typeof value === 'string' ? TIME.exec(value) ?? [] : [];
  if (year === undefined || Number(month) > 12) return undefined;
  const utc = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)) / 1000;
  const ahead = offset === undefined || offset === 'Z' ? 0 : (offset.startsWith('-') ? -60 : 60) * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4)));
  return { seconds: utc - ahead, isWall: offset === undefined };
}

export function holds(predicate: Predicate, row: ModelRow, world: ModelWorld): boolean {
  const { columns, attributes, clockMs, timeZone } = world;
  const columnNamed = (name: string): ModelColumn => columns.find((column) => column.name === name) ?? missing(name);
  const cell = (name: string): ModelRow[string] => row[name] ?? missing(name);
  switch (predicate.op) {
    case 'and': return predicate.of.every((one) => holds(one, row, world));
    case 'or': return predicate.of.some((one) => holds(one, row, world));
    case 'not': return !holds(predicate.of, row, world);
    case 'constant': return predicate.value;
    case 'compare': return comparesWith(columnNamed(predicate.column), cell(predicate.column).value, predicate.by, predicate.value);
    case 'columns': return comparesColumns(columnNamed(predicate.column), cell(predicate.column).value, predicate.by, columnNamed(predicate.other), cell(predicate.other).value);
    case 'in': return predicate.values.some((value) => comparesWith(columnNamed(predicate.column), cell(predicate.column).value, 'eq', value));
    case 'mine': return isOneOf(cell(predicate.column), attributes[predicate.attribute]);
    case 'text': return hasPart(cell(predicate.column), predicate.function, Buffer.from(predicate.value));
    case 'time': {
      const time = timeOf(cell(predicate.column).value);
      const moment = momentOf(predicate.when, clockMs, timeZone);
      return time !== undefined && holdsBetween(time.seconds, predicate.by, time.isWall ? moment.wall : moment.instant, 'BINARY');
    }
    default: return predicate satisfies never;
  }
}

export const isOneOf = ({ value, isReal }: ModelRow[string], texts: readonly string[]): boolean =>
  value !== null && texts.some((one) => Buffer.from(one).equals(bytesOf(value, isReal)));

function hasPart({ value, isReal }: ModelRow[string], where: 'startswith' | 'endswith' | 'contains', part: Buffer): boolean {
  if (value === null) return false;
  const bytes = bytesOf(value, isReal);
  if (where === 'contains') return bytes.includes(part);
  return (where === 'startswith' ? bytes.subarray(0, part.length) : bytes.subarray(Math.max(0, bytes.length - part.length))).equals(part);
}

function missing(name: string): never {
  throw new RangeError(`the model has no column ${name}`);
}
