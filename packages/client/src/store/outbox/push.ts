import { MOST_CHANGESETS, type Changeset, type Push } from '@carryon/protocol';
import { first, type Sqlite } from '../../ports/sqlite.ts';
import { durably } from '../durably.ts';
import { readChangesets } from './changes.ts';
import { readForms, type Form } from './form.ts';
import { getMeta, setMeta } from '../schema.ts';
import { readNumber } from './read.ts';

export interface PushLimits { readonly changes: number; readonly bytes: number }

const LIMITS: PushLimits = { changes: 5000, bytes: 2_000_000 };

/**
 * The changesets after the last one whose outcome is known, as many as a request takes but at least one; undefined when every outcome
 * is known. In the caller's transaction.
 */
export async function readPush(db: Sqlite, limits: PushLimits = LIMITS): Promise<Push | undefined> {
  const [made, known, lost, sent] = [await readNumber(db, 'made'), await readNumber(db, 'known'), await readNumber(db, 'lost'), await readNumber(db, 'sent')];
  if (made <= known) return undefined;
  const user = await getMeta(db, 'user');
  const from = Math.max(known, lost);
  const all = await readForms(db);
  const seqs = await seqsAfter(db, from, await heldFrom(db, all, known), limits);
  const used = await db.all<{ form: number }>('SELECT DISTINCT form FROM _carryon_log WHERE op IS NOT NULL AND seq IN (SELECT value FROM json_each(?))', JSON.stringify(seqs));
  const forms = all.filter(({ id }) => used.some(({ form }) => form === id));
  const changesets = await fill(db, forms, seqs, limits);
  return {
    known, sent: Math.max(sent, known), ...(user === undefined ? {} : { user: String(user) }), ...(lost > known ? { lost } : {}),
    tables: forms.map(({ name, spec }) => ({ name, columns: spec.columns.map((column) => column.name), key: spec.key })), changesets,
  };
}

/**
 * What is to be sent now, under the name of a new push. How far it goes is noted, durably, before it is sent: by that a copy of the folder from before is
 * known for what it is.
 */
export async function takePush(db: Sqlite, id: string): Promise<Push | undefined> {
  const push = await atOneMoment(db, () => readPush(db));
  const last = push?.changesets.at(-1)?.seq ?? 0;
  if (!push) return undefined;
  // Also when it goes no further: the server forgets outcomes that the device says it knows.
  const sent = Math.max(last, push.sent ?? 0);
  await durably(db, () => setMeta(db, 'sent', sent));
  return { ...push, id };
}

/** Reads without holding up those who write: another process may edit, and throw edits away, at any time. */
async function atOneMoment<T>(db: Sqlite, read: () => Promise<T>): Promise<T> {
  await db.exec('BEGIN');
  try {
    return await read();
  } finally {
    await db.exec('COMMIT');
  }
}

/** Numbers of changesets in order, until they have about so many changes. */
async function seqsAfter(db: Sqlite, from: number, before: number, limits: PushLimits): Promise<number[]> {
  const counts = await db.all<{ seq: number; changes: number }>(`SELECT c.seq, (SELECT count(*) FROM _carryon_log l WHERE l.seq = c.seq) AS changes FROM _carryon_changeset c
    WHERE c.seq > ? AND c.seq < ? ORDER BY c.seq LIMIT ?`, from, before, MOST_CHANGESETS);
  const seqs: number[] = [];
  let sum = 0;
  for (const { seq, changes } of counts) {
    sum += changes;
    if (seqs.length > 0 && sum > limits.changes) break;
    seqs.push(seq);
  }
  return seqs;
}

/** Takes changesets as long as they fit; a few are read at a time, for one may be large. */
async function fill(db: Sqlite, forms: readonly Form[], seqs: readonly number[], limits: PushLimits): Promise<Changeset[]> {
  const changesets: Changeset[] = [];
  let bytes = 0;
  for (let at = 0, step = 1; at < seqs.length; at += step, step = 100) {
    for (const changeset of await readChangesets(db, forms, seqs.slice(at, at + step))) {
      bytes += JSON.stringify(changeset).length;
      if (changesets.length > 0 && bytes > limits.bytes) return changesets;
      changesets.push(changeset);
    }
  }
  return changesets;
}

/**
 * Where rows are compared, an edit of a row waits until an earlier one of the same row, which the server has accepted, is in the server's
 * rows here: before that the device cannot tell what the row is there.
 */
async function heldFrom(db: Sqlite, forms: readonly Form[], known: number): Promise<number> {
  const comparing = forms.filter(({ spec }) => spec.conflicts === 'detect' || spec.conflicts === 'merge').map(({ id }) => id);
  if (comparing.length === 0) return Number.MAX_SAFE_INTEGER;
  const held = await first<{ seq: number | null }>(db, `SELECT min(l.seq) AS seq FROM _carryon_log l WHERE l.seq > ?1 AND l.form IN (SELECT value FROM json_each(?2)) AND EXISTS (
    SELECT 1 FROM _carryon_log p JOIN _carryon_changeset c ON c.seq = p.seq WHERE p.form = l.form AND p.rid = l.rid AND p.shown AND p.seq < l.seq AND c.state = 'accepted')`, known, JSON.stringify(comparing));
  return held?.seq ?? Number.MAX_SAFE_INTEGER;
}
