import { quoteName } from '@carryon/protocol';
import { ownColumns, rulesIn } from '../compile/rules.ts';
import { fitFilter } from '../filter/fit.ts';
import { parseFilter } from '../filter/parse.ts';
import { simplify } from '../filter/simplify.ts';
import type { Rows } from '../profile.ts';
import type { Rule } from '../rule.ts';
import type { SourceTable } from '../source.ts';
import { columnsToIndex, whyNever } from './filters.ts';
import type { Finding } from './finding.ts';
import type { Relation, Subject } from './subject.ts';

/** What one look at a table of a profile finds. */
export type Look = (subject: Subject) => readonly Finding[];

/** All that is looked at, table by table. */
export const LOOKS: readonly Look[] = [missingIndexes, unequalTypes, unequalIntervals, wrongOrder, keysOfNewRows, hiddenFromWriters, perPerson, needlessAll, decidedFilters];

function missingIndexes({ node, source, relations }: Subject): Finding[] {
  const searched = relations.filter(({ isSearched }) => isSearched).flatMap((relation) => (isComparable(relation) && !hasIndex(relation.from, relation.columns) ? [missingIndex('warning', relation.from, relation.columns,
    `No index begins with ${listed(relation.columns)}, by which rows of "${relation.to.name}" are looked for. Each edit of a related row then reads the whole table.`)] : []));
  const filters = [...rulesIn(node.rule)].flatMap((rule) => (rule.kind === 'filter' ? columnsToIndex(rule.filter, (column) => hasIndex(source, [column])) : []));
  const filtered = [...new Set(filters)].map((column) => missingIndex('hint', source, [column], `No index begins with "${column}", by which a filter chooses rows. The server has its own; previews of the profile read the whole table.`));
  return [...searched, ...filtered];
}

function missingIndex(level: Finding['level'], table: SourceTable, columns: readonly string[], message: string): Finding {
  const fix = `CREATE INDEX ${quoteName([table.name, ...columns].join('_'))} ON ${quoteName(table.name)}(${columns.map(quoteName).join(', ')});`;
  return { level, code: 'index.missing', table: table.name, message, fix };
}

/** Some index begins with these columns, in any order. */
function hasIndex(table: SourceTable, columns: readonly string[]): boolean {
  return table.indexes.some((index) => index.length >= columns.length && index.slice(0, columns.length).every((name) => columns.includes(name)));
}

function unequalTypes({ relations }: Subject): Finding[] {
  return relations.flatMap((relation) => pairs(relation).flatMap(({ column, key }): Finding[] => {
    if (!column || !key || (kindOf(column.type) === kindOf(key.type) && column.collation === key.collation)) return [];
    const [is, refers] = [`"${relation.to.name}"."${key.name}" is ${form(key)}`, `"${relation.from.name}"."${column.name}", which names its rows, is ${form(column)}`];
    return [{
      level: 'warning', code: 'relation.types', table: relation.from.name,
      message: `${is}; ${refers}. They are compared as SQLite does, by which some values may be equal that differ elsewhere or the other way round, and no index can be used.`,
      fix: 'Declare both columns with the same type and collation.',
    }];
  }));
}

function pairs({ from, columns, to, key }: Relation): { column: SourceTable['columns'][number] | undefined; key: SourceTable['columns'][number] | undefined }[] {
  const find = (table: SourceTable, name: string | undefined): SourceTable['columns'][number] | undefined => table.columns.find((column) => column.name === name);
  return columns.map((name, i) => ({ column: find(from, name), key: find(to, key[i]) }));
}

const isComparable = (relation: Relation): boolean => pairs(relation).every(({ column, key }) => column && key && kindOf(column.type) === kindOf(key.type) && column.collation === key.collation);

/** What the type does to values that are compared: https://www.sqlite.org/datatype3.html section 3.1. */
function kindOf(type: string): 'number' | 'text' | 'none' {
  if (/INT/i.test(type)) return 'number';
  if (/CHAR|CLOB|TEXT/i.test(type)) return 'text';
  return type === '' || /BLOB/i.test(type) ? 'none' : 'number';
}

const form = ({ type, collation }: SourceTable['columns'][number]): string => `${type === '' ? 'without a type' : type}${collation === 'BINARY' ? '' : ` COLLATE ${collation}`}`;

function unequalIntervals({ relations }: Subject): Finding[] {
  return relations.flatMap(({ from, to, shares }): Finding[] => {
    if (!shares || shares.from.everyMinutes === shares.to.everyMinutes) return [];
    return [{
      level: 'warning', code: 'interval.unequal', table: from.name,
      message: `"${from.name}" is synced ${every(shares.from.everyMinutes)} and "${to.name}", to which it is related, ${every(shares.to.everyMinutes)}. In between a device may have rows of the one without those of the other.`,
      fix: 'Give both the same "every".',
    }];
  });
}

const every = (minutes: number | undefined): string => (minutes === undefined ? 'as devices do by themselves' : `every ${minutes} minutes`);

function wrongOrder({ relations }: Subject): Finding[] {
  return relations.flatMap(({ from, to, shares }): Finding[] => {
    if (!shares || shares.from.level >= shares.to.level) return [];
    return [{
      level: 'warning', code: 'priority.order', table: from.name,
      message: `"${from.name}" (priority ${shares.from.level}) becomes usable before "${to.name}" (priority ${shares.to.level}), whose rows it names.`,
      fix: `Give "${to.name}" a priority of ${shares.from.level} or lower.`,
    }];
  });
}

function keysOfNewRows({ share, table }: Subject): Finding[] {
  if (!share.rights?.includes('create') || table.newKeys !== undefined) return [];
  return [{
    level: 'warning', code: 'rights.key', table: table.name,
    message: `People may create rows, but devices cannot make keys of the table (${listed(table.key.map((position) => table.columns[position]?.name ?? ''))}): apps must give them.`,
    fix: 'Use a key that is one INTEGER PRIMARY KEY or one text column, or leave "create" out.',
  }];
}

function hiddenFromWriters({ share, table, node }: Subject): Finding[] {
  const unseen = [...new Set(ownColumns(node.rule))].filter((name) => !share.columns.includes(name));
  if (!share.rights?.includes('create') || unseen.length === 0) return [];
  return [{
    level: 'warning', code: 'rights.hidden', table: table.name,
    message: `People may create rows, but the rule reads ${listed(unseen)}, which ${unseen.length === 1 ? 'is' : 'are'} hidden from them: a new row is refused unless the database fills in what brings it into their share.`,
  }];
}

function perPerson({ node, table }: Subject): Finding[] {
  const shared = node.uses.filter((attribute) => attribute !== 'user');
  const isMixed = [...rulesIn(node.rule)].some((rule) => rule.kind === 'any' && mineOf(rule.of, 'user') && mineOf(rule.of, ...shared));
  if (!isMixed) return [];
  return [{
    level: 'hint', code: 'scope.per-person', table: table.name,
    message: 'The person\'s own rows and those that they share with others are one list, which the server keeps and packs for each person. Lists of teams or units alone are shared.',
  }];
}

const mineOf = (rules: readonly Rule[], ...attributes: readonly string[]): boolean => rules.some((rule) => rule.kind === 'mine' && attributes.includes(rule.attribute));

function needlessAll({ wanted, table }: Subject): Finding[] {
  return [...rowsIn(wanted.rows)].flatMap((rows): Finding[] => {
    if (typeof rows !== 'object' || !(('any' in rows && rows.any.includes('all')) || ('all' in rows && rows.all.includes('all')))) return [];
    const message = 'any' in rows ? '"any" has "all" among its parts: everybody gets all rows, whatever the others say.' : '"all" has "all" among its parts, which changes nothing.';
    return [{ level: 'any' in rows ? 'warning' : 'hint', code: 'rows.all', table: table.name, message, fix: 'Leave it out.' }];
  });
}

function* rowsIn(rows: Rows): Generator<Rows> {
  yield rows;
  if (typeof rows !== 'object') return;
  for (const part of 'any' in rows ? rows.any : 'all' in rows ? rows.all : []) yield* rowsIn(part);
}

function decidedFilters({ wanted, source, timeZone }: Subject): Finding[] {
  return [...rowsIn(wanted.rows)].flatMap((rows): Finding[] => {
    if (typeof rows !== 'object' || !('filter' in rows)) return [];
    const filter = simplify(fitFilter(parseFilter(rows.filter), { table: source.name, columns: source.columns.map(({ name }) => name), timeZone }));
    const why = whyNever(filter);
    if (why !== undefined) return [{ level: 'warning', code: 'filter.never', table: source.name, message: `The filter ${rows.filter} never holds: ${why}.` }];
    return filter.op === 'constant' ? [{ level: 'warning', code: 'filter.always', table: source.name, message: `The filter ${rows.filter} always holds.`, fix: 'Write "all" if that is meant.' }] : [];
  });
}

const listed = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ');
