import { addDigest, CarryonError, digestSql, EMPTY_DIGEST, keyColumns, quoteName, rangesOf, subtractDigest, type Digest, RawText, type FeedValue, type SqlValue } from '@carryon/protocol';
import type { StepResult } from '../core/event.ts';
import type { Segment, Step, Table } from '../core/state.ts';
import { first, type Sqlite } from '../ports/sqlite.ts';
import { capture } from './outbox/capture.ts';
import { readForms } from './outbox/form.ts';
import { confirm, lay, lift, settledTables } from './outbox/overlay.ts';
import { quietly } from './outbox/quiet.ts';
import { readOutbox } from './outbox/read.ts';
import { withdraw } from './outbox/waiting.ts';
import { loadTable, setMeta, stageTable, targetTable } from './schema.ts';

type SegmentStep = Extract<Step, { kind: 'segment' }>;

const PUT = 1;
const REMOVE = 0;

/** Keeps a page's rows aside until their commit comes, with the token that goes on after them. */
export async function stageSegment(db: Sqlite, step: SegmentStep): Promise<StepResult> {
  const { puts, removes, lives } = step.segment;
  for (const id of [...puts.keys(), ...removes.keys(), ...lives.keys()]) readyTable(step, id);
  for (const table of step.tables) await stageRows(db, table, step.segment);
  for (const [id, runs] of step.segment.lives) {
    await db.run('DELETE FROM _carryon_live WHERE tbl = ?', id);
    // An empty range comes first, so that a live-set without rows is one too.
    await db.runMany('INSERT INTO _carryon_live(tbl, first, last) VALUES(?, ?, ?)', [[0, 0], ...rangesOf(runs)].map(([from, to]) => [BigInt(id), BigInt(from ?? 0), BigInt(to ?? 0)]));
  }
  await setMeta(db, 'token', step.segment.token);
  return {};
}

/** The table that an answer names; only one whose packs are all applied can take rows. */
function readyTable(step: SegmentStep, id: number): Table {
  const table = step.tables.find((candidate) => candidate.id === id);
  if (table && (table.load === 'indexed' || (table.load === 'none' && table.usable))) return table;
  throw new CarryonError('protocol.bad-answer', `The server's answer is about table ${id}, which this device ${table ? 'has not downloaded yet' : 'does not have'}.`);
}

async function stageRows(db: Sqlite, table: Table, segment: Segment): Promise<void> {
  const puts = segment.puts.get(table.id) ?? [];
  const removes = segment.removes.get(table.id) ?? [];
  if (puts.some((row) => row.length !== table.columns.length + 2)) {
    throw new CarryonError('protocol.bad-answer', `A row of table ${table.name} has another number of values than the table has columns.`);
  }
  if (puts.length > 0) {
    const slots = table.columns.map(() => '?').join(', ');
    await db.runMany(`INSERT OR REPLACE INTO ${stageTable(table)} VALUES(?, ?, ${slots}, ${PUT})`, puts.map((row) => row.map(bindable)));
    await restoreRawText(db, table, puts);
  }
  if (removes.length > 0) {
    await db.runMany(`INSERT OR REPLACE INTO ${stageTable(table)}(_rid, _live) VALUES(?, ${REMOVE})`, removes.map((rid): SqlValue[] => [BigInt(rid)]));
  }
}

const bindable = (value: FeedValue): SqlValue => (value instanceof RawText ? value.bytes : value);

/** Text that is not UTF-8 cannot be bound as text: it goes in as its bytes, which SQLite then takes for text. */
async function restoreRawText(db: Sqlite, table: Table, puts: readonly (readonly FeedValue[])[]): Promise<void> {
  for (const [position, column] of table.columns.entries()) {
    const rows = puts.filter((row) => row[position + 2] instanceof RawText);
    if (rows.length === 0) continue;
    const name = quoteName(column.name);
    await db.runMany(`UPDATE ${stageTable(table)} SET ${name} = CAST(${name} AS TEXT) WHERE _rid = ?`, rows.map((row) => [bindable(row[0] ?? null)]));
  }
}

/** Makes the tables of a commit equal to the person's share, all in the caller's transaction. */
export async function commitSegment(db: Sqlite, step: SegmentStep, nowMs: number): Promise<StepResult> {
  const { commit } = step.segment;
  if (!commit) throw new RangeError('the segment is a page');
  if (step.segment.check) await forgetStaged(db, step);
  await stageSegment(db, step);
  const names = commit.tables.map(({ table }) => readyTable(step, table).name);
  const canBeEdited = (await readForms(db, names)).length > 0;
  const changing = canBeEdited ? await changingTables(db, step, commit) : [];
  return quietly(db, async () => {
    if (!canBeEdited) return commitRows(db, step, commit, nowMs);
    await lift(db, changing);
    const result = await commitRows(db, step, commit, nowMs);
    const restored = await confirm(db, names, changing, commit.ack ?? 0, nowMs);
    await lay(db, changing);
    return { ...result, outbox: await readOutbox(db), ...(restored && restored.again + restored.lost > 0 ? { restored } : {}) };
  });
}

/** The tables of a commit whose rows, or edits over them, it changes; the others can stay as they are. */
async function changingTables(db: Sqlite, step: SegmentStep, { tables, ack = 0 }: NonNullable<Segment['commit']>): Promise<string[]> {
  const settled = new Set(await settledTables(db, ack));
  const changing: string[] = [];
  for (const { table: id } of tables) {
    const table = readyTable(step, id);
    const isChanging = step.segment.check === true || table.load !== 'none' || settled.has(table.name.toLowerCase())
      || await first(db, `SELECT 1 FROM ${stageTable(table)} LIMIT 1`) !== undefined || await first(db, 'SELECT 1 FROM _carryon_live WHERE tbl = ? LIMIT 1', id) !== undefined;
    if (isChanging) changing.push(table.name);
  }
  return changing;
}

/** The same for tables without edits over them. */
async function commitRows(db: Sqlite, step: SegmentStep, commit: NonNullable<Segment['commit']>, nowMs: number): Promise<StepResult> {
  const rows = new Map<number, number>();
  const differing: number[] = [];
  for (const announced of commit.tables) {
    const table = readyTable(step, announced.table);
    const digest = step.segment.check ? await commitChecked(db, table, step.segment.ranges?.get(table.id) ?? []) : await commitTable(db, table);
    rows.set(table.id, digest.rows);
    const differs = announced.rows !== undefined && (announced.rows !== digest.rows || announced.sum !== digest.sum);
    if (differs) differing.push(table.id);
    await db.run(`UPDATE _carryon_table SET usable = 1, load = 'none', lost = ?, rows = ?, sum = ?, load_rows = 0, load_sum = 0, checkpoint = ?, synced_ms = ? WHERE id = ?`,
      differs ? 1 : 0, digest.rows, digest.sum, commit.checkpoint, nowMs, table.id);
  }
  // All at once, so that a download is not told to have shrunk.
  await db.run(`DELETE FROM _carryon_pack WHERE NOT EXISTS (SELECT 1 FROM _carryon_pack WHERE NOT applied) AND NOT EXISTS (SELECT 1 FROM _carryon_table WHERE load <> 'none')`);
  return { rows, differing };
}

async function commitTable(db: Sqlite, table: Table): Promise<Digest> {
  const target = targetTable(table);
  const counted = table.load === 'none' ? 'rows, sum' : 'load_rows AS rows, load_sum AS sum';
  const known = await first<Digest>(db, `SELECT ${counted} FROM _carryon_table WHERE id = ?`, table.id) ?? EMPTY_DIGEST;
  const merged = await first(db, `SELECT 1 FROM ${stageTable(table)} LIMIT 1`) ? await mergeStage(db, table, target, known) : known;
  const digest = await first(db, 'SELECT 1 FROM _carryon_live WHERE tbl = ? LIMIT 1', table.id) ? await keepLive(db, table, target) : merged;
  if (table.load !== 'none') await takeName(db, table);
  return digest;
}

async function takeName(db: Sqlite, table: Table): Promise<void> {
  await withdraw(db, table.name);
  const own = await db.all<{ sql: string }>(APPS_OWN, table.name);
  await db.exec(`DROP TABLE IF EXISTS ${quoteName(table.name)}; ALTER TABLE ${loadTable(table)} RENAME TO ${quoteName(table.name)}`);
  await capture(db, table);
  // Indexes and triggers of the app's own stay, but for those of columns that are gone.
  for (const { sql } of own) {
    await db.exec(sql).catch((thrown: unknown) => {
      if (!(thrown instanceof CarryonError) || thrown.code !== 'sql.error') throw thrown;
    });
  }
}

const APPS_OWN = "SELECT sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL AND tbl_name = ? COLLATE NOCASE AND name NOT LIKE '\\_carryon\\_%' ESCAPE '\\' ORDER BY type";

/** What waits for a commit is older than the answer to a check, which tells the whole table. */
async function forgetStaged(db: Sqlite, step: SegmentStep): Promise<void> {
  for (const { table: id } of step.segment.commit?.tables ?? []) {
    await db.run(`DELETE FROM ${stageTable(readyTable(step, id))}`);
    await db.run('DELETE FROM _carryon_live WHERE tbl = ?', id);
  }
}

/** Puts the rows that came in the place of all rows of their ranges, whatever versions those had, and counts the table anew. */
async function commitChecked(db: Sqlite, table: Table, ranges: readonly (readonly [low: number, high: number])[]): Promise<Digest> {
  if (table.load !== 'none') throw new CarryonError('protocol.bad-answer', `The server's answer compares table ${table.name}, which is being downloaded.`);
  const name = quoteName(table.name);
  const columns = columnList(table);
  await db.runMany(`DELETE FROM ${name} WHERE _rid BETWEEN ? AND ?`, [...NOBODYS, ...ranges.map(([low, high]) => [BigInt(low), BigInt(high)])]);
  await db.run(`INSERT OR REPLACE INTO ${name}(${columns}) SELECT ${columns} FROM ${stageTable(table)}`);
  await db.run(`DELETE FROM ${stageTable(table)}`);
  return count(db, name, 'true');
}

/** Row ids that no server gives, and that no check compares. */
const NOBODYS: readonly (readonly bigint[])[] = [[-(2n ** 63n), 0n], [BigInt(Number.MAX_SAFE_INTEGER) + 1n, 2n ** 63n - 1n]];

const columnList = (table: Table): string => ['_rid', '_ver', ...table.columns.map((column) => quoteName(column.name))].join(', ');

async function count(db: Sqlite, target: string, where: string): Promise<Digest> {
  const sql = `SELECT count(*) AS rows, coalesce(sum(${digestSql('_rid', '_ver')}), 0) AS sum FROM ${target} WHERE ${where}`;
  return await first<Digest>(db, sql) ?? EMPTY_DIGEST;
}

/**
 * Brings the staged rows in. A row goes in only if its version is not lower than the one there; a row whose key exists
 * under another rid replaces that row.
 */
async function mergeStage(db: Sqlite, table: Table, target: string, known: Digest): Promise<Digest> {
  const stage = stageTable(table);
  const staged = `_rid IN (SELECT _rid FROM ${stage})`;
  const columns = columnList(table);
  const sameKey = keyColumns(table).map((column) => `t.${quoteName(column.name)} = s.${quoteName(column.name)}`).join(' AND ');
  const clashing = `_rid IN (SELECT t._rid FROM ${stage} s CROSS JOIN ${target} t ON ${sameKey} WHERE s._live = ${PUT} AND t._rid <> s._rid)`;
  await db.run(`DELETE FROM ${stage} WHERE _live = ${PUT} AND _ver < (SELECT _ver FROM ${target} t WHERE t._rid = ${stage}._rid)`);
  const replaced = await count(db, target, staged);
  await db.run(`DELETE FROM ${target} WHERE ${staged}`);
  const displaced = await count(db, target, clashing);
  await db.run(`INSERT OR REPLACE INTO ${target}(${columns}) SELECT ${columns} FROM ${stage} WHERE _live = ${PUT} ORDER BY _ver, _rid`);
  const added = await count(db, target, staged);
  await db.run(`DELETE FROM ${stage}`);
  return addDigest(subtractDigest(subtractDigest(known, replaced), displaced), added);
}

/** Removes every row that is not in the live-set, and counts what remains. */
async function keepLive(db: Sqlite, table: Table, target: string): Promise<Digest> {
  await db.run(`DELETE FROM ${target} WHERE coalesce((SELECT last FROM _carryon_live l WHERE l.tbl = ? AND l.first <= ${target}._rid ORDER BY l.first DESC LIMIT 1), 0) < _rid`, table.id);
  await db.run('DELETE FROM _carryon_live WHERE tbl = ?', table.id);
  return count(db, target, 'true');
}
