import { digestSql, packTableName, packTableSql, type TableSpec } from '@carryon/protocol';
import type { Config } from '../../core/config.ts';
import type { BuiltPart, Extent, PackPart, PackRecord, RawPack, ScopeKey } from '../../ports/storage.ts';
import type { Database } from './driver.ts';
import { hashOf, PARAM_ID } from './params.ts';
import { sourceOf, type ScopeSource } from './read.ts';

/** SQL for the live rows within [?1, ?2] of rids of the scope ?3. */
function liveRows({ isEvery, rows, members }: ScopeSource): string {
  const live = isEvery ? '?3 > 0 AND r._live' : `r._rid IN (SELECT rid FROM ${members} WHERE live AND scope = ?3)`;
  return `${rows} r WHERE r._rid BETWEEN ?1 AND ?2 AND ${live}`;
}

interface StoredScope { readonly id: number; readonly rows: number; readonly width: number | null }

const storedScope = (db: Database, { node, param }: ScopeKey): StoredScope | undefined =>
  db.get<StoredScope>(`SELECT id, rows, width FROM sync_scope WHERE node = ? AND param = ${PARAM_ID}`, node, hashOf(param));

/** Makes one pack in memory, all of its parts at one checkpoint. A pack is some megabytes, whatever the table's size. */
export function buildPack(db: Database, configOf: () => Config, parts: readonly PackPart[]): RawPack {
  db.attach(':memory:', 'pack');
  try {
    const built = db.transaction(() => {
      const asOf = db.get<{ checkpoint: number }>('SELECT checkpoint FROM sync_state')?.checkpoint ?? 0;
      return { asOf, parts: parts.map((part) => buildPart(db, sourceOf(configOf(), part), part)) };
    });
    return { bytes: db.serialize('pack'), ...built };
  } finally {
    db.detach('pack');
  }
}

function buildPart(db: Database, source: ScopeSource, part: PackPart): BuiltPart {
  const { table, columns } = source;
  const spec: TableSpec = { ...table, columns: table.columns.filter(({ name }) => part.columns.includes(name)) };
  const name = `pack.${packTableName(table.id)}`;
  db.exec(packTableSql(spec).replace('CREATE TABLE ', 'CREATE TABLE pack.'));
  const [into, from] = [columns.map((column) => `, ${column}`).join(''), columns.map((column) => `, r.${column}`).join('')];
  const rows = db.run(`INSERT INTO ${name}(_rid, _ver${into}) SELECT r._rid, r._ver${from} FROM ${liveRows(source)} ORDER BY r._rid`, part.low, part.high, storedScope(db, part)?.id ?? 0);
  const sum = db.get<{ sum: number }>(`SELECT coalesce(sum(${digestSql('_rid', '_ver')}), 0) AS sum FROM ${name}`)?.sum ?? 0;
  return { table: table.id, rows, sum };
}

const SAMPLE = 200;

/** Size of a scope: rows by its digest, bytes per row from a sample spread over its table. */
export function extentOf(db: Database, configOf: () => Config, scope: ScopeKey): Extent {
  return db.transaction(() => {
    const { rows: rowsTable, columns } = sourceOf(configOf(), scope);
    const stored = storedScope(db, scope);
    const maxRid = db.get<{ rid: number | null }>(`SELECT max(_rid) AS rid FROM ${rowsTable}`)?.rid ?? 0;
    const size = ['0', ...columns.map((name) => `coalesce(octet_length(r.${name}), 0) + 2`)].join(' + ');
    const step = Math.max(1, Math.floor(maxRid / SAMPLE));
    const sampled = db.get<{ bytes: number | null }>(
      `WITH RECURSIVE pick(rid) AS (SELECT 1 UNION ALL SELECT rid + ?1 FROM pick WHERE rid + ?1 <= ?2)
       SELECT avg(${size}) AS bytes FROM pick JOIN ${rowsTable} r ON r._rid = pick.rid WHERE r._live`, step, maxRid)?.bytes;
    return { rows: stored?.rows ?? 0, maxRid, rowBytes: (sampled ?? 100) + 10, width: stored?.width ?? undefined };
  });
}

/** A plan does not wait until the store can be written; the next one will note a width. */
export function setWidth(db: Database, { node, param }: ScopeKey, width: number): void {
  db.ifFree(() => db.run(`UPDATE sync_scope SET width = ? WHERE node = ? AND param = ${PARAM_ID}`, width, node, hashOf(param)));
}

export function changedSince(db: Database, configOf: () => Config, parts: readonly PackPart[], checkpoint: number, most: number): number {
  return db.transaction(() => parts.reduce((changed, part) => {
    const { isEvery, rows, members } = sourceOf(configOf(), part);
    const sql = isEvery
      ? `SELECT 1 FROM ${rows} WHERE ?1 > 0 AND _ver > ?2 AND _rid BETWEEN ?3 AND ?4`
      : `SELECT 1 FROM ${members} WHERE scope = ?1 AND seq > ?2 AND rid BETWEEN ?3 AND ?4`;
    return changed + (db.get<{ n: number }>(`SELECT count(*) AS n FROM (${sql} LIMIT ?5)`, storedScope(db, part)?.id ?? 0, checkpoint, part.low, part.high, most)?.n ?? 0);
  }, 0));
}

interface PackRow {
  readonly key: string; readonly codec: string; readonly name: string; readonly bytes: number; readonly raw_bytes: number;
  readonly as_of: number; readonly level: number; readonly parts: string; readonly scopes: string;
}

const COLUMNS = 'key, codec, name, bytes, raw_bytes, as_of, level, parts, scopes';

const toRecord = (row: PackRow): PackRecord => ({
  key: row.key, codec: row.codec, name: row.name, bytes: row.bytes, rawBytes: row.raw_bytes, asOf: row.as_of, level: row.level,
  parts: JSON.parse(row.parts) as BuiltPart[], scopes: JSON.parse(row.scopes) as PackPart[],
});

export function savePack(db: Database, pack: PackRecord, nowMs: number): void {
  db.transaction(() => {
    db.run('UPDATE sync_pack SET current = 0 WHERE key = ? AND codec = ?', pack.key, pack.codec);
    db.run(`INSERT INTO sync_pack(${COLUMNS}, used_ms, current) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`, pack.key, pack.codec, pack.name,
      pack.bytes, pack.rawBytes, pack.asOf, pack.level, JSON.stringify(pack.parts), JSON.stringify(pack.scopes), nowMs);
  }, 'BEGIN IMMEDIATE');
}

/** The newest pack of a key that still starts above the floor. */
export function findPack(db: Database, key: string, codec: string): PackRecord | undefined {
  const row = db.get<PackRow>(`SELECT ${COLUMNS} FROM sync_pack WHERE key = ? AND codec = ? AND current AND as_of >= (SELECT floor FROM sync_state)`, key, codec);
  return row && toRecord(row);
}

export function packsNamed(db: Database, name: string): PackRecord[] {
  return db.all<PackRow>(`SELECT ${COLUMNS} FROM sync_pack WHERE name = ?`, name).map(toRecord);
}

export function dropPacks(db: Database, beforeMs: number): string[] {
  return db.transaction(() => {
    const names = db.all<{ name: string }>('SELECT DISTINCT name FROM sync_pack WHERE used_ms < ?', beforeMs).map((row) => row.name);
    db.run('DELETE FROM sync_pack WHERE used_ms < ?', beforeMs);
    return names.filter((name) => db.get('SELECT 1 FROM sync_pack WHERE name = ?', name) === undefined);
  }, 'BEGIN IMMEDIATE');
}

const DAY_MS = 86_400_000;

/** Marks the packs as used, at most once a day each, so that a plan seldom writes; and it never waits for that: there are days left for it. */
export function usePacks(db: Database, names: readonly string[], nowMs: number): void {
  const isDue = (name: string): boolean => db.get('SELECT 1 FROM sync_pack WHERE name = ? AND used_ms < ?', name, nowMs - DAY_MS) !== undefined;
  const due = names.filter(isDue);
  if (due.length === 0) return;
  db.ifFree(() => db.transaction(() => {
    for (const name of due) db.run('UPDATE sync_pack SET used_ms = ? WHERE name = ? AND used_ms < ?', nowMs, name, nowMs);
  }, 'BEGIN IMMEDIATE'));
}
