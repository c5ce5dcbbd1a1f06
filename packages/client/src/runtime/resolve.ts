import type { SqlValue } from '@carryon/protocol';
import type { Draft, DraftChange, Mended } from '../store/outbox/drafts.ts';

type Row = Readonly<Record<string, SqlValue>>;

export interface Conflict {
  readonly table: string;
  readonly key: readonly SqlValue[];
  /** The row as it was when the person changed it. */
  readonly base: Row;
  /** As the person wanted it; undefined: they deleted it. */
  readonly mine: Row | undefined;
  /** As it is on the server now; undefined: it is gone, or in another's share. Then the draft can only be dropped (`theirs`), or left to the person. */
  readonly theirs: Row | undefined;
}

/**
 * Settles a conflict of a row. Returns the values that its columns shall have (those left out stay as they are on the server), `theirs` to let the
 * server's row stand, or undefined to leave the decision to the person: the draft stays then, as it does when the function throws.
 */
export type Resolver = (conflict: Conflict) => Row | 'theirs' | undefined | Promise<Row | 'theirs' | undefined>;

/** What the app's functions make of a refused changeset: values to retry it with, to drop it, or undefined: it stays a draft. */
export async function resolve(draft: Draft, resolvers: Readonly<Record<string, Resolver>>): Promise<Mended | 'drop' | undefined> {
  if (draft.error.code !== 'write.conflict' && draft.error.code !== 'write.not-found') return undefined;
  const mended: Record<number, Row | 'leave'> = {};
  for (const [i, change] of draft.changes.entries()) {
    if (!isContested(change, i === draft.error.change)) continue;
    const resolver = resolvers[change.table];
    const { table, key, base = {}, mine, theirs } = change;
    const settled = await resolver?.({ table, key, base, mine, theirs });
    // A row that is gone cannot be given values.
    if (settled === undefined || (settled !== 'theirs' && theirs === undefined)) return undefined;
    mended[i] = settled === 'theirs' ? 'leave' : settled;
  }
  const isAllTheirs = draft.changes.every((_, i) => mended[i] === 'leave');
  return isAllTheirs ? 'drop' : mended;
}

/** The row has changed on the server since the person saw it. */
function isContested({ op, base, theirs }: DraftChange, isRefused: boolean): boolean {
  if (isRefused) return true;
  if (op === 'insert' || base === undefined || theirs === undefined) return false;
  return Object.entries(base).some(([name, value]) => !isSame(value, theirs[name] ?? null));
}

function isSame(a: SqlValue, b: SqlValue): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return a.length === b.length && a.every((byte, i) => byte === b[i]);
  return a === b;
}
