import { keyColumns, quoteName } from '@carryon/protocol';
import type { Attributes } from '../../../core/attributes.ts';
import type { Config, SyncedTable } from '../../../core/config.ts';
import type { Person } from '../../../ports/storage.ts';
import type { Database } from '../driver.ts';
import { bind, columnOf, raw, sql, textOf, type Sql } from './sql.ts';

/**
 * What the tables of people say of a person, and the claims where there are no such tables; `profiles` is left empty. Undefined: nobody.
 * `tableOf` tells where a table's rows stand; default: in the business database itself.
 */
export function readAttributes(db: Database, { people, tables }: Config, person: Person, tableOf = (table: SyncedTable): string => quoteName(table.name)): Attributes | undefined {
  const texts = ({ sql: text, values }: Sql): string[] => db.all<{ value: string }>(text, ...values).map(({ value }) => value).sort();
  const rows = (id: number): Sql => {
    const table = tables.find((one) => one.id === id);
    if (!table) throw new RangeError(`the rules have no table ${id}`);
    const filled = keyColumns(table).map(({ name }) => `p.${quoteName(name)} IS NOT NULL`).join(' AND ');
    return raw(`${tableOf(table)} p WHERE ${filled}`);
  };
  const pick = (table: number, column: string, where: string): Sql =>
    sql`SELECT DISTINCT ${text(column)} AS value FROM ${rows(table)} AND ${text(where)} = ${bind(person.user)} AND ${columnOf('p', column)} IS NOT NULL`;
  const { users, teams, units, claims } = people;
  if (users && texts(pick(users.table, users.id, users.id)).length === 0) return undefined;
  const unit = users?.unit === undefined ? given(claims?.unit, person.claims.unit === undefined ? [] : [person.claims.unit]) : texts(pick(users.table, users.unit, users.id));
  const below = units && sql`WITH RECURSIVE below(value) AS (SELECT value FROM json_each(${bind(JSON.stringify(unit))}) UNION
    SELECT ${text(units.id)} FROM below JOIN ${rows(units.table)} AND ${text(units.parent)} = below.value AND ${columnOf('p', units.id)} IS NOT NULL) SELECT value FROM below`;
  return {
    user: [person.user],
    teams: teams ? texts(pick(teams.table, teams.team, teams.user)) : given(claims?.teams, person.claims.teams ?? []),
    unit,
    units: below ? texts(below) : unit,
    profiles: [],
  };
}

const text = (column: string): Sql => textOf(columnOf('p', column));

/** Only a claim that the profile names counts. */
const given = (name: string | undefined, values: readonly string[]): readonly string[] => name === undefined ? [] : [...new Set(values)].sort();
