import { existsSync, writeFileSync } from 'node:fs';
import type { ExportedEdits } from '@carryon/client';
import { CarryonError } from '@carryon/protocol';
import type { Command } from 'commander';
import { action, newCommand } from '../command.ts';
import { withEdits } from '../edits.ts';
import { counted, plain, type Output } from '../output.ts';

interface Options { readonly out: string; readonly force?: boolean }

export function exportCommand(): Command {
  return newCommand('export', 'write the edits that the server does not have to a file')
    .argument('<dir>', 'the device folder')
    .requiredOption('--out <file>', 'the file, JSON')
    .option('--force', 'overwrite the file')
    .action(action(run));
}

async function run(out: Output, folder: string, options: Options): Promise<void> {
  const exported = await withEdits(folder, (edits) => edits.export());
  writeExport(options.out, exported, options.force === true);
  out.result({ file: options.out, pending: exported.pending.length, drafts: exported.drafts.length });
  out.line(`${options.out} is written: ${exportWords(exported)}`);
}

/** Writes the edits to a file that is not there yet. Throws `file.exists`, or `usage` when it cannot be written. */
export function writeExport(file: string, exported: ExportedEdits, overwrite = false): void {
  if (existsSync(file) && !overwrite) throw new CarryonError('file.exists', `${file} exists already.`);
  try {
    writeFileSync(file, `${JSON.stringify(exported, plain, 2)}\n`, { mode: 0o600 });
  } catch (cause) {
    throw new CarryonError('usage', `${file} could not be written: ${(cause as NodeJS.ErrnoException).code}.`, { cause });
  }
}

export function exportWords({ pending, drafts }: ExportedEdits): string {
  return `${counted(pending.length, 'change')} on the way, ${counted(drafts.length, 'draft')}`;
}
