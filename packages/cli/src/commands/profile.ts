import { systemClock } from '@carryon/hosts/node';
import { checkProfiles, preview, profileJsonSchema, type Finding, type Preview } from '@carryon/server';
import { Command } from 'commander';
import { action, newCommand } from '../command.ts';
import { bytes, count, counted, duration, table, type Output } from '../output.ts';
import { readProfiles } from '../read-profile.ts';

interface CheckOptions { readonly database: string; readonly strict?: boolean }
interface PreviewOptions { readonly database: string; readonly user: string; readonly team?: readonly string[]; readonly unit?: string; readonly against?: readonly string[] }

const MARKS: Readonly<Record<Finding['level'], string>> = { error: '✗', warning: '!', hint: '·' };

export function profileCommand(): Command {
  return new Command('profile').description('check a profile before it is published, and see what it gives a person')
    .addCommand(newCommand('check', 'what is wrong with profiles, what will hurt, and what each rule means')
      .argument('<file...>', 'profile files that are served together')
      .requiredOption('--database <file>', 'the business database; it is only read')
      .option('--strict', 'end with 1 when there are warnings')
      .action(action(check)))
    .addCommand(newCommand('preview', 'rows, bytes and the time of a first sync for one person; what another version would change')
      .argument('<file...>', 'profile files that are served together')
      .requiredOption('--database <file>', 'the business database; it is only read')
      .requiredOption('--user <id>', 'the person\'s id')
      .option('--team <id...>', 'teams that the person\'s token names, where the profile takes them from it')
      .option('--unit <id>', 'the unit that the person\'s token names')
      .option('--against <file...>', 'the profiles that would be served instead')
      .action(action(show)))
    .addCommand(newCommand('schema', 'print the JSON Schema of profiles, for editors').action(action(schema)));
}

async function check(out: Output, files: readonly string[], options: CheckOptions): Promise<number> {
  const { findings, tables } = checkProfiles(options.database, readProfiles(files));
  out.result({ findings, tables });
  for (const { name, gives, scopes } of tables) out.line(`${name}: ${gives}\n  kept ${scopes}`);
  for (const finding of findings) tell(out, finding);
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  out.line(warnings === 0 ? '\nno warnings' : `\n${counted(warnings, 'warning')}`);
  return options.strict === true && warnings > 0 ? 1 : 0;
}

function tell(out: Output, { level, table: name, message, fix }: Finding): void {
  out.line(`\n${MARKS[level]} ${name === undefined ? '' : `${name}: `}${message}`);
  if (fix !== undefined) out.line(`  ${fix}`);
}

async function show(out: Output, files: readonly string[], options: PreviewOptions): Promise<void> {
  const { user, team: teams = [], unit } = options;
  const found = preview(options.database, readProfiles(files), user, {
    nowMs: systemClock.nowMs(), claims: { teams, ...(unit === undefined ? {} : { unit }) },
    ...(options.against ? { against: readProfiles(options.against) } : {}),
  });
  out.result(found);
  if (!found.known) return out.line(`${user} is nobody: the users table has no such person, so no device of theirs gets anything.`);
  tellShare(out, user, found);
  if (found.against) tellChanges(out, found);
}

function tellShare(out: Output, user: string, found: Preview): void {
  const rows = found.tables.map(({ name, rows: held, rawBytes, bytes: sent, level }) => [name, count(held), bytes(rawBytes), bytes(sent), level]);
  out.line(`${user} holds ${counted(found.rows, 'row')} of ${counted(found.tables.length, 'table')}:\n`);
  out.line(table(['table', 'rows', 'on the device', 'to download', 'priority'], rows));
  out.line(`\n${counted(found.packs, 'pack')}, about ${bytes(found.bytes)} to download; a first sync takes at least`);
  for (const { mbit, seconds } of found.firstSync) out.line(`  ${String(mbit).padStart(3)} Mbit/s  ${duration(seconds * 1000)}`);
}

function tellChanges(out: Output, { against = [] }: Preview): void {
  out.line('\nwith the other version:\n');
  out.line(table(['table', 'rows that come', 'that leave', 'that stay'], against.map((change) => [change.name, count(change.enter), count(change.leave), count(change.stay)])));
  for (const { name, notes } of against) for (const note of notes) out.line(`  ${name}: ${note}`);
}

async function schema(): Promise<void> {
  process.stdout.write(`${JSON.stringify(profileJsonSchema(), null, 2)}\n`);
}

