import type { Database } from './driver.ts';
import { memberTable, readState, rowTable } from './schema.ts';
import { forgetIdle } from './scopes.ts';

/** Moves the floor to the last checkpoint before that time and forgets the tombstones up to it; then what nobody has used since `idleBeforeMs`. */
export function expire(db: Database, beforeMs: number, idleBeforeMs = -Infinity): void {
  db.transaction(() => {
    moveFloor(db, beforeMs);
    if (idleBeforeMs > -Infinity) forgetIdle(db, idleBeforeMs);
  }, 'BEGIN IMMEDIATE');
}

function moveFloor(db: Database, beforeMs: number): void {
  const floor = db.get<{ cp: number | null }>('SELECT max(checkpoint) AS cp FROM sync_checkpoint WHERE at_ms < ?', beforeMs)?.cp ?? 0;
  if (floor <= readState(db).floor) return;
  db.run('UPDATE sync_state SET floor = ?', floor);
  for (const { id } of db.all<{ id: number }>("SELECT id FROM sync_table WHERE state <> 'dropped'")) db.run(`DELETE FROM ${rowTable(id)} WHERE _ver <= ? AND NOT _live`, floor);
  for (const { id } of db.all<{ id: number }>("SELECT DISTINCT n.id FROM sync_node n JOIN sync_scope s ON s.node = n.id WHERE NOT n.is_every")) {
    db.run(`DELETE FROM ${memberTable(id)} WHERE seq <= ? AND NOT live`, floor);
  }
  db.run('DELETE FROM sync_checkpoint WHERE checkpoint < ?', floor);
}
