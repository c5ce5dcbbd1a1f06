import { quoteName } from '@carryon/protocol';
import type { Bound } from '../driver.ts';

/** A piece of SQL and the values of its parameters, in order. */
export interface Sql { readonly sql: string; readonly values: readonly Bound[] }

/** Puts pieces together with their values. What is written in the template itself is code of ours; whatever came from outside is a piece. */
export function sql(texts: TemplateStringsArray, ...pieces: readonly Sql[]): Sql {
  return {
    sql: texts.reduce((all, text, i) => all + text + (pieces[i]?.sql ?? ''), ''),
    values: pieces.flatMap(({ values }) => values),
  };
}

/** Text that is code of ours. */
export const raw = (text: string): Sql => ({ sql: text, values: [] });

/** A value, as a parameter. */
export const bind = (value: Bound): Sql => ({ sql: '?', values: [value] });

/** A column by its name, of the table with that alias; without one, of the only table. */
export const columnOf = (alias: string, name: string): Sql => raw(alias === '' ? quoteName(name) : `${alias}.${quoteName(name)}`);

/** The pieces with a separator between them. */
export function join(pieces: readonly Sql[], separator: string): Sql {
  return { sql: pieces.map((piece) => piece.sql).join(separator), values: pieces.flatMap(({ values }) => values) };
}

export const ALWAYS = raw('1');
export const NEVER = raw('0');

/** Holds when all of the conditions hold; none of them ever is NULL. */
export const allOf = (conditions: readonly Sql[]): Sql => balanced(conditions, 'AND', ALWAYS);

/** Holds when any of the conditions holds; none of them ever is NULL. */
export const anyOf = (conditions: readonly Sql[]): Sql => balanced(conditions, 'OR', NEVER);

/** As a tree of little depth: SQLite takes no expression that is nested deeper than 1,000, and a chain is as deep as it is long. */
function balanced(conditions: readonly Sql[], word: 'AND' | 'OR', none: Sql): Sql {
  const [first, ...others] = conditions;
  if (!first) return none;
  if (others.length === 0) return first;
  const middle = Math.ceil(conditions.length / 2);
  const [left, right] = [balanced(conditions.slice(0, middle), word, none), balanced(conditions.slice(middle), word, none)];
  return { sql: `(${left.sql} ${word} ${right.sql})`, values: [...left.values, ...right.values] };
}

/** The column as the text that a person's attributes are compared with, letter by letter, whatever its type or collation. */
export const textOf = (column: Sql): Sql => sql`CAST(${column} AS TEXT) COLLATE BINARY`;
