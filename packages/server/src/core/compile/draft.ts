import type { Attribute } from '../attributes.ts';
import { liftFilter } from '../filter/lift.ts';
import { fitFilter } from '../filter/fit.ts';
import { parseFilter } from '../filter/parse.ts';
import { attributesIn, columnsOf, simplify } from '../filter/simplify.ts';
import { LIMITS } from '../limits.ts';
import type { Rows } from '../profile.ts';
import type { Rule } from '../rule.ts';
import type { Source, SourceTable } from '../source.ts';
import { type FittedTable, tableNamed } from './fit.ts';
import { findColumn, findTable, invalid } from './names.ts';
import { type Keyed, referringColumns } from './relations.ts';

/** A rule that names tables where a rule names nodes. */
export type Draft =
  | Exclude<Rule, { readonly kind: 'child' | 'parent' | 'linked' | 'same' | 'holds' | 'any' | 'all' }>
  | { readonly kind: 'child' | 'parent'; readonly table: SourceTable; readonly by: readonly string[] }
  | { readonly kind: 'linked'; readonly table: SourceTable; readonly through: SourceTable; readonly by: readonly string[]; readonly to: readonly string[] }
  | { readonly kind: 'any' | 'all'; readonly of: readonly Draft[] };

/** What a profile's rules may refer to. */
export interface Surroundings {
  readonly tables: readonly FittedTable[];
  readonly source: Source;
  readonly timeZone: string;
}

/** The rules of a profile's tables, before they become nodes, and the columns that they read. */
export class Drafts {
  readonly #around: Surroundings;
  readonly rules = new Map<SourceTable, Draft>();
  /** Of the profile's own tables. */
  readonly reads = new Map<SourceTable, Set<string>>();
  /** Of tables of links. */
  readonly links = new Map<SourceTable, Set<string>>();
  /** What the rules ask of a person, and where. */
  readonly attributes = new Map<Attribute, string>();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Reads the rows that the profile gives of a table. Throws `profile.invalid`. */
  add(table: FittedTable): void {
    this.rules.set(table.source, this.#draft(table.wanted.rows, `tables.${table.written}.rows`, table, 0));
  }

  #draft(rows: Rows, place: string, table: FittedTable, depth: number): Draft {
    if (depth > LIMITS.relationDepth) throw invalid(`${place}: "any" and "all" stand inside each other more than ${LIMITS.relationDepth} times.`);
    if (rows === 'all') return { kind: 'every' };
    if ('own' in rows) return this.#mine(rows.own, 'user', table);
    if ('team' in rows) return this.#mine(rows.team, 'teams', table);
    if ('unit' in rows) return this.#mine(rows.unit, rows.children === true ? 'units' : 'unit', table);
    if ('filter' in rows) return this.#filter(rows.filter, `${place}.filter`, table);
    if ('childOf' in rows) return this.#child(rows, table);
    if ('parentOf' in rows) return this.#parent(rows, table);
    if ('linkedTo' in rows) return this.#link(rows, table);
    const [kind, of] = 'any' in rows ? ['any' as const, rows.any] : ['all' as const, rows.all];
    return { kind, of: of.map((part, i) => this.#draft(part, `${place}.${kind}.${i}`, table, depth + 1)) };
  }

  #mine(name: string, attribute: Attribute, { source }: FittedTable): Draft {
    const column = findColumn(name, source);
    note(this.reads, source, [column]);
    this.attributes.set(attribute, `Table "${source.name}"`);
    return { kind: 'mine', column, attribute };
  }

  #filter(text: string, place: string, { source }: FittedTable): Draft {
    const predicate = fitFilter(parseFilter(text, place), { table: source.name, columns: source.columns.map(({ name }) => name), timeZone: this.#around.timeZone });
    note(this.reads, source, columnsOf(predicate));
    for (const attribute of attributesIn(predicate)) this.attributes.set(attribute, place);
    // A lifted filter has no relations.
    return liftFilter(simplify(predicate)) as Draft;
  }

  #child(rows: Extract<Rows, { readonly childOf: string }>, table: FittedTable): Draft {
    const other = this.#related(rows.childOf, table);
    const by = referringColumns(table.source, other, rows.by, 'by');
    note(this.reads, table.source, by);
    return { kind: 'child', table: other.source, by };
  }

  #parent(rows: Extract<Rows, { readonly parentOf: string }>, table: FittedTable): Draft {
    const other = this.#related(rows.parentOf, table);
    const by = referringColumns(other.source, table, rows.by, 'by');
    note(this.reads, other.source, by);
    return { kind: 'parent', table: other.source, by };
  }

  #link(rows: Extract<Rows, { readonly linkedTo: string }>, table: FittedTable): Draft {
    const other = this.#related(rows.linkedTo, table);
    const through = findTable(rows.through, this.#around.source);
    const [by, to] = [referringColumns(through, table, rows.by, 'by'), referringColumns(through, other, rows.to, 'to')];
    note(this.links, through, [...by, ...to]);
    return { kind: 'linked', table: other.source, through, by, to };
  }

  /** "Related" means related to what the same profile gives of the other table. */
  #related(name: string, table: FittedTable): Keyed {
    const found = tableNamed(name, this.#around.tables);
    if (found) return found;
    throw invalid(`Table "${table.source.name}" is related to "${findTable(name, this.#around.source).name}", of which the profile gives no rows: it must have that table too.`);
  }
}

function note(reads: Map<SourceTable, Set<string>>, table: SourceTable, columns: readonly string[]): void {
  reads.set(table, new Set([...(reads.get(table) ?? []), ...columns]));
}

/** The tables to whose rows a draft is related. */
export function relatedTables(draft: Draft): readonly SourceTable[] {
  if (draft.kind === 'any' || draft.kind === 'all') return draft.of.flatMap(relatedTables);
  return 'table' in draft ? [draft.table] : [];
}
