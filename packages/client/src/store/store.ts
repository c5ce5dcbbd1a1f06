import { digestSql, keyColumns, packTableName, quoteName, subtractDigest, type Digest, type TableSpec } from '@carryon/protocol';
import type { Durable, StepResult } from '../core/event.ts';
import type { Pack, Step, Table, ToldTables } from '../core/state.ts';
import { first, type PackSource, type Sqlite } from '../ports/sqlite.ts';
import { readDurable } from './durable.ts';
import { measure } from './measure.ts';
import { blamePack, openPack } from './open-pack.ts';
import { captureMissing } from './outbox/capture.ts';
import { collect } from './outbox/collect.ts';
import { takeOutcomes } from './outbox/outcomes.ts';
import { readOutbox } from './outbox/read.ts';
import { announce } from './outbox/waiting.ts';
import { followReset, forgetLoad, resetStore } from './reset.ts';
import { commitSegment, stageSegment } from './segment.ts';
import { createLoadTable, keyIndex, loadTable, openConnection, openSchema, refuseTakenNames, setMeta } from './schema.ts';
import { takeTables } from './share.ts';

/** The device's database as the engine writes it: each step is one transaction. */
export class Store {
  readonly #db: Sqlite;
  #newId: (() => string) | undefined;

  constructor(db: Sqlite) {
    this.#db = db;
  }

  /** Prepares the database and reads what it holds. */
  async open(newId: () => string): Promise<Durable> {
    await openConnection(this.#db);
    await openSchema(this.#db, newId);
    await captureMissing(this.#db);
    this.#newId = newId;
    return readDurable(this.#db);
  }

  /** Carries out one step. `source` is the pack of an apply step. */
  async perform(step: Step, nowMs: number, source?: PackSource): Promise<StepResult> {
    switch (step.kind) {
      case 'plan': return this.#savePlan(step);
      case 'collect': return this.#db.transaction(() => collect(this.#db)).then(() => this.#outbox());
      case 'outcomes': return takeOutcomes(this.#db, step.pushed, nowMs, () => this.#freshId()).then(({ again, lost, device }) => this.#outbox({ ...(again + lost > 0 && device === undefined ? { restored: { again, lost } } : {}), ...(device === undefined ? {} : { device }) }));
      case 'urls': return this.#saveUrls(step.urls);
      case 'apply': return this.#apply(step.pack, source);
      case 'index': return this.#index(step.table);
      case 'measure': return { measured: { table: step.table.id, ...(await measure(this.#db, step.table)) } };
      case 'forget': return this.#forget(step);
      case 'reset': return resetStore(this.#db);
      case 'segment': return this.#db.transaction(() => this.#retell(step.told, () => (step.segment.commit ? commitSegment(this.#db, step, nowMs) : stageSegment(this.#db, step))));
      default: return step satisfies never;
    }
  }

  async #outbox(result: StepResult = {}): Promise<StepResult> {
    return { ...result, outbox: await readOutbox(this.#db) };
  }

  #freshId(): string {
    if (!this.#newId) throw new RangeError('the store is not open');
    return this.#newId();
  }

  /** Takes over first which tables there are, where the step tells it. */
  async #retell(told: ToldTables | undefined, work: () => Promise<StepResult>): Promise<StepResult> {
    if (!told) return work();
    await takeTables(this.#db, told);
    return this.#outbox(await work());
  }

  #savePlan(plan: Extract<Step, { kind: 'plan' }>): Promise<StepResult> {
    return this.#db.transaction(() => this.#retell(plan.told, async () => {
      await followReset(this.#db, plan.tables);
      // Of an earlier copy there may be an index of that name: no generation is used twice, whatever the table's id.
      const generation = (await first<{ next: number }>(this.#db, 'SELECT coalesce(max(generation), 0) + 1 AS next FROM _carryon_table'))?.next ?? 1;
      const last = (await first<{ position: number | null }>(this.#db, 'SELECT max(position) AS position FROM _carryon_pack'))?.position ?? 0;
      await refuseTakenNames(this.#db, plan.tables);
      for (const table of plan.tables) {
        await createLoadTable(this.#db, table);
        await this.#db.run(`INSERT INTO _carryon_table VALUES(?1, ?2, ?3, ?4, 0, 'filling', 0, ?5, 0, 0, 0, 0, 0, NULL)
          ON CONFLICT(id) DO UPDATE SET name = ?2, level = ?3, spec = ?4, load = 'filling', lost = 0, generation = ?5, load_rows = 0, load_sum = 0`,
          table.id, table.name, table.level, JSON.stringify(table), generation);
        if (!(await first(this.#db, 'SELECT 1 FROM _carryon_table WHERE usable AND id = ?', table.id))) await announce(this.#db, table);
      }
      for (const [i, pack] of plan.packs.entries()) {
        await this.#db.run('INSERT OR REPLACE INTO _carryon_pack(name, position, spec, applied) VALUES(?, ?, ?, 0)', pack.name, last + 1 + i, JSON.stringify(pack));
      }
      await setMeta(this.#db, 'epoch', plan.epoch);
      await setMeta(this.#db, 'user', plan.user);
      await setMeta(this.#db, 'token', plan.token);
      return {};
    }));
  }

  #saveUrls(urls: ReadonlyMap<string, string>): Promise<StepResult> {
    return this.#db.transaction(async () => {
      for (const [name, url] of urls) await this.#db.run("UPDATE _carryon_pack SET spec = json_set(spec, '$.url', ?) WHERE name = ?", url, name);
      return {};
    });
  }

  /** Adds a pack's rows and notes it as applied, in one transaction. */
  async #apply(pack: Pack, source: PackSource | undefined): Promise<StepResult> {
    if (!source) throw new RangeError('an apply step needs its pack');
    const tables = await this.#tables(pack.parts.map((part) => part.table));
    await openPack(this.#db, pack.name, source, tables);
    try {
      return await this.#db.transaction(async () => {
        for (const part of pack.parts) await this.#applyPart(part.table, { rows: part.rows, sum: part.sum }, pack.name, tables);
        await this.#db.run('UPDATE _carryon_pack SET applied = 1 WHERE name = ?', pack.name);
        return this.#counts(pack.parts.map((part) => part.table));
      });
    } catch (thrown) {
      throw await blamePack(this.#db, pack.name, thrown);
    } finally {
      await this.#db.detachPack();
    }
  }

  async #applyPart(id: number, announced: Digest, name: string, tables: readonly TableSpec[]): Promise<void> {
    const table = tables.find((candidate) => candidate.id === id);
    if (!table) throw new RangeError(`pack ${name} names table ${id}, which the plan does not`);
    const added = await this.#copy(table, announced);
    await this.#db.run('UPDATE _carryon_table SET load_rows = load_rows + ?, load_sum = load_sum + ? WHERE id = ?', added.rows, added.sum, id);
  }

  /** Copies whole records where no row is there yet; where packs overlap, the higher version of a row wins. */
  async #copy(table: TableSpec, announced: Digest): Promise<Digest> {
    const from = `pack.${packTableName(table.id)}`;
    const into = loadTable(table);
    const range = await first<{ low: number | null; high: number | null }>(this.#db, `SELECT (SELECT min(_rid) FROM ${from}) AS low, (SELECT max(_rid) FROM ${from}) AS high`);
    if (range?.low === null || range?.high === null || !range) return { rows: 0, sum: 0 };
    if (!(await first(this.#db, `SELECT 1 FROM ${into} WHERE _rid BETWEEN ? AND ? LIMIT 1`, range.low, range.high))) {
      await this.#db.run(`INSERT INTO main.${into} SELECT * FROM ${from}`);
      return announced;
    }
    const overlap = `SELECT count(*) AS rows, coalesce(sum(${digestSql('_rid', '_ver')}), 0) AS sum FROM ${into} WHERE _rid IN (SELECT _rid FROM ${from})`;
    const before = await first<Digest>(this.#db, overlap) ?? { rows: 0, sum: 0 };
    const names = table.columns.map((column) => quoteName(column.name));
    await this.#db.run(`INSERT INTO main.${into} SELECT * FROM ${from} WHERE true ON CONFLICT(_rid) DO UPDATE SET _ver = excluded._ver${names.map((name) => `, ${name} = excluded.${name}`).join('')} WHERE excluded._ver > _ver`);
    return subtractDigest(await first<Digest>(this.#db, overlap) ?? before, before);
  }

  /** Builds the key's index, after the rows: many times faster than keeping it while they come. */
  #index(table: Table): Promise<StepResult> {
    return this.#db.transaction(async () => {
      const { generation } = await first<{ generation: number }>(this.#db, 'SELECT generation FROM _carryon_table WHERE id = ?', table.id) ?? { generation: 1 };
      const keys = keyColumns(table).map((column) => quoteName(column.name)).join(', ');
      await this.#db.exec(`CREATE UNIQUE INDEX ${keyIndex(table, generation)} ON ${loadTable(table)}(${keys})`);
      await this.#db.run("UPDATE _carryon_table SET load = 'indexed' WHERE id = ?", table.id);
      return {};
    });
  }

  #forget(step: Extract<Step, { kind: 'forget' }>): Promise<StepResult> {
    return this.#db.transaction(async () => {
      for (const id of step.tables) await forgetLoad(this.#db, id);
      for (const name of step.packs) await this.#db.run('DELETE FROM _carryon_pack WHERE name = ?', name);
      return {};
    });
  }

  async #tables(ids: readonly number[]): Promise<TableSpec[]> {
    const rows = await this.#db.all<{ id: number; spec: string }>('SELECT id, spec FROM _carryon_table');
    return rows.filter((row) => ids.includes(row.id)).map((row) => JSON.parse(row.spec) as TableSpec);
  }

  async #counts(ids: readonly number[]): Promise<StepResult> {
    const rows = await this.#db.all<{ id: number; rows: number }>('SELECT id, load_rows AS rows FROM _carryon_table');
    return { rows: new Map(rows.filter((row) => ids.includes(row.id)).map((row) => [row.id, row.rows])) };
  }
}

/** Brings a device's database up to date and gives its tables their capture, for one who only edits. Throws `device.newer-store`. */
export async function upgradeStore(db: Sqlite): Promise<void> {
  await openConnection(db);
  await openSchema(db, () => { throw new RangeError('a device has its id'); });
  await captureMissing(db);
}
