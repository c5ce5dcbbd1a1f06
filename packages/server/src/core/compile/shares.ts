import type { TableShare } from '../config.ts';
import { rightsOf } from '../edits.ts';
import type { RuleNode } from '../rule.ts';
import { type FittedTable, specsOf } from './fit.ts';

/** The columns that a profile sends of a table, in the table's order: the chosen ones, and those of the key, of filters and of relations; but no hidden one. */
export function sentColumns({ source, chosen, key, hidden }: FittedTable, reads: ReadonlySet<string>): readonly string[] {
  const wanted = (name: string): boolean => chosen === undefined || chosen.includes(name) || key.includes(name) || reads.has(name);
  return specsOf(source, (name) => wanted(name) && !hidden.includes(name)).map(({ name }) => name);
}

/** What a profile gives of a table. */
export function shareOf({ wanted }: FittedTable, node: RuleNode, columns: readonly string[]): TableShare {
  const rights = rightsOf([wanted.rights]);
  const isLoose = wanted.conflicts === undefined || wanted.conflicts === 'last-writer-wins';
  return {
    table: node.table, node: node.id, columns, level: wanted.priority,
    ...(wanted.every === undefined ? {} : { everyMinutes: wanted.every }),
    ...(rights.length === 0 ? {} : { rights, ...(isLoose ? {} : { conflicts: wanted.conflicts }) }),
  };
}
