// The repository checks itself: each rule takes all files and returns what breaks it. tools/SPEC.md lists the rules.
import { posix } from 'node:path';
import { declaredImports, importTable, pureImports, relativeImports, testingImports } from './tidy-imports.ts';
import { codeOf, isCode, isTest, isTypeScript, lineAt, type SourceFile } from './tidy-source.ts';

export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export type Rule = (files: readonly SourceFile[]) => Finding[];

interface Ban {
  readonly pattern: RegExp;
  readonly message: string;
}

/** Time and chance come from outside, so that every run can be repeated. */
export function ambientCalls(files: readonly SourceFile[]): Finding[] {
  return searchCode(files.filter((file) => isCode(file.path) && !isTest(file.path) && !MAY_TOUCH_THE_WORLD.test(file.path)), [
    { pattern: /\bDate\s*\.\s*now\b/g, message: 'Date.now: take the time from the Clock port' },
    { pattern: /\bnew\s+Date\s*(?:\(\s*\)|(?![\s(\w]))/g, message: 'new Date(): take the time from the Clock port' },
    { pattern: /\bperformance\s*\.\s*now\b/g, message: 'performance.now: take the time from the Clock port' },
    { pattern: /\bMath\s*\.\s*random\b/g, message: 'Math.random: take chance from the Random port' },
  ]);
}

// Hosts, the simulated world, benchmarks and the entry of a process are where the ports get their real clock.
const MAY_TOUCH_THE_WORLD = /^(?:packages\/hosts\/|packages\/lab\/src\/world\/|bench\/|packages\/cli\/(?:bin\/|src\/(?:bin[^/]*|main\.ts)$)|packages\/server\/src\/main[^/]*\.ts$)/;

/** A `core` folder decides and never waits: the runtime around it does that. */
export function sansIo(files: readonly SourceFile[]): Finding[] {
  const core = files.filter((file) => /^packages\/.*\/core\//.test(file.path) && isTypeScript(file.path) && !isTest(file.path));
  return [
    ...searchCode(core, [
      { pattern: /(?<![.\w])(?:await|async)\b/g, message: 'a core folder does not wait: return an effect' },
      { pattern: /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/g, message: 'a core folder holds no timer: return an effect' },
    ]),
    ...search(core, (file) => codeOf(file.text, true), [{ pattern: /['"]node:/g, message: 'a core folder imports nothing of Node: use a port' }]),
  ];
}

const LONGEST_FILE_LINES = 400;
// Files that were longer when the rule came, and how long they may be. Lower a number when its file shrinks; add none.
const LONG_FILES: Readonly<Record<string, number>> = {};

/** A file holds one thing, and that fits in 400 lines. */
export function fileLength(files: readonly SourceFile[], longFiles = LONG_FILES): Finding[] {
  const lengths = new Map(files.filter((file) => isTypeScript(file.path)).map((file) => [file.path, lineAt(file.text.trimEnd(), Infinity)]));
  const tooLong = [...lengths].flatMap(([path, lines]) => {
    const limit = longFiles[path] ?? LONGEST_FILE_LINES;
    return lines > limit ? [{ path, line: limit + 1, message: `${lines} lines, ${limit} allowed: split the file` }] : [];
  });
  const stale = Object.entries(longFiles).filter(([path, limit]) => (lengths.get(path) ?? 0) < limit);
  return [...tooLong, ...stale.map(([path, limit]) => ({ path, line: 1, message: `is shorter than its entry of ${limit} lines: lower or remove the entry` }))];
}

/** What the types, the exports and the tests do without. */
export function bannedSyntax(files: readonly SourceFile[]): Finding[] {
  const code = files.filter((file) => isTypeScript(file.path));
  return [
    ...searchCode(code, [
      { pattern: /[:<|&]\s*any\b|\bas\s+any\b|,\s*any\s*>|\bany\s*\[\]|=\s*any\s*;/g, message: 'any: use unknown or the real type' },
      { pattern: /\benum\s+\w+\s*\{/g, message: 'enum: use a union of string literals' },
      { pattern: /\bexport\s*\*/g, message: 'export *: name what is exported' },
      { pattern: /\b(?:it|test|describe|suite)\.(?:skip|only|todo)\b/g, message: 'a test runs or goes; where a gap is known, assert it with it.fails' },
    ]),
    ...searchCode(code.filter((file) => !file.path.endsWith('.config.ts')), [{ pattern: /\bexport\s+default\b/g, message: 'export default: export by name' }]),
    ...searchText(code, [{ pattern: /@ts-(?:ignore|nocheck)\b/g, message: 'silences the compiler: mend the type' }]),
  ];
}

/** The lock files name no server, so an install works through any mirror. */
export function lockFiles(files: readonly SourceFile[]): Finding[] {
  const locks = files.filter((file) => posix.basename(file.path) === 'package-lock.json');
  return searchText(locks, [{ pattern: /"resolved":\s*"(?:https?|git)/g, message: 'names a server: keep omit-lockfile-registry-resolved=true in .npmrc' }]);
}

/** No file knows the machine it was written on. */
export function machineTraces(files: readonly SourceFile[]): Finding[] {
  return searchText(files, [
    { pattern: /(?<![\w.$}-])\/(?:work|home|root|Users)\/|\b[A-Z]:\\Users\\/g, message: 'an absolute path of one machine: make it relative or use a temporary folder' },
    { pattern: /\bregistry\.(?:npmjs|npmmirror|yarnpkg)\.|\bnpm\.pkg\.github\.com\b|^\s*(?:@[\w-]+:)?registry\s*=\s*http.*/gm, message: 'the address of a package registry: leave that to the machine' },
  ]);
}

const CAPITAL_NAMES = /^(?:[A-Z][A-Z_]+(?:\.md)?|Dockerfile)$/;
const KEBAB_NAME = /^\.?[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/;

/** Files and folders have kebab-case names. */
export function fileNames(files: readonly SourceFile[]): Finding[] {
  const bad = files.filter((file) => !file.path.split('/').every((name) => KEBAB_NAME.test(name) || CAPITAL_NAMES.test(name)));
  return bad.map((file) => ({ path: file.path, line: 1, message: 'name it in kebab-case' }));
}

/** The workspaces have one version between them, and every dependency is pinned. */
export function versions(files: readonly SourceFile[]): Finding[] {
  const manifests = files.filter((file) => posix.basename(file.path) === 'package.json');
  const root = manifests.find((file) => file.path === 'package.json');
  const expected = versionIn(root?.text ?? '{}');
  const workspaces = manifests.filter((file) => /^(?:packages|apps)\/[^/]+\/package\.json$/.test(file.path));
  const unequal = workspaces.filter((file) => versionIn(file.text) !== expected);
  return [
    ...unequal.map((file) => ({ path: file.path, line: 1, message: `its version is not the workspace's, ${expected}` })),
    ...manifests.flatMap((file) => dependenciesIn(file, expected)),
  ];
}

function versionIn(manifest: string): string | undefined {
  return (JSON.parse(manifest) as { version?: string }).version;
}

function dependenciesIn(file: SourceFile, workspaceVersion: string | undefined): Finding[] {
  const manifest = JSON.parse(file.text) as Record<string, Record<string, string> | undefined>;
  const pinned = { ...manifest['dependencies'], ...manifest['devDependencies'], ...manifest['optionalDependencies'] };
  return Object.entries(pinned).flatMap(([name, range]) => {
    const isPinned = /^\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/.test(range) || range.startsWith('file:');
    const isEqual = !name.startsWith('@carryon/') || range === workspaceVersion || range.startsWith('file:');
    return isPinned && isEqual ? [] : [{ path: file.path, line: 1, message: `${name} "${range}": ${isPinned ? `must be ${workspaceVersion}` : 'pin the exact version'}` }];
  });
}

/** Every rule under its ID. */
export const RULES = {
  'TIDY-1': ambientCalls,
  'TIDY-2': importTable,
  'TIDY-3': pureImports,
  'TIDY-4': relativeImports,
  'TIDY-5': declaredImports,
  'TIDY-6': testingImports,
  'TIDY-7': sansIo,
  'TIDY-8': fileLength,
  'TIDY-9': bannedSyntax,
  'TIDY-10': lockFiles,
  'TIDY-11': machineTraces,
  'TIDY-12': fileNames,
  'TIDY-13': versions,
} as const satisfies Record<string, Rule>;

function searchCode(files: readonly SourceFile[], bans: readonly Ban[]): Finding[] {
  return search(files, (file) => codeOf(file.text), bans);
}

function searchText(files: readonly SourceFile[], bans: readonly Ban[]): Finding[] {
  return search(files, (file) => file.text, bans);
}

function search(files: readonly SourceFile[], textOf: (file: SourceFile) => string, bans: readonly Ban[]): Finding[] {
  return files.flatMap((file) => {
    const text = textOf(file);
    return bans.flatMap(({ pattern, message }) => [...text.matchAll(pattern)].map((match) => ({ path: file.path, line: lineAt(text, match.index), message })));
  });
}
