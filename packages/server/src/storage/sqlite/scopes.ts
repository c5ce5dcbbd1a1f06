import { CarryonError, digestSql } from '@carryon/protocol';
import { attributesOf, paramOf } from '../../core/attributes.ts';
import { LIMITS } from '../../core/limits.ts';
import type { RuleNode } from '../../core/rule.ts';
import type { Person, ScopeKey } from '../../ports/storage.ts';
import type { Database } from './driver.ts';
import { publish } from './evaluate/evaluate.ts';
import { forgetNode } from './nodes.ts';
import { ensureParam, forgetParams, hashOf, PARAM_ID } from './params.ts';
import { leavesOf } from './rules/leaves.ts';
import { MembersSql } from './rules/members.ts';
import type { Plan } from './rules/plan.ts';
import { memberTable, readState, rowTable } from './schema.ts';

/** Makes the person's scopes where they are not there yet, with those that they need, as one checkpoint, and notes that these and no others are the person's. */
export function activate(db: Database, plan: Plan, person: Person, keys: readonly ScopeKey[], nowMs: number): void {
  if (keys.length > LIMITS.scopesPerPerson) throw new CarryonError('share.too-large', `The person's share has ${keys.length} scopes; not more than ${LIMITS.scopesPerPerson} are kept for one person.`);
  db.transaction(() => {
    const state = readState(db);
    if (state.checkpoint === 0) throw new CarryonError('server.preparing', 'The server is still reading the business database.');
    const making = new Making(db, plan, state.checkpoint + 1, state.clock_ms);
    // Rules may have changed since the keys were found; what they no longer know is left out, and asked for anew.
    const known = keys.filter(({ table, node }) => plan.config.nodes.some(({ id, table: of }) => id === node && of === table));
    const scopes = new Map(known.map(({ node, param, columns }) => [making.ensure(plan.node(node), param), columns]));
    if (making.made > 0) publish(db, state.checkpoint + 1, nowMs);
    grant(db, person, scopes, making.made > 0 ? state.checkpoint + 1 : state.checkpoint, nowMs);
  }, 'BEGIN IMMEDIATE');
}

class Making {
  readonly #db: Database;
  readonly #plan: Plan;
  readonly #checkpoint: number;
  readonly #clockMs: number;
  made = 0;

  constructor(db: Database, plan: Plan, checkpoint: number, clockMs: number) {
    this.#db = db;
    this.#plan = plan;
    this.#checkpoint = checkpoint;
    this.#clockMs = clockMs;
  }

  /** The id of the scope. */
  ensure(node: RuleNode, param: string): number {
    const known = (): number | undefined => this.#db.get<{ id: number }>(`SELECT id FROM sync_scope WHERE node = ? AND param = ${PARAM_ID}`, node.id, hashOf(param))?.id;
    const before = known();
    if (before !== undefined) return before;
    const needed = [...new Set(leavesOf(node.rule).flatMap((leaf) => ('node' in leaf ? [leaf.node] : [])))].map((of) => {
      const other = this.#plan.node(of);
      return { of, scope: this.ensure(other, paramOf(other.uses, attributesOf(param))) };
    });
    this.#db.run('INSERT INTO sync_scope(node, param, head, rows, sum) VALUES(?, ?, ?, 0, 0)', node.id, ensureParam(this.#db, param), this.#checkpoint);
    const id = known() ?? 0;
    for (const { of, scope } of needed) this.#db.run('INSERT INTO sync_need(scope, node, of, needs) VALUES(?, ?, ?, ?)', id, node.id, of, scope);
    this.#fill(id, node);
    this.made++;
    return id;
  }

  #fill(scope: number, node: RuleNode): void {
    const members = memberTable(node.id);
    for (const { sql, values } of new MembersSql(this.#plan, node, this.#clockMs).ofScope(scope)) {
      this.#db.run(`INSERT OR IGNORE INTO ${members}(rid, scope, seq, live) SELECT w._rid, ?, ?, 1 FROM (${sql}) w`, scope, this.#checkpoint, ...values);
    }
    this.#db.run(`UPDATE sync_scope SET (rows, sum) = (SELECT count(*), coalesce(sum(${digestSql('r._rid', 'r._ver')}), 0) FROM ${members} m CROSS JOIN ${rowTable(node.table)} r ON r._rid = m.rid WHERE m.scope = ?1) WHERE id = ?1`, scope);
  }
}

/** What the person had before and has no longer ends; what comes back after an end begins anew, and so does a scope of which the person gets more columns. */
function grant(db: Database, { user, claims }: Person, scopes: ReadonlyMap<number, readonly string[]>, checkpoint: number, nowMs: number): void {
  db.run('UPDATE sync_state SET grant_ver = grant_ver + 1');
  db.run('INSERT INTO sync_person VALUES(?, ?) ON CONFLICT DO UPDATE SET claims = excluded.claims WHERE claims <> excluded.claims', user, JSON.stringify(claims));
  for (const { scope } of db.all<{ scope: number }>('SELECT scope FROM sync_grant WHERE user = ? AND until IS NULL', user)) {
    if (!scopes.has(scope)) db.run('UPDATE sync_grant SET until = ? WHERE user = ? AND scope = ?', checkpoint, user, scope);
  }
  for (const [scope, columns] of scopes) {
    db.run(`INSERT INTO sync_grant(user, scope, since, until, used_ms, columns) VALUES(?, ?, ?, NULL, ?, ?)
      ON CONFLICT DO UPDATE SET until = NULL, used_ms = max(used_ms, excluded.used_ms), columns = excluded.columns,
        since = CASE WHEN until IS NULL AND NOT EXISTS (SELECT value FROM json_each(excluded.columns) EXCEPT SELECT value FROM json_each(sync_grant.columns)) THEN since ELSE excluded.since END`,
    user, scope, checkpoint, nowMs, JSON.stringify(columns));
  }
}

/** Forgets grants that were not used since that time, scopes that nobody has and no other needs, and nodes out of use that have none. */
export function forgetIdle(db: Database, beforeMs: number): void {
  db.run('UPDATE sync_state SET grant_ver = grant_ver + 1');
  db.run('DELETE FROM sync_grant WHERE used_ms < ?', beforeMs);
  db.run('DELETE FROM sync_person WHERE NOT EXISTS (SELECT 1 FROM sync_grant g WHERE g.user = sync_person.user)');
  const idle = `SELECT s.id, s.node, n.is_every FROM sync_scope s JOIN sync_node n ON n.id = s.node WHERE (n.retired OR NOT n.is_every)
    AND NOT EXISTS (SELECT 1 FROM sync_grant g WHERE g.scope = s.id) AND NOT EXISTS (SELECT 1 FROM sync_need d WHERE d.needs = s.id)`;
  for (let found = idleScopes(db, idle); found.length > 0; found = idleScopes(db, idle)) for (const scope of found) forgetScope(db, scope);
  for (const { id } of db.all<{ id: number }>('SELECT id FROM sync_node n WHERE retired = 1 AND NOT EXISTS (SELECT 1 FROM sync_scope s WHERE s.node = n.id)')) forgetNode(db, id);
  forgetParams(db);
}

interface IdleScope { readonly id: number; readonly node: number; readonly is_every: number }
const idleScopes = (db: Database, sql: string): IdleScope[] => db.all<IdleScope>(sql);

function forgetScope(db: Database, { id, node, is_every: isEvery }: IdleScope): void {
  if (isEvery === 0) db.run(`DELETE FROM ${memberTable(node)} WHERE scope = ?`, id);
  db.run('DELETE FROM sync_need WHERE scope = ?', id);
  db.run('DELETE FROM sync_scope WHERE id = ?', id);
}
