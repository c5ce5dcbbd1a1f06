import { CarryonError, toCarryonError } from '@carryon/protocol';
import { Command, CommanderError } from 'commander';
import { demoCommand } from './commands/demo.ts';
import { detachCommand } from './commands/detach.ts';
import { doctorCommand } from './commands/doctor.ts';
import { initCommand } from './commands/init.ts';
import { queryCommand } from './commands/query.ts';
import { serveCommand } from './commands/serve.ts';
import { statusCommand } from './commands/status.ts';
import { syncCommand } from './commands/sync.ts';
import { tokenCommand } from './commands/token.ts';
import { exitCode, EXIT, EXIT_HELP } from './exit.ts';
import { Output } from './output.ts';

const COMMANDS = [demoCommand, initCommand, serveCommand, tokenCommand, syncCommand, statusCommand, queryCommand, doctorCommand, detachCommand];

/** The `carryon` command. Sets the process's exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('carryon').description('Offline data that carries on.').version('0.1.0').addHelpText('after', EXIT_HELP);
  for (const make of COMMANDS) program.addCommand(make().exitOverride().addHelpText('after', EXIT_HELP));
  program.exitOverride();
  try {
    await program.parseAsync(argv);
  } catch (thrown) {
    process.exitCode = failure(thrown, argv.includes('--json'));
  }
}

function failure(thrown: unknown, json: boolean): number {
  if (thrown instanceof CommanderError) {
    if (thrown.exitCode === 0) return EXIT.ok;
    if (json) new Output(true).error(new CarryonError('usage', thrown.message));
    return EXIT.usage;
  }
  const error = toCarryonError(thrown);
  new Output(json).error(error);
  return exitCode(error);
}
