import { encodeValue, type Change, type FeedValue } from '@carryon/protocol';
import type { Sqlite } from '../../ports/sqlite.ts';
import { getMeta } from '../schema.ts';
import { readEdits, readEntries, type Entry } from './changes.ts';
import { collect } from './collect.ts';
import type { DraftError } from './drafts.ts';
import { forgetChanges } from './forget.ts';
import { readForms, type Form } from './form.ts';
import { relay } from './overlay.ts';
import { quietly } from './quiet.ts';

type Row = Readonly<Record<string, unknown>>;

export interface ExportedChange {
  readonly op: Change['op'];
  readonly table: string;
  /** Values as in the protocol: plain JSON where that is exact. */
  readonly key: readonly unknown[];
  readonly old?: Row;
  readonly new?: Row;
}

/** Everything that the server does not have, as JSON. */
export interface ExportedEdits {
  readonly device: string;
  readonly user: string | null;
  /** Changes on their way, in order; the same `transaction`: accepted together or not at all. Null: not sent yet, and without a number. */
  readonly pending: readonly (ExportedChange & { readonly transaction: number | null })[];
  readonly drafts: readonly { readonly transaction: number; readonly error: DraftError; readonly changes: readonly ExportedChange[] }[];
}

interface Refused { readonly seq: number; readonly code: string; readonly message: string; readonly change: number; readonly error: string }

/** All edits that the server has not accepted, and all drafts. */
export async function exportEdits(db: Sqlite): Promise<ExportedEdits> {
  const forms = await readForms(db);
  const entries = await readEntries(db, "l.seq IS NULL OR l.seq IN (SELECT seq FROM _carryon_changeset WHERE state <> 'accepted')");
  const changes = await exported(db, forms, entries);
  const refused = await db.all<Refused>("SELECT seq, code, message, change, error FROM _carryon_changeset WHERE state = 'refused' ORDER BY seq");
  const isDraft = new Set(refused.map(({ seq }) => seq));
  const of = (wanted: number): ExportedChange[] => entries.flatMap(({ id, seq }) => (seq === wanted ? changes.get(id) ?? [] : []));
  return {
    device: String(await getMeta(db, 'device') ?? ''), user: textOrNull(await getMeta(db, 'user')),
    pending: entries.filter(({ seq }) => seq === null || !isDraft.has(seq)).flatMap(({ id, seq }) => {
      const change = changes.get(id);
      return change ? [{ transaction: seq, ...change }] : [];
    }),
    drafts: refused.map(({ seq, code, message, change, error }) => ({ transaction: seq, error: { code, message, change, id: error }, changes: of(seq) })),
  };
}

const textOrNull = (value: string | number | undefined): string | null => (value === undefined ? null : String(value));

async function exported(db: Sqlite, forms: readonly Form[], entries: readonly Entry[]): Promise<Map<number, ExportedChange>> {
  const edits = await readEdits(db, forms, entries);
  const changes = new Map<number, ExportedChange>();
  for (const { id, form: formId, op } of entries) {
    const [form, edit] = [forms.find((candidate) => candidate.id === formId), edits.get(id)];
    if (!form || !edit) continue;
    const row = (values: readonly FeedValue[]): Row => Object.fromEntries(form.spec.columns.map(({ name }, i) => [name, encodeValue(values[i] ?? null)]));
    const key = form.spec.key.map((i) => encodeValue((op === 'delete' ? edit.old : edit.new)[i] ?? null));
    changes.set(id, { op, table: form.name, key, ...(op === 'insert' ? {} : { old: row(edit.old) }), ...(op === 'delete' ? {} : { new: row(edit.new) }) });
  }
  return changes;
}

/**
 * Puts the server's rows back and forgets all edits that it has not accepted, and all drafts; where tables are named, those transactions
 * that touch one of them. What is on its way to the server at the moment may still arrive there.
 */
export async function discardEdits(db: Sqlite, tables?: readonly string[]): Promise<void> {
  await db.transaction(async () => {
    await collect(db);
    const names = tables === undefined ? '' : 'AND seq IN (SELECT l.seq FROM _carryon_log l JOIN _carryon_form f ON f.id = l.form WHERE f.name IN (SELECT value FROM json_each(?1)))';
    const values = tables === undefined ? [] : [JSON.stringify(tables)];
    const chosen = await db.all<{ seq: number }>(`SELECT seq FROM _carryon_changeset WHERE state <> 'accepted' ${names}`, ...values);
    const seqs = JSON.stringify(chosen.map(({ seq }) => seq));
    const isChosen = 'seq IN (SELECT value FROM json_each(?))';
    await quietly(db, () => relay(db, () => forgetChanges(db, isChosen, seqs)));
    // Their numbers stay, without changes: numbers have no gaps.
    await db.run(`UPDATE _carryon_changeset SET state = 'accepted', code = NULL, message = NULL, change = NULL, error = NULL WHERE state = 'refused' AND ${isChosen}`, seqs);
    await db.run('DELETE FROM _carryon_changeset WHERE seq < 1 AND state = \'accepted\'');
  });
}
