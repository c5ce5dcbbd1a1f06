import { quoteName } from '@carryon/protocol';
import { first, type Sqlite } from '../../ports/sqlite.ts';
import type { StepResult } from '../../core/event.ts';
import { setMeta } from '../schema.ts';
import { readEntries, type Entry } from './changes.ts';
import { baseTable, editTable, isChanged, keyIs, readForms, type Form } from './form.ts';
import { forgetOld } from './forget.ts';
import { clearLeft } from './left.ts';
import { readNumber } from './read.ts';
import { doubt, sendAgain } from './send-again.ts';
import { isGone } from './tables.ts';

/**
 * Puts the tables' rows back as the server gave them: local rows go, rows edited or deleted come back. `lift`, `confirm` and `lay` belong
 * into one transaction, in which the triggers are quiet.
 */
export async function lift(db: Sqlite, tables: readonly string[]): Promise<void> {
  for (const form of await readForms(db, tables)) {
    if (!form.isCurrent) continue;
    const [table, base, columns] = [quoteName(form.name), baseTable(form), columnsOf(form)];
    await db.run(`DELETE FROM ${table} WHERE _rid < 0`);
    await db.run(`DELETE FROM ${table} WHERE _rid IN (SELECT _rid FROM ${base})`);
    await db.run(`INSERT INTO ${table}(${columns}) SELECT ${columns} FROM ${base}`);
    await db.run(`DELETE FROM ${base}`);
  }
}

/** The server's rows of these tables hold what became of all changesets up to `ack`: these edits need not be laid over them any more. `lifted`: of which tables the edits are lifted. Tells what a restored server lacks. */
export async function confirm(db: Sqlite, tables: readonly string[], lifted: readonly string[], ack: number, nowMs: number): Promise<StepResult['restored']> {
  const among = 'form IN (SELECT id FROM _carryon_form WHERE name IN (SELECT value FROM json_each(?)))';
  const [names, known, acked] = [JSON.stringify(tables), await readNumber(db, 'known'), await readNumber(db, 'acked')];
  // Acknowledgements do not fall, unless the server was restored from a backup.
  const restored = ack < acked ? await relay(db, () => sendAgain(db, ack), lifted) : undefined;
  if (!restored && ack < known && await first(db, `SELECT 1 FROM _carryon_log WHERE shown AND seq > ? AND seq <= ? AND ${among} LIMIT 1`, ack, known, names)) await doubt(db, ack);
  if (ack !== acked) await setMeta(db, 'acked', ack);
  await db.run(`UPDATE _carryon_log SET shown = 0 WHERE shown AND seq <= ? AND seq IN (SELECT seq FROM _carryon_changeset WHERE state <> 'pending') AND ${among}`, ack, names);
  await forgetOld(db, nowMs);
  return restored;
}

/** Names, in lower case, of the tables with edits that a commit with this acknowledgement settles; all of them where it falls. */
export async function settledTables(db: Sqlite, ack: number): Promise<string[]> {
  const upTo = ack < await readNumber(db, 'acked') ? Number.MAX_SAFE_INTEGER : ack;
  const rows = await db.all<{ name: string }>('SELECT DISTINCT lower(f.name) AS name FROM _carryon_form f WHERE EXISTS (SELECT 1 FROM _carryon_log l WHERE l.form = f.id AND l.shown AND l.op IS NOT NULL AND l.seq <= ?)', upTo);
  return rows.map(({ name }) => name);
}

/** Lays the edits over the server's rows again, in the order they were made. */
export async function lay(db: Sqlite, tables: readonly string[]): Promise<void> {
  const forms = await readForms(db, tables);
  const layers = new Map(forms.flatMap((form) => {
    const current = forms.find((other) => other.isCurrent && other.name.toLowerCase() === form.name.toLowerCase());
    return current ? [[form.id, layer(form, current)] as const] : [];
  }));
  if (layers.size === 0) return;
  const within = 'l.form IN (SELECT value FROM json_each(?))';
  const ids = JSON.stringify([...layers.keys()]);
  for (const entry of await readEntries(db, `l.shown AND ${within}`, ids)) await layEntry(db, layers.get(entry.form), entry);
  // A draft's row may have come under another row id.
  for (const { id, form } of await readEntries(db, `NOT l.shown AND ${within} AND l.seq IN (SELECT seq FROM _carryon_changeset WHERE state = 'refused')`, ids)) {
    await runAll(db, layers.get(form)?.point ?? [], id);
  }
}

/** Lifts all edits, does something to them, and lays over what there is then. `lifted`: tables whose edits are lifted already, and stay so. */
export async function relay<T>(db: Sqlite, work: () => Promise<T>, lifted: readonly string[] = []): Promise<T> {
  const tables = (await readForms(db)).filter(({ isCurrent, name }) => isCurrent && !lifted.includes(name)).map(({ name }) => name);
  await lift(db, tables);
  const result = await work();
  await lay(db, tables);
  await clearLeft(db);
  return result;
}

const columnsOf = ({ spec }: Form): string => ['_rid', '_ver', ...spec.columns.map(({ name }) => quoteName(name))].join(', ');

/** Statements that lay one edit over a table; each takes the edit's id. */
interface Layer {
  readonly insert: readonly string[];
  readonly update: readonly string[];
  readonly delete: readonly string[];
  /** Notes under which row id the row is to be seen. */
  readonly point: readonly string[];
}

async function layEntry(db: Sqlite, statements: Layer | undefined, { op, id }: Entry): Promise<void> {
  await runAll(db, statements?.[op] ?? [], id);
}

async function runAll(db: Sqlite, statements: readonly string[], id: number): Promise<void> {
  for (const sql of statements) await db.run(sql, id);
}

/** How edits of a form are laid over the table as it is now; columns that it no longer has are left out. */
function layer(form: Form, current: Form): Layer {
  const positions = new Map(form.spec.columns.map(({ name }, i) => [name.toLowerCase(), i]));
  const at = (name: string): number | undefined => positions.get(name.toLowerCase());
  if (current.spec.key.some((i) => at(current.spec.columns[i]?.name ?? '') === undefined)) return { insert: [], update: [], delete: [], point: [] };
  const [table, base, edit] = [quoteName(current.name), baseTable(current), editTable(form)];
  const keyed = (side: 'o' | 'n'): string => keyIs(current.spec, (position) => `(SELECT ${side}${at(current.spec.columns[position]?.name ?? '')} FROM ${edit} WHERE id = ?1)`);
  const shared = current.spec.columns.flatMap(({ name }, i) => {
    const from = at(name);
    return from === undefined ? [] : [{ name: quoteName(name), from, isSettable: !current.spec.key.includes(i) && !(current.spec.computed ?? []).includes(i) }];
  });
  const set = shared.filter(({ isSettable }) => isSettable);
  const change = (value: (column: (typeof set)[number]) => string): string[] => (set.length === 0 ? [] :
    [`UPDATE ${table} AS t SET (${set.map(({ name }) => name).join(', ')}) = (SELECT ${set.map(value).join(', ')} FROM ${edit} WHERE id = ?1) WHERE ${keyed('n')}`]);
  const keep = (side: 'o' | 'n'): string => `INSERT INTO ${base}(${columnsOf(current)}) SELECT ${columnsOf(current)} FROM ${table} AS t
    WHERE ${keyed(side)} AND t._rid > 0 AND NOT EXISTS (SELECT 1 FROM ${base} b WHERE b._rid = t._rid)`;
  const point = (side: 'o' | 'n'): string => `UPDATE _carryon_log SET rid = coalesce((SELECT t._rid FROM ${table} AS t WHERE ${keyed(side)}), rid) WHERE id = ?1`;
  // A row that is gone from the server's stays visible, with the values that the person saw. One that the server never had keeps its row id.
  const rid = `SELECT CASE WHEN l.rid < 0 AND NOT ${isGone('l.rid')} THEN l.rid ELSE -l.id END FROM _carryon_log l WHERE l.id = ?1`;
  const add = `INSERT INTO ${table}(_rid, _ver, ${shared.map(({ name }) => name).join(', ')}) SELECT (${rid}), 0, ${shared.map(({ from }) => `n${from}`).join(', ')} FROM ${edit}
    WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM ${table} AS t WHERE ${keyed('n')})`;
  return {
    insert: [keep('n'), ...change(({ from }) => `n${from}`), add, point('n')],
    update: [keep('n'), ...change(({ name, from }) => `CASE WHEN ${isChanged(from)} THEN n${from} ELSE t.${name} END`), add, point('n')],
    delete: [keep('o'), point('o'), `DELETE FROM ${table} AS t WHERE ${keyed('o')}`],
    point: [point('n'), point('o')],
  };
}
