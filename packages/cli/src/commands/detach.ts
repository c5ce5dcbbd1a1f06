import { detach } from '@carryon/server';
import type { Command } from 'commander';
import { action, newCommand } from '../command.ts';
import type { Output } from '../output.ts';

interface Options { readonly database: string }

export function detachCommand(): Command {
  return newCommand('detach', 'remove everything that serve has added to a business database')
    .requiredOption('--database <file>', 'the business database; stop its server first')
    .action(action(run));
}

async function run(out: Output, options: Options): Promise<void> {
  const triggers = detach(options.database);
  out.result({ triggers });
  out.line(triggers === 0 ? 'there was nothing to remove' : `removed ${triggers} triggers and Carryon's tables (outbox, uploads, sync errors); the database is as it was before, with the edits that it accepted`);
}
