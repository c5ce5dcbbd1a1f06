// What a business database says at one moment: rows, comparisons as SQLite makes them, and people. Slow, and obviously right.
import { DatabaseSync } from 'node:sqlite';
import { encodeValue, quoteName, type SqlValue } from '@carryon/protocol';
import type { FilterTree } from './filter-tree.ts';
import { personOf, type Reference, type WorldSchema, type WorldTable } from './schema.ts';

/** What is known of a person: texts, compared letter by letter. */
export interface PersonFacts {
  readonly user: readonly string[];
  readonly teams: readonly string[];
  readonly unit: readonly string[];
  readonly units: readonly string[];
}

export interface FactRow {
  /** The exact key as a text. */
  readonly key: string;
  readonly values: ReadonlyMap<string, SqlValue>;
}

/** A comparison of a column that is SQLite's to make. */
type Atom = Extract<FilterTree, { readonly kind: 'compare' | 'columns' }>;

const keyText = (values: readonly SqlValue[]): string => JSON.stringify(values.map(encodeValue));
const OPERATORS = { eq: 'IS', ne: 'IS NOT', gt: '>', ge: '>=', lt: '<', le: '<=' } as const;

export class Facts {
  readonly schema: WorldSchema;
  readonly #db: DatabaseSync;
  readonly #rows = new Map<string, readonly FactRow[]>();
  readonly #atoms = new Map<string, ReadonlySet<string>>();
  readonly #pairs = new Map<string, readonly (readonly [string, string])[]>();

  constructor(db: DatabaseSync, schema: WorldSchema) {
    this.#db = db;
    this.schema = schema;
  }

  table(name: string): WorldTable {
    const table = this.schema.tables.find((candidate) => candidate.name === name);
    if (!table) throw new Error(`no table ${name}`);
    return table;
  }

  /** The rows whose key is filled; none of a table that is not the application's. */
  rows(name: string): readonly FactRow[] {
    if (!this.schema.tables.some((table) => table.name === name)) return [];
    return remembered(this.#rows, name, () => {
      const table = this.table(name);
      const names = table.columns.map((column) => column.name);
      return this.#all(`SELECT ${names.map(quoteName).join(', ')} FROM ${quoteName(name)} x WHERE ${filled(table, 'x')}`).map((values) => ({
        key: keyText(table.key.map((part) => values[names.indexOf(part)] ?? null)),
        values: new Map(names.map((column, i) => [column, values[i] ?? null])),
      }));
    });
  }

  /** The keys of the rows for which SQLite finds the comparison true. */
  holding(name: string, atom: Atom): ReadonlySet<string> {
    return remembered(this.#atoms, `${name} ${JSON.stringify(atom, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))}`, () => {
      const other = atom.kind === 'columns' ? `x.${quoteName(atom.other)}` : '?';
      const where = `(x.${quoteName(atom.column)} ${OPERATORS[atom.by]} ${other}) IS TRUE`;
      return new Set(this.keysWhere(name, where, atom.kind === 'columns' ? [] : [atom.value]));
    });
  }

  /** Pairs of keys: a row of the first table, and one of the second that refers to it. */
  referring(to: string, from: string, { columns }: Reference): readonly (readonly [string, string])[] {
    return remembered(this.#pairs, `${to} ${from} ${columns.join()}`, () => {
      const [parent, child] = [this.table(to), this.table(from)];
      const equal = parent.key.map((part, i) => `p.${quoteName(part)} = c.${quoteName(columns[i] ?? '')}`);
      const keys = [...parent.key.map((part) => `p.${quoteName(part)}`), ...child.key.map((part) => `c.${quoteName(part)}`)];
      return this.#all(`SELECT ${keys.join(', ')} FROM ${quoteName(to)} p CROSS JOIN ${quoteName(from)} c WHERE ${[...equal, filled(parent, 'p'), filled(child, 'c')].join(' AND ')}`)
        .map((values) => [keyText(values.slice(0, parent.key.length)), keyText(values.slice(parent.key.length))] as const);
    });
  }

  /** Undefined: nobody. */
  person(user: string): PersonFacts | undefined {
    const { users, teams, units, claims } = this.schema.people;
    const claimed = personOf(user).claims;
    const rows = users ? this.#rowsOf(users.table, users.id, user) : [];
    if (users && rows.length === 0) return undefined;
    const homes = users?.unit === undefined ? (claims?.unit === undefined ? [] : [claimed.unit]) : rows.map((row) => textOf(row.values.get(users.unit ?? '')));
    const unit = unique(homes);
    const below = new Set(unit);
    // A set that is walked while it grows: each unit is looked at once, also in a circle.
    for (const above of below) {
      for (const row of units ? this.#rowsOf(units.table, units.parent, above) : []) {
        const id = textOf(row.values.get(units?.id ?? ''));
        if (id !== undefined) below.add(id);
      }
    }
    const memberships = teams ? this.#rowsOf(teams.table, teams.user, user).map((row) => textOf(row.values.get(teams.team))) : claims?.teams === undefined ? [] : claimed.teams ?? [];
    return { user: [user], teams: unique(memberships), unit, units: unique(below) };
  }

  /** The rows whose column is that text. */
  #rowsOf(table: string, column: string, text: string): FactRow[] {
    return this.rows(table).filter((row) => textOf(row.values.get(column)) === text);
  }

  /** The seconds that a text stands for, as SQLite reads it; undefined: it is no time. */
  secondsOf(text: string): number | undefined {
    const [row] = this.#all("SELECT unixepoch(?, 'subsec')", [text]);
    return typeof row?.[0] === 'number' || typeof row?.[0] === 'bigint' ? Number(row[0]) : undefined;
  }

  /** The keys of the rows (alias x) for which the condition holds. */
  keysWhere(name: string, where: string, values: readonly SqlValue[]): string[] {
    const table = this.table(name);
    return this.#all(`SELECT ${table.key.map((part) => `x.${quoteName(part)}`).join(', ')} FROM ${quoteName(name)} x WHERE ${where} AND ${filled(table, 'x')}`, values).map(keyText);
  }

  #all(sql: string, values: readonly SqlValue[] = []): SqlValue[][] {
    const statement = this.#db.prepare(sql);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    return statement.all(...values) as unknown as SqlValue[][];
  }
}

const filled = (table: WorldTable, alias: string): string => table.key.map((part) => `${alias}.${quoteName(part)} IS NOT NULL`).join(' AND ');
const unique = (values: Iterable<string | undefined>): string[] => [...new Set(values)].filter((value) => value !== undefined).sort();

/** A value as SQLite casts it to a text; undefined for NULL. Reals of random worlds have few digits. */
export function textOf(value: SqlValue | undefined): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  return typeof value === 'number' && Number.isInteger(value) ? `${value}.0` : String(value);
}

function remembered<T>(all: Map<string, T>, key: string, find: () => T): T {
  const known = all.get(key);
  if (known !== undefined) return known;
  const found = find();
  all.set(key, found);
  return found;
}
