import { quoteName } from '@carryon/protocol';
import type { RuleNode } from '../../../core/rule.ts';
import { differs } from '../copy.ts';
import type { Database } from '../driver.ts';
import { leavesOf, type Leaf } from '../rules/leaves.ts';
import { keyIs as keyIsSql } from '../rules/members.ts';
import type { Plan } from '../rules/plan.ts';
import { movingTimes, passedSql } from '../rules/time.ts';
import { memberTable, rowTable } from '../schema.ts';
import { oldTable } from './take-in.ts';

/** What has happened so far in the evaluation of a checkpoint. */
export interface Happened {
  /** Rows of the table changed. */
  readonly tables: ReadonlySet<number>;
  /** Rows came into scopes of the node or left them; they are in `temp.moved`. */
  readonly nodes: ReadonlySet<number>;
  readonly fromMs: number;
  readonly toMs: number;
}

/** What makes rows of a node be looked at again, in all scopes or only in some. */
interface Cause { readonly of: 'tables' | 'nodes'; readonly id: number; readonly into: 'affected' | 'affected_in'; readonly sql: string }

/**
 * Finds the rows that may have come into the node or left it, by old relations and new ones. A row that many others refer to is looked at only
 * in the scopes in which these have moved: to find all of its scopes would take them all.
 */
export class AffectedRows {
  readonly #plan: Plan;
  readonly #causes = new Map<number, Cause[]>();

  constructor(plan: Plan) {
    this.#plan = plan;
    for (const node of plan.config.nodes) this.#causes.set(node.id, this.#causesOf(node));
  }

  /** Notes them in `temp.affected` and `temp.affected_in`, and tells how many. */
  note(db: Database, node: RuleNode, happened: Happened): { rows: number; inScopes: number } {
    const noted = { affected: 0, affected_in: 0 };
    for (const { of, id, into, sql } of this.#causes.get(node.id) ?? []) {
      if (happened[of].has(id)) noted[into] += db.run(`INSERT OR IGNORE INTO temp.${into} ${sql}`);
    }
    if (happened.toMs > happened.fromMs) noted.affected += this.#notePassed(db, node, happened);
    return { rows: noted.affected, inScopes: noted.affected_in };
  }

  /** Whether anything has happened that rows of the node depend on. */
  concerns({ id, rule }: RuleNode, happened: Happened): boolean {
    const moves = happened.toMs > happened.fromMs && leavesOf(rule).some((leaf) => leaf.kind === 'filter' && movingTimes(leaf.filter).length > 0);
    return moves || (this.#causes.get(id) ?? []).some((cause) => happened[cause.of].has(cause.id));
  }

  /** Rows whose time lies between a moment of before and the same moment of now. */
  #notePassed(db: Database, { table, rule }: RuleNode, { fromMs, toMs }: Happened): number {
    let noted = 0;
    for (const leaf of leavesOf(rule)) {
      for (const time of leaf.kind === 'filter' ? movingTimes(leaf.filter) : []) {
        const passed = passedSql('r', time, fromMs, toMs, this.#plan.config.timeZone);
        if (passed) noted += db.run(`INSERT OR IGNORE INTO temp.affected SELECT r._rid FROM ${rowTable(table)} r WHERE r._live AND ${passed.sql}`, ...passed.values);
      }
    }
    return noted;
  }

  #causesOf(node: RuleNode): Cause[] {
    const changed = changedIn(node.table, this.#plan.ownColumns(node).map(quoteName));
    const own: Cause = { of: 'tables', id: node.table, into: 'affected', sql: `SELECT o._rid FROM ${changed.from} WHERE ${changed.condition}` };
    const causes = [own, ...leavesOf(node.rule).flatMap((leaf) => this.#through(node, leaf))];
    return [...new Map(causes.map((cause) => [cause.sql, cause])).values()];
  }

  /** Rows that are related to changed ones. A row keeps its key: however that is written, it is equal to the same references. */
  #through(node: RuleNode, leaf: Leaf): Cause[] {
    if (!('node' in leaf)) return [];
    const ofMoved = { of: 'nodes', id: leaf.node } as const;
    if (leaf.kind === 'same') return [{ ...ofMoved, into: 'affected', sql: `SELECT g.rid FROM temp.moved g WHERE g.node = ${leaf.node}` }];
    const related = this.#plan.table(this.#plan.node(leaf.node).table);
    const moved = `FROM temp.moved g CROSS JOIN ${rowTable(related.id)} x ON x._rid = g.rid`;
    const rows = `CROSS JOIN ${rowTable(node.table)} r ON`;
    if (leaf.kind === 'child') return [{ ...ofMoved, into: 'affected', sql: `SELECT r._rid ${moved} ${rows} ${keyIs(related, 'x', 'r', leaf.by)} AND r._live WHERE g.node = ${leaf.node}` }];
    const reach = new Reach(this.#plan, node, leaf);
    const referredTo = (by: string): string => `${rows} ${keyIs(this.#plan.table(node.table), 'r', by, leaf.by)}`;
    const links = leaf.kind === 'parent' ? referredTo('x') : `CROSS JOIN ${rowTable(leaf.through)} l ON ${keyIs(related, 'x', 'l', leaf.to)} AND l._live ${referredTo('l')}`;
    const [table, columns] = leaf.kind === 'parent' ? [related.id, leaf.by] : [leaf.through, [...leaf.by, ...leaf.to]];
    const changed = changedIn(table, columns.map(quoteName));
    return [
      { ...ofMoved, ...reach.of(`${moved} ${links}`, reach.moved(), `g.node = ${leaf.node}`) },
      ...['o', 'n'].map((by): Cause => ({ of: 'tables', id: table, ...reach.of(`FROM ${changed.from} ${referredTo(by)}`, reach.held(by), changed.condition) })),
    ];
  }
}

/** The scopes in which rows are to be looked at that others refer to. */
class Reach {
  readonly #plan: Plan;
  readonly #node: RuleNode;
  readonly #leaf: Extract<Leaf, { kind: 'parent' | 'linked' }>;
  readonly #isEvery: boolean;

  constructor(plan: Plan, node: RuleNode, leaf: Extract<Leaf, { kind: 'parent' | 'linked' }>) {
    this.#plan = plan;
    this.#node = node;
    this.#leaf = leaf;
    this.#isEvery = plan.isEvery(leaf.node);
  }

  /** What is related to any row at all is so in all scopes, which is quickly found out. */
  of(from: string, scopes: string, where: string): Pick<Cause, 'into' | 'sql'> {
    if (this.#isEvery) return { into: 'affected', sql: `SELECT r._rid ${from} WHERE ${where}` };
    return { into: 'affected_in', sql: `SELECT r._rid, d.scope ${from} ${scopes} WHERE ${where}` };
  }

  /** Those in which a related row has moved. */
  moved(): string {
    return `CROSS JOIN sync_need d ON d.needs = g.scope AND d.node = ${this.#node.id}`;
  }

  /** Those in which the related row is, or was before this checkpoint; `by` is the row that refers, or the link. */
  held(by: string): string {
    const related = this.#plan.table(this.#plan.node(this.#leaf.node).table);
    const other = this.#leaf.kind === 'linked' ? `CROSS JOIN ${rowTable(related.id)} x ON ${keyIs(related, 'x', by, this.#leaf.to)}` : '';
    return `${other} CROSS JOIN ${memberTable(this.#leaf.node)} m ON m.rid = ${this.#leaf.kind === 'linked' ? 'x' : 'o'}._rid AND (m.live OR m.seq > (SELECT checkpoint FROM sync_state))
      CROSS JOIN sync_need d ON d.needs = m.scope AND d.node = ${this.#node.id}`;
  }
}

/** The changed rows of a table, as they were (o) and as they are (n), that differ in these columns or in being there. */
function changedIn(table: number, columns: readonly string[]): { from: string; condition: string } {
  return { from: `${oldTable(table)} o CROSS JOIN ${rowTable(table)} n ON n._rid = o._rid`, condition: `(o._live <> n._live OR ${differs(columns, 'o', 'n')})` };
}

const keyIs = (...args: Parameters<typeof keyIsSql>): string => keyIsSql(...args).sql;
