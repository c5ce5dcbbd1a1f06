import { CarryonError, packTableName, packTableSql, type TableSpec } from '@carryon/protocol';
import type { Sqlite } from '../ports/sqlite.ts';

/** A pack holds exactly the tables announced, letter by letter, and nothing that could run: no view, trigger or index. */
export async function checkPack(db: Sqlite, name: string, tables: readonly TableSpec[]): Promise<void> {
  const bad = (why: string): CarryonError => new CarryonError('pack.bad-content', `Pack ${name.slice(0, 12)} was not opened further: ${why}.`);
  const found = await db.all<{ type: string; name: string; sql: string | null }>('SELECT type, name, sql FROM pack.sqlite_schema').catch((cause: unknown) => {
    throw cause instanceof CarryonError && cause.code !== 'device.database-corrupt' && cause.code !== 'sql.error' ? cause : bad('it is not an SQLite file');
  });
  if (found.length !== tables.length) throw bad(`it holds ${found.length} objects where ${tables.length} tables were announced`);
  for (const table of tables) {
    const entry = found.find((candidate) => candidate.name === packTableName(table.id));
    if (entry?.type !== 'table' || entry.sql !== packTableSql(table)) throw bad(`its table for "${table.name}" is not the one announced`);
  }
}
