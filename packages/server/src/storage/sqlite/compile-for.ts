import { existsSync } from 'node:fs';
import { compileProfiles } from '../../core/compile.ts';
import { NOTHING_KNOWN, readConfigText, type Config, type KnownIds, type SyncedTable } from '../../core/config.ts';
import type { Predicate } from '../../core/filter/predicate.ts';
import type { Profile } from '../../core/profile.ts';
import type { Database } from './driver.ts';
import { Database as Connection, openExisting } from './driver.ts';
import { introspect } from './introspect.ts';
import { leavesOf } from './rules/leaves.ts';
import { isStore, storedColumns } from './schema.ts';

/**
 * Fits the profiles to the database at hand, without changing either, for a new store or for the one in that file. What a store has and is
 * the same keeps its id. Throws `profile.invalid` and what `openExisting` throws; waits so long for a lock (default: 10 s).
 */
export function compileFor(database: string, profiles: readonly Profile[], store?: string, busyMs?: number): Config {
  const db = openExisting(database, { readOnly: true, ...(busyMs === undefined ? {} : { busyMs }) });
  try {
    const source = introspect(db);
    const { known, config: before } = store === undefined ? { known: NOTHING_KNOWN, config: undefined } : readStore(store);
    const config = compileProfiles(profiles, source, known);
    const renewed = before && whatIsAnother(before, config);
    return renewed && renewed.tables.size + renewed.nodes.size > 0 ? compileProfiles(profiles, source, without(known, config, renewed)) : config;
  } finally {
    db.close();
  }
}

interface Stored { readonly known: KnownIds; readonly config: Config | undefined }

function readStore(file: string): Stored {
  if (!existsSync(file)) return { known: NOTHING_KNOWN, config: undefined };
  const db = new Connection(file);
  try {
    if (!isStore(db)) return { known: NOTHING_KNOWN, config: undefined };
    const config = db.get<{ config: string }>('SELECT config FROM sync_state WHERE version >= 2');
    return config ? { known: knownIds(db), config: readConfigText(config.config) } : { known: NOTHING_KNOWN, config: undefined };
  } finally {
    db.close();
  }
}

/** The ids that the store has given. A table that is being read anew counts with its new id. */
export function knownIds(db: Database): KnownIds {
  const tables = db.all<{ id: number; name: string }>("SELECT id, name FROM sync_table WHERE state <> 'dropped' ORDER BY id");
  const nodes = db.all<{ id: number; text: string }>('SELECT id, text FROM sync_node WHERE retired = 0');
  const last = (table: string): number => db.get<{ id: number | null }>(`SELECT max(id) AS id FROM ${table}`)?.id ?? 0;
  return {
    tables: Object.fromEntries(tables.map(({ id, name }) => [name.toLowerCase(), id])),
    nodes: Object.fromEntries(nodes.map(({ id, text }) => [text, id])),
    lastTable: last('sync_table'), lastNode: last('sync_node'),
  };
}

export interface Renewed { readonly tables: ReadonlySet<number>; readonly nodes: ReadonlySet<number> }

/**
 * Tables and nodes that have an id of before and stand for something else: rows are told apart by another key, a column's values are kept or
 * compared otherwise, or a rule reads such a table, or other times.
 */
export function whatIsAnother(before: Config, now: Config): Renewed {
  const tables = new Set(now.tables.filter((table) => {
    const was = before.tables.find(({ id }) => id === table.id);
    return was !== undefined && !isSameTable(was, table);
  }).map(({ id }) => id));
  const nodes = new Set<number>();
  for (const { id, text, table, rule } of now.nodes) {
    const was = before.nodes.find((node) => node.id === id);
    if (!was) continue;
    const reads = leavesOf(rule);
    const isOther = tables.has(table) || was.text !== text || was.table !== table || leavesText(leavesOf(was.rule)) !== leavesText(reads)
      || reads.some((leaf) => ('node' in leaf && nodes.has(leaf.node)) || (leaf.kind === 'linked' && tables.has(leaf.through)) || (leaf.kind === 'filter' && before.timeZone !== now.timeZone && readsTimes(leaf.filter)));
    if (isOther) nodes.add(id);
  }
  return { tables, nodes };
}

/** Whole numbers of filters are not known to JSON. */
const leavesText = (leaves: readonly unknown[]): string => JSON.stringify(leaves, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));

function isSameTable(was: SyncedTable, now: SyncedTable): boolean {
  const keyOf = ({ columns, key }: SyncedTable): string => JSON.stringify(key.map((position) => columns[position]?.name));
  const columns = new Map(storedColumns(was).map((column) => [column.name, column]));
  return was.name === now.name && keyOf(was) === keyOf(now) && storedColumns(now).every(({ name, type, collation }) => {
    const column = columns.get(name);
    return column === undefined || (column.type === type && column.collation === collation);
  });
}

function readsTimes(filter: Predicate): boolean {
  if (filter.op === 'and' || filter.op === 'or') return filter.of.some(readsTimes);
  return filter.op === 'not' ? readsTimes(filter.of) : filter.op === 'time';
}

function without(known: KnownIds, config: Config, renewed: Renewed): KnownIds {
  const names = new Set(config.tables.filter(({ id }) => renewed.tables.has(id)).map(({ name }) => name.toLowerCase()));
  return {
    ...known,
    tables: Object.fromEntries(Object.entries(known.tables).filter(([name]) => !names.has(name))),
    nodes: Object.fromEntries(Object.entries(known.nodes).filter(([, id]) => !renewed.nodes.has(id))),
  };
}
