import { queryDevice } from '@carryon/hosts/node';
import type { Command } from 'commander';
import { action, newCommand } from '../command.ts';
import { table, type Output } from '../output.ts';

export function queryCommand(): Command {
  return newCommand('query', 'run one reading SQL statement on a device\'s data')
    .argument('<dir>', 'the device folder')
    .argument('<sql>', 'a SELECT statement, in quotes')
    .action(action(query));
}

async function query(out: Output, folder: string, sql: string): Promise<void> {
  const { columns, rows } = queryDevice(folder, sql);
  out.result({ columns, rows });
  out.line(table(columns, rows));
  out.line(`(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`);
}
