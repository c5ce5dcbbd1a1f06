import { MOST_CHANGES } from '@carryon/protocol';
import { first, type Sqlite } from '../../ports/sqlite.ts';
import { setMeta } from '../schema.ts';
import { readChanges, readEntries } from './changes.ts';
import { forgetChanges } from './forget.ts';
import { editTable, readForms, type Form } from './form.ts';
import { readNumber } from './read.ts';

/** What lies further apart was not one transaction: it would have held the write lock for as long. */
const APART_MS = 5000;
/** A changeset that is longer as JSON does not fit into a request. */
const MOST_BYTES = 12_000_000;
/** In JSON an octet becomes at most six characters. */
const SUSPICIOUS_BYTES = MOST_BYTES / 6;

interface Loose { readonly id: number; readonly at_ms: number; readonly total: number }

const following = new WeakSet<Sqlite>();

/** Whether this connection is used by one who looks after every commit: what it finds then is of one moment, and time divides nothing of it. */
export function follow(db: Sqlite, isFollowing: boolean): void {
  if (isFollowing) following.add(db);
  else following.delete(db);
}

/** Makes changesets of the changes that have none, in the caller's transaction. Returns how many. */
export async function collect(db: Sqlite): Promise<number> {
  await forgetIgnored(db);
  const groups = divide(await db.all<Loose>('SELECT id, at_ms, total FROM _carryon_log WHERE seq IS NULL ORDER BY id'), following.has(db) ? Infinity : APART_MS);
  for (const group of groups) await number(db, group);
  return groups.length;
}

/** One changeset of all changes that have none, whenever they were made; its number, if there was any change. In the caller's transaction. */
export async function collectAsOne(db: Sqlite): Promise<number | undefined> {
  await forgetIgnored(db);
  const loose = await db.all<Loose>('SELECT id, at_ms, total FROM _carryon_log WHERE seq IS NULL ORDER BY id');
  return loose.length === 0 ? undefined : number(db, loose);
}

/** Changes that were begun and then ignored, as by OR IGNORE. */
async function forgetIgnored(db: Sqlite): Promise<void> {
  if (await first(db, 'SELECT 1 FROM _carryon_log WHERE op IS NULL AND seq IS NULL LIMIT 1')) await forgetChanges(db, 'op IS NULL AND seq IS NULL');
}

function divide(entries: readonly Loose[], apartMs: number): Loose[][] {
  const groups: Loose[][] = [];
  for (const [i, entry] of entries.entries()) {
    const before = entries[i - 1];
    // `total` counts what a connection has changed: where it falls, another connection begins.
    if (before && entry.at_ms - before.at_ms <= apartMs && entry.total >= before.total) groups.at(-1)?.push(entry);
    else groups.push([entry]);
  }
  return groups;
}

async function number(db: Sqlite, group: readonly Loose[]): Promise<number> {
  const seq = await readNumber(db, 'made') + 1;
  const atMs = group.at(-1)?.at_ms ?? 0;
  await db.run('UPDATE _carryon_log SET seq = ? WHERE seq IS NULL AND id BETWEEN ? AND ?', seq, group[0]?.id ?? 0, group.at(-1)?.id ?? 0);
  await db.run("INSERT INTO _carryon_changeset(seq, state, at_ms) VALUES(?, 'pending', ?)", seq, atMs);
  await setMeta(db, 'made', seq);
  if (await isTooLarge(db, seq, group.length)) {
    await db.run(`UPDATE _carryon_changeset SET state = 'refused', code = 'write.too-large', message = ?, change = 0, error = '' WHERE seq = ?`,
      `This transaction changed ${group.length} rows, more than fits into a request.`, seq);
  }
  return seq;
}

async function isTooLarge(db: Sqlite, seq: number, count: number): Promise<boolean> {
  if (count > MOST_CHANGES) return true;
  const forms = await readForms(db);
  const used = new Set((await db.all<{ form: number }>('SELECT DISTINCT form FROM _carryon_log WHERE seq = ?', seq)).map(({ form }) => form));
  let bytes = 0;
  for (const form of forms.filter(({ id }) => used.has(id))) bytes += await octets(db, form, seq);
  if (bytes <= SUSPICIOUS_BYTES) return false;
  if (bytes > MOST_BYTES) return true;
  const changes = await readChanges(db, forms, await readEntries(db, 'l.seq = ?', seq));
  return new TextEncoder().encode(JSON.stringify([...changes.values()])).length > MOST_BYTES;
}

async function octets(db: Sqlite, form: Form, seq: number): Promise<number> {
  const sums = form.spec.columns.map((_, i) => `total(length(CAST(o${i} AS BLOB))) + total(length(CAST(n${i} AS BLOB))) AS c${i}`);
  const row = await first<Record<string, number>>(db, `SELECT ${sums.join(', ')} FROM ${editTable(form)} WHERE id IN (SELECT id FROM _carryon_log WHERE seq = ?)`, seq);
  return Object.values(row ?? {}).reduce((sum, value) => sum + Number(value), 0);
}
