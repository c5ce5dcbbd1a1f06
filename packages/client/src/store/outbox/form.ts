import { keyColumns, quoteName, type TableSpec } from '@carryon/protocol';
import { first, type Sqlite } from '../../ports/sqlite.ts';

/** A table in the form it had when it was edited: edits keep it, whatever becomes of the table. */
export interface Form {
  readonly id: number;
  readonly name: string;
  /** The table of this name has this form now. */
  readonly isCurrent: boolean;
  readonly spec: TableSpec;
  /** Columns that hold a key of a table whose new keys are temporary. */
  readonly references: readonly Reference[];
}

export interface Reference { readonly column: number; readonly table: string }

type FormId = Pick<Form, 'id'>;

/** Old and new values of each change. */
export const editTable = ({ id }: FormId): string => `_carryon_edit_${id}`;
/** Rows as the server gave them, while edits lie over them. */
export const baseTable = ({ id }: FormId): string => `_carryon_base_${id}`;

/** Positions of a table's columns that an edit can set: neither key nor computed. */
export const settable = (spec: TableSpec): number[] =>
  spec.columns.map((_, i) => i).filter((i) => !spec.key.includes(i) && spec.computed?.includes(i) !== true);

interface FormRow { readonly id: number; readonly name: string; readonly current: number; readonly spec: string; readonly refs: string }

/** All forms, in the order they were made; only those of these tables where some are named. */
export async function readForms(db: Sqlite, names?: readonly string[]): Promise<Form[]> {
  const rows = names === undefined
    ? await db.all<FormRow>('SELECT id, name, current, spec, refs FROM _carryon_form ORDER BY id')
    : await db.all<FormRow>('SELECT id, name, current, spec, refs FROM _carryon_form WHERE name IN (SELECT value FROM json_each(?)) ORDER BY id', JSON.stringify(names));
  return rows.map(({ id, name, current, spec, refs }) => ({ id, name, isCurrent: current === 1, spec: JSON.parse(spec) as TableSpec, references: JSON.parse(refs) as Reference[] }));
}

/** The form that fits the table, made when there is none, as the table's current one. */
export async function takeForm(db: Sqlite, spec: TableSpec): Promise<Form> {
  await leaveForm(db, spec.name);
  const references = await namedReferences(db, spec);
  const known = (await readForms(db, [spec.name])).find((form) => shape(form.spec) === shape(spec));
  const id = known?.id ?? (await first<{ id: number }>(db, 'SELECT coalesce(max(id), 0) + 1 AS id FROM _carryon_form'))?.id ?? 1;
  if (!known) await createFormTables(db, id, spec);
  await db.run('INSERT INTO _carryon_form(id, name, current, spec, refs) VALUES(?1, ?2, 1, ?3, ?4) ON CONFLICT(id) DO UPDATE SET name = ?2, current = 1, spec = ?3, refs = ?4',
    id, spec.name, JSON.stringify(spec), JSON.stringify(references));
  return { id, name: spec.name, isCurrent: true, spec, references };
}

/** The table has no form any more: it goes, or takes another. What was edited in it is kept. */
export async function leaveForm(db: Sqlite, name: string): Promise<void> {
  for (const form of await readForms(db, [name])) {
    await db.run(`DELETE FROM ${baseTable(form)}`);
    await db.run('UPDATE _carryon_form SET current = 0 WHERE id = ?', form.id);
  }
}

/** Whether edits of the table wait: for the server, or refused ones for the person. */
export const hasEdits = async (db: Sqlite, name: string): Promise<boolean> =>
  await first(db, "SELECT 1 FROM _carryon_log WHERE op IS NOT NULL AND form IN (SELECT id FROM _carryon_form WHERE name = ?) AND (shown OR seq IN (SELECT seq FROM _carryon_changeset WHERE state = 'refused')) LIMIT 1", name) !== undefined;

const shape = ({ columns, key }: TableSpec): string => JSON.stringify([columns.map(({ name, type, collation }) => [name, type, collation]), key]);

async function createFormTables(db: Sqlite, id: number, { columns }: TableSpec): Promise<void> {
  const values = columns.map((_, i) => `o${i}, n${i}`).join(', ');
  const names = columns.map((column) => quoteName(column.name)).join(', ');
  // Columns without a type: values stay what they are.
  await db.exec(`CREATE TABLE ${editTable({ id })}(id INTEGER PRIMARY KEY, ${values}); CREATE TABLE ${baseTable({ id })}(_rid INTEGER PRIMARY KEY, _ver, ${names})`);
}

/** The server's numbers of tables may change: references are kept by name. */
async function namedReferences(db: Sqlite, { references = [] }: TableSpec): Promise<Reference[]> {
  const known = new Map((await db.all<{ id: number; name: string }>('SELECT id, name FROM _carryon_table')).map(({ id, name }) => [id, name]));
  return references.flatMap(({ column, table }) => {
    const name = known.get(table);
    return name === undefined ? [] : [{ column, table: name }];
  });
}

/** The condition that the row `t` of a table has the key that `value` gives for each of its columns. */
export const keyIs = (spec: TableSpec, value: (position: number, name: string) => string): string =>
  spec.key.map((position, i) => `t.${quoteName(keyColumns(spec)[i]?.name ?? '')} = ${value(position, quoteName(keyColumns(spec)[i]?.name ?? ''))}`).join(' AND ');

/** SQL: column i of an edit differs in old and new, in value or type. */
export const isChanged = (i: number): string => `(o${i} IS NOT n${i} OR typeof(o${i}) <> typeof(n${i}))`;
