import type { DatabaseSync, SQLInputValue } from 'node:sqlite';

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Each row as one line of exact values, type and all, sorted: equal for equal tables of two databases. */
export function rowLines(db: DatabaseSync, table: string, columns: readonly string[], where = 'true', values: Readonly<Record<string, SQLInputValue>> = {}): string[] {
  const exact = columns.map(quote).map((name) => `CASE typeof(${name}) WHEN 'text' THEN 't' || hex(${name}) WHEN 'blob' THEN 'x' || hex(${name}) ELSE quote(${name}) END`);
  const statement = db.prepare(`SELECT ${exact.join(` || ' ' || `)} AS line FROM ${quote(table)} WHERE ${where}`);
  // Not every condition asks for all of them.
  statement.setAllowUnknownNamedParameters(true);
  return statement.all(values).map((row) => String(row['line'])).sort();
}
