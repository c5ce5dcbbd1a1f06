import { readDevice } from '@carryon/hosts/node';
import type { Command } from 'commander';
import { action, newCommand } from '../command.ts';
import { waitingWords, withEdits } from '../edits.ts';
import { counted, type Output } from '../output.ts';
import { writingStatements } from '../statements.ts';

export function writeCommand(): Command {
  return newCommand('write', 'change rows on a device with SQL, as one transaction that goes to the server')
    .argument('<dir>', 'the device folder')
    .argument('<sql>', 'INSERT, UPDATE or DELETE statements, in quotes')
    .addHelpText('after', '\nThe server accepts all of it or none. A process that is syncing into the folder sends it at once, else the next sync does.')
    .action(action(write));
}

async function write(out: Output, folder: string, sql: string): Promise<void> {
  const statements = writingStatements(sql);
  const changed = await withEdits(folder, (edits) => edits.write(async (transaction) => {
    const counts: number[] = [];
    for (const statement of statements) counts.push(await transaction.sql(statement));
    return counts;
  }));
  const { edits } = await readDevice(folder);
  out.result({ changed, edits });
  const sum = changed.reduce((total, rows) => total + rows, 0);
  out.line(`${counted(sum, 'row')} changed`);
  if (sum > 0 && edits.records > 0) out.line(waitingWords(edits));
}
