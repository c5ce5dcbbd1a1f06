// Writes docs/errors.md from the error registry and the JSON Schema of profiles, so that they and the code cannot disagree.
import { writeFileSync } from 'node:fs';
import { ERRORS } from '@carryon/protocol';
import { profileJsonSchema } from '@carryon/server';

/** One entry of the registry, described by the members this page shows. */
export interface ErrorText {
  readonly who: string;
  readonly retry: string;
  readonly means: string;
  readonly action: string;
}

const HEAD = `# Errors

<!-- Generated from packages/protocol/src/errors.ts by \`npm run docs\`. Do not edit. -->

Every error has a code that does not change between versions. Where a program must decide, it looks at the code, never
at the message.

- **Who** must act: the *person* at the device, the *admin* of the server, the *developer* of the app, or *nobody*: it
  passes by itself.
- **Retry** the same thing unchanged: *yes* (soon), *later* (when something outside has changed), *no*.
`;

/** The text of docs/errors.md: one table per area, which is the first word of a code. */
export function renderErrors(errors: Readonly<Record<string, ErrorText>>): string {
  const entries = Object.entries(errors);
  const areas = new Set(entries.map(([code]) => areaOf(code)));
  const sections = [...areas].map((area) => renderArea(area, entries.filter(([code]) => areaOf(code) === area)));
  return [HEAD, ...sections].join('\n');
}

function areaOf(code: string): string {
  return code.split('.')[0] ?? code;
}

function renderArea(area: string, entries: readonly (readonly [string, ErrorText])[]): string {
  const rows = entries.map(([code, { who, retry, means, action }]) => row([`\`${code}\``, means, who, retry, action]));
  return [`## ${area}\n`, row(['Code', 'What it means', 'Who', 'Retry', 'What to do']), row(Array(5).fill('---')), ...rows, ''].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}

/** The text of the schema that the server's package publishes. */
export const renderSchema = (): string => `${JSON.stringify(profileJsonSchema(), null, 2)}\n`;

if (import.meta.main) {
  writeFileSync(new URL('../docs/errors.md', import.meta.url), renderErrors(ERRORS));
  writeFileSync(new URL('../packages/server/profile.schema.json', import.meta.url), renderSchema());
}
