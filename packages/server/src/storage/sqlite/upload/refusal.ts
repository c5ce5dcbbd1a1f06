import { CarryonError, type ErrorCode } from '@carryon/protocol';
import type { Words } from './words.ts';

/** Why a changeset is refused. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  /** Position in the changeset of the change that was refused. */
  readonly change: number;

  constructor(code: ErrorCode, message: string, change: number) {
    super(message);
    this.code = code;
    this.change = change;
  }
}

/** SQLite's result codes, plain and extended, that a statement's content causes: https://www.sqlite.org/rescode.html */
const FAULTS = new Set([1 /* error */, 18 /* too big */, 19 /* constraint */, 20 /* mismatch */]);
const FOREIGN_KEY = 787;
const UNIQUE = new Set([1555 /* primary key */, 2067 /* unique */, 2579 /* rowid */]);

/** Throws on what is no fault of the edit: a full disk, a lock, a bug, a rule that SQLite cannot work out. Then nothing must be taken in. */
export function refusalOf(thrown: unknown, change: number): Refusal {
  if (thrown instanceof CarryonError && thrown.code.startsWith('write.')) return new Refusal(thrown.code, thrown.message, change);
  throw thrown;
}

/** What a statement that writes a row of the table has thrown, as `write.*` where the edit is at fault; anything else stays what it is. */
export function faultOf(thrown: unknown, table: string, words: Words): unknown {
  const code = sqliteCode(thrown);
  if (!(thrown instanceof Error) || !FAULTS.has(code & 255)) return thrown;
  if (code === FOREIGN_KEY) return new CarryonError('write.reference', `A change of "${table}" refers to a row that is not there, or takes one away that others refer to.`);
  const why = words.of(thrown.message, code, table);
  if (UNIQUE.has(code)) return new CarryonError('write.unique', `A change of "${table}" has a value that must be unique, and another row has it: ${why}.`);
  return new CarryonError('write.rejected', `The business database refuses a change of "${table}": ${why}.`);
}

export const isForeignKey = (thrown: unknown): boolean => sqliteCode(thrown) === FOREIGN_KEY;

/** Deferred foreign keys are looked at last, so nobody knows by which change. */
export const danglingAtCommit = (): Refusal => new Refusal('write.reference', 'After the changes a row would refer to one that is not there.', 0);

const sqliteCode = (thrown: unknown): number => Number((thrown as { errcode?: number } | null)?.errcode ?? 0);

/** What Power Apps' users know: 0 conflict, 1 record not found, 2 record already exists, 3 other. */
export function errorType(code: ErrorCode): number {
  if (code === 'write.conflict') return 0;
  if (code === 'write.not-found') return 1;
  return code === 'write.exists' ? 2 : 3;
}
