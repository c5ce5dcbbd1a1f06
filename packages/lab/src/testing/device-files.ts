import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** Changes a device's database behind the engine's back, with the triggers that capture edits kept still. */
export function tamper(database: string, change: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(database, { enableForeignKeyConstraints: false });
  try {
    db.exec('BEGIN IMMEDIATE; INSERT INTO _carryon_quiet VALUES(1)');
    change(db);
    db.exec('DELETE FROM _carryon_quiet; COMMIT');
  } finally {
    db.close();
  }
}

/** Keeps a copy of a database as it is now. */
export function keepCopy(database: string): void {
  rmSync(copyOf(database), { force: true });
  const db = new DatabaseSync(database);
  db.prepare('VACUUM INTO ?').run(copyOf(database));
  db.close();
}

/** Makes every table hold what it held in the copy. */
export function putBack(database: string): void {
  tamper(database, (db) => {
    const copy = new DatabaseSync(copyOf(database), { readOnly: true });
    const tables = copy.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> '_carryon_quiet'").all();
    for (const { name } of tables) replaceRows(copy, db, String(name));
    copy.close();
  });
}

/** Rows that edits have changed are shown as the server gave them. */
export function takeOverlayOff(database: string): void {
  tamper(database, (db) => {
    for (const { id, name } of db.prepare('SELECT id, name FROM _carryon_form WHERE current').all()) {
      const columns = db.prepare('SELECT name FROM pragma_table_info(?)').all(name as string).map((column) => `"${String(column['name'])}"`).join(', ');
      db.exec(`DELETE FROM "${String(name)}" WHERE _rid < 0; DELETE FROM "${String(name)}" WHERE _rid IN (SELECT _rid FROM _carryon_base_${String(id)});
        INSERT INTO "${String(name)}"(${columns}) SELECT ${columns} FROM _carryon_base_${String(id)}`);
    }
  });
}

const copyOf = (database: string): string => `${database}.copy`;

function replaceRows(from: DatabaseSync, to: DatabaseSync, table: string): void {
  to.exec(`DELETE FROM "${table}"`);
  const rows = from.prepare(`SELECT * FROM "${table}"`).all();
  const names = Object.keys(rows[0] ?? {});
  const insert = names.length > 0 ? to.prepare(`INSERT INTO "${table}"(${names.map((name) => `"${name}"`).join(', ')}) VALUES(${names.map(() => '?').join(', ')})`) : undefined;
  for (const row of rows) insert?.run(...Object.values(row));
}
