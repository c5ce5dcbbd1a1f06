import type { BusinessDatabase } from './business-database.ts';
import type { BusinessProfile } from './business.ts';

/** The table of refused edits, which whoever may write gets besides. */
const ERRORS = 'carryon_sync_error';
const MINUTE_MS = 60_000;

/** Who has what, by plain SQL on the business database. It shares no code with the server. */
export class Rights {
  readonly #db: BusinessDatabase;
  readonly #days: Intl.DateTimeFormat;
  /** The profiles that the server goes by. */
  profiles: readonly BusinessProfile[];
  #clockMs = 0;

  constructor(db: BusinessDatabase, profiles: readonly BusinessProfile[]) {
    this.#db = db;
    this.profiles = profiles;
    // Swedes write dates as SQLite does.
    this.#days = new Intl.DateTimeFormat('sv-SE', { timeZone: String(profiles[0]?.file['timeZone'] ?? 'UTC'), dateStyle: 'short' });
  }

  /** The server's clock shows full minutes, and never goes back. */
  tick(nowMs: number): void {
    this.#clockMs = Math.max(this.#clockMs, Math.floor(nowMs / MINUTE_MS) * MINUTE_MS);
  }

  get anybodyWrites(): boolean {
    return this.profiles.some(mayWrite);
  }

  /** The names of the tables that a person has. */
  tablesOf(user: string): string[] {
    const profiles = this.#profilesOf(user);
    const names = new Set(profiles.flatMap(({ tables }) => Object.keys(tables)));
    return [...names, ...(profiles.some(mayWrite) ? [ERRORS] : [])];
  }

  /** The columns of a table that a person has, in the table's order; none: not the table. */
  columns(user: string, table: string): string[] {
    const all = this.#db.columns(table);
    if (table === ERRORS) return this.#profilesOf(user).some(mayWrite) ? all : [];
    const given = new Set(this.#profilesOf(user).flatMap(({ tables }) => {
      const one = tables[table];
      const hidden = one?.file['hidden'] as readonly string[] | undefined;
      return one ? one.columns ?? all.filter((name) => hidden?.includes(name) !== true) : [];
    }));
    return all.filter((name) => given.has(name));
  }

  /** A person's rows of a table, as `rowLines` gives them; none: perhaps not the table. */
  share(user: string, table: string): string[] {
    const columns = this.columns(user, table);
    const conditions = this.#profilesOf(user).flatMap(({ tables }) => (tables[table] ? [`(${tables[table].rows})`] : []));
    const where = table === ERRORS ? 'owner = :user' : conditions.join(' OR ');
    return columns.length === 0 ? [] : this.#db.lines(table, columns, where, this.#facts(user));
  }

  #profilesOf(user: string): readonly BusinessProfile[] {
    return this.profiles.filter(({ has }) => this.#db.holds(has, this.#facts(user)));
  }

  #facts(user: string): { user: string; now: number; today: string } {
    return { user, now: this.#clockMs / 1000, today: this.#days.format(this.#clockMs) };
  }
}

const mayWrite = ({ tables }: BusinessProfile): boolean =>
  Object.values(tables).some(({ file }) => (file['rights'] as readonly string[] | undefined)?.some((right) => right !== 'read') === true);
