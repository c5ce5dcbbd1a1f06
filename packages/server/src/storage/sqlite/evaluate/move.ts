import { digestSql } from '@carryon/protocol';
import type { RuleNode } from '../../../core/rule.ts';
import type { Database } from '../driver.ts';
import { MembersSql } from '../rules/members.ts';
import type { Plan } from '../rules/plan.ts';
import type { Sql } from '../rules/sql.ts';
import { memberTable, rowTable } from '../schema.ts';
import { oldTable } from './take-in.ts';

/** A row's move: it left the scope, came in, or stayed with new content. */
const LEFT = 0;
const CAME = 1;
const STAYED = 2;

/** Tables that evaluation works with; they stay with the connection, and are empty between evaluations. */
export const TEMPORARY = `
  CREATE TEMP TABLE IF NOT EXISTS affected(rid INTEGER PRIMARY KEY);
  CREATE TEMP TABLE IF NOT EXISTS affected_in(rid INTEGER NOT NULL, scope INTEGER NOT NULL, PRIMARY KEY(rid, scope)) WITHOUT ROWID;
  CREATE TEMP TABLE IF NOT EXISTS wanted(rid INTEGER NOT NULL, scope INTEGER NOT NULL, PRIMARY KEY(rid, scope)) WITHOUT ROWID;
  CREATE TEMP TABLE IF NOT EXISTS move(rid INTEGER NOT NULL, scope INTEGER NOT NULL, how INTEGER NOT NULL);
  CREATE TEMP TABLE IF NOT EXISTS moved(node INTEGER NOT NULL, rid INTEGER NOT NULL, scope INTEGER NOT NULL, PRIMARY KEY(node, rid, scope)) WITHOUT ROWID;`;

export interface Affected { readonly rows: number; readonly inScopes: number }
export interface Moves { readonly checkpoint: number; readonly clockMs: number; readonly affected: Affected; readonly newVersions: boolean }

/**
 * Brings the members of a node's scopes in line with the rows as they are: of those in `temp.affected` memberships are found anew, of those in
 * `temp.affected_in` in these scopes; of the others that changed only the content is news. `moved`: any row came or left.
 */
export function moveMembers(db: Database, plan: Plan, node: RuleNode, { checkpoint, clockMs, affected, newVersions }: Moves): { moved: boolean; news: boolean } {
  const [rows, members, old] = [rowTable(node.table), memberTable(node.id), oldTable(node.table)];
  const isNotWanted = 'NOT EXISTS (SELECT 1 FROM temp.wanted w WHERE w.rid = m.rid AND w.scope = m.scope)';
  const sql = new MembersSql(plan, node, clockMs);
  let moves = 0;
  if (affected.rows > 0) {
    want(db, sql.ofAffected());
    moves += db.run(`INSERT INTO temp.move SELECT m.rid, m.scope, ${LEFT} FROM temp.affected f CROSS JOIN ${members} m ON m.rid = f.rid AND m.live WHERE ${isNotWanted}`);
  }
  if (affected.inScopes > 0) {
    db.run('DELETE FROM temp.affected_in WHERE rid IN (SELECT rid FROM temp.affected)');
    want(db, [sql.ofAffectedIn()]);
    moves += db.run(`INSERT INTO temp.move SELECT m.rid, m.scope, ${LEFT} FROM temp.affected_in f CROSS JOIN ${members} m ON m.rid = f.rid AND m.scope = f.scope AND m.live WHERE ${isNotWanted}`);
  }
  if (affected.rows + affected.inScopes > 0) {
    moves += db.run(`INSERT INTO temp.move SELECT w.rid, w.scope, CASE WHEN m.live THEN ${STAYED} ELSE ${CAME} END FROM temp.wanted w CROSS JOIN ${rows} r ON r._rid = w.rid
      LEFT JOIN ${members} m ON m.rid = w.rid AND m.scope = w.scope WHERE m.live IS NOT 1 OR r._ver = ?`, checkpoint);
  }
  if (newVersions) {
    moves += db.run(`INSERT INTO temp.move SELECT m.rid, m.scope, ${STAYED} FROM ${old} o CROSS JOIN ${rows} r ON r._rid = o._rid AND r._live AND r._ver = ?
      CROSS JOIN ${members} m ON m.rid = o._rid AND m.live WHERE o._rid NOT IN (SELECT rid FROM temp.affected)
      AND NOT EXISTS (SELECT 1 FROM temp.affected_in f WHERE f.rid = m.rid AND f.scope = m.scope)`, checkpoint);
  }
  const moved = moves > 0 && apply(db, plan, node, checkpoint);
  if (affected.rows + affected.inScopes > 0) for (const name of ['affected', 'affected_in', 'wanted']) db.run(`DELETE FROM temp.${name}`);
  if (moves > 0) db.run('DELETE FROM temp.move');
  return { moved, news: moves > 0 };
}

function want(db: Database, found: readonly Sql[]): void {
  for (const { sql, values } of found) db.run(`INSERT OR IGNORE INTO temp.wanted ${sql}`, ...values);
}

/** Carries the moves out; true when any row came or left. */
function apply(db: Database, plan: Plan, node: RuleNode, checkpoint: number): boolean {
  const [rows, members, old] = [rowTable(node.table), memberTable(node.id), oldTable(node.table)];
  db.run(`INSERT INTO ${members}(rid, scope, seq, live) SELECT rid, scope, ?, how > ${LEFT} FROM temp.move WHERE true
    ON CONFLICT DO UPDATE SET seq = excluded.seq, live = excluded.live`, checkpoint);
  const is = `CASE WHEN v.how = ${LEFT} THEN 0 ELSE ${digestSql('v.rid', 'r._ver')} END`;
  const was = `CASE WHEN v.how = ${CAME} THEN 0 ELSE ${digestSql('v.rid', 'coalesce(o._ver, r._ver)')} END`;
  db.run(`UPDATE sync_scope SET head = ?, rows = sync_scope.rows + c.rows, sum = sync_scope.sum + c.sum
    FROM (SELECT v.scope, sum((v.how = ${CAME}) - (v.how = ${LEFT})) AS rows, sum(${is} - ${was}) AS sum FROM temp.move v CROSS JOIN ${rows} r ON r._rid = v.rid
      LEFT JOIN ${old} o ON o._rid = v.rid GROUP BY v.scope) c WHERE sync_scope.id = c.scope`, checkpoint);
  if (!plan.isNeeded(node.id)) return false;
  return db.run(`INSERT OR IGNORE INTO temp.moved SELECT ${node.id}, rid, scope FROM temp.move WHERE how <> ${STAYED}`) > 0;
}
