import { encodeValue, type Change, type Changeset, type FeedValue } from '@carryon/protocol';
import type { Sqlite } from '../../ports/sqlite.ts';
import { exactSql, exactValue } from './exact.ts';
import { baseTable, editTable, settable, type Form } from './form.ts';

export interface Entry { readonly id: number; readonly form: number; readonly rid: number; readonly op: Change['op']; readonly seq: number | null }

/** The values of one change: old and new row, where the op has them. */
export interface Edit { readonly old: readonly FeedValue[]; readonly new: readonly FeedValue[] }

/** Entries of the log, in order. The condition is about `_carryon_log l`. */
export function readEntries(db: Sqlite, where: string, ...values: readonly (number | string)[]): Promise<Entry[]> {
  return db.all<Entry>(`SELECT l.id, l.form, l.rid, l.op, l.seq FROM _carryon_log l WHERE l.op IS NOT NULL AND (${where}) ORDER BY l.id`, ...values);
}

/** Old and new values of these entries, exact, by the entry's id. */
export async function readEdits(db: Sqlite, forms: readonly Form[], entries: readonly Entry[]): Promise<Map<number, Edit>> {
  const edits = new Map<number, Edit>();
  for (const form of forms) {
    const ids = entries.filter((entry) => entry.form === form.id).map(({ id }) => id);
    if (ids.length === 0) continue;
    const old = await readSide(db, form, 'o', ids);
    const fresh = await readSide(db, form, 'n', ids);
    for (const id of ids) edits.set(id, { old: old.get(id) ?? [], new: fresh.get(id) ?? [] });
  }
  return edits;
}

/** One side at a time: a result has at most so many columns. */
async function readSide(db: Sqlite, form: Form, side: 'o' | 'n', ids: readonly number[]): Promise<Map<number, FeedValue[]>> {
  const slots = form.spec.columns.map((_, i) => `${side}${i}`);
  const rows = await db.all<Record<string, unknown> & { id: number }>(`SELECT id, ${slots.map((slot) => exactSql(slot, slot)).join(', ')} FROM ${editTable(form)}
    WHERE id IN (SELECT value FROM json_each(?))`, JSON.stringify(ids));
  return new Map(rows.map((row) => [row.id, slots.map((slot) => exactValue(row, slot))]));
}

/** The server's values of the rows that these entries are about, by row id, in the order of the form's columns. */
async function readBases(db: Sqlite, form: Form, entries: readonly Entry[]): Promise<Map<number, FeedValue[]>> {
  if (!form.isCurrent || !comparesRows(form)) return new Map();
  const rids = entries.filter((entry) => entry.form === form.id).map(({ rid }) => rid);
  const columns = form.spec.columns.map(({ name }, i) => exactSql(`"${name.replaceAll('"', '""')}"`, String(i))).join(', ');
  const rows = await db.all<Record<string, unknown> & { _rid: number }>(`SELECT _rid, ${columns} FROM ${baseTable(form)} WHERE _rid IN (SELECT value FROM json_each(?))`, JSON.stringify(rids));
  return new Map(rows.map((row) => [row._rid, form.spec.columns.map((_, i) => exactValue(row, String(i)))]));
}

const comparesRows = ({ spec }: Form): boolean => spec.conflicts === 'detect' || spec.conflicts === 'merge';

/** What is to be sent of these entries; `forms` are the push's tables, in their order. */
export async function readChanges(db: Sqlite, forms: readonly Form[], entries: readonly Entry[]): Promise<Map<number, Change>> {
  const edits = await readEdits(db, forms, entries);
  const changes = new Map<number, Change>();
  for (const [table, form] of forms.entries()) {
    const bases = await readBases(db, form, entries);
    for (const entry of entries.filter((candidate) => candidate.form === form.id)) {
      const edit = edits.get(entry.id);
      if (edit) changes.set(entry.id, changeOf(form, table, entry, edit, bases.get(entry.rid) ?? edit.old));
    }
  }
  return changes;
}

function changeOf({ spec }: Form, table: number, { op }: Entry, edit: Edit, seen: readonly FeedValue[]): Change {
  const wire = (values: readonly FeedValue[], i: number): unknown => encodeValue(values[i] ?? null);
  const key = spec.key.map((i) => wire(op === 'delete' ? edit.old : edit.new, i));
  const columns = settable(spec);
  const base = (but: readonly number[]): [number, unknown][] => columns.filter((i) => !but.includes(i)).map((i) => [i, wire(seen, i)]);
  switch (op) {
    // What was left out is left to the business database's defaults.
    case 'insert': return { op, table, key, set: columns.filter((i) => (edit.new[i] ?? null) !== null).map((i) => [i, wire(edit.new, i)]) };
    case 'update': {
      const changed = columns.filter((i) => JSON.stringify(wire(edit.old, i)) !== JSON.stringify(wire(edit.new, i)));
      return { op, table, key, set: changed.map((i) => [i, wire(edit.old, i), wire(edit.new, i)]), ...(spec.conflicts === 'detect' ? { base: base(changed) } : {}) };
    }
    case 'delete': return { op, table, key, ...(spec.conflicts === 'detect' || spec.conflicts === 'merge' ? { base: base([]) } : {}) };
    default: return op satisfies never;
  }
}

/** The changesets of these numbers; those whose edits are not to be sent are empty. */
export async function readChangesets(db: Sqlite, forms: readonly Form[], seqs: readonly number[]): Promise<Changeset[]> {
  const entries = await readEntries(db, "l.seq IN (SELECT value FROM json_each(?)) AND NOT EXISTS (SELECT 1 FROM _carryon_changeset c WHERE c.seq = l.seq AND c.state = 'refused')", JSON.stringify(seqs));
  const changes = await readChanges(db, forms, entries);
  const bySeq = new Map<number, Change[]>(seqs.map((seq) => [seq, []]));
  for (const { id, seq } of entries) {
    const change = changes.get(id);
    if (change && seq !== null) bySeq.get(seq)?.push(change);
  }
  return [...bySeq].map(([seq, list]) => ({ seq, changes: list }));
}
