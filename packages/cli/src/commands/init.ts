import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CarryonError } from '@carryon/protocol';
import { countUnsyncable, inspect, profileJsonSchema, type Source } from '@carryon/server';
import type { Command } from 'commander';
import { action, newCommand } from '../command.ts';
import { table, type Output } from '../output.ts';

/** Editors complete and check the profile by it. */
const SCHEMA = 'profile.schema.json';

interface Options { readonly database: string; readonly out: string; readonly force?: boolean }

export function initCommand(): Command {
  return newCommand('init', 'read a database and write a starter profile: what can be synced')
    .requiredOption('--database <file>', 'an SQLite database; it is only read')
    .option('--out <file>', 'where to write the profile', 'profile.json')
    .option('--force', 'overwrite the file')
    .action(action(init));
}

async function init(out: Output, options: Options): Promise<void> {
  const source = inspect(options.database);
  if (existsSync(options.out) && !options.force) throw new CarryonError('file.exists', `${options.out} exists already.`);
  if (source.tables.length === 0) throw new CarryonError('profile.invalid', `${options.database} has no table that can be synced.${source.skipped.map((skipped) => ` "${skipped.name}": ${skipped.why}.`).join('')}`);
  const profile = starterProfile(source);
  write(options.out, `${JSON.stringify(profile, null, 2)}\n`);
  write(join(dirname(options.out), SCHEMA), `${JSON.stringify(profileJsonSchema(), null, 2)}\n`);
  const notes = source.tables.flatMap((found) => notesOn(options.database, found));
  out.result({ profile: options.out, tables: source.tables, skipped: source.skipped, notes });
  out.line(`${source.tables.length} tables can be synced:\n`);
  out.line(table(['table', 'key', 'found as', 'columns', 'refers to'], source.tables.map((found) => [
    found.name, found.key.join(', '), found.keyFrom, found.columns.length, found.relations.map((relation) => relation.table).join(', '),
  ])));
  for (const note of notes) out.line(`\nnote: ${note}`);
  for (const skipped of source.skipped) out.line(`\nnot "${skipped.name}": ${skipped.why}`);
  out.line(`\n${options.out} is written, and ${SCHEMA} beside it, by which editors complete it. Everybody gets all rows of every table there ("rows": "all"):`);
  out.line('leave out what nobody needs, and give { "own": "COLUMN" } for the rows whose column holds the person\'s id. There are teams, units, filters and related rows too: see docs/profiles.md.');
  out.line('People can only read the tables until they are given rights: "rights": ["read", "create", "update", "delete"].');
  out.line(`check it: carryon profile check ${options.out} --database ${options.database}`);
  out.line(`next: carryon serve --database ${options.database} --profile ${options.out} --dev`);
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new CarryonError('usage', `${file} could not be written: ${(cause as NodeJS.ErrnoException).code}.`, { cause });
  }
}

/** What a person should know of a table before it is synced. */
function notesOn(database: string, table: Source['tables'][number]): string[] {
  const missing = countUnsyncable(database, table);
  const keyless = missing > 0 ? [`${missing} ${missing === 1 ? 'row' : 'rows'} of "${table.name}" cannot be synced: a column of the key is NULL there`] : [];
  return [...table.warnings.map((warning) => `"${table.name}": ${warning}`), ...keyless];
}

/** Tables that others refer to come first, so that what is usable early makes sense. */
function starterProfile(source: Source): object {
  const referred = new Set(source.tables.flatMap((found) => found.relations.map((relation) => relation.table.toLowerCase())));
  const tables = source.tables.map((found) => [found.name, {
    rows: 'all', key: found.key, columns: found.columns.map((column) => column.name),
    ...(found.relations.length > 0 ? { references: found.relations.map(({ columns, table }) => ({ columns, table })) } : {}), priority: referred.has(found.name.toLowerCase()) ? 1 : 2,
  }]);
  return { $schema: `./${SCHEMA}`, version: 1, name: 'Starter', tables: Object.fromEntries(tables) };
}
