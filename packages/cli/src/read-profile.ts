import { readFileSync } from 'node:fs';
import { CarryonError } from '@carryon/protocol';
import { readProfileText, type Profile } from '@carryon/server';

/** Reads profile files. Throws `profile.invalid` saying which is wrong, and where. */
export const readProfiles = (files: readonly string[]): Profile[] => files.map(readProfile);

function readProfile(file: string): Profile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new CarryonError('profile.invalid', code === 'ENOENT' ? `There is no profile ${file}.` : `The profile ${file} could not be read: ${code}.`, { cause });
  }
  try {
    return readProfileText(text);
  } catch (cause) {
    if (!(cause instanceof CarryonError)) throw cause;
    throw new CarryonError(cause.code, `${file}: ${cause.message}`, { cause });
  }
}
