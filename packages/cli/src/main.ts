import { CarryonError, toCarryonError } from '@carryon/protocol';
import { Command, CommanderError } from 'commander';
import { demoCommand } from './commands/demo.ts';
import { detachCommand } from './commands/detach.ts';
import { doctorCommand } from './commands/doctor.ts';
import { dropCommand } from './commands/drop.ts';
import { errorsCommand } from './commands/errors.ts';
import { explainCommand } from './commands/explain.ts';
import { exportCommand } from './commands/export.ts';
import { initCommand } from './commands/init.ts';
import { profileCommand } from './commands/profile.ts';
import { queryCommand } from './commands/query.ts';
import { retryCommand } from './commands/retry.ts';
import { serveCommand } from './commands/serve.ts';
import { signOutCommand } from './commands/sign-out.ts';
import { statusCommand } from './commands/status.ts';
import { syncCommand } from './commands/sync.ts';
import { tokenCommand } from './commands/token.ts';
import { writeCommand } from './commands/write.ts';
import { exitCode, EXIT, EXIT_HELP } from './exit.ts';
import { Output } from './output.ts';

const COMMANDS = [
  demoCommand, initCommand, profileCommand, serveCommand, tokenCommand, syncCommand, statusCommand, queryCommand, writeCommand, errorsCommand, retryCommand, dropCommand,
  exportCommand, signOutCommand, explainCommand, doctorCommand, detachCommand,
];

/** The `carryon` command. Sets the process's exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('carryon').description('Offline data that carries on.').version('0.1.0');
  for (const make of COMMANDS) program.addCommand(make());
  for (const command of withNested(program)) command.exitOverride().addHelpText('after', EXIT_HELP).configureOutput({ outputError: () => undefined });
  endWithReader();
  try {
    await program.parseAsync(argv);
  } catch (thrown) {
    process.exitCode = failure(thrown, argv.includes('--json'));
  }
}

/** A command and all below it. */
const withNested = (command: Command): Command[] => [command, ...command.commands.flatMap(withNested)];

/** Whoever reads the output may have seen enough (`carryon query … | head`): that is no failure. */
function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit();
      throw error;
    });
  }
}

function failure(thrown: unknown, json: boolean): number {
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.ok;
  // Without a command the help is the answer, and for programs an error.
  if (thrown instanceof CommanderError && thrown.code === 'commander.help' && !json) return EXIT.usage;
  const error = thrown instanceof CommanderError ? new CarryonError('usage', usageMessage(thrown)) : toCarryonError(thrown);
  new Output(json).error(error);
  return exitCode(error);
}

function usageMessage({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'No command was given.';
  const text = message.replace(/^error: /, '').replaceAll('\n', ' ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?)]$/.test(text) ? '' : '.'}`;
}
