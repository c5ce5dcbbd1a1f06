import { CarryonError } from '@carryon/protocol';
import type { Command } from 'commander';
import { action, isHttpUrl, newCommand } from '../command.ts';
import { draftText } from '../draft-text.ts';
import { withEdits } from '../edits.ts';
import { counted, type Output } from '../output.ts';
import { fetchSyncErrors, syncErrorText } from '../sync-errors.ts';

interface Options { readonly token?: string; readonly user?: string }

export function errorsCommand(): Command {
  return newCommand('errors', 'edits that the server has refused: a device\'s drafts, or a server\'s list')
    .argument('<dir-or-url>', 'the device folder, or the server\'s address')
    .option('--token <token>', 'at a server: the person\'s token, or an admin\'s to see everybody\'s; default: the variable CARRYON_TOKEN')
    .option('--user <id>', 'at a server: only this person\'s; needs an admin\'s token')
    .action(action(errors));
}

async function errors(out: Output, place: string, options: Options): Promise<void> {
  if (isHttpUrl(place)) return atServer(out, place, options);
  if (options.user !== undefined || options.token !== undefined) throw new CarryonError('usage', '--token and --user are for a server\'s address, not for a folder.');
  const drafts = await withEdits(place, (edits) => edits.drafts());
  out.result({ drafts });
  if (drafts.length === 0) return out.line('no edit was refused');
  out.line(`${counted(drafts.length, 'refused edit')}; the server's values stand until you decide:`);
  for (const draft of drafts) out.line(`\n${draftText(draft)}`);
  const [{ seq } = { seq: 0 }] = drafts;
  out.line(`\n${ways(place, seq)}`);
}

function ways(folder: string, seq: number): string {
  const commands = [
    [`carryon retry ${folder} ${seq}`, 'make it anew, on the row as it is now'],
    [`carryon retry ${folder} ${seq} --set COLUMN=VALUE`, 'with another value'],
    [`carryon drop ${folder} ${seq}`, 'let the server\'s values stand'],
  ] as const;
  const width = Math.max(...commands.map(([command]) => command.length));
  return commands.map(([command, what]) => `${command.padEnd(width)}   ${what}`).join('\n');
}

async function atServer(out: Output, url: string, { token = process.env['CARRYON_TOKEN'] ?? '', user }: Options): Promise<void> {
  const found = await fetchSyncErrors({ url, token, user });
  out.result({ errors: found });
  if (found.length === 0) return out.line('no edit was refused');
  out.line(`${counted(found.length, 'refused edit')}:`);
  for (const error of found) out.line(`\n${syncErrorText(error)}`);
}
