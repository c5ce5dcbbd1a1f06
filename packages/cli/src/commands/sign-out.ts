import { signOut } from '@carryon/hosts/node';
import { CarryonError } from '@carryon/protocol';
import type { Command } from 'commander';
import { action, newCommand } from '../command.ts';
import type { Output } from '../output.ts';
import { exportWords, writeExport } from './export.ts';

interface Options { readonly export?: string; readonly discard?: boolean }

export function signOutCommand(): Command {
  return newCommand('sign-out', 'remove a person\'s data from a device folder; refused while the server lacks edits')
    .argument('<dir>', 'the device folder')
    .option('--export <file>', 'write the edits that the server does not have to a file first')
    .option('--discard', 'throw the edits away that the server does not have')
    .action(action(run));
}

async function run(out: Output, folder: string, { export: file, discard = false }: Options): Promise<void> {
  if (file !== undefined && discard) throw new CarryonError('usage', 'Give --export or --discard, not both.');
  const edits = await signOut(folder, { discardEdits: discard, ...(file === undefined ? {} : { keepEdits: (exported) => writeExport(file, exported) }) });
  out.result({ signedOut: folder, pending: edits.pending.length, drafts: edits.drafts.length, ...(file === undefined ? {} : { file }) });
  if (file !== undefined) out.line(`${file} is written: ${exportWords(edits)}`);
  if (discard) out.line(`thrown away: ${exportWords(edits)}`);
  out.line(`signed out: the data in ${folder} is removed`);
}
