import { CarryonError, quoteName, type Change, type SqlValue } from '@carryon/protocol';
import { first, type Sqlite } from '../../ports/sqlite.ts';
import { readEntries, type Entry } from './changes.ts';
import { collect, collectAsOne } from './collect.ts';
import { dismissError } from './dismiss.ts';
import { forgetChanges } from './forget.ts';
import { baseTable, editTable, isChanged, keyIs, readForms, settable, type Form } from './form.ts';
import { relay } from './overlay.ts';
import { quietly } from './quiet.ts';
import { isGone } from './tables.ts';
import { notFound, writeError, type Values } from './write.ts';

export interface DraftError {
  readonly code: string;
  readonly message: string;
  /** Position of the change that was refused. */
  readonly change: number;
  /** The row of `carryon_sync_error` that tells it; empty: the device has refused it itself. */
  readonly id: string;
}

export interface DraftChange {
  readonly op: Change['op'];
  readonly table: string;
  readonly key: readonly SqlValue[];
  /** The row as it was when the person changed it; undefined for a new one. */
  readonly base: Values | undefined;
  /** As the person wanted it; undefined: they deleted it. */
  readonly mine: Values | undefined;
  /** As the server has it now; undefined: it has none, or shows none. */
  readonly theirs: Values | undefined;
}

/** A changeset that was refused, and that the person has not decided about. */
export interface Draft {
  readonly seq: number;
  /** When the refusal was known, in milliseconds since 1970. */
  readonly atMs: number;
  readonly error: DraftError;
  readonly changes: readonly DraftChange[];
}

/** Other values for a draft's changes, by position; `leave`: that change is left out. */
export type Mended = Readonly<Record<number, Values | 'leave'>>;

interface DraftRow { readonly seq: number; readonly at_ms: number; readonly code: string; readonly message: string; readonly change: number; readonly error: string }

/** All drafts, oldest first. */
export async function readDrafts(db: Sqlite): Promise<Draft[]> {
  const rows = await db.all<DraftRow>("SELECT seq, at_ms, code, message, change, error FROM _carryon_changeset WHERE state = 'refused' ORDER BY at_ms, seq");
  const forms = new Map((await readForms(db)).map((form) => [form.id, form]));
  const drafts: Draft[] = [];
  for (const { seq, at_ms: atMs, code, message, change, error } of rows) {
    const changes: DraftChange[] = [];
    for (const entry of await readEntries(db, 'l.seq = ?', seq)) {
      const form = forms.get(entry.form);
      if (form) changes.push(await readChange(db, form, [...forms.values()], entry));
    }
    drafts.push({ seq, atMs, error: { code, message, change, id: error }, changes });
  }
  return drafts;
}

async function readChange(db: Sqlite, form: Form, forms: readonly Form[], { id, rid, op }: Entry): Promise<DraftChange> {
  const row = await first<Record<string, SqlValue>>(db, `SELECT * FROM ${editTable(form)} WHERE id = ?`, id) ?? {};
  const side = (name: 'o' | 'n'): Values => Object.fromEntries(form.spec.columns.map((column, i) => [column.name, row[`${name}${i}`] ?? null]));
  const current = currentOf(form, forms);
  const key = form.spec.key.map((i) => row[`${op === 'delete' ? 'o' : 'n'}${i}`] ?? null);
  return {
    op, table: form.name, key, base: op === 'insert' ? undefined : side('o'), mine: op === 'delete' ? undefined : side('n'),
    theirs: current && await serverRow(db, current, rid, key),
  };
}

/** The row as the server gave it, whatever is laid over it. */
async function serverRow(db: Sqlite, form: Form, rid: number, key: readonly SqlValue[]): Promise<Values | undefined> {
  const columns = form.spec.columns.map(({ name }) => quoteName(name)).join(', ');
  const kept = await first<Values>(db, `SELECT ${columns} FROM ${baseTable(form)} WHERE _rid = ?`, rid);
  if (kept) return kept;
  return first<Values>(db, `SELECT ${columns} FROM ${quoteName(form.name)} AS t WHERE t._rid > 0 AND ${keyIs(form.spec, () => '?')}`, ...key);
}

/**
 * Makes a draft's edits anew, as one changeset, on the rows as they are now; the draft and its row among the sync errors are gone then.
 * Rejects with `usage` for a draft that is not there, `write.not-found` where a row to be changed is gone, and as the triggers refuse; then
 * the draft stays. Resolves with the number of the new changeset, if anything was changed.
 */
export async function retryDraft(db: Sqlite, seq: number, mended: Mended = {}): Promise<number | undefined> {
  return db.transaction(async () => {
    const { error } = await requireDraft(db, seq);
    await collect(db);
    await quietly(db, () => hide(db, seq));
    const forms = await readForms(db);
    for (const [i, entry] of (await readEntries(db, 'l.seq = ?', seq)).entries()) {
      const values = mended[i] ?? {};
      const form = forms.find(({ id }) => id === entry.form);
      if (values !== 'leave' && form) await redo(db, form, currentOf(form, forms), entry, values);
    }
    const next = await collectAsOne(db);
    await forgetDraft(db, seq);
    await dismissError(db, error);
    return next;
  }).catch((thrown: unknown) => { throw writeError(thrown); });
}

/** Throws a draft away, and its row among the sync errors; the server's values stand. Rejects with `usage` for a draft that is not there. */
export async function dropDraft(db: Sqlite, seq: number): Promise<void> {
  await db.transaction(async () => {
    const { error } = await requireDraft(db, seq);
    await collect(db);
    await quietly(db, () => hide(db, seq));
    await forgetDraft(db, seq);
    await dismissError(db, error);
  });
}

async function requireDraft(db: Sqlite, seq: number): Promise<{ readonly error: string }> {
  const found = await first<{ error: string }>(db, "SELECT error FROM _carryon_changeset WHERE seq = ? AND state = 'refused'", seq);
  if (!found) throw new CarryonError('usage', `There is no draft ${seq}.`);
  return found;
}

/** Until a commit tells of the refusal, the refused values are still to be seen. */
async function hide(db: Sqlite, seq: number): Promise<void> {
  if (!(await first(db, 'SELECT 1 FROM _carryon_log WHERE seq = ? AND shown LIMIT 1', seq))) return;
  await relay(db, async () => { await db.run('UPDATE _carryon_log SET shown = 0 WHERE seq = ?', seq); });
}

/** The number stays, without changes: numbers have no gaps. */
async function forgetDraft(db: Sqlite, seq: number): Promise<void> {
  await forgetChanges(db, 'seq = ?', seq);
  if (seq < 1) await db.run('DELETE FROM _carryon_changeset WHERE seq = ?', seq);
  await db.run("UPDATE _carryon_changeset SET state = 'accepted', code = NULL, message = NULL, change = NULL, error = NULL WHERE seq = ?", seq);
}

/** The form that the table has now. */
const currentOf = (form: Form, forms: readonly Form[]): Form | undefined => forms.find(({ isCurrent, name }) => isCurrent && name.toLowerCase() === form.name.toLowerCase());

async function redo(db: Sqlite, form: Form, current: Form | undefined, { id, op }: Entry, values: Values): Promise<void> {
  const { spec } = form;
  if (!(await first(db, 'SELECT 1 FROM _carryon_table WHERE usable AND name = ? COLLATE NOCASE', form.name))) {
    throw new CarryonError('write.unknown', `Table ${form.name} is not in this person's profile any more.`);
  }
  const unknown = Object.keys(values).find((name) => !spec.columns.some((column) => column.name.toLowerCase() === name.toLowerCase()));
  if (unknown !== undefined) throw new CarryonError('write.unknown', `Table ${form.name} has no column ${unknown}.`);
  const [table, edit] = [quoteName(form.name), editTable(form)];
  // A whole row may be given: what is computed stays as it is.
  const computed = new Set((spec.computed ?? []).map((i) => spec.columns[i]?.name.toLowerCase()));
  const mended = Object.keys(values).filter((name) => !computed.has(name.toLowerCase()));
  const mendedValues = mended.map((name) => values[name] ?? null);
  // The profile may have lost columns since.
  const present = new Set((current ?? form).spec.columns.map(({ name }) => name.toLowerCase()));
  const isThere = (i: number): boolean => present.has(spec.columns[i]?.name.toLowerCase() ?? '');
  const isMended = (i: number): boolean => mended.some((name) => name.toLowerCase() === spec.columns[i]?.name.toLowerCase());
  const key = keyIs(spec, (position) => `(SELECT ${op === 'delete' ? 'o' : 'n'}${position} FROM ${edit} WHERE id = ?1)`);
  switch (op) {
    case 'insert': {
      const kept = [...spec.key, ...settable(spec)].filter((i) => !isMended(i) && isThere(i));
      const names = [...kept.map((i) => quoteName(spec.columns[i]?.name ?? '')), ...mended.map(quoteName)];
      await db.run(`INSERT INTO ${table}(${names.join(', ')}) SELECT ${[...kept.map((i) => `n${i}`), ...mended.map((_, i) => `?${i + 2}`)].join(', ')} FROM ${edit} WHERE id = ?1`, id, ...mendedValues);
      return;
    }
    case 'update': {
      const kept = settable(spec).filter((i) => !isMended(i) && isThere(i));
      const names = [...kept.map((i) => quoteName(spec.columns[i]?.name ?? '')), ...mended.map(quoteName)];
      const terms = [...kept.map((i) => `CASE WHEN ${isChanged(i)} THEN n${i} ELSE t.${quoteName(spec.columns[i]?.name ?? '')} END`), ...mended.map((_, i) => `?${i + 2}`)];
      if (!(await first(db, `SELECT 1 FROM ${table} AS t WHERE ${key} AND NOT ${isGone('t._rid')}`, id))) throw notFound(form.name);
      if (names.length > 0) await db.run(`UPDATE ${table} AS t SET (${names.join(', ')}) = (SELECT ${terms.join(', ')} FROM ${edit} WHERE id = ?1) WHERE ${key}`, id, ...mendedValues);
      return;
    }
    case 'delete': return void (await db.run(`DELETE FROM ${table} AS t WHERE ${key}`, id));
    default: return op satisfies never;
  }
}

