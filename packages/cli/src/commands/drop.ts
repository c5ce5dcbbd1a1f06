import type { Command } from 'commander';
import { action, newCommand } from '../command.ts';
import { chosenDrafts, draftNumber, withEdits } from '../edits.ts';
import type { Output } from '../output.ts';

interface Options { readonly all?: boolean }

export function dropCommand(): Command {
  return newCommand('drop', 'give a refused edit up: the server\'s values stand')
    .argument('<dir>', 'the device folder')
    .argument('[number]', 'the draft\'s number, as "carryon errors" shows it', draftNumber)
    .option('--all', 'every draft')
    .action(action(drop));
}

async function drop(out: Output, folder: string, number: number | undefined, options: Options): Promise<void> {
  const dropped = await withEdits(folder, async (edits) => {
    const chosen = chosenDrafts(await edits.drafts(), number, options.all === true);
    for (const { seq } of chosen) await edits.drop(seq);
    return chosen.map(({ seq }) => seq);
  });
  out.result({ dropped });
  out.line(dropped.length === 0 ? 'there are no drafts' : `dropped ${dropped.map((seq) => `#${seq}`).join(', ')}; the server's values stand`);
}
