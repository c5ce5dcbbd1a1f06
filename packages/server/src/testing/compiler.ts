import { CarryonError } from '@carryon/protocol';
import { compileProfiles } from '../core/compile.ts';
import type { Config, KnownIds } from '../core/config.ts';
import { parseProfile, type Profile } from '../core/profile.ts';
import type { Source } from '../core/source.ts';
import { Database } from '../storage/sqlite/driver.ts';
import { introspect } from '../storage/sqlite/introspect.ts';

export interface Compiler {
  readonly source: Source;
  /** Profiles as objects, with what they need beside the given. */
  readonly profilesOf: (given: readonly object[]) => Profile[];
  readonly compile: (given: readonly object[], known?: KnownIds) => Config;
  /** One profile of these tables. */
  readonly compileTables: (tables: object, known?: KnownIds) => Config;
  /** Why a profile is refused: code and message; '' when it is not. */
  readonly problemOf: (...given: readonly object[]) => string;
}

/** Compiles profiles for an empty database of this schema. */
export function compiler(sql: string): Compiler {
  const db = new Database(':memory:');
  db.exec(sql);
  const source = introspect(db);
  db.close();
  const profilesOf = (given: readonly object[]): Profile[] => given.map((profile) => parseProfile({ version: 1, ...profile }));
  const compile = (given: readonly object[], known?: KnownIds): Config => compileProfiles(profilesOf(given), source, known);
  return {
    source, profilesOf, compile,
    compileTables: (tables, known) => compile([{ tables }], known),
    problemOf: (...given) => {
      try {
        compile(given);
        return '';
      } catch (error) {
        if (error instanceof CarryonError) return `${error.code}: ${error.message}`;
        throw error;
      }
    },
  };
}
