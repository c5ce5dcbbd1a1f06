import type { Sqlite } from '../ports/sqlite.ts';

/** By what is known whether somebody else than the app has changed the rows that it sees of a table. */
export interface Fingerprint {
  /** The server's rows, and how many edits lie over them no longer. */
  readonly mark: string;
  /** Edits that lie over the rows: more of them are the app's doing, fewer are not. */
  readonly shown: number;
}

/** Fingerprints of all tables that an app can read, by their names. */
export async function readFingerprints(db: Sqlite): Promise<ReadonlyMap<string, Fingerprint>> {
  const tables = await db.all<{ name: string; mark: string }>('SELECT name, json_array(id, rows, sum, spec) AS mark FROM _carryon_table WHERE usable');
  const edits = await db.all<{ name: string; mark: string; shown: number }>(`SELECT f.name, json_array(sum(NOT l.shown), coalesce(sum(c.state = 'accepted'), 0)) AS mark, sum(l.shown) AS shown
    FROM _carryon_log l JOIN _carryon_form f ON f.id = l.form LEFT JOIN _carryon_changeset c ON c.seq = l.seq WHERE l.op IS NOT NULL GROUP BY f.name`);
  const editsOf = new Map(edits.map(({ name, mark, shown }) => [name.toLowerCase(), { mark, shown }]));
  return new Map(tables.map(({ name, mark }) => {
    const { mark: rest, shown } = editsOf.get(name.toLowerCase()) ?? { mark: '[0,0]', shown: 0 };
    return [name, { mark: `${mark} ${rest}`, shown }];
  }));
}

/** Names of the tables that differ, that are new, or that are gone. */
export function differing(before: ReadonlyMap<string, Fingerprint>, after: ReadonlyMap<string, Fingerprint>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((name) => {
    const [was, is] = [before.get(name), after.get(name)];
    return was?.mark !== is?.mark || (is?.shown ?? 0) < (was?.shown ?? 0);
  });
}
