import { decodeValue, RawText, type Outcome, type SqlValue } from '@carryon/protocol';
import type { Sqlite } from '../../ports/sqlite.ts';
import { editTable, readForms, type Form } from './form.ts';

/** Notes what temporary keys have become, and puts the real ones into every edit that has them. The edits are lifted meanwhile. */
export async function replaceKeys(db: Sqlite, keys: NonNullable<Outcome['keys']>): Promise<void> {
  for (const { table, temporary, key } of keys) {
    await db.run('INSERT INTO _carryon_key(tbl, temporary, key) VALUES(?1, ?2, ?3) ON CONFLICT(tbl, temporary) DO UPDATE SET key = ?3', table, plain(temporary), plain(key));
  }
  const tables = new Set(keys.map(({ table }) => table.toLowerCase()));
  for (const form of await readForms(db)) await replaceIn(db, form, tables);
}

function plain(wire: unknown): SqlValue {
  const value = decodeValue(wire);
  return value instanceof RawText ? value.bytes : value;
}

/** Columns that hold keys of tables whose new keys are temporary, the form's own among them. */
function keyColumnsOf(form: Form): readonly { readonly column: number; readonly table: string }[] {
  const own = form.spec.newKeys === 'temporary' ? form.spec.key.map((column) => ({ column, table: form.name })) : [];
  return [...own, ...form.references];
}

async function replaceIn(db: Sqlite, form: Form, tables: ReadonlySet<string>): Promise<void> {
  for (const { column, table } of keyColumnsOf(form)) {
    if (!tables.has(table.toLowerCase())) continue;
    for (const slot of [`o${column}`, `n${column}`]) {
      await db.run(`UPDATE ${editTable(form)} SET ${slot} = (SELECT key FROM _carryon_key WHERE tbl = ?1 AND temporary = ${slot})
        WHERE ${slot} < 0 AND EXISTS (SELECT 1 FROM _carryon_key WHERE tbl = ?1 AND temporary = ${slot} AND key IS NOT NULL)`, table);
    }
  }
}

/**
 * New rows of changesets after `from`, up to `to`, are to be made again: their keys are temporary again, in every edit since then. The keys that they had may have gone
 * to other rows. The edits are lifted meanwhile.
 */
export async function takeBackKeys(db: Sqlite, from: number, to: number): Promise<void> {
  const forms = await readForms(db);
  for (const form of forms.filter(({ spec }) => spec.newKeys === 'temporary')) {
    const key = `n${form.spec.key[0] ?? 0}`;
    const made = await db.all<{ temporary: number; key: SqlValue }>(`SELECT k.temporary, k.key FROM _carryon_key k JOIN ${editTable(form)} e ON e.${key} = k.key
      JOIN _carryon_log l ON l.id = e.id WHERE k.tbl = ? AND l.op = 'insert' AND l.seq > ? AND l.seq <= ?`, form.name, from, to);
    for (const one of made) {
      for (const other of forms) await takeBackIn(db, other, form.name, one, from);
      await db.run('UPDATE _carryon_key SET key = NULL WHERE tbl = ? AND temporary = ?', form.name, one.temporary);
    }
  }
}

async function takeBackIn(db: Sqlite, form: Form, name: string, { temporary, key }: { readonly temporary: number; readonly key: SqlValue }, from: number): Promise<void> {
  for (const { column } of keyColumnsOf(form).filter(({ table }) => table.toLowerCase() === name.toLowerCase())) {
    for (const slot of [`o${column}`, `n${column}`]) {
      await db.run(`UPDATE ${editTable(form)} SET ${slot} = ?1 WHERE ${slot} = ?2 AND id IN (SELECT id FROM _carryon_log WHERE seq IS NULL OR seq > ?3)`, temporary, key, from);
    }
  }
}
