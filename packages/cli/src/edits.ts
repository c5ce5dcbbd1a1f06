import type { Draft, Edits } from '@carryon/client';
import { openEdits } from '@carryon/hosts/node';
import { CarryonError } from '@carryon/protocol';
import { counted } from './output.ts';

/** Works with a device's edits, whether or not a process is syncing into the folder. Rejects with `device.not-a-device`. */
export async function withEdits<T>(folder: string, work: (edits: Edits) => Promise<T>): Promise<T> {
  const { edits, close } = await openEdits(folder);
  try {
    return await work(edits);
  } finally {
    await close();
  }
}

/** A draft's number on the command line; those of a device that has started over are below zero. */
export function draftNumber(text: string): number {
  if (/^#?-?\d{1,15}$/.test(text)) return Number(text.replace('#', ''));
  throw new CarryonError('usage', `The number of a draft must be one that "carryon errors" shows, not "${text}".`);
}

/** The drafts that a command is about: the one named, all, or the only one there is. Throws `usage`. */
export function chosenDrafts(drafts: readonly Draft[], number: number | undefined, all: boolean): Draft[] {
  if (number !== undefined && all) throw new CarryonError('usage', 'Give the number of a draft or --all, not both.');
  if (all) return [...drafts];
  if (number === undefined && drafts.length === 1) return [...drafts];
  const known = drafts.length === 0 ? 'there are no drafts' : `there ${drafts.length === 1 ? 'is' : 'are'} ${drafts.map(({ seq }) => `#${seq}`).join(', ')}`;
  if (number === undefined) throw new CarryonError('usage', `Give the number of a draft, or --all: ${known}.`);
  const chosen = drafts.filter(({ seq }) => seq === number);
  if (chosen.length === 0) throw new CarryonError('usage', `There is no draft #${number}: ${known}.`);
  return chosen;
}

/** Rows and changes that the server's data does not show yet, in words. */
export function waitingWords({ records, operations }: { readonly records: number; readonly operations: number }): string {
  return `${counted(records, 'row waits', 'rows wait')} for the server (${counted(operations, 'change')})`;
}
