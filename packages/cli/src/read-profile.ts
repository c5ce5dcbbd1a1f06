import { readFileSync } from 'node:fs';
import { CarryonError } from '@carryon/protocol';
import { parseProfile, type Profile } from '@carryon/server';

/** Reads a profile file. Throws `profile.invalid` saying where it is wrong. */
export function readProfile(file: string): Profile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new CarryonError('profile.invalid', code === 'ENOENT' ? `There is no profile ${file}.` : `The profile ${file} could not be read: ${code}.`, { cause });
  }
  try {
    return parseProfile(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof CarryonError) throw cause;
    throw new CarryonError('profile.invalid', `The profile ${file} is not JSON: ${(cause as Error).message}.`, { cause });
  }
}
