import type { Config, SyncedTable } from '../../../core/config.ts';
import type { RuleNode } from '../../../core/rule.ts';
import { copyAcks, OUTBOX, outboxAfter } from '../capture.ts';
import type { Database } from '../driver.ts';
import { countNode } from '../nodes.ts';
import { Plan } from '../rules/plan.ts';
import { readState, rowTable, type State } from '../schema.ts';
import { AffectedRows } from './affected.ts';
import { moveMembers, TEMPORARY } from './move.ts';
import { copyChanges, createDirty, createTemporary, digestChange, forgetOld, oldTable, takeIn, type Portion } from './take-in.ts';

const MINUTE_MS = 60_000;

/** Tables that are taken in as a whole: all of their rows, or also all with a new version. */
export interface Whole { readonly again: ReadonlySet<number>; readonly anew: ReadonlySet<number> }

/** Takes in what the business database has committed. A connection has one for its rules; the rules to come have another. */
export class Evaluator {
  readonly plan: Plan;
  readonly #db: Database;
  readonly #affected: AffectedRows;
  /** Tables that are being read for rules to come. */
  #pending: readonly SyncedTable[] = [];

  constructor(db: Database, config: Config) {
    this.#db = db;
    this.plan = new Plan(config);
    this.#affected = new AffectedRows(this.plan);
    db.exec(TEMPORARY);
    createTemporary(db, this.plan);
  }

  /** From now on changes of these tables are copied too. */
  readAhead(tables: readonly SyncedTable[]): void {
    for (const table of tables) createDirty(this.#db, table);
    this.#pending = tables;
  }

  /**
   * Takes in everything that was committed since the last time, as one checkpoint: the rows as they are in one snapshot. The transaction is
   * deferred and writes the store alone, so that writers of the business database go on. Returns true when devices have something new to
   * hear: a checkpoint was published, or changesets have come further.
   */
  evaluate(nowMs: number): boolean {
    if (!this.#db.transaction(() => this.#hasNews(nowMs))) return false;
    return this.#db.transaction(() => {
      // The store is written first, so that it is locked before the business database is looked at.
      this.#db.run('UPDATE sync_state SET outbox_pos = outbox_pos');
      // Nothing is published before everything was read once.
      if (readState(this.#db).checkpoint === 0 && this.#db.get('SELECT 1 FROM sync_ingest WHERE done = 0')) return false;
      return this.drain(nowMs, { again: this.#tablesToReadAgain(), anew: new Set() });
    });
  }

  /** Takes in what is there, within a transaction. `always`: a checkpoint is published whatever has changed. */
  drain(nowMs: number, whole: Whole, always = false): boolean {
    const state = readState(this.#db);
    const { end } = outboxAfter(this.#db, 'app', { id: state.outbox_pos, mark: state.outbox_mark }, state.store);
    const happened = new Evaluation(this.#db, this.plan, this.#affected, state, minuteOf(state, nowMs));
    const named = this.#db.all<{ t: number }>(`SELECT DISTINCT t FROM app.${OUTBOX} WHERE id > ? AND id <= ?`, state.outbox_pos, end.id);
    const touched = new Set([...named.map(({ t }) => t), ...whole.again, ...whole.anew]);
    const portion = (id: number): Portion =>
      ({ after: state.outbox_pos, upTo: end.id, whole: whole.again.has(id) || whole.anew.has(id), anew: whole.anew.has(id) });
    for (const table of this.#pending) if (touched.has(table.id)) copyChanges(this.#db, table, state.checkpoint + 1, portion(table.id));
    for (const table of this.plan.config.tables) if (touched.has(table.id)) happened.take(table, portion(table.id));
    if ([...touched].some((id) => this.plan.isOfPeople(id))) this.#db.run('UPDATE sync_state SET people_ver = people_ver + 1');
    const news = happened.settle() || always || state.checkpoint === 0;
    // Before the first checkpoint the outbox tells nothing of the devices of an earlier data directory.
    const acked = copyAcks(this.#db, state.checkpoint === 0 ? 0 : state.outbox_pos, end.id);
    this.#db.run('UPDATE sync_state SET outbox_pos = ?, outbox_mark = ?, clock_ms = ?', end.id, end.mark, minuteOf(state, nowMs));
    if (whole.again.size > 0) this.#db.run("UPDATE sync_table SET again = 0 WHERE state = 'used'");
    if (news) publish(this.#db, state.checkpoint + 1, nowMs);
    return news || acked;
  }

  #hasNews(nowMs: number): boolean {
    const state = readState(this.#db);
    const { entries } = outboxAfter(this.#db, 'app', { id: state.outbox_pos, mark: state.outbox_mark }, state.store);
    return entries > 0 || state.checkpoint === 0 || minuteOf(state, nowMs) > state.clock_ms || this.#tablesToReadAgain().size > 0;
  }

  #tablesToReadAgain(): Set<number> {
    return new Set(this.#db.all<{ id: number }>("SELECT id FROM sync_table WHERE again AND state = 'used'").map(({ id }) => id));
  }
}

/** The time that rules know: the last full minute, and never an earlier one than before. */
const minuteOf = (state: State, nowMs: number): number => Math.max(state.clock_ms, Math.floor(nowMs / MINUTE_MS) * MINUTE_MS);

/** The next checkpoint. Its time is not before that of the one before, whose time is always known. */
export function publish(db: Database, checkpoint: number, nowMs: number): void {
  db.run('UPDATE sync_state SET checkpoint = ?', checkpoint);
  db.run('INSERT INTO sync_checkpoint VALUES(?1, max(?2, coalesce((SELECT at_ms FROM sync_checkpoint WHERE checkpoint = ?1 - 1), 0)))', checkpoint, nowMs);
}

/** The evaluation of one checkpoint: first the rows of all tables, then the nodes, each after those that it names. */
class Evaluation {
  readonly #db: Database;
  readonly #plan: Plan;
  readonly #affected: AffectedRows;
  readonly #state: State;
  readonly #clockMs: number;
  readonly #tables = new Set<number>();
  readonly #versions = new Set<number>();
  readonly #nodes = new Set<number>();
  #news = false;

  constructor(db: Database, plan: Plan, affected: AffectedRows, state: State, clockMs: number) {
    this.#db = db;
    this.#plan = plan;
    this.#affected = affected;
    this.#state = state;
    this.#clockMs = clockMs;
  }

  get #checkpoint(): number {
    return this.#state.checkpoint + 1;
  }

  take(table: SyncedTable, portion: Portion): void {
    const { rows, versions } = takeIn(this.#db, this.#plan, table, this.#checkpoint, portion);
    if (!rows) return;
    this.#tables.add(table.id);
    if (versions) this.#versions.add(table.id);
    this.#news ||= this.#plan.isOfPeople(table.id) || (versions && this.#plan.isShared(table.id));
  }

  /** Brings all scopes up to date; true when devices have something new to hear. */
  settle(): boolean {
    for (const node of this.#plan.config.nodes) {
      if (node.rule.kind === 'every') this.#settleEvery(node);
      else this.#settleNode(node);
    }
    if (this.#nodes.size > 0) this.#db.run('DELETE FROM temp.moved');
    for (const table of this.#tables) forgetOld(this.#db, table);
    return this.#news;
  }

  #settleEvery(node: RuleNode): void {
    if (this.#state.checkpoint === 0) return countNode(this.#db, node, this.#checkpoint);
    if (!this.#versions.has(node.table)) return;
    const { rows, sum } = digestChange(this.#db, node.table);
    this.#db.run('UPDATE sync_scope SET head = ?, rows = rows + ?, sum = sum + ? WHERE node = ?', this.#checkpoint, rows, sum, node.id);
    if (!this.#plan.isNeeded(node.id)) return;
    const came = this.#db.run(`INSERT INTO temp.moved SELECT ${node.id}, o._rid, 0 FROM ${oldTable(node.table)} o CROSS JOIN ${rowTable(node.table)} r ON r._rid = o._rid WHERE o._live <> r._live`);
    if (came > 0) this.#nodes.add(node.id);
  }

  #settleNode(node: RuleNode): void {
    const happened = { tables: this.#tables, nodes: this.#nodes, fromMs: this.#state.clock_ms, toMs: this.#clockMs };
    const newVersions = this.#versions.has(node.table);
    if (!newVersions && !this.#affected.concerns(node, happened)) return;
    if (this.#db.get('SELECT 1 FROM sync_scope WHERE node = ? LIMIT 1', node.id) === undefined) return;
    const affected = this.#affected.note(this.#db, node, happened);
    if (affected.rows + affected.inScopes === 0 && !newVersions) return;
    const { moved, news } = moveMembers(this.#db, this.#plan, node, { checkpoint: this.#checkpoint, clockMs: this.#clockMs, affected, newVersions });
    if (moved) this.#nodes.add(node.id);
    this.#news ||= news;
  }
}
