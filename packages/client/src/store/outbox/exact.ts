import { RawText, type FeedValue } from '@carryon/protocol';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** SQL for a value's type and its exact value under two names: the port gives INTEGER and REAL alike as numbers, and text only where it is UTF-8. */
export const exactSql = (expression: string, name: string): string =>
  `typeof(${expression}) AS t_${name}, CASE typeof(${expression}) WHEN 'text' THEN CAST(${expression} AS BLOB) WHEN 'integer' THEN CAST(${expression} AS TEXT) ELSE ${expression} END AS v_${name}`;

/** Reads what exactSql selected under the name. */
export function exactValue(row: Readonly<Record<string, unknown>>, name: string): FeedValue {
  const value = row[`v_${name}`];
  switch (row[`t_${name}`]) {
    case 'integer': return BigInt(String(value));
    case 'real': return Number(value);
    case 'text': return textOf(value as Uint8Array);
    case 'blob': return value as Uint8Array;
    default: return null;
  }
}

function textOf(bytes: Uint8Array): string | RawText {
  try {
    return utf8.decode(bytes);
  } catch {
    return new RawText(bytes);
  }
}
