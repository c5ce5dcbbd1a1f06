// Who gets what, computed from the profile and the rows alone: it shares no code with the server, and takes its time.
import type { FeedValue } from '@carryon/protocol';
import { Facts, textOf, type FactRow, type PersonFacts } from './facts.ts';
import type { By, FilterTree, TimePoint } from './filter-tree.ts';
import { DAY_MS, dayBegin, wallMs } from './moments.ts';
import { columnsOfRows, columnsReadOf, type Rows, type WorldProfile } from './profile.ts';

/** What people who may write get besides; nobody writes here. */
const ERROR_COLUMNS = ['id', 'error_time', 'message', 'type', 'record_table', 'record_key', 'owner', 'action', 'action_data', 'request_data', 'error_code', 'device', 'seq'];
const MANY_MS = 1e11;
const ATTRIBUTE = { own: 'user', team: 'teams', unit: 'unit', units: 'units' } as const;

/** The shares at one state of the business database and of the clock. */
export class ShareOracle {
  readonly facts: Facts;
  readonly #profiles: readonly WorldProfile[];
  readonly #clockMs: number;
  readonly #members = new Map<string, ReadonlySet<string>>();

  constructor(facts: Facts, profiles: readonly WorldProfile[], clockMs: number) {
    this.facts = facts;
    this.#profiles = profiles;
    this.#clockMs = clockMs;
  }

  /** The profiles that the person has; nobody has none. */
  profilesOf(user: string): WorldProfile[] {
    const person = this.facts.person(user);
    if (!person) return [];
    return this.#profiles.filter(({ who }) => !who || who.users.includes(user) || who.teams.some((team) => person.teams.includes(team)) || who.units.some((unit) => person.unit.includes(unit)));
  }

  /** The tables that the person has, with the columns of each in the table's order. */
  columnsOf(user: string): Map<string, string[]> {
    const columns = new Map<string, string[]>();
    const profiles = this.profilesOf(user);
    for (const { name, columns: all } of this.facts.schema.tables) {
      const given = new Set(profiles.flatMap((profile) => columnsGiven(profile, name, this.facts)));
      if (profiles.some((profile) => profile.tables[name])) columns.set(name, all.map((column) => column.name).filter((column) => given.has(column)));
    }
    if (profiles.some(({ tables }) => Object.values(tables).some(({ rights }) => rights?.includes('update')))) columns.set('carryon_sync_error', ERROR_COLUMNS);
    return columns;
  }

  /** The keys of the rows of a table that the profiles of those names give together. */
  keysOf(table: string, profiles: readonly string[], person: PersonFacts): Set<string> {
    const all = this.#profiles.filter((profile) => profiles.includes(profile.name) && profile.tables[table]);
    return new Set(all.flatMap((profile) => [...this.#membersOf(profile, table, person)]));
  }

  /** The person's rows of a table, with the values of these columns; none when the person does not have all of them. */
  shareOf(user: string, table: string, columns: readonly string[]): FeedValue[][] {
    const given = this.columnsOf(user).get(table) ?? [];
    if (!columns.every((column) => given.includes(column))) return [];
    return this.valuesOf(table, this.keysFor(user, table), columns);
  }

  /** The keys of the person's rows of a table. */
  keysFor(user: string, table: string): Set<string> {
    const person = this.facts.person(user);
    return person ? this.keysOf(table, this.profilesOf(user).map(({ name }) => name), person) : new Set();
  }

  /** The rows that everybody gets, whoever it is; none when somebody would lack one of the columns. */
  publicRows(table: string, columns: readonly string[]): FeedValue[][] {
    const everyones = this.#profiles.filter(({ who }) => who === undefined);
    const given = new Set(everyones.flatMap((profile) => columnsGiven(profile, table, this.facts)));
    if (!columns.every((column) => given.has(column))) return [];
    const profiles = everyones.map(({ name }) => name);
    return this.valuesOf(table, this.keysOf(table, profiles, { user: [], teams: [], unit: [], units: [] }), columns);
  }

  valuesOf(table: string, keys: ReadonlySet<string> | undefined, columns: readonly string[]): FeedValue[][] {
    return this.facts.rows(table).filter((row) => keys?.has(row.key) ?? true).map((row) => columns.map((column) => row.values.get(column) ?? null));
  }

  #membersOf(profile: WorldProfile, table: string, person: PersonFacts): ReadonlySet<string> {
    const id = JSON.stringify([profile.name, table, person]);
    const known = this.#members.get(id);
    if (known) return known;
    const members = this.#keysIn(profile.tables[table]?.rows ?? { kind: 'anyOf', of: [] }, profile, table, person);
    this.#members.set(id, members);
    return members;
  }

  #keysIn(rows: Rows, profile: WorldProfile, table: string, person: PersonFacts): Set<string> {
    switch (rows.kind) {
      case 'all': return this.#where(table, () => true);
      case 'own': case 'team': case 'unit': case 'units': return this.#where(table, (row) => has(person[ATTRIBUTE[rows.kind]], row, rows.column));
      case 'filter': return this.#where(table, (row) => this.#holds(rows.filter, table, row, person));
      case 'childOf': {
        const parents = this.#membersOf(profile, rows.table, person);
        return new Set(this.facts.referring(rows.table, table, rows.by).filter(([parent]) => parents.has(parent)).map(([, child]) => child));
      }
      case 'parentOf': {
        const children = this.#membersOf(profile, rows.table, person);
        return new Set(this.facts.referring(table, rows.table, rows.by).filter(([, child]) => children.has(child)).map(([parent]) => parent));
      }
      case 'linkedTo': {
        const others = this.#membersOf(profile, rows.table, person);
        const links = new Set(this.facts.referring(rows.table, rows.through, rows.to).filter(([other]) => others.has(other)).map(([, link]) => link));
        return new Set(this.facts.referring(table, rows.through, rows.by).filter(([, link]) => links.has(link)).map(([key]) => key));
      }
      case 'anyOf': return new Set(rows.of.flatMap((one) => [...this.#keysIn(one, profile, table, person)]));
      case 'allOf': {
        const all = rows.of.map((one) => this.#keysIn(one, profile, table, person));
        return this.#where(table, (row) => all.every((keys) => keys.has(row.key)));
      }
      default: return rows satisfies never;
    }
  }

  #where(table: string, holds: (row: FactRow) => boolean): Set<string> {
    return new Set(this.facts.rows(table).filter(holds).map(({ key }) => key));
  }

  #holds(tree: FilterTree, table: string, row: FactRow, person: PersonFacts): boolean {
    switch (tree.kind) {
      case 'and': return tree.of.every((one) => this.#holds(one, table, row, person));
      case 'or': return tree.of.some((one) => this.#holds(one, table, row, person));
      case 'not': return !this.#holds(tree.of, table, row, person);
      case 'compare': case 'columns': return this.facts.holding(table, tree).has(row.key);
      case 'in': return tree.values.some((value) => this.facts.holding(table, { kind: 'compare', column: tree.column, by: 'eq', value }).has(row.key));
      case 'mine': return has(person[tree.mine], row, tree.column) !== tree.isNot;
      case 'text': return textHolds(tree, textOf(row.values.get(tree.column)));
      case 'time': return this.#timeHolds(tree.by, row.values.get(tree.column) ?? null, tree.point);
      default: return tree satisfies never;
    }
  }

  #timeHolds(by: By, value: FeedValue, point: TimePoint): boolean {
    const moment = this.#momentOf(point);
    if (typeof value === 'bigint' || typeof value === 'number') return compare(by, Number(value) * (Number(value) >= MANY_MS ? 1 : 1000), moment.instant);
    if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d/.test(value)) return false;
    const seconds = this.facts.secondsOf(value);
    const isInstant = /[Zz+-]/.test(value.slice(10));
    return seconds !== undefined && compare(by, seconds * 1000, isInstant ? moment.instant : moment.wall);
  }

  /** In milliseconds: the instant, and what clocks on the wall show then. */
  #momentOf(point: TimePoint): { instant: number; wall: number } {
    const { timeZone } = this.facts.schema.start;
    if (point.kind === 'now' || point.kind === 'instant') {
      const instant = point.kind === 'now' ? this.#clockMs + point.plusMinutes * 60_000 : point.ms;
      return { instant, wall: wallMs(instant, timeZone) };
    }
    const day = point.kind === 'day' ? point.ms : Math.floor(wallMs(this.#clockMs, timeZone) / DAY_MS) * DAY_MS + point.plusDays * DAY_MS;
    return { instant: dayBegin(day, timeZone), wall: day };
  }
}

/** What a profile sends of a table: what was asked for, the key and what rules read, less what is hidden. */
function columnsGiven(profile: WorldProfile, name: string, facts: Facts): string[] {
  const given = profile.tables[name];
  if (!given) return [];
  const table = facts.table(name);
  const read = Object.values(profile.tables).flatMap(({ rows }) => columnsReadOf(rows, name));
  const wanted = [...(given.columns ?? table.columns.map((column) => column.name)), ...table.key, ...columnsOfRows(given.rows), ...read];
  return wanted.filter((column) => !given.hidden.includes(column));
}

const has = (values: readonly string[], row: FactRow, column: string): boolean => {
  const text = textOf(row.values.get(column));
  return text !== undefined && values.includes(text);
};

function textHolds(tree: Extract<FilterTree, { kind: 'text' }>, text: string | undefined): boolean {
  if (text === undefined) return false;
  if (tree.function === 'startswith') return text.startsWith(tree.value);
  return tree.function === 'endswith' ? text.endsWith(tree.value) : text.includes(tree.value);
}

function compare(by: By, a: number, b: number): boolean {
  switch (by) {
    case 'eq': return a === b;
    case 'ne': return a !== b;
    case 'gt': return a > b;
    case 'ge': return a >= b;
    case 'lt': return a < b;
    case 'le': return a <= b;
    default: return by satisfies never;
  }
}
