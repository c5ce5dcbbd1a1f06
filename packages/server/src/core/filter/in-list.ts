import type { SqlValue } from '@carryon/protocol';

/** The values of an `in`, by how they can be handed to SQLite. */
export interface InList {
  /** JSON of those that it says exactly and that SQLite then compares as it compares parameters; undefined: none. */
  readonly json: string | undefined;
  /** The others, each to be a parameter. */
  readonly single: readonly SqlValue[];
}

/** Whole numbers and texts go as one list, however many they are. NULL must not be among the values. */
export function inList(values: readonly SqlValue[]): InList {
  const listed = values.filter(isListed);
  return { json: listed.length > 0 ? `[${listed.map(jsonOf).join()}]` : undefined, single: values.filter((value) => !isListed(value)) };
}

/** Where a REAL column is searched for a list, whole numbers in it are rounded, and so are texts that say such. */
const LARGE = /^\s*[+-]?\d{16,}\s*$/;

/** Half of a character that takes two: in a parameter it becomes another one. */
const HALF = /\p{Surrogate}/u;

function isListed(value: SqlValue): value is string | number | bigint {
  if (typeof value === 'string') return !LARGE.test(value) && !HALF.test(value);
  return (typeof value === 'bigint' || typeof value === 'number') && Number.isSafeInteger(Number(value));
}

const jsonOf = (value: string | number | bigint): string => (typeof value === 'string' ? JSON.stringify(value) : String(BigInt(value)));
