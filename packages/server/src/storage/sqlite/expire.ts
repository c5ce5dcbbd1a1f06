import type { Database } from './driver.ts';
import { memberTable, readState, rowTable } from './schema.ts';
import { forgetIdle } from './scopes.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Moves the floor to the last checkpoint before that time and forgets the tombstones up to it; then what nobody has used since `idleBeforeMs`. */
export function expire(db: Database, beforeMs: number, idleBeforeMs = -Infinity): void {
  db.transaction(() => {
    moveFloor(db, beforeMs);
    thinOut(db);
    if (idleBeforeMs > -Infinity) forgetIdle(db, idleBeforeMs);
  }, 'BEGIN IMMEDIATE');
}

function moveFloor(db: Database, beforeMs: number): void {
  const floor = db.get<{ checkpoint: number }>('SELECT checkpoint FROM sync_checkpoint WHERE at_ms < ? ORDER BY checkpoint DESC LIMIT 1', beforeMs)?.checkpoint ?? 0;
  if (floor <= readState(db).floor) return;
  db.run('UPDATE sync_state SET floor = ?', floor);
  for (const { id } of db.all<{ id: number }>("SELECT id FROM sync_table WHERE state <> 'dropped'")) db.run(`DELETE FROM ${rowTable(id)} WHERE _ver <= ? AND NOT _live`, floor);
  for (const { id } of db.all<{ id: number }>("SELECT DISTINCT n.id FROM sync_node n JOIN sync_scope s ON s.node = n.id WHERE NOT n.is_every")) {
    db.run(`DELETE FROM ${memberTable(id)} WHERE seq <= ? AND NOT live`, floor);
  }
  db.run('DELETE FROM sync_checkpoint WHERE checkpoint < ?', floor);
}

/** The times of checkpoints are kept for the floor, which may lag by a minute: of those older than an hour the last of each minute is enough. */
function thinOut(db: Database): void {
  db.run(`DELETE FROM sync_checkpoint WHERE at_ms < (SELECT at_ms FROM sync_checkpoint ORDER BY checkpoint DESC LIMIT 1) - ?
    AND checkpoint NOT IN (SELECT max(checkpoint) FROM sync_checkpoint GROUP BY at_ms / ?)`, HOUR_MS, MINUTE_MS);
}
