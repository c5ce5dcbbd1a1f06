import { Drafts } from './compile/draft.ts';
import { checkSameKeys, type FittedTable, fitTables } from './compile/fit.ts';
import { invalid, Problems } from './compile/names.ts';
import { NodeBook } from './compile/nodes.ts';
import { compilePeople, peopleTables, type Settings, settingsOf, whyUnknown } from './compile/people.ts';
import { checkRelations, ProfileNodes } from './compile/resolve-rules.ts';
import { checkRuleSizes } from './compile/rule-size.ts';
import { sentColumns, shareOf } from './compile/shares.ts';
import { syncedTables } from './compile/synced-tables.ts';
import { TableIds } from './compile/table-ids.ts';
import { unionNodes } from './compile/unions.ts';
import { type CompiledProfile, type Config, type KnownIds, NOTHING_KNOWN, type TableShare, type Who } from './config.ts';
import type { Profile } from './profile.ts';
import type { Source, SourceTable } from './source.ts';
import { ERROR_COLUMNS, ERROR_RULE, ERROR_TABLE, errorTable } from './sync-errors.ts';

/** A profile whose names were found in the database. */
interface Fitted {
  readonly profile: Profile;
  readonly tables: readonly FittedTable[];
  readonly drafts: Drafts;
}

/**
 * Fits profiles to the database at hand: tables with ids, columns and keys, and rules as nodes. Ids that a store has given before stay. The
 * tables of profiles come before those that only rules read, and last the table of sync errors, where people may write. Throws
 * `profile.invalid`.
 */
export function compileProfiles(profiles: readonly Profile[], source: Source, known: KnownIds = NOTHING_KNOWN): Config {
  checkNames(profiles);
  const settings = settingsOf(profiles);
  const fitted = fitProfiles(profiles, source, settings);
  const used = usedTables(fitted, settings, source);
  const mayWrite = fitted.some(isForWriting);
  const ids = new TableIds([...used.map(({ name }) => name), ...(mayWrite ? [ERROR_TABLE] : [])], known);
  const book = new NodeBook(known, settings.timeZone, textsOf(used, fitted, ids));
  const compiled = fitted.map((one) => compileOne(one, book, ids));
  const unions = unionNodes(compiled, book);
  checkRuleSizes(book.nodes, (id) => used.find(({ name }) => ids.of(name) === id)?.name ?? ERROR_TABLE);
  const tables = syncedTables(used.map((table) => ({
    id: ids.of(table.name), source: table, key: keyOf(table, fitted),
    shares: compiled.flatMap(({ shares }) => shares.filter((share) => share.table === ids.of(table.name))),
    references: fitted.flatMap((one) => one.tables.find((other) => other.source === table)?.wanted.references ?? []),
    reads: readsOf(table, fitted, settings, source),
  })));
  return {
    tables: [...tables, ...(mayWrite ? [errorTable(ids.of(ERROR_TABLE))] : [])].sort((a, b) => a.id - b.id),
    nodes: book.nodes, profiles: compiled, unions,
    people: compilePeople(settings.people, source, ids.of), timeZone: settings.timeZone,
  };
}

function checkNames(profiles: readonly Profile[]): void {
  if (profiles.length === 0) throw invalid('There is no profile.');
  const twice = profiles.find(({ name }, i) => profiles.findIndex((other) => other.name === name) < i);
  if (twice) throw invalid(`Two profiles have the name "${twice.name}": give each its own "name".`);
}

/** All that is wrong with names and keys is told at once, and so is all that is wrong with rules. */
function fitProfiles(profiles: readonly Profile[], source: Source, settings: Settings): readonly Fitted[] {
  const problems = new Problems();
  const of = (profile: Profile): Problems => (profiles.length === 1 ? problems : problems.within(`Profile "${profile.name}": `));
  problems.within('people: ').try(() => peopleTables(settings.people, source));
  const found = profiles.map((profile) => ({ profile, tables: fitTables(profile, source, of(profile)) }));
  problems.end();
  checkSameKeys(found.map(({ profile: { name }, tables }) => ({ name, tables })));
  const fitted = found.map(({ profile, tables }) => {
    const drafts = new Drafts({ tables, source, timeZone: settings.timeZone });
    for (const table of tables) of(profile).try(() => drafts.add(table));
    return { profile, tables, drafts };
  });
  for (const { profile, drafts } of fitted) {
    of(profile).try(() => checkRelations(drafts.rules));
    of(profile).try(() => checkAsked(profile, drafts, settings));
  }
  problems.end();
  return fitted;
}

/** What nothing says of anybody gives nobody any rows: a mistake. */
function checkAsked({ who }: Profile, drafts: Drafts, { people }: Settings): void {
  const asked = new Map(drafts.attributes);
  if (who !== 'everyone' && who.teams?.length) asked.set('teams', '"who"');
  if (who !== 'everyone' && who.units?.length) asked.set('unit', '"who"');
  for (const [attribute, place] of asked) {
    const why = whyUnknown(attribute, people);
    if (why !== undefined) throw invalid(`${place} asks for the person's ${attribute === 'teams' ? 'teams' : 'business unit'}, but ${why}.`);
  }
}

/** The tables of profiles in the order of their names, then those that only rules read. */
function usedTables(fitted: readonly Fitted[], { people }: Settings, source: Source): readonly SourceTable[] {
  const byName = (a: SourceTable, b: SourceTable): number => (a.name < b.name ? -1 : 1);
  const own = new Set(fitted.flatMap(({ tables }) => tables.map((table) => table.source)));
  const read = new Set([...peopleTables(people, source).map(({ table }) => table), ...fitted.flatMap(({ drafts }) => [...drafts.links.keys()])]);
  return [...[...own].sort(byName), ...[...read].filter((table) => !own.has(table)).sort(byName)];
}

function keyOf(table: SourceTable, fitted: readonly Fitted[]): readonly string[] {
  return fitted.flatMap(({ tables }) => tables.filter(({ source }) => source === table))[0]?.key ?? table.key;
}

function readsOf(table: SourceTable, fitted: readonly Fitted[], { people }: Settings, source: Source): ReadonlySet<string> {
  const byPeople = peopleTables(people, source).flatMap((part) => (part.table === table ? part.columns : []));
  return new Set([...byPeople, ...fitted.flatMap(({ drafts }) => [...(drafts.reads.get(table) ?? []), ...(drafts.links.get(table) ?? [])])]);
}

/** How the texts of nodes name tables: with the key, by which relations go. */
function textsOf(used: readonly SourceTable[], fitted: readonly Fitted[], ids: TableIds): (id: number) => string {
  const texts = new Map(used.map((table) => [ids.of(table.name), JSON.stringify([table.name, ...keyOf(table, fitted)])]));
  return (id) => texts.get(id) ?? JSON.stringify([ERROR_TABLE]);
}

function compileOne({ profile, tables, drafts }: Fitted, book: NodeBook, ids: TableIds): CompiledProfile {
  const nodes = new ProfileNodes(drafts.rules, book, ids.of);
  const shares = tables.map((table) => shareOf(table, nodes.of(table.source), sentColumns(table, drafts.reads.get(table.source) ?? new Set())));
  return { name: profile.name, who: whoOf(profile), shares: isForWriting({ tables }) ? [...shares, errorShare(book, ids)] : shares };
}

const isForWriting = ({ tables }: Pick<Fitted, 'tables'>): boolean => tables.some(({ wanted }) => wanted.rights?.some((right) => right !== 'read'));

/** Who may write gets the errors of their own edits. */
function errorShare(book: NodeBook, ids: TableIds): TableShare {
  const { id: table, level, rights = [] } = errorTable(ids.of(ERROR_TABLE));
  return { table, node: book.nodeOf(table, ERROR_RULE).id, columns: ERROR_COLUMNS.map(({ name }) => name), level, rights };
}

function whoOf({ who }: Profile): Who | undefined {
  return who === 'everyone' ? undefined : { users: who.users ?? [], teams: who.teams ?? [], units: who.units ?? [] };
}
