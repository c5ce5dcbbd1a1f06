import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A business database made by the SQL, in a file that is there while the work goes on. */
export function withDatabase<T>(sql: string, work: (file: string, business: DatabaseSync) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'carryon-'));
  const file = join(folder, 'app.db');
  const business = new DatabaseSync(file);
  try {
    business.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; ${sql}`);
    return work(file, business);
  } finally {
    business.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
