import type { Held, Scope } from '../../ports/storage.ts';
import type { Database } from './driver.ts';
import { bind, raw, sql, type Sql } from './rules/sql.ts';
import { memberTable, rowTable } from './schema.ts';

/** Where the rows stand that a device holds of a scope, also of one whose rule is out of use. */
interface HeldRows { readonly rows: string; readonly members: string | undefined }

function heldRows(db: Database, scope: number, table: number): HeldRows | undefined {
  const found = db.get<{ node: number; is_every: number }>('SELECT s.node, n.is_every FROM sync_scope s JOIN sync_node n ON n.id = s.node WHERE s.id = ? AND n.tbl = ?', scope, table);
  return found && { rows: rowTable(table), members: found.is_every === 1 ? undefined : memberTable(found.node) };
}

/** SQL: the device surely has the row r as it is. `seq` is since when it is in the scope that is read. Undefined: nothing is known of the held scope. */
export function isHeld(db: Database, { scope, at, first }: Held, table: number, seq: string): Sql | undefined {
  const held = heldRows(db, scope, table);
  if (!held) return undefined;
  const hasVersion = sql`${raw(seq)} <= ${bind(first)} AND r._ver <= ${bind(at)}`;
  if (held.members === undefined) return hasVersion;
  return sql`${hasVersion} AND EXISTS (SELECT 1 FROM ${raw(held.members)} h WHERE h.rid = r._rid AND h.scope = ${bind(scope)} AND h.live AND h.seq <= ${bind(at)})`;
}

/** The rows that a device may have of the held scope and that are not in the other one; undefined: there are more than so many, or the person may not know of one. */
export function leaversOf(db: Database, { scope, at, until }: Held, now: Scope, isEvery: boolean, most: number): number[] | undefined {
  const held = heldRows(db, scope, now.table);
  if (!held) return undefined;
  const had = held.members === undefined
    ? sql`SELECT r._rid AS rid, r._ver AS seq FROM ${raw(held.rows)} r WHERE (r._live OR r._ver > ${bind(at)})`
    : sql`SELECT r.rid, r.seq FROM ${raw(held.members)} r WHERE r.scope = ${bind(scope)} AND (r.live OR r.seq > ${bind(at)})`;
  const rid = raw(held.members === undefined ? 'r._rid' : 'r.rid');
  const isThere = isEvery
    ? sql`SELECT 1 FROM ${raw(held.rows)} x WHERE x._rid = ${rid} AND x._live`
    : sql`SELECT 1 FROM ${raw(memberTable(now.node))} m WHERE m.rid = ${rid} AND m.scope = ${bind(now.id)} AND m.live`;
  const { sql: text, values } = sql`${had} AND NOT EXISTS (${isThere}) LIMIT ${bind(most + 1)}`;
  const found = db.all<{ rid: number; seq: number }>(text, ...values);
  return found.length > most || found.some(({ seq }) => seq > until) ? undefined : found.map((row) => row.rid).sort((a, b) => a - b);
}
