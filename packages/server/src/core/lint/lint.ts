import type { Config } from '../config.ts';
import { LIMITS } from '../limits.ts';
import type { Profile } from '../profile.ts';
import type { Source } from '../source.ts';
import type { Finding } from './finding.ts';
import { subjectsOf, type Subject } from './subject.ts';
import { LOOKS } from './table-findings.ts';
import { wideningRights } from './widening.ts';

/** Tables that everybody gets in whole are worth a word from so many rows on. */
const LARGE_ROWS = 1_000_000;
const LEVELS: readonly Finding['level'][] = ['error', 'warning', 'hint'];

/**
 * What profiles do that their authors may not mean, the gravest first. The config is what `compileProfiles` made of them. `rowsOf` tells how
 * many rows a table has, where that is known.
 */
export function lint(config: Config, profiles: readonly Profile[], source: Source, rowsOf: (table: string) => number | undefined = () => undefined): readonly Finding[] {
  const subjects = subjectsOf(config, profiles, source);
  const several = profiles.length > 1;
  const found = subjects.flatMap((subject) => LOOKS.flatMap((look) => look(subject)).map((finding) => (several ? named(finding, subject) : finding)));
  const all = [...found, ...wideningRights(config), ...sizes(subjects, rowsOf), ...unusedPeople(config)];
  const once = [...new Map(all.map((finding) => [JSON.stringify(finding), finding])).values()];
  return once.sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));
}

/** Indexes and types are of the database, all else of one profile. */
function named(finding: Finding, { profile }: Subject): Finding {
  return finding.code === 'index.missing' || finding.code === 'relation.types' ? finding : { ...finding, message: `Profile "${profile.name}": ${finding.message}` };
}

function sizes(subjects: readonly Subject[], rowsOf: (table: string) => number | undefined): Finding[] {
  const whole = new Map(subjects.flatMap(({ node, table }) => (node.rule.kind === 'every' ? [[table.name, rowsOf(table.name) ?? 0] as const] : [])));
  const large = [...whole].filter(([, rows]) => rows >= LARGE_ROWS).map(([table, rows]): Finding => ({
    level: 'warning', code: 'size.large', table, message: `Everybody downloads all ${rows} rows.`, fix: 'Give "rows" that people need; `carryon profile preview` tells what a first sync takes.',
  }));
  const total = [...whole.values()].reduce((sum, rows) => sum + rows, 0);
  if (total <= LIMITS.rowsPerDevice) return large;
  return [...large, { level: 'error', code: 'size.limit', table: undefined, message: `Everybody would get ${total} rows, but a device holds ${LIMITS.rowsPerDevice} at most.` }];
}

function unusedPeople({ people, nodes, profiles }: Config): Finding[] {
  const uses = new Set(nodes.flatMap((node) => node.uses));
  const asks = (list: 'teams' | 'units'): boolean => profiles.some(({ who }) => (who?.[list].length ?? 0) > 0);
  const usesTeams = uses.has('teams') || asks('teams');
  const usesUnit = uses.has('unit') || uses.has('units') || asks('units');
  const unused = [
    ...(people.teams && !usesTeams ? ['"teams"'] : []), ...(people.claims?.teams !== undefined && !usesTeams ? ['the claim for teams'] : []),
    ...(people.units && !uses.has('units') ? ['"units"'] : []), ...(people.users?.unit !== undefined && !usesUnit ? ['"unit" of "users"'] : []), ...(people.claims?.unit !== undefined && !usesUnit ? ['the claim for the unit'] : []),
  ];
  return unused.map((what) => ({ level: 'hint', code: 'people.unused', table: undefined, message: `"people" names ${what}, and no rule asks for it.`, fix: 'Leave it out: what it names is kept up to date for nothing.' }));
}
