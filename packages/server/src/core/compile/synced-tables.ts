import type { SyncedTable, TableShare } from '../config.ts';
import { forEdits, referencesOf, rightsOf, strictest } from '../edits.ts';
import type { ProfileTable } from '../profile.ts';
import type { SourceTable } from '../source.ts';
import { specsOf } from './fit.ts';

/** Tables that only rules read are never sent. */
const LAST_LEVEL = 9;

/** A table of the database with all that profiles give and rules read of it. */
export interface UsedTable {
  readonly id: number;
  readonly source: SourceTable;
  readonly key: readonly string[];
  readonly shares: readonly TableShare[];
  readonly references: ProfileTable['references'];
  /** The columns that rules read. */
  readonly reads: ReadonlySet<string>;
}

/** The tables as the store keeps them: what any profile sends of each, and behind it what only rules read. */
export function syncedTables(used: readonly UsedTable[]): readonly SyncedTable[] {
  const tables = used.map(syncedTable);
  return tables.map((table, i) => {
    const { references, source } = used[i] ?? {};
    return source ? { ...table, ...referencesOf(table, references, source, tables) } : table;
  });
}

function syncedTable({ id, source, key, shares, reads }: UsedTable): SyncedTable {
  const sent = new Set(shares.flatMap(({ columns }) => columns));
  const columns = specsOf(source, (name) => sent.has(name) || key.includes(name));
  const every = shares.flatMap(({ everyMinutes }) => everyMinutes ?? []);
  const spec = { columns, key: key.map((name) => columns.findIndex((column) => column.name === name)) };
  return {
    id, name: source.name, ...spec,
    level: Math.min(LAST_LEVEL, ...shares.map(({ level }) => level)),
    ...(every.length === 0 ? {} : { everyMinutes: Math.min(...every) }),
    ...forEdits(spec, rightsOf(shares.map(({ rights }) => rights)), strictest(shares.map(({ conflicts }) => conflicts)), source),
    hidden: specsOf(source, (name) => reads.has(name) && !sent.has(name) && !key.includes(name)),
  };
}
