import { columnSql, keyColumns, quoteName } from '@carryon/protocol';
import type { Config, SyncedTable } from '../../core/config.ts';
import { leavesOf } from './rules/leaves.ts';
import type { Database } from './driver.ts';
import { columnOf, textOf } from './rules/sql.ts';
import { movingTimes, timeSql } from './rules/time.ts';
import { keyNames, rowTable, storedColumns } from './schema.ts';

/** A table is being read for rules to come, or in use, or gone: its id is never used again. */
export type TableState = 'pending' | 'used' | 'dropped';

/** What of a table decides how its rows are kept. */
export const formText = ({ name, columns, hidden, key }: SyncedTable): string => JSON.stringify({ name, columns, hidden, key });

/** A copy of each row of the table, typed as on devices and exact at the checkpoint. `_rid` is never used twice. */
export function createTable(db: Database, table: SyncedTable, state: TableState): void {
  const rows = rowTable(table.id);
  db.exec(`CREATE TABLE main.${rows}(_rid INTEGER PRIMARY KEY AUTOINCREMENT, _ver INTEGER NOT NULL, _live INTEGER NOT NULL, ${storedColumns(table).map(columnSql).join(', ')})`);
  db.exec(`CREATE UNIQUE INDEX main.${rows}_key ON ${rows}(${keyNames(table).join(', ')})`);
  db.exec(`CREATE INDEX main.${rows}_feed ON ${rows}(_ver, _rid, _live)`);
  db.run("INSERT OR REPLACE INTO sync_table(id, name, state, form, sql, sent, again) VALUES(?, ?, ?, ?, '', ?, 0)", table.id, table.name, state, formText(table), JSON.stringify(table.columns.map(({ name }) => name)));
  db.run('INSERT OR REPLACE INTO sync_ingest(tbl, done, rows) VALUES(?, 0, 0)', table.id);
  const have = db.all("SELECT 1 FROM pragma_table_info('sync_ingest')").length - 3;
  for (let i = have; i < table.key.length; i++) db.exec(`ALTER TABLE main.sync_ingest ADD COLUMN k${i}`);
}

export function dropTable(db: Database, id: number): void {
  db.exec(`DROP TABLE IF EXISTS main.${rowTable(id)}`);
  db.run("UPDATE sync_table SET state = 'dropped', form = '', sql = '', sent = '[]', again = 0 WHERE id = ?", id);
  db.run('DELETE FROM sync_ingest WHERE tbl = ?', id);
}

/** Gives the copy the columns of another form of the same table. Those that are new are empty. */
export function fitColumns(db: Database, before: SyncedTable, now: SyncedTable): void {
  const names = (table: SyncedTable): Set<string> => new Set(storedColumns(table).map(({ name }) => name));
  const [had, wanted] = [names(before), names(now)];
  for (const name of had) if (!wanted.has(name)) db.exec(`ALTER TABLE main.${rowTable(now.id)} DROP COLUMN ${quoteName(name)}`);
  for (const column of storedColumns(now)) if (!had.has(column.name)) db.exec(`ALTER TABLE main.${rowTable(now.id)} ADD COLUMN ${columnSql(column)}`);
}

/** Drops the indexes that these rules do not need; `fitIndexes` makes those that they need. */
export function dropIndexes(db: Database, config: Config): void {
  const wanted = indexesFor(config);
  for (const { name } of db.all<{ name: string }>("SELECT name FROM main.sqlite_schema WHERE type = 'index' AND name LIKE 'row\\_% (%' ESCAPE '\\'")) {
    if (!wanted.has(name)) db.exec(`DROP INDEX main.${quoteName(name)}`);
  }
}

export function fitIndexes(db: Database, config: Config): void {
  for (const [name, on] of indexesFor(config)) db.exec(`CREATE INDEX IF NOT EXISTS main.${quoteName(name)} ON ${on}`);
}

/** What rules find rows by, so that evaluation costs what has changed and not what there is: by the index's name, which tells what it holds. */
function indexesFor(config: Config): Map<string, string> {
  const found = new Map<string, string>();
  const tableOf = (id: number): SyncedTable | undefined => config.tables.find((table) => table.id === id);
  const add = (table: number, terms: string): void => { found.set(`${rowTable(table)} (${terms})`, `${rowTable(table)}(${terms}) WHERE _live`); };
  const text = (table: number, column: string): void => add(table, textOf(columnOf('', column)).sql);
  // A key stands at the left of its comparisons, so its collation is theirs.
  const refers = (table: number, columns: readonly string[], to: SyncedTable | undefined): void =>
    add(table, columns.map((name, i) => `${quoteName(name)} COLLATE ${keyColumns(to ?? { columns: [], key: [], id: 0, name: '', level: 0 })[i]?.collation ?? 'BINARY'}`).join(', '));
  for (const { table, rule } of config.nodes) {
    for (const leaf of leavesOf(rule)) {
      const related = 'node' in leaf ? config.nodes.find(({ id }) => id === leaf.node)?.table ?? 0 : 0;
      if (leaf.kind === 'mine') text(table, leaf.column);
      else if (leaf.kind === 'filter') for (const { column } of movingTimes(leaf.filter)) add(table, timeSql(columnOf('', column)).sql);
      else if (leaf.kind === 'child') refers(table, leaf.by, tableOf(related));
      else if (leaf.kind === 'parent') refers(related, leaf.by, tableOf(table));
      else if (leaf.kind === 'linked') {
        refers(leaf.through, leaf.by, tableOf(table));
        refers(leaf.through, leaf.to, tableOf(related));
      }
    }
  }
  const { users, teams, units } = config.people;
  if (users) text(users.table, users.id);
  if (teams) text(teams.table, teams.user);
  if (units) text(units.table, units.parent);
  return found;
}
