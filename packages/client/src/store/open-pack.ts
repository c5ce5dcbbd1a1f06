import { CarryonError, packTableName, packTableSql, type TableSpec } from '@carryon/protocol';
import type { PackSource, Sqlite } from '../ports/sqlite.ts';

const isDamage = (thrown: unknown): boolean => thrown instanceof CarryonError && (thrown.code === 'device.database-corrupt' || thrown.code === 'sql.error');
const bad = (name: string, why: string): CarryonError => new CarryonError('pack.bad-content', `Pack ${name.slice(0, 12)} was not opened further: ${why}.`);

/** Attaches a pack whose schema is right; nothing is attached when it throws. Throws `pack.bad-content`. */
export async function openPack(db: Sqlite, name: string, source: PackSource, tables: readonly TableSpec[]): Promise<void> {
  await db.attachPack(source).catch((thrown: unknown) => {
    throw isDamage(thrown) ? bad(name, 'it is not an SQLite file') : thrown;
  });
  await checkPack(db, name, tables).catch(async (thrown: unknown) => {
    await db.detachPack();
    throw thrown;
  });
}

/** A pack holds exactly the tables announced, letter by letter, and nothing that could run: no view, trigger or index. */
async function checkPack(db: Sqlite, name: string, tables: readonly TableSpec[]): Promise<void> {
  const found = await db.all<{ type: string; name: string; sql: string | null }>('SELECT type, name, sql FROM pack.sqlite_schema').catch((thrown: unknown) => {
    throw isDamage(thrown) ? bad(name, 'it is not an SQLite file') : thrown;
  });
  if (found.length !== tables.length) throw bad(name, `it holds ${found.length} objects where ${tables.length} tables were announced`);
  for (const table of tables) {
    const entry = found.find((candidate) => candidate.name === packTableName(table.id));
    if (entry?.type !== 'table' || entry.sql !== packTableSql(table)) throw bad(name, `its table for "${table.name}" is not the one announced`);
  }
}

/** Damage met while rows are copied may be the pack's or the device's: `pack.bad-content` when it is the pack's. */
export async function blamePack(db: Sqlite, name: string, thrown: unknown): Promise<unknown> {
  if (!isDamage(thrown)) return thrown;
  const found = await db.all<{ integrity_check: string }>('PRAGMA pack.integrity_check(1)').catch(() => []);
  return found[0]?.integrity_check === 'ok' ? thrown : bad(name, 'its pages are damaged');
}
