import { quoteName } from '@carryon/protocol';
import { compileProfiles } from './core/compile.ts';
import type { Finding } from './core/lint/finding.ts';
import { lint } from './core/lint/lint.ts';
import { describe, describeScopes } from './core/lint/words.ts';
import type { Profile } from './core/profile.ts';
import { openExisting } from './storage/sqlite/driver.ts';
import { introspect } from './storage/sqlite/introspect.ts';

/** A table of a profile, as a person reads it. */
export interface CheckedTable {
  /** With the profile's name where there are several. */
  readonly name: string;
  /** Which rows a person gets. */
  readonly gives: string;
  /** For how many people the server keeps one list of rows. */
  readonly scopes: string;
}

/** What is to be known of profiles before they are published: what they may not mean, and what each of their rules gives. */
export interface CheckedProfiles {
  readonly findings: readonly Finding[];
  readonly tables: readonly CheckedTable[];
}

/** Looks at profiles that would be served together over a business database, which is only read. Throws `profile.invalid` for unusable ones. */
export function checkProfiles(database: string, profiles: readonly Profile[]): CheckedProfiles {
  const db = openExisting(database, { readOnly: true });
  try {
    const source = introspect(db);
    const config = compileProfiles(profiles, source);
    const rowsOf = (table: string): number | undefined => db.get<{ rows: number }>(`SELECT count(*) AS rows FROM ${quoteName(table)}`)?.rows;
    const tables = config.profiles.flatMap(({ name: profile, shares }) => shares.flatMap((share): CheckedTable[] => {
      const [table, node] = [config.tables.find(({ id }) => id === share.table), config.nodes.find(({ id }) => id === share.node)];
      if (!table || !node) return [];
      return [{ name: profiles.length > 1 ? `${table.name} (${profile})` : table.name, gives: describe(node.rule, config), scopes: describeScopes(node) }];
    }));
    return { findings: lint(config, profiles, source, rowsOf), tables };
  } finally {
    db.close();
  }
}
