// A process that writes to a business database as an application would, until the database says stop.
// Arguments: file, number of the writer, kind of work. Ends with an error when a write has to wait too long.
import { DatabaseSync } from 'node:sqlite';
import { seeded } from './worst-case-changes.ts';

/** What the writers write to: counters that one transaction always sets to the same value, and rows that come and go. */
export const WRITER_SCHEMA = `
  CREATE TABLE control(one INTEGER PRIMARY KEY, stop INTEGER NOT NULL);
  INSERT INTO control VALUES(1, 0);
  CREATE TABLE first_half(writer INTEGER PRIMARY KEY, n INTEGER NOT NULL);
  CREATE TABLE second_half(writer INTEGER PRIMARY KEY, n INTEGER NOT NULL);
  CREATE TABLE stuff(id INTEGER PRIMARY KEY, code TEXT UNIQUE, v);
  CREATE TABLE pieces(stuff INTEGER REFERENCES stuff(id) ON DELETE CASCADE, name TEXT, v REAL, PRIMARY KEY(stuff, name)) WITHOUT ROWID;
  CREATE TABLE beats(writer INTEGER PRIMARY KEY, n INTEGER NOT NULL);`;

/**
 * The longest that a writer waits for a lock. One that writes alone must never wait long for the server; several that
 * write without a pause can starve each other, since SQLite gives its lock to whoever asks at the right moment.
 */
const PATIENCE_MS = { beat: 5_000, change: 100_000 };

function write(file: string, writer: number, kind: keyof typeof PATIENCE_MS): void {
  const db = new DatabaseSync(file, { timeout: PATIENCE_MS[kind] });
  db.exec('PRAGMA synchronous = off');
  const random = seeded(writer);
  const stopped = db.prepare('SELECT stop FROM control');
  for (let n = 1; stopped.get()?.['stop'] === 0; n++) {
    db.exec('BEGIN IMMEDIATE');
    if (kind === 'beat') db.prepare('INSERT OR REPLACE INTO beats VALUES(?, ?)').run(writer, n);
    else changeAll(db, writer, n, random);
    db.exec(kind !== 'beat' && random() < 0.2 ? 'ROLLBACK' : 'COMMIT');
  }
  db.close();
}

function changeAll(db: DatabaseSync, writer: number, n: number, random: () => number): void {
  const some = (below: number): number => Math.floor(random() * below);
  db.prepare('INSERT INTO first_half VALUES(?, ?) ON CONFLICT DO UPDATE SET n = excluded.n').run(writer, n);
  const values = [some(200), `code ${some(50)}`, some(10) / 4];
  const change = some(6);
  if (change === 0) db.prepare('INSERT OR REPLACE INTO stuff VALUES(?, ?, ?)').run(...values);
  else if (change === 1) db.prepare('INSERT OR IGNORE INTO stuff VALUES(?, ?, ?)').run(...values);
  else if (change === 2) db.prepare('DELETE FROM stuff WHERE id BETWEEN ?1 AND ?1 + 5').run(some(200));
  else if (change === 3) db.prepare('UPDATE OR REPLACE stuff SET code = ? WHERE id = ?').run(`code ${some(50)}`, some(200));
  else db.prepare('INSERT OR REPLACE INTO pieces SELECT id, ?, ? FROM stuff WHERE id < ?').run(`piece ${some(5)}`, some(100) / 8, some(200));
  db.exec('SAVEPOINT inner');
  db.prepare('INSERT INTO stuff(code, v) VALUES(NULL, ?)').run(`never seen by ${writer}`);
  db.prepare('UPDATE second_half SET n = -1 WHERE writer = ?').run(writer);
  db.exec('ROLLBACK TO inner; RELEASE inner');
  db.prepare('INSERT OR REPLACE INTO second_half VALUES(?, ?)').run(writer, n);
}

const [file, writer, kind] = process.argv.slice(2);
if (import.meta.main && file !== undefined) write(file, Number(writer), kind === 'beat' ? 'beat' : 'change');
