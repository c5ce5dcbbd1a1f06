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

async function replaceIn(db: Sqlite, form: Form, tables: ReadonlySet<string>): Promise<void> {
  const own = form.spec.newKeys === 'temporary' ? form.spec.key.map((column) => ({ column, table: form.name })) : [];
  for (const { column, table } of [...own, ...form.references]) {
    if (!tables.has(table.toLowerCase())) continue;
    for (const slot of [`o${column}`, `n${column}`]) {
      await db.run(`UPDATE ${editTable(form)} SET ${slot} = (SELECT key FROM _carryon_key WHERE tbl = ?1 AND temporary = ${slot})
        WHERE ${slot} < 0 AND EXISTS (SELECT 1 FROM _carryon_key WHERE tbl = ?1 AND temporary = ${slot} AND key IS NOT NULL)`, table);
    }
  }
}
