import { digestSql, packTableName, packTableSql } from '@carryon/protocol';
import type { BuiltPart, Extent, PackPart, PackRecord, RawPack, ScopeKey, SyncedTable } from '../../ports/storage.ts';
import type { Database } from './driver.ts';
import { tableOf } from './read.ts';
import { columnNames, memberTable, rowTable } from './schema.ts';

type Tables = ReadonlyMap<number, SyncedTable>;

/** SQL for the live rows within [?1, ?2] of rids of the scope ?3. */
function liveRows(table: SyncedTable): string {
  const live = table.rule.kind === 'all' ? '?3 > 0 AND r._live' : `r._rid IN (SELECT rid FROM ${memberTable(table.id)} WHERE live AND scope = ?3)`;
  return `${rowTable(table.id)} r WHERE r._rid BETWEEN ?1 AND ?2 AND ${live}`;
}

const scopeId = (db: Database, scope: ScopeKey): number =>
  db.get<{ id: number }>('SELECT id FROM sync_scope WHERE tbl = ? AND param = ?', scope.table, scope.param)?.id ?? 0;

/** Makes one pack in memory, all of its parts at one checkpoint. A pack is some megabytes, whatever the table's size. */
export function buildPack(db: Database, tables: Tables, parts: readonly PackPart[]): RawPack {
  db.attach(':memory:', 'pack');
  try {
    const built = db.transaction(() => {
      const asOf = db.get<{ checkpoint: number }>('SELECT checkpoint FROM sync_state')?.checkpoint ?? 0;
      return { asOf, parts: parts.map((part) => buildPart(db, tableOf(tables, part), part)) };
    });
    return { bytes: db.serialize('pack'), ...built };
  } finally {
    db.detach('pack');
  }
}

function buildPart(db: Database, table: SyncedTable, part: PackPart): BuiltPart {
  const name = `pack.${packTableName(table.id)}`;
  const columns = columnNames(table).join(', ');
  db.exec(packTableSql(table).replace('CREATE TABLE ', 'CREATE TABLE pack.'));
  const rows = db.run(`INSERT INTO ${name}(_rid, _ver, ${columns}) SELECT r._rid, r._ver, ${columnNames(table).map((c) => `r.${c}`).join(', ')} FROM ${liveRows(table)} ORDER BY r._rid`, part.low, part.high, scopeId(db, part));
  const sum = db.get<{ sum: number }>(`SELECT coalesce(sum(${digestSql('_rid', '_ver')}), 0) AS sum FROM ${name}`)?.sum ?? 0;
  return { table: table.id, rows, sum };
}

const SAMPLE = 200;

/** Size of a scope: rows by its digest, bytes per row from a sample spread over it. */
export function extentOf(db: Database, tables: Tables, scope: ScopeKey): Extent {
  const table = tableOf(tables, scope);
  const row = db.get<{ rows: number; width: number | null }>('SELECT rows, width FROM sync_scope WHERE tbl = ? AND param = ?', scope.table, scope.param);
  const maxRid = db.get<{ rid: number | null }>(`SELECT max(_rid) AS rid FROM ${rowTable(table.id)}`)?.rid ?? 0;
  const size = columnNames(table).map((name) => `coalesce(octet_length(r.${name}), 0) + 2`).join(' + ');
  const step = Math.max(1, Math.floor(maxRid / SAMPLE));
  const sampled = db.get<{ bytes: number | null }>(
    `WITH RECURSIVE pick(rid) AS (SELECT 1 UNION ALL SELECT rid + ${step} FROM pick WHERE rid + ${step} <= ?)
     SELECT avg(${size}) AS bytes FROM pick JOIN ${rowTable(table.id)} r ON r._rid = pick.rid WHERE r._live`, maxRid)?.bytes;
  return { rows: row?.rows ?? 0, maxRid, rowBytes: (sampled ?? 100) + 10, width: row?.width ?? undefined };
}

export function changedSince(db: Database, tables: Tables, parts: readonly PackPart[], checkpoint: number, most: number): number {
  let changed = 0;
  for (const part of parts) {
    const table = tableOf(tables, part);
    const sql = table.rule.kind === 'all'
      ? `SELECT 1 FROM ${rowTable(table.id)} WHERE ?1 > 0 AND _ver > ?2 AND _rid BETWEEN ?3 AND ?4`
      : `SELECT 1 FROM ${memberTable(table.id)} WHERE scope = ?1 AND seq > ?2 AND rid BETWEEN ?3 AND ?4`;
    changed += db.get<{ n: number }>(`SELECT count(*) AS n FROM (${sql} LIMIT ?5)`, scopeId(db, part), checkpoint, part.low, part.high, most)?.n ?? 0;
  }
  return changed;
}

interface PackRow {
  readonly key: string; readonly codec: string; readonly name: string; readonly bytes: number; readonly raw_bytes: number;
  readonly as_of: number; readonly level: number; readonly parts: string; readonly scopes: string;
}

const COLUMNS = 'key, codec, name, bytes, raw_bytes, as_of, level, parts, scopes';

const toRecord = (row: PackRow): PackRecord => ({
  key: row.key, codec: row.codec, name: row.name, bytes: row.bytes, rawBytes: row.raw_bytes, asOf: row.as_of, level: row.level,
  parts: JSON.parse(row.parts) as BuiltPart[], scopes: JSON.parse(row.scopes) as ScopeKey[],
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

/** Marks the packs as used, at most once a day each, so that a plan seldom writes. */
export function usePacks(db: Database, names: readonly string[], nowMs: number): void {
  db.transaction(() => {
    for (const name of names) db.run('UPDATE sync_pack SET used_ms = ? WHERE name = ? AND used_ms < ?', nowMs, name, nowMs - 86_400_000);
  }, 'BEGIN IMMEDIATE');
}
