import type { TableSpec } from '@carryon/protocol';
import { compileProfiles } from './core/compile.ts';
import { chooseWidth, cutPacks, scopeBytes, type SizedScope } from './core/cut.ts';
import type { Profile } from './core/profile.ts';
import type { Claims, Person } from './ports/storage.ts';
import { openExisting, type Database } from './storage/sqlite/driver.ts';
import { introspect } from './storage/sqlite/introspect.ts';
import { SharePreview, type Measured } from './storage/sqlite/rules/preview.ts';

export interface PreviewOptions {
  readonly nowMs: number;
  /** What the person's token would say, where the profile takes teams or the unit from it. */
  readonly claims?: Claims;
  /** Profiles that would be served instead. */
  readonly against?: readonly Profile[];
}

export interface PreviewTable {
  readonly name: string;
  readonly level: number;
  readonly rows: number;
  /** About what the rows take on the device, without indexes. */
  readonly rawBytes: number;
  /** About what is downloaded. */
  readonly bytes: number;
}

/** What other profiles would change of a table. */
export interface PreviewChange {
  readonly name: string;
  /** Rows that would come, go and stay. */
  readonly enter: number;
  readonly leave: number;
  readonly stay: number;
  /** What else would change, in words. */
  readonly notes: readonly string[];
}

export interface Preview {
  /** False: the table of users does not have them, so they get nothing. */
  readonly known: boolean;
  readonly rows: number;
  readonly bytes: number;
  readonly packs: number;
  /** Bytes by the rate alone: without the time that the server takes to make packs, the device to unpack them, and answers to travel. */
  readonly firstSync: readonly { readonly mbit: number; readonly seconds: number }[];
  /** In the order in which they become usable. */
  readonly tables: readonly PreviewTable[];
  readonly against?: readonly PreviewChange[];
}

const RATES_MBIT = [2, 10, 50];
const MINUTE_MS = 60_000;

/**
 * What a person's device would hold by these profiles, as the business database is now; it is only read. Throws `profile.invalid`, and
 * `source.not-found` and the like.
 */
export function preview(database: string, profiles: readonly Profile[], user: string, options: PreviewOptions): Preview {
  const db = openExisting(database, { readOnly: true });
  try {
    return db.transaction(() => previewOf(db, profiles, { user, claims: options.claims ?? {} }, options));
  } finally {
    db.close();
  }
}

function previewOf(db: Database, profiles: readonly Profile[], person: Person, { nowMs, against }: PreviewOptions): Preview {
  const source = introspect(db);
  const clockMs = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
  const shareBy = (some: readonly Profile[]): SharePreview => new SharePreview(db, compileProfiles(some, source), person, clockMs);
  const now = shareBy(profiles);
  const measured = [...now.shares.values()].map((share) => ({ share, size: now.measure(share) }));
  const tables = measured.map(({ share: { table }, size: { rows, rawBytes, bytes } }): PreviewTable => ({ name: table.name, level: table.level, rows, rawBytes, bytes }));
  const bytes = sum(tables.map((table) => table.bytes));
  return {
    known: now.attributes !== undefined, rows: sum(tables.map(({ rows }) => rows)), bytes,
    packs: countPacks(measured.map(({ share, size }) => ({ ...share.scope, level: share.table.level, isEverybodys: share.isEverybodys, extent: extentOf(size) }))),
    firstSync: RATES_MBIT.map((mbit) => ({ mbit, seconds: (bytes * 8) / (mbit * 1_000_000) })),
    tables: tables.sort((a, b) => a.level - b.level || (a.name < b.name ? -1 : 1)),
    ...(against ? { against: changesBetween(now, shareBy(against)) } : {}),
  };
}

/** As a store would have them that has just read the tables. */
const extentOf = ({ rows, ofAll, rawBytes }: Measured): SizedScope['extent'] => ({ rows, maxRid: ofAll, rowBytes: rawBytes / Math.max(1, rows), width: undefined });

function countPacks(scopes: readonly SizedScope[]): number {
  const shareBytes = sum(scopes.map(scopeBytes));
  return cutPacks(scopes, ({ extent }) => chooseWidth(extent, shareBytes)).length;
}

function changesBetween(now: SharePreview, then: SharePreview): PreviewChange[] {
  const names = [...new Set([...now.shares.keys(), ...then.shares.keys()])].sort();
  return names.map((name) => ({
    name, ...now.compareTo(then, name), notes: notesBetween(now.shares.get(name)?.table, then.shares.get(name)?.table),
  }));
}

function notesBetween(before: TableSpec | undefined, after: TableSpec | undefined): string[] {
  if (!before || !after) return [before ? 'the table goes' : 'the table comes'];
  const named = ({ columns }: TableSpec): string[] => columns.map(({ name }) => name);
  const keyOf = ({ columns, key }: TableSpec): string => key.map((at) => columns[at]?.name).join(', ');
  const changed = (what: string, of: (table: TableSpec) => string): string[] => (of(before) === of(after) ? [] : [`${what}: ${of(before)} → ${of(after)}`]);
  const only = (what: string, these: readonly string[], others: readonly string[]): string[] => {
    const found = these.filter((name) => !others.includes(name));
    return found.length === 0 ? [] : [`${what}: ${found.join(', ')}`];
  };
  return [
    ...only('columns that come', named(after), named(before)), ...only('columns that go', named(before), named(after)), ...changed('key', keyOf),
    ...changed('rights', ({ rights = [] }) => ['read', ...rights].join(', ')), ...changed('conflicts', ({ conflicts }) => conflicts ?? 'last-writer-wins'),
    ...changed('priority', ({ level }) => String(level)), ...changed('every', ({ everyMinutes }) => (everyMinutes === undefined ? 'as the device does' : `${everyMinutes} minutes`)),
  ];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
