import type { Changeset, Outcome, Push } from '@carryon/protocol';
import type { Access } from './access.ts';
import { findTarget, readEdit, type Target } from './edit.ts';
import { refusalOf } from './refusal.ts';
import type { TakenIn } from './upload.ts';

/** The record's name where there is none: a device counts anew once there is one. */
const NO_LEDGER = 'none';

/** The answer to a push of somebody who may write nothing. Neither writes the business database nor keeps anything: the same push gets the same answer. */
export function refuseAll({ tables }: Access, push: Push): TakenIn {
  const known = Math.max(push.known, push.lost ?? 0);
  const targets = push.tables.map((table) => findTarget(table, tables));
  const fresh = push.changesets.filter(({ seq }) => seq > known);
  const outcomes = fresh.flatMap((changeset) => refuse(changeset, push, targets));
  return { last: fresh.at(-1)?.seq ?? known, ledger: NO_LEDGER, outcomes, taken: fresh.length, refused: outcomes.length };
}

/** Without a right no change can be read; a changeset without changes has nothing to refuse. */
function refuse({ seq, changes }: Changeset, push: Push, targets: readonly (Target | undefined)[]): Outcome[] {
  const [change] = changes;
  if (!change) return [];
  const table = push.tables[change.table];
  try {
    readEdit(change, table, targets[change.table]);
  } catch (thrown) {
    const { code, message } = refusalOf(thrown, 0);
    return [{ seq, refused: { code, message, change: 0, error: '' } }];
  }
  throw new Error('Somebody without any right could change something.');
}
