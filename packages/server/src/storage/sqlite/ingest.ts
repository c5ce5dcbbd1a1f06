import type { SyncedTable } from '../../core/config.ts';
import type { IngestProgress } from '../../ports/storage.ts';
import { businessTable, copySql, keyFilled } from './copy.ts';
import type { Database } from './driver.ts';
import { keyNames } from './schema.ts';

/**
 * Reads one table of the business database in key order, some rows per transaction, so that writers are never held up
 * and a killed run goes on where it stopped. Capture is installed before: what changes meanwhile is in the outbox.
 */
export function* ingestTable(db: Database, table: SyncedTable, rowsPerStep: number): Generator<IngestProgress> {
  for (;;) {
    const state = db.get<{ done: number; rows: number }>('SELECT done, rows FROM sync_ingest WHERE tbl = ?', table.id);
    if (!state || state.done === 1) return;
    db.transaction(() => ingestStep(db, table, rowsPerStep, state.rows > 0));
    yield { table: table.name, rows: db.get<{ rows: number }>('SELECT rows FROM sync_ingest WHERE tbl = ?', table.id)?.rows ?? 0 };
  }
}

function ingestStep(db: Database, table: SyncedTable, rowsPerStep: number, resumed: boolean): void {
  const keys = keyNames(table);
  const slots = keys.map((_, i) => `k${i}`);
  const order = keys.map((name) => `x.${name}`).join(', ');
  const after = resumed ? `(${order}) > (SELECT ${slots.join(', ')} FROM sync_ingest WHERE tbl = ${table.id})` : 'true';
  const from = `FROM ${businessTable(table)} x WHERE ${keyFilled(table, 'x')} AND ${after} ORDER BY ${order}`;
  // The store is written first, so that it is the file this transaction locks; the business database is only read.
  db.run('UPDATE sync_ingest SET rows = rows WHERE tbl = ?', table.id);
  const last = db.get<{ found: number }>(`SELECT count(*) AS found FROM (SELECT 1 ${from} LIMIT ${rowsPerStep})`)?.found ?? 0;
  if (last > 0) {
    db.run(copySql(table, `${from} LIMIT ${rowsPerStep}`), 1);
    db.run(`UPDATE sync_ingest SET rows = rows + ?, (${slots.join(', ')}) = (SELECT ${order} ${from} LIMIT 1 OFFSET ${last - 1}) WHERE tbl = ?`, last, table.id);
  }
  if (last < rowsPerStep) db.run('UPDATE sync_ingest SET done = 1 WHERE tbl = ?', table.id);
}
