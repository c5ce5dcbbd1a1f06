// Reading the repository: its files, their code without comments and strings, and what they import.
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  readonly specifier: string;
  readonly line: number;
}

// What .gitignore names, and git's own folder.
const SKIPPED = new Set(['node_modules', '.git', 'dist', 'coverage', '.carryon', 'carryon-demo', '.work']);

/** Every text file of the repository. */
export function readRepository(root: string): SourceFile[] {
  const files: SourceFile[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name);
      if (SKIPPED.has(entry.name) || entry.name.endsWith('.log')) continue;
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile()) files.push({ path, text: readFileSync(join(root, path), 'utf8') });
    }
  };
  walk('');
  // A zero byte means a binary file; the rules speak about text.
  return files.filter((file) => !file.text.includes('\0')).sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function isTypeScript(path: string): boolean {
  return /\.tsx?$/.test(path);
}

export function isCode(path: string): boolean {
  return isTypeScript(path) || /\.m?js$/.test(path);
}

export function isTest(path: string): boolean {
  return /\.test\.tsx?$/.test(path);
}

/** `packages/client` for a file inside it, undefined outside of every package. */
export function packageFolder(path: string): string | undefined {
  return /^(?:packages|apps)\/[^/]+(?=\/)/.exec(path)?.[0];
}

export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const QUOTED = /'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"/y;
const TEMPLATE_PART = /[`}](?:\\[\s\S]|\$(?!\{)|[^`\\$])*(?:`|\$\{)/y;
const REGEX = /\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
const WORD = /[\w$]+/y;
// After one of these a slash begins a regular expression; after anything else it divides.
const BEFORE_REGEX = /(?:[(,=:[!&|?{};>+*%~^-]|\breturn|\bcase|\btypeof|^)$/;

/** The code with comments, templates' text, regular expressions and (unless `keepQuoted`) quoted strings blanked. */
export function codeOf(text: string, keepQuoted = false): string {
  const openBraces: number[] = [];
  let before = '';
  let code = '';
  for (let at = 0; at < text.length;) {
    const inTemplate = openBraces.at(-1) === 0;
    const char = text[at] ?? '';
    const comment = matchAt(COMMENT, text, at);
    const string = comment === undefined ? matchString(text, at, inTemplate, before) : undefined;
    const token = comment ?? string ?? matchAt(WORD, text, at) ?? char;
    if (comment === undefined && token.trim() !== '') before = string === undefined ? token : 'string';
    if (comment === undefined) countBraces(openBraces, char, string);
    const kept = string === undefined || (keepQuoted && (char === '"' || char === '\''));
    code += comment === undefined && kept ? token : blank(token);
    at += token.length;
  }
  return code;
}

function matchString(text: string, at: number, inTemplate: boolean, before: string): string | undefined {
  const char = text[at];
  if (char === '\'' || char === '"') return matchAt(QUOTED, text, at);
  if (char === '`' || (char === '}' && inTemplate)) return matchAt(TEMPLATE_PART, text, at);
  return char === '/' && BEFORE_REGEX.test(before) ? matchAt(REGEX, text, at) : undefined;
}

// The stack holds, for each template we are inside of, how many braces its current `${` has open.
function countBraces(openBraces: number[], char: string, string: string | undefined): void {
  if (string !== undefined) {
    if (char === '}') openBraces.pop();
    if ((char === '`' || char === '}') && string.endsWith('${')) openBraces.push(0);
    return;
  }
  const last = openBraces.length - 1;
  const open = openBraces[last];
  if (open !== undefined && char === '{') openBraces[last] = open + 1;
  if (open !== undefined && char === '}') openBraces[last] = open - 1;
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function blank(token: string): string {
  return token.replaceAll(/[^\n]/g, ' ');
}

const STATEMENT = /^[ \t]*(?:import|export)\b[^'";]*?['"]([^'"\n]+)['"]/gm;
const CALL = /\bimport\s*\(\s*['"]([^'"\n]+)['"]/g;

/** Every module a file names: import and export statements, and import() with a literal (in types too). */
export function importsOf(file: SourceFile): Import[] {
  const code = codeOf(file.text, true);
  const statements = [...code.matchAll(STATEMENT)].filter(([text]) => /\bfrom\s*['"]|^\s*import\s*['"]/.test(text));
  return [...statements, ...code.matchAll(CALL)].map((match) => ({
    specifier: match[1] ?? '',
    line: lineAt(code, match.index + match[0].length),
  }));
}
