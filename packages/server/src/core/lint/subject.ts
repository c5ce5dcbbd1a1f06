import { keyColumns } from '@carryon/protocol';
import { rulesIn } from '../compile/rules.ts';
import type { CompiledProfile, Config, SyncedTable, TableShare } from '../config.ts';
import type { Profile, ProfileTable } from '../profile.ts';
import type { RuleNode } from '../rule.ts';
import type { Source, SourceTable } from '../source.ts';

/** A table of a profile with all that the linter looks at. */
export interface Subject {
  readonly profile: Profile;
  readonly wanted: ProfileTable;
  readonly share: TableShare;
  readonly table: SyncedTable;
  readonly source: SourceTable;
  readonly node: RuleNode;
  readonly timeZone: string;
  readonly relations: readonly Relation[];
}

/** One table refers to the key of another, and a rule goes by it. */
export interface Relation {
  readonly from: SourceTable;
  readonly columns: readonly string[];
  readonly to: SourceTable;
  readonly key: readonly string[];
  /** Rows are looked up by what refers, not by the key. */
  readonly isSearched: boolean;
  /** What the same profile gives of both; undefined of a table of links. */
  readonly shares: { readonly from: TableShare; readonly to: TableShare } | undefined;
}

/** The tables of all profiles, beside what they were written as. */
export function subjectsOf(config: Config, profiles: readonly Profile[], source: Source): readonly Subject[] {
  return config.profiles.flatMap((compiled) => compiled.shares.flatMap((share) => {
    const profile = profiles.find(({ name }) => name === compiled.name);
    const [table, node] = [config.tables.find(({ id }) => id === share.table), config.nodes.find(({ id }) => id === share.node)];
    const found = source.tables.find(({ name }) => name === table?.name);
    const wanted = Object.entries(profile?.tables ?? {}).find(([name]) => name.toLowerCase() === table?.name.toLowerCase())?.[1];
    // The table of sync errors is in no profile.
    if (!profile || !table || !node || !found || !wanted) return [];
    return [{ profile, wanted, share, table, source: found, node, timeZone: config.timeZone, relations: relationsOf(node, share, table, compiled, config, source) }];
  }));
}

function relationsOf(node: RuleNode, share: TableShare, table: SyncedTable, compiled: CompiledProfile, config: Config, source: Source): Relation[] {
  const sourceOf = (one: SyncedTable | undefined): SourceTable | undefined => source.tables.find(({ name }) => name === one?.name);
  const make = (from: SyncedTable | undefined, columns: readonly string[], to: SyncedTable | undefined, isSearched: boolean, shares?: Relation['shares']): Relation[] => {
    const [fromSource, toSource] = [sourceOf(from), sourceOf(to)];
    return fromSource && toSource && to ? [{ from: fromSource, columns, to: toSource, key: keyColumns(to).map(({ name }) => name), isSearched, shares }] : [];
  };
  return [...rulesIn(node.rule)].flatMap((rule) => {
    if (rule.kind !== 'child' && rule.kind !== 'parent' && rule.kind !== 'linked') return [];
    const otherId = config.nodes.find(({ id }) => id === rule.node)?.table;
    const other = config.tables.find(({ id }) => id === otherId);
    const otherShare = compiled.shares.find((one) => one.table === otherId);
    if (rule.kind === 'child') return make(table, rule.by, other, false, otherShare && { from: share, to: otherShare });
    if (rule.kind === 'parent') return make(other, rule.by, table, true, otherShare && { from: otherShare, to: share });
    const link = config.tables.find(({ id }) => id === rule.through);
    return [...make(link, rule.by, table, true), ...make(link, rule.to, other, false)];
  });
}
