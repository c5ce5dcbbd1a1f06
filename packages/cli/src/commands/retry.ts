import type { Draft, Edits } from '@carryon/client';
import { CarryonError, toCarryonError } from '@carryon/protocol';
import type { Command } from 'commander';
import { action, newCommand } from '../command.ts';
import { chosenDrafts, draftNumber, withEdits } from '../edits.ts';
import { exitCode } from '../exit.ts';
import type { Output } from '../output.ts';

interface Options { readonly set?: readonly string[]; readonly all?: boolean }

type Values = Readonly<Record<string, string | null>>;

export function retryCommand(): Command {
  return newCommand('retry', 'make a refused edit anew, on the row as it is now')
    .argument('<dir>', 'the device folder')
    .argument('[number]', 'the draft\'s number, as "carryon errors" shows it', draftNumber)
    .option('--set <column=value>', 'another value for a column of the change that was refused; COLUMN alone: NULL. May be given again', (text: string, others: readonly string[] = []) => [...others, text])
    .option('--all', 'every draft, oldest first')
    .action(action(run));
}

async function run(out: Output, folder: string, number: number | undefined, options: Options): Promise<number> {
  const values = readValues(options.set ?? []);
  if (options.all && options.set) throw new CarryonError('usage', 'Give --set for one draft, not with --all.');
  return withEdits(folder, async (edits) => {
    const chosen = chosenDrafts(await edits.drafts(), number, options.all === true);
    const failed = options.all ? await retryAll(edits, chosen) : await retryOne(edits, chosen, values);
    const retried = chosen.map(({ seq }) => seq).filter((seq) => !failed.has(seq));
    out.result({ retried, failed: [...failed].map(([seq, { code, message }]) => ({ seq, code, message })) });
    if (chosen.length === 0) out.line('there are no drafts');
    if (retried.length > 0) out.line(`${retried.map((seq) => `#${seq}`).join(', ')} ${retried.length === 1 ? 'waits' : 'wait'} for the server again`);
    for (const [seq, { code, message }] of failed) out.line(`#${seq} stays a draft: ${message} (${code})`);
    const [first] = failed.values();
    return first ? exitCode(first) : 0;
  });
}

async function retryOne(edits: Edits, [draft]: readonly Draft[], values: Values): Promise<Map<number, CarryonError>> {
  if (draft) await edits.retry(draft.seq, Object.keys(values).length === 0 ? undefined : { [draft.error.change]: values });
  return new Map();
}

/** One that cannot be retried does not hold up the others. */
async function retryAll(edits: Edits, drafts: readonly Draft[]): Promise<Map<number, CarryonError>> {
  const failed = new Map<number, CarryonError>();
  for (const { seq } of drafts) await edits.retry(seq).catch((thrown: unknown) => { failed.set(seq, toCarryonError(thrown)); });
  return failed;
}

/** The values as they were written: the column's type makes them numbers where it is one. */
function readValues(settings: readonly string[]): Values {
  return Object.fromEntries(settings.map((setting) => {
    const at = setting.indexOf('=');
    const column = at < 0 ? setting : setting.slice(0, at);
    if (column === '') throw new CarryonError('usage', `--set must be COLUMN=VALUE, not "${setting}".`);
    return [column, at < 0 ? null : setting.slice(at + 1)];
  }));
}
