import { systemClock } from '@carryon/hosts/node';
import { readKeys, signToken } from '@carryon/server';
import type { Command } from 'commander';
import { action, newCommand, wholeNumber } from '../command.ts';
import type { Output } from '../output.ts';

interface Options { readonly data: string; readonly user: string; readonly hours: number; readonly admin?: boolean }

export function tokenCommand(): Command {
  return newCommand('token', 'a token for trying things out, signed with the server\'s development key')
    .requiredOption('--data <dir>', 'the server\'s data directory')
    .requiredOption('--user <id>', 'the person\'s id')
    .option('--admin', 'an admin\'s token: it also shows the refused edits of everybody, see errors')
    .option('--hours <n>', 'how long it is valid', wholeNumber('--hours', 1, 24 * 365), 24)
    .action(action(token));
}

async function token(out: Output, options: Options): Promise<void> {
  const keys = await readKeys(options.data);
  const signed = await signToken(keys.development, options.user, systemClock.nowMs(), options.hours * 3_600_000, { admin: options.admin === true });
  out.result({ token: signed, user: options.user, hours: options.hours, admin: options.admin === true });
  out.line(signed);
}
