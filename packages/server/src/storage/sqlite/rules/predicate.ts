import type { Attribute } from '../../../core/attributes.ts';
import { inList } from '../../../core/filter/in-list.ts';
import type { Comparison, Predicate } from '../../../core/filter/predicate.ts';
import { momentOf } from '../../../core/filter/time.ts';
import { allOf, ALWAYS, anyOf, bind, columnOf, join, NEVER, raw, sql, type Sql } from './sql.ts';
import { isWallTime, timeSql } from './time.ts';

/** Of which rows, at what time, and for whom a predicate is asked. */
export interface Asked {
  /** The table's alias; '' for the only table. */
  readonly alias: string;
  readonly clockMs: number;
  readonly timeZone: string;
  /** The condition that the column, as text, is one of the person's. It may be NULL where the column is. */
  readonly mine: (column: Sql, attribute: Attribute) => Sql;
}

type Of<Op extends Predicate['op']> = Extract<Predicate, { op: Op }>;

const ORDERS = { gt: '>', ge: '>=', lt: '<', le: '<=' } as const;

/** The predicate as a condition on a row. It is 1 or 0, never NULL. */
export function predicateSql(predicate: Predicate, asked: Asked): Sql {
  const column = (name: string): Sql => columnOf(asked.alias, name);
  switch (predicate.op) {
    case 'and': return allOf(predicate.of.map((one) => predicateSql(one, asked)));
    case 'or': return anyOf(predicate.of.map((one) => predicateSql(one, asked)));
    case 'not': return sql`(NOT ${predicateSql(predicate.of, asked)})`;
    case 'constant': return predicate.value ? ALWAYS : NEVER;
    case 'compare': return compared(column(predicate.column), predicate);
    case 'columns': return ordered(column(predicate.column), predicate.by, column(predicate.other));
    case 'in': return oneOf(column(predicate.column), predicate);
    case 'mine': return certain(asked.mine(column(predicate.column), predicate.attribute));
    case 'text': return textual(column(predicate.column), predicate);
    case 'time': return timed(column(predicate.column), predicate, asked);
    default: return predicate satisfies never;
  }
}

/** What is NULL does not hold. */
const certain = (condition: Sql): Sql => sql`coalesce(${condition}, 0)`;

/** Equal and unequal are two-valued as SQLite has them; what has an order with NULL has none. */
function ordered(left: Sql, by: Comparison, right: Sql): Sql {
  if (by === 'eq') return sql`(${left} IS ${right})`;
  if (by === 'ne') return sql`(${left} IS NOT ${right})`;
  return certain(sql`${left} ${raw(ORDERS[by])} ${right}`);
}

/** Written so that an index on the column is of use. */
function compared(column: Sql, { by, value }: Of<'compare'>): Sql {
  if (value === null && by !== 'eq' && by !== 'ne') return NEVER;
  if (by === 'eq' || by === 'ne') return ordered(column, by, value === null ? raw('NULL') : bind(value));
  return sql`(${column} IS NOT NULL AND ${column} ${raw(ORDERS[by])} ${bind(value)})`;
}

function oneOf(column: Sql, { values }: Of<'in'>): Sql {
  const filled = values.filter((value) => value !== null);
  const { json, single } = inList(filled);
  const either = [
    // A plus takes the affinity of a column away, so that the values are compared as parameters are.
    ...(json === undefined ? [] : [sql`(${column} IS NOT NULL AND ${column} IN (SELECT +value FROM json_each(${bind(json)})))`]),
    ...(single.length > 0 ? [sql`(${column} IS NOT NULL AND ${column} IN (${join(single.map(bind), ', ')}))`] : []),
    ...(filled.length < values.length ? [sql`(${column} IS NULL)`] : []),
  ];
  return anyOf(either);
}

/** Compared as bytes: a text that is part of another one letter by letter is so byte by byte. */
function textual(column: Sql, predicate: Of<'text'>): Sql {
  // Every text has a part of no length, at both ends.
  if (predicate.value === '') return sql`(${column} IS NOT NULL)`;
  const [text, part] = [sql`CAST(CAST(${column} AS TEXT) AS BLOB)`, sql`CAST(${bind(predicate.value)} AS BLOB)`];
  const length = bind(new TextEncoder().encode(predicate.value).length);
  switch (predicate.function) {
    case 'contains': return certain(sql`instr(${text}, ${part}) > 0`);
    case 'startswith': return certain(sql`substr(${text}, 1, ${length}) = ${part}`);
    case 'endswith': return certain(sql`substr(${text}, -${length}) = ${part}`);
    default: return predicate.function satisfies never;
  }
}

const SIGNS = { ...ORDERS, eq: '=', ne: '<>' } as const;

/** What is no time is neither equal to a moment nor unequal, earlier or later. */
function timed(column: Sql, { by, when }: Of<'time'>, asked: Asked): Sql {
  const { instant, wall } = momentOf(when, asked.clockMs, asked.timeZone);
  const moment = instant === wall ? bind(instant) : sql`CASE WHEN ${isWallTime(column)} THEN ${bind(wall)} ELSE ${bind(instant)} END`;
  return certain(sql`${timeSql(column)} ${raw(SIGNS[by])} ${moment}`);
}
