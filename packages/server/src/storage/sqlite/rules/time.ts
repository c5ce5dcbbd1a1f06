import type { Predicate, When } from '../../../core/filter/predicate.ts';
import { momentOf } from '../../../core/filter/time.ts';
import { anyOf, bind, columnOf, NEVER, raw, sql, type Sql } from './sql.ts';

/** A column that a predicate compares with a moment which the clock moves. */
export interface MovingTime { readonly column: string; readonly when: When }

/** How a text begins that is a date, or a date and a time; SQLite would read others too, among them 'now'. */
const DATE = "'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'";

/** Numbers from here on are milliseconds: as seconds they would be in the year 5138. */
const MILLISECONDS = '100000000000';

/**
 * The column as a time in seconds: of the instant where it says which, else of what the clock on the wall shows, counted as if it were UTC.
 * NULL: it is no time. It has no parameters, and nothing in it depends on more than the row, so it can be indexed.
 */
export function timeSql(column: Sql): Sql {
  return sql`CASE typeof(${column}) WHEN 'text' THEN CASE WHEN ${column} GLOB ${raw(DATE)} THEN unixepoch(${column}, 'subsec') END
    WHEN 'blob' THEN NULL ELSE CASE WHEN ${column} >= ${raw(MILLISECONDS)} THEN ${column} / 1000.0 ELSE ${column} END END`;
}

/** Whether a time is told without an offset. After the date only an offset has such signs. */
export const isWallTime = (column: Sql): Sql => sql`(typeof(${column}) = 'text' AND substr(${column}, 11) NOT GLOB '*[-+Zz]*')`;

/** The times of a predicate that the clock moves, each once. */
export function movingTimes(predicate: Predicate): MovingTime[] {
  const found = new Map<string, MovingTime>();
  visit(predicate, (time) => found.set(JSON.stringify(time), time));
  return [...found.values()];
}

function visit(predicate: Predicate, found: (time: MovingTime) => void): void {
  switch (predicate.op) {
    case 'and': case 'or': for (const one of predicate.of) visit(one, found); return;
    case 'not': visit(predicate.of, found); return;
    case 'time': if (predicate.when.kind !== 'at') found({ column: predicate.column, when: predicate.when }); return;
    case 'compare': case 'columns': case 'in': case 'mine': case 'text': case 'constant': return;
    default: predicate satisfies never;
  }
}

/**
 * The rows, and some beside them, for which a comparison with the moment gives something else at the one time of the clock than at the other.
 * Ranges of `timeSql`, so that an index on it is used. Undefined: none, the moment is the same.
 */
export function passedSql(alias: string, { column, when }: MovingTime, fromMs: number, toMs: number, timeZone: string): Sql | undefined {
  const [from, to] = [momentOf(when, fromMs, timeZone), momentOf(when, toMs, timeZone)];
  const time = timeSql(columnOf(alias, column));
  const between = (a: number, b: number): Sql => a === b ? NEVER : sql`(${time} BETWEEN ${bind(Math.min(a, b))} AND ${bind(Math.max(a, b))})`;
  if (from.instant === to.instant && from.wall === to.wall) return undefined;
  const isOne = from.instant === from.wall && to.instant === to.wall;
  return isOne ? between(from.instant, to.instant) : anyOf([between(from.instant, to.instant), between(from.wall, to.wall)]);
}
