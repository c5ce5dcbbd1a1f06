import { isUtf8 } from 'node:buffer';
import { CarryonError, digestSql, quoteName, RawText, type FeedValue, type SqlValue } from '@carryon/protocol';
import type { Config, SyncedTable } from '../../core/config.ts';
import type { Claims, Entry, FeedPart, Held, Position, RangeDigest, Scope, ScopeKey, Snapshot } from '../../ports/storage.ts';
import type { ConfigCache } from './config-cache.ts';
import type { Database } from './driver.ts';
import { isHeld, leaversOf } from './held.ts';
import { hashOf, PARAM_ID } from './params.ts';
import { scopeName, type Granted, type PeopleCache } from './people-cache.ts';
import { memberTable, readState, rowTable } from './schema.ts';

/** What a connection remembers between its snapshots. */
export interface Caches { readonly configs: ConfigCache; readonly people: PeopleCache }

/** Runs the work in one read transaction. */
export function readSnapshot<T>(db: Database, { configs, people }: Caches, use: (snapshot: Snapshot) => T): T {
  return db.transaction(() => {
    const state = readState(db);
    const config = configs.get(state.config_ver);
    let scopes: Granted['scopes'] = new Map();
    const { epoch, checkpoint, floor } = state;
    return use({
      state: () => ({ epoch, checkpoint, floor }),
      config: () => config,
      attributes: (person) => people.attributes(person, config, state),
      claims: (user) => JSON.parse(db.get<{ claims: string }>('SELECT claims FROM sync_person WHERE user = ?', user)?.claims ?? '{}') as Claims,
      scope: (key) => {
        const known = scopes.get(scopeName(key));
        return known ? { ...known, ...key } : readScope(db, key);
      },
      grants: (user) => {
        // The person's scopes are read with them: they are what is asked for next.
        const granted = people.granted(user, state);
        scopes = granted.scopes;
        return granted.grants;
      },
      feed: (scope, after, maxRows, maxBytes, unless) => readFeed(db, sourceOf(config, scope), scope, after, maxRows, maxBytes, unless),
      leavers: (held, scope, most) => leaversOf(db, held, scope, sourceOf(config, scope).isEvery, most),
      liveRids: (scope) => readLive(db, sourceOf(config, scope), scope),
      acked: (user, device) => db.get<{ seq: number }>('SELECT seq FROM sync_ack WHERE user = ? AND device = ?', user, device)?.seq ?? 0,
      rangeDigests: (scope, width, most) => readDigests(db, sourceOf(config, scope), scope, width, most),
      rowsBetween: (scope, low, high, maxRows, maxBytes) => readBetween(db, sourceOf(config, scope), scope, low, high, maxRows, maxBytes),
    });
  });
}

/** Where the rows of a scope stand, and what of them is sent. */
export interface ScopeSource {
  readonly table: SyncedTable;
  /** It has all rows of the table, and keeps no members. */
  readonly isEvery: boolean;
  readonly rows: string;
  readonly members: string;
  /** Quoted names of the columns that are sent. */
  readonly columns: readonly string[];
}

/** Throws `server.preparing` for what the rules do not know (any more); hidden columns are none that could be sent. */
export function sourceOf(config: Config, key: ScopeKey): ScopeSource {
  const table = config.tables.find(({ id }) => id === key.table);
  const node = config.nodes.find(({ id }) => id === key.node);
  if (!table || node?.table !== table.id) throw otherRules(`no node ${key.node} of a table ${key.table}`);
  const unknown = key.columns.find((name) => !table.columns.some((column) => column.name === name));
  if (unknown !== undefined) throw otherRules(`no column ${unknown} of the table ${table.name} that is sent`);
  return { table, isEvery: node.rule.kind === 'every', rows: rowTable(table.id), members: memberTable(node.id), columns: key.columns.map(quoteName) };
}

/** Who asked found the scope by the rules of before. */
const otherRules = (what: string): CarryonError => new CarryonError('server.preparing', `The server has gone over to other rules, which have ${what}.`);

interface ScopeRow { readonly id: number; readonly head: number; readonly rows: number; readonly sum: number }

function readScope(db: Database, key: ScopeKey): Scope | undefined {
  const row = db.get<ScopeRow>(`SELECT id, head, rows, sum FROM sync_scope WHERE node = ? AND param = ${PARAM_ID}`, key.node, hashOf(key.param));
  return row && { ...key, id: row.id, head: row.head, digest: { rows: row.rows, sum: row.sum } };
}

function readFeed(db: Database, source: ScopeSource, scope: Scope, after: Position, maxRows: number, maxBytes: number, unless: Held | undefined): FeedPart {
  const { rows, members } = source;
  const columns = source.columns.map((name) => `, r.${name}`).join('');
  const held = unless && isHeld(db, unless, scope.table, source.isEvery ? 'r._ver' : 'm.seq');
  const [live, seq] = source.isEvery ? ['r._live', 'r._ver'] : ['m.live', 'm.seq'];
  // A row that had left the scope before it was first read is none that the device has of it.
  const isNews = unless ? `AND (${live} OR ${seq} > ?)${held ? ` AND NOT (${live} AND ${held.sql})` : ''}` : '';
  const sql = source.isEvery
    ? `SELECT r._rid, r._ver, r._ver, r._live${columns} FROM ${rows} r WHERE (r._ver, r._rid) > (?, ?) ${isNews} ORDER BY r._ver, r._rid LIMIT ?`
    : `SELECT m.rid, m.seq, coalesce(r._ver, m.seq), m.live${columns} FROM ${members} m LEFT JOIN ${rows} r ON r._rid = m.rid
      WHERE m.scope = ? AND (m.seq, m.rid) > (?, ?) ${isNews} ORDER BY m.seq, m.rid LIMIT ?`;
  return takeEntries(db, source, db.exact(sql, ...(source.isEvery ? [] : [scope.id]), after.seq, after.rid, ...(unless ? [unless.first] : []), ...held?.values ?? [], maxRows + 1), maxRows, maxBytes);
}

/** Rows as `[rid, seq, ver, live, …values]`, up to the limits. */
function takeEntries(db: Database, source: ScopeSource, rows: Iterable<readonly SqlValue[]>, maxRows: number, maxBytes: number): FeedPart {
  const entries: Entry[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (entries.length >= maxRows || bytes >= maxBytes) return { entries, bytes, atEnd: false };
    const [rid, seq, ver, live, ...values] = row;
    entries.push({ rid: Number(rid), seq: Number(seq), ver: Number(ver), values: live === 1n ? withRawText(db, source, Number(rid), values) : undefined });
    bytes += sizeOf(values);
  }
  return { entries, bytes, atEnd: true };
}

/** JavaScript reads bytes that are not UTF-8 as U+FFFD; where one appears, the bytes themselves are looked at. */
function withRawText(db: Database, { columns, rows }: ScopeSource, rid: number, values: readonly SqlValue[]): FeedValue[] {
  return values.map((value, i) => {
    if (typeof value !== 'string' || !value.includes('\ufffd')) return value;
    const bytes = db.get<{ bytes: Uint8Array }>(`SELECT CAST(${columns[i]} AS BLOB) AS bytes FROM ${rows} WHERE _rid = ?`, rid)?.bytes;
    return bytes === undefined || isUtf8(bytes) ? value : new RawText(bytes);
  });
}

function sizeOf(values: readonly SqlValue[]): number {
  let bytes = 16;
  for (const value of values) bytes += typeof value === 'string' ? value.length : value instanceof Uint8Array ? value.length * 1.4 : 8;
  return bytes;
}

function readLive(db: Database, { isEvery, rows, members }: ScopeSource, scope: Scope): number[] {
  const sql = isEvery ? `SELECT _rid AS rid FROM ${rows} WHERE ? > 0 AND _live ORDER BY _rid` : `SELECT rid FROM ${members} WHERE scope = ? AND live ORDER BY rid`;
  return db.all<{ rid: number }>(sql, scope.id).map((row) => row.rid);
}

function readDigests(db: Database, { isEvery, rows, members }: ScopeSource, scope: Scope, width: number, most: number): RangeDigest[] {
  const live = isEvery ? `${rows} r WHERE ?1 > 0 AND r._live` : `${members} m CROSS JOIN ${rows} r ON r._rid = m.rid WHERE m.scope = ?1 AND m.live`;
  const sql = `SELECT r._rid / ?2 AS i, count(*) AS rows, sum(${digestSql('r._rid', 'r._ver')}) AS sum FROM ${live} GROUP BY 1 ORDER BY 1 LIMIT ?3`;
  return db.all<{ i: number; rows: number; sum: number }>(sql, scope.id, width, most).map((row) => ({ ...row }));
}

function readBetween(db: Database, source: ScopeSource, scope: Scope, low: number, high: number, maxRows: number, maxBytes: number): FeedPart {
  const { isEvery, rows, members } = source;
  const columns = source.columns.map((name) => `, r.${name}`).join('');
  // The plus keeps SQLite from reading the whole scope for each range: members are found by row id.
  const sql = isEvery
    ? `SELECT r._rid, r._ver, r._ver, 1${columns} FROM ${rows} r WHERE ?1 > 0 AND r._live AND r._rid BETWEEN ?2 AND ?3 ORDER BY r._rid LIMIT ?4`
    : `SELECT m.rid, m.seq, r._ver, 1${columns} FROM ${members} m CROSS JOIN ${rows} r ON r._rid = m.rid
      WHERE +m.scope = ?1 AND m.live AND m.rid BETWEEN ?2 AND ?3 ORDER BY m.rid LIMIT ?4`;
  return takeEntries(db, source, db.exact(sql, scope.id, low, high, maxRows + 1), maxRows, maxBytes);
}
