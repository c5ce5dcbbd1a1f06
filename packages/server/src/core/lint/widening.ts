import { rulesIn } from '../compile/rules.ts';
import type { Config, SyncedTable } from '../config.ts';
import type { Finding } from './finding.ts';

/** Where people decide by their own edits what they get: what they may write is what rules read. */
export function wideningRights(config: Config): readonly Finding[] {
  const writable = config.tables.filter((table) => config.profiles.some(({ shares }) => shares.some(({ table: id, rights = [] }) => id === table.id && rights.some((right) => right !== 'delete'))));
  return writable.flatMap((table) => [...peopleFindings(table, config), ...reachFindings(table, config)]);
}

function peopleFindings(table: SyncedTable, { people }: Config): Finding[] {
  const decides = ([['users', 'who is anybody'], ['teams', 'who is in which team'], ['units', 'which units belong together']] as const).filter(([part]) => people[part]?.table === table.id);
  return decides.map(([, what]) => ({
    level: 'warning', code: 'rights.people', table: table.name, message: `People may write this table, which says ${what}: they can give themselves, or each other, more.`, fix: 'Leave "create" and "update" out.',
  }));
}

/** A row of this table brings the row that it names, whichever that is. */
function reachFindings(table: SyncedTable, config: Config): Finding[] {
  return config.nodes.flatMap((node) => [...rulesIn(node.rule)].flatMap((rule): Finding[] => {
    const by = rule.kind === 'parent' && config.nodes.find(({ id }) => id === rule.node)?.table === table.id ? rule.by : rule.kind === 'linked' && rule.through === table.id ? rule.by : [];
    const columns = by.filter((name) => table.columns.some((column) => column.name === name));
    const named = config.tables.find(({ id }) => id === node.table)?.name ?? '';
    if (columns.length === 0) return [];
    return [{
      level: 'hint', code: 'rights.reach', table: table.name,
      message: `People may write ${columns.map((name) => `"${name}"`).join(', ')}: whoever names a row of "${named}" there gets that row.`,
    }];
  }));
}
