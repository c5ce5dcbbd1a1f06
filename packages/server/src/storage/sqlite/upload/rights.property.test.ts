import type { DatabaseSync } from 'node:sqlite';
import { encodeValue, quoteName, type Change, type SqlValue } from '@carryon/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileProfiles } from '../../../core/compile.ts';
import type { Config } from '../../../core/config.ts';
import { parseProfile } from '../../../core/profile.ts';
import { runChanges } from '../../../testing/rules/changes.ts';
import { Facts } from '../../../testing/rules/facts.ts';
import { profileJson, type WorldProfile } from '../../../testing/rules/profile.ts';
import { personOf, sqlOf, USERS, valueOf, type WorldSchema, type WorldTable } from '../../../testing/rules/schema.ts';
import { ShareOracle } from '../../../testing/rules/share-oracle.ts';
import { worldPlan } from '../../../testing/rules/store-history.ts';
import type { WorldPlan } from '../../../testing/rules/store-world.ts';
import { withDatabase } from '../../../testing/temp-database.ts';
import { Database } from '../driver.ts';
import { introspect } from '../introspect.ts';
import { readAttributes } from '../rules/people.ts';
import { Access } from './access.ts';
import { takeUpload } from './upload.ts';

const RUNS = 60 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);
const RIGHTS = ['create', 'update', 'delete'] as const;
type Right = (typeof RIGHTS)[number];

/** An edit by numbers that choose among what the database has. */
interface Try { readonly user: number; readonly table: number; readonly right: Right; readonly row: number; readonly columns: readonly number[]; readonly values: readonly number[] }
const tries = fc.array(fc.record({
  user: fc.nat(USERS.length - 1), table: fc.nat(6), right: fc.constantFrom(...RIGHTS), row: fc.nat(20),
  columns: fc.array(fc.nat(12), { minLength: 1, maxLength: 3 }), values: fc.array(fc.nat(1700), { minLength: 3, maxLength: 3 }),
}), { minLength: 1, maxLength: 25, size: 'max' });
/** Per profile and table which rights there are, as bits. */
const rights = fc.array(fc.nat(7), { minLength: 7, maxLength: 7 });

/** A change with names and values in the place of numbers. */
interface Edit { readonly user: string; readonly table: WorldTable; readonly right: Right; readonly key: readonly SqlValue[]; readonly keyText: string; readonly set: readonly (readonly [string, SqlValue])[] }

class World {
  readonly #schema: WorldSchema;
  readonly #profiles: readonly WorldProfile[];
  readonly #rights: readonly number[];
  readonly #business: DatabaseSync;
  readonly #db: Database;
  readonly #config: Config;
  readonly #clockMs: number;
  #seq = 0;

  constructor({ schema, profiles: [profiles = []] }: WorldPlan, given: readonly number[], business: DatabaseSync, db: Database) {
    this.#schema = schema;
    this.#profiles = profiles;
    this.#rights = given;
    this.#business = business;
    this.#db = db;
    this.#clockMs = schema.start.ms;
    this.#config = compileProfiles(profiles.map((profile) => parseProfile(this.#withRights(profile))), introspect(db));
  }

  #withRights(profile: WorldProfile): unknown {
    const json = profileJson(profile, this.#schema) as { readonly tables: Readonly<Record<string, object>> };
    return { ...json, tables: Object.fromEntries(Object.entries(json.tables).map(([name, table]) => [name, { ...table, rights: ['read', ...this.#rightsOf(profile, name)] }])) };
  }

  #rightsOf(profile: WorldProfile, table: string): Right[] {
    const bits = this.#rights[(this.#profiles.indexOf(profile) + this.#schema.tables.findIndex(({ name }) => name === table)) % this.#rights.length] ?? 0;
    return profile.tables[table] ? RIGHTS.filter((_, i) => (bits >> i) % 2 === 1) : [];
  }

  oracle(profiles = this.#profiles): ShareOracle {
    return new ShareOracle(new Facts(this.#business, this.#schema), profiles, this.#clockMs);
  }

  /** Undefined: there is no such row. */
  editOf({ user, table: at, right, row, columns, values }: Try): Edit | undefined {
    const table = this.#schema.tables[at % this.#schema.tables.length] ?? expect.fail('no tables');
    const rows = this.oracle().facts.rows(table.name);
    const old = rows[row % Math.max(1, rows.length)];
    if (!old && right !== 'create') return undefined;
    const key = right === 'create' ? table.key.map((name) => this.#freshKey(table, name)) : table.key.map((name) => old?.values.get(name) ?? null);
    const open = table.columns.filter(({ name }) => !table.key.includes(name));
    const chosen = right === 'delete' ? [] : [...new Set(columns.map((column) => open[column % Math.max(1, open.length)]))].filter((column) => column !== undefined);
    const set = chosen.map(({ name, role }, i): [string, SqlValue] => {
      const value = valueOf(role, values[i] ?? 0, this.#schema.start);
      // A negative number may be the temporary key of a row that never was made.
      return [name, typeof value === 'bigint' && value < 0n ? 5n : value];
    });
    return { user: USERS[user] ?? '', table, right, key, keyText: JSON.stringify(key.map(encodeValue)), set };
  }

  #freshKey(table: WorldTable, name: string): SqlValue {
    const declared = table.columns.find((column) => column.name === name)?.declared ?? '';
    return declared === 'INTEGER' ? BigInt(1000 + this.#seq) : `new ${this.#seq}`;
  }

  /** What must become of the edit, from the profiles and the rows alone. */
  expected({ user, table, right, key, keyText, set }: Edit): string {
    const { name } = table;
    const oracle = this.oracle();
    const person = oracle.facts.person(user);
    const columns = oracle.columnsOf(user).get(name);
    if (!person || !columns || !set.every(([column]) => columns.includes(column)) || !table.key.every((column) => columns.includes(column))) return 'write.unknown';
    const granting = oracle.profilesOf(user).filter((profile) => this.#rightsOf(profile, name).includes(right));
    if (granting.length === 0) return 'write.forbidden';
    const written = set.filter(([, value]) => right !== 'create' || value !== null).map(([column]) => column);
    const covers = (profile: WorldProfile): boolean => written.every((column) => this.oracle([{ ...profile, who: undefined }]).columnsOf(user).get(name)?.includes(column));
    const gives = (after: ShareOracle, profiles: readonly WorldProfile[]): boolean => after.keysOf(name, profiles.map((profile) => profile.name), person).has(keyText);
    const able = granting.filter(covers);
    if (right === 'create') return this.#afterInsert(table, key, set, (after) => (gives(after, able) ? 'ok' : 'write.outside-share'));
    if (!gives(oracle, oracle.profilesOf(user))) return right === 'delete' ? 'ok: nothing to do' : 'write.not-found';
    return gives(oracle, able) ? 'ok' : 'write.forbidden';
  }

  #afterInsert<T>(table: WorldTable, key: readonly SqlValue[], set: Edit['set'], look: (after: ShareOracle) => T): T {
    const names = [...table.key, ...set.map(([name]) => name)];
    this.#business.exec('BEGIN');
    try {
      this.#business.prepare(`INSERT INTO ${quoteName(table.name)}(${names.map(quoteName).join(', ')}) VALUES(${names.map(() => '?').join(', ')})`).run(...key, ...set.map(([, value]) => value));
      return look(this.oracle());
    } finally {
      this.#business.exec('ROLLBACK');
    }
  }

  /** Sends the edit as a push of its own; gives 'ok' or the code that it was refused with. */
  send({ user, table, right, key, set }: Edit): string {
    const person = personOf(user);
    const access = new Access(this.#config, person, readAttributes(this.#db, this.#config, person), this.#clockMs);
    const columns = [...table.key, ...set.map(([name]) => name)];
    const wire = set.map(([, value], i) => (right === 'update' ? [table.key.length + i, null, encodeValue(value)] : [table.key.length + i, encodeValue(value)]));
    const op = right === 'create' ? 'insert' : right;
    const change = { op, table: 0, key: key.map(encodeValue), ...(right === 'delete' ? {} : { set: wire }) } as Change;
    const push = { known: 0, tables: [{ name: table.name, columns, key: table.key.map((_, i) => i) }], changesets: [{ seq: 1, changes: [change] }] };
    const { outcomes } = takeUpload(this.#db, access, { ...person, device: `device ${++this.#seq}`, nowMs: this.#clockMs, push });
    return outcomes[0]?.refused?.code ?? 'ok';
  }

  /** All rows of the application's tables as texts, by table and key. */
  rows(): Map<string, string> {
    const { facts } = this.oracle();
    return new Map(this.#schema.tables.flatMap(({ name }) => facts.rows(name).map((row) => [`${name} ${row.key}`, JSON.stringify([...row.values].map(([column, value]) => [column, encodeValue(value)]))])));
  }
}

function play(plan: WorldPlan, given: readonly number[], edits: readonly Try[]): void {
  withDatabase(`PRAGMA foreign_keys = OFF; ${sqlOf(plan.schema)}`, (file, business) => {
    runChanges(business, plan.schema, plan.filling);
    const db = new Database(file);
    try {
      db.exec('CREATE TABLE _carryon_outbox(id INTEGER PRIMARY KEY, t, k0, k1)');
      const world = new World(plan, given, business, db);
      for (const one of edits) {
        const edit = world.editOf(one);
        if (edit) compare(world, edit);
      }
    } finally {
      db.close();
    }
  });
}

function compare(world: World, edit: Edit): void {
  const [wanted, before] = [world.expected(edit), world.rows()];
  const what = JSON.stringify({ ...edit, table: edit.table.name, key: edit.keyText, set: edit.set.map(([name, value]) => [name, encodeValue(value)]) });
  expect(world.send(edit), what).toBe(wanted.split(':')[0]);
  const after = world.rows();
  const place = `${edit.table.name} ${edit.keyText}`;
  const others = (rows: Map<string, string>): unknown => [...rows].filter(([name]) => wanted !== 'ok' || name !== place);
  expect(others(after), `rows beside the one written by ${what}`).toEqual(others(before));
  if (wanted === 'ok') expect(after.has(place), what).toBe(edit.right !== 'delete');
}

describe('edits of random people under random profiles', () => {
  it('R14 S75 S77 I12 are taken in exactly when one of the person\'s profiles lets them, and change nothing else', () => {
    fc.assert(fc.property(worldPlan, rights, tries, play), { numRuns: RUNS });
  }, 600_000);
});
