import { keyColumns } from '@carryon/protocol';
import type { SyncedTable } from '../../../core/config.ts';
import type { Rule, RuleNode } from '../../../core/rule.ts';
import { memberTable, rowTable } from '../schema.ts';
import type { Leaf } from './leaves.ts';
import type { Plan } from './plan.ts';
import { predicateSql } from './predicate.ts';
import { allOf, ALWAYS, anyOf, bind, columnOf, join, raw, sql, textOf, type Sql } from './sql.ts';

type Related = Extract<Rule, { kind: 'child' | 'parent' | 'linked' | 'same' }>;

/** Up to so many rows that refer to another are simply looked through. */
const FEW = 64;
/** A scope of so many rows is not searched. */
const MANY = 5000;

/** One way for rows into a node: what leads to them, and what must hold of them besides. */
interface Way { readonly by: Leaf | undefined; readonly checks: readonly Rule[] }

/**
 * A node's rule as SQL over the row copies, for rows (alias r) and scopes. What a scope needs, and what is its person's, stands in
 * sync_need and sync_attribute; so one statement finds the members of all scopes.
 */
export class MembersSql {
  readonly #plan: Plan;
  readonly #node: RuleNode;
  readonly #clockMs: number;
  readonly #ways: readonly Way[];
  #aliases = 0;

  constructor(plan: Plan, node: RuleNode, clockMs: number) {
    this.#plan = plan;
    this.#node = node;
    this.#clockMs = clockMs;
    this.#ways = waysInto(node.rule, plan);
  }

  /** The row ids and scopes that rows of `temp.affected` belong to; each statement is one way into the node. */
  ofAffected(): Sql[] {
    return this.#ways.map(({ by, checks }) => {
      const [from, scope] = this.#scopesOf(by);
      return sql`SELECT r._rid, ${scope} FROM temp.affected f CROSS JOIN ${this.#rows()} ON r._rid = f.rid AND r._live ${from} WHERE ${this.#all(checks, scope)}`;
    });
  }

  /** Which rows and scopes of `temp.affected_in` belong together. */
  ofAffectedIn(): Sql {
    return sql`SELECT f.rid, f.scope FROM temp.affected_in f CROSS JOIN ${this.#rows()} ON r._rid = f.rid AND r._live WHERE ${this.#holds(this.#node.rule, raw('f.scope'))}`;
  }

  /** The row ids that belong to the scope. */
  ofScope(scope: number): Sql[] {
    const one = bind(scope);
    return this.#ways.map(({ by, checks }) => sql`SELECT r._rid FROM ${this.#rowsOf(by, one)} AND r._live WHERE ${this.#all(checks, one)}`);
  }

  /** What leads from a row r to its scopes, and what the scope is called. */
  #scopesOf(leaf: Leaf | undefined): [from: Sql, scope: Sql] {
    const node = bind(this.#node.id);
    if (leaf === undefined) return [sql`CROSS JOIN sync_scope d ON d.node = ${node}`, raw('d.id')];
    if (leaf.kind === 'mine' || leaf.kind === 'holds') {
      const [attribute, value] = leaf.kind === 'mine' ? [leaf.attribute, textOf(columnOf('r', leaf.column))] : ['profiles', bind(leaf.profile)];
      return [sql`CROSS JOIN sync_attribute a ON a.attribute = ${bind(attribute)} AND a.value = ${value} CROSS JOIN sync_scope d ON d.node = ${node} AND d.param = a.param`, raw('d.id')];
    }
    const related = leaf as Related;
    const members = raw(memberTable(related.node));
    const needs = sql`CROSS JOIN sync_need d ON d.needs = m.scope AND d.node = ${node}`;
    if (related.kind === 'same') return [sql`CROSS JOIN ${members} m ON m.rid = r._rid AND m.live ${needs}`, raw('d.scope')];
    return [sql`CROSS JOIN ${this.#toRelated(related, 'l', 'x')} CROSS JOIN ${members} m ON m.rid = x._rid AND m.live ${needs}`, raw('d.scope')];
  }

  /** What leads from the scope to the rows r that may be in it; a condition may be added. */
  #rowsOf(leaf: Leaf | undefined, scope: Sql): Sql {
    if (leaf === undefined || leaf.kind === 'holds') return sql`sync_scope d CROSS JOIN ${this.#rows()} ON d.id = ${scope}`;
    if (leaf.kind === 'mine') return sql`sync_scope d CROSS JOIN sync_attribute a ON d.id = ${scope} AND a.param = d.param AND a.attribute = ${bind(leaf.attribute)} CROSS JOIN ${this.#rows()} ON ${textOf(columnOf('r', leaf.column))} = a.value`;
    const related = leaf as Related;
    const members = sql`sync_need d CROSS JOIN ${raw(memberTable(related.node))} m ON d.scope = ${scope} AND d.of = ${bind(related.node)} AND m.scope = d.needs AND m.live`;
    if (related.kind === 'same') return sql`${members} CROSS JOIN ${this.#rows()} ON r._rid = m.rid`;
    const from = sql`${members} CROSS JOIN ${raw(rowTable(this.#plan.node(related.node).table))} x ON x._rid = m.rid AND x._live`;
    if (related.kind === 'child') return sql`${from} CROSS JOIN ${this.#rows()} ON ${keyIs(this.#relatedTable(related), 'x', 'r', related.by)}`;
    if (related.kind === 'parent') return sql`${from} CROSS JOIN ${this.#rows()} ON ${keyIs(this.#table(), 'r', 'x', related.by)}`;
    return sql`${from} CROSS JOIN ${raw(rowTable(related.through))} l ON l._live AND ${keyIs(this.#relatedTable(related), 'x', 'l', related.to)}
      CROSS JOIN ${this.#rows()} ON ${keyIs(this.#table(), 'r', 'l', related.by)}`;
  }

  /** Tables and conditions that lead from r to live related rows. */
  #toRelated(leaf: Exclude<Related, { kind: 'same' }>, link: string, other: string): Sql {
    const related = this.#relatedTable(leaf);
    const to = raw(`${rowTable(related.id)} ${other}`);
    if (leaf.kind === 'child') return sql`${to} ON ${keyIs(related, other, 'r', leaf.by)} AND ${raw(other)}._live`;
    if (leaf.kind === 'parent') return sql`${to} ON ${keyIs(this.#table(), 'r', other, leaf.by)} AND ${raw(other)}._live`;
    return sql`${raw(`${rowTable(leaf.through)} ${link}`)} ON ${keyIs(this.#table(), 'r', link, leaf.by)} AND ${raw(link)}._live
      CROSS JOIN ${to} ON ${keyIs(related, other, link, leaf.to)} AND ${raw(other)}._live`;
  }

  #all(checks: readonly Rule[], scope: Sql): Sql {
    return allOf(checks.map((check) => this.#holds(check, scope)));
  }

  /** Whether the row r is in the scope by that rule. */
  #holds(rule: Rule, scope: Sql): Sql {
    switch (rule.kind) {
      case 'every': return ALWAYS;
      case 'mine': return this.#isMine(columnOf('r', rule.column), rule.attribute, scope);
      case 'holds': return this.#has('profiles', bind(rule.profile), scope);
      case 'filter': return predicateSql(rule.filter, { alias: 'r', clockMs: this.#clockMs, timeZone: this.#plan.config.timeZone, mine: (column, attribute) => this.#isMine(column, attribute, scope) });
      case 'any': return anyOf(rule.of.map((one) => this.#holds(one, scope)));
      case 'all': return allOf(rule.of.map((one) => this.#holds(one, scope)));
      case 'same': case 'child': case 'parent': case 'linked': return this.#isRelated(rule, scope);
      default: return rule satisfies never;
    }
  }

  #isMine(column: Sql, attribute: string, scope: Sql): Sql {
    return this.#has(attribute, textOf(column), scope);
  }

  #has(attribute: string, value: Sql, scope: Sql): Sql {
    const [a, d] = [raw(this.#alias('a')), raw(this.#alias('d'))];
    return sql`EXISTS (SELECT 1 FROM sync_scope ${d} CROSS JOIN sync_attribute ${a} ON ${a}.param = ${d}.param AND ${a}.attribute = ${bind(attribute)} AND ${a}.value = ${value} WHERE ${d}.id = ${scope})`;
  }

  #isRelated(rule: Related, scope: Sql): Sql {
    const [link, other] = [this.#alias('l'), this.#alias('x')];
    if (this.#plan.isEvery(rule.node)) return rule.kind === 'same' ? ALWAYS : sql`EXISTS (SELECT 1 FROM sync_state CROSS JOIN ${this.#toRelated(rule, link, other)})`;
    const [n, m, members] = [raw(this.#alias('n')), raw(this.#alias('m')), raw(memberTable(rule.node))];
    const needs = sql`EXISTS (SELECT 1 FROM sync_need ${n}`;
    const where = sql`WHERE ${n}.scope = ${scope} AND ${n}.of = ${bind(rule.node)})`;
    const isMember = (x: string): Sql => sql`CROSS JOIN ${members} ${m} ON ${m}.rid = ${raw(x)}._rid AND ${m}.scope = ${n}.needs AND ${m}.live`;
    if (rule.kind === 'same') return sql`${needs} ${isMember('r')} ${where}`;
    const byRow = sql`${needs} CROSS JOIN ${this.#toRelated(rule, link, other)} ${isMember(other)} ${where}`;
    if (rule.kind === 'child') return byRow;
    // Of a row that many refer to, and a scope of few rows, the scope is searched.
    const byScope = sql`${needs} CROSS JOIN ${members} ${m} ON ${m}.scope = ${n}.needs AND ${m}.live CROSS JOIN ${this.#fromRelated(rule, m, link, other)} ${where}`;
    return sql`CASE WHEN ${this.#isLarger(rule, scope)} THEN ${byScope} ELSE ${byRow} END`;
  }

  /** Whether many rows refer to row r, and not many are in the scope that the rule names. */
  #isLarger(rule: Extract<Related, { kind: 'parent' | 'linked' }>, scope: Sql): Sql {
    const [table, c, n] = [rule.kind === 'parent' ? this.#relatedTable(rule).id : rule.through, this.#alias('c'), raw(this.#alias('n'))];
    const referring = sql`SELECT 1 FROM ${raw(`${rowTable(table)} ${c}`)} WHERE ${keyIs(this.#table(), 'r', c, rule.by)} AND ${raw(c)}._live LIMIT ${raw(String(FEW + 1))}`;
    const size = sql`SELECT z.rows FROM sync_need ${n} CROSS JOIN sync_scope z ON z.id = ${n}.needs WHERE ${n}.scope = ${scope} AND ${n}.of = ${bind(rule.node)}`;
    return sql`(SELECT count(*) FROM (${referring})) > ${raw(String(FEW))} AND (${size}) < ${raw(String(MANY))}`;
  }

  /** What leads from a member m of the related scope back to r. */
  #fromRelated(rule: Extract<Related, { kind: 'parent' | 'linked' }>, m: Sql, link: string, other: string): Sql {
    const related = this.#relatedTable(rule);
    const x = sql`${raw(`${rowTable(related.id)} ${other}`)} ON ${raw(other)}._rid = ${m}.rid AND ${raw(other)}._live`;
    if (rule.kind === 'parent') return sql`${x} AND ${keyIs(this.#table(), 'r', other, rule.by)}`;
    return sql`${x} CROSS JOIN ${raw(`${rowTable(rule.through)} ${link}`)} ON ${keyIs(related, other, link, rule.to)} AND ${raw(link)}._live AND ${keyIs(this.#table(), 'r', link, rule.by)}`;
  }

  #rows(): Sql {
    return raw(`${rowTable(this.#node.table)} r`);
  }

  #table(): SyncedTable {
    return this.#plan.table(this.#node.table);
  }

  #relatedTable(rule: Related): SyncedTable {
    return this.#plan.table(this.#plan.node(rule.node).table);
  }

  #alias(letter: string): string {
    return `${letter}${++this.#aliases}`;
  }
}

/** The row with the alias `by` refers to the row of the table with the alias `key`. The key stands at the left: its collation decides. */
export function keyIs(table: SyncedTable, key: string, by: string, columns: readonly string[]): Sql {
  return join(keyColumns(table).map(({ name }, i) => sql`${columnOf(key, name)} = ${columnOf(by, columns[i] ?? '')}`), ' AND ');
}

/** The ways into a rule, so chosen that as few rows and scopes as possible have to be looked at. */
function waysInto(rule: Rule, plan: Plan): Way[] {
  if (!('of' in rule)) return [isLead(rule, plan) ? { by: rule, checks: [] } : { by: undefined, checks: [rule] }];
  if (rule.kind === 'any') return rule.of.flatMap((one) => waysInto(one, plan));
  const [best] = rule.of.map((one) => ({ one, ways: waysInto(one, plan) })).sort((a, b) => cost(a.ways) - cost(b.ways));
  if (!best) return [{ by: undefined, checks: [] }];
  const others = rule.of.filter((one) => one !== best.one);
  return best.ways.map(({ by, checks }) => ({ by, checks: [...checks, ...others] }));
}

/** Whether it leads to few scopes of a row, and to few rows of a scope. */
const isLead = (rule: Leaf, plan: Plan): boolean => rule.kind === 'mine' || rule.kind === 'holds' || ('node' in rule && !plan.isEvery(rule.node));

const COSTS = { mine: 1, same: 2, child: 3, parent: 4, linked: 5, holds: 8 } as const;

const costOf = (leaf: Leaf | undefined): number => (leaf && leaf.kind in COSTS ? COSTS[leaf.kind as keyof typeof COSTS] : 20);
const cost = (ways: readonly Way[]): number => ways.reduce((sum, { by }) => Math.max(sum, costOf(by)), 0) + ways.length / 1000;
