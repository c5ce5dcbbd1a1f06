// Who may import whom.
import { posix } from 'node:path';
import { type Import, importsOf, isCode, isTest, packageFolder, type SourceFile } from './tidy-source.ts';
import type { Finding } from './tidy.ts';

// One row per package: the packages of this repository that it may import.
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'packages/policy': [],
  'packages/protocol': [],
  'packages/client': ['policy', 'protocol'],
  'packages/hosts': ['client', 'policy', 'protocol'],
  'packages/server': ['policy', 'protocol'],
  'packages/cli': ['client', 'hosts', 'policy', 'protocol', 'server'],
  'packages/power-apps': ['client', 'protocol'],
  'packages/lab': ['client', 'hosts', 'policy', 'protocol', 'server'],
  'apps/field': ['client', 'hosts', 'policy', 'protocol'],
  'apps/console': ['protocol'],
};

// These import no other module at all, not even one of Node.
const PURE = new Set(['packages/policy', 'packages/protocol']);
// The engine runs in browsers too: what it needs of Node comes through a port.
const WITHOUT_NODE = new Set([...PURE, 'packages/client']);

interface Manifest {
  readonly name?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface ImportCase extends Import {
  readonly file: SourceFile;
  readonly folder: string;
}

/** A package imports only the packages its row of the table names. */
export function importTable(files: readonly SourceFile[]): Finding[] {
  return findings(packageImports(files), (one) => {
    const row = MAY_IMPORT[one.folder];
    if (row === undefined) return `${one.folder} has no row in the table of tools/tidy-imports.ts: add it`;
    const target = /^@carryon\/([^/]+)/.exec(one.specifier)?.[1];
    if (target === undefined || target === posix.basename(one.folder) || row.includes(target)) return undefined;
    if (target === 'lab' && isForTests(one.file.path)) return undefined;
    return `${one.folder} may import ${row.length === 0 ? 'no other package' : row.join(', ')}; not ${one.specifier}`;
  });
}

/** Policy and protocol import nothing from outside; the client imports nothing of Node. */
export function pureImports(files: readonly SourceFile[]): Finding[] {
  return findings(packageImports(files), (one) => {
    if (one.specifier.startsWith('.') || isForTests(one.file.path)) return undefined;
    if (PURE.has(one.folder)) return `${one.folder} is pure: it imports only its own files, not ${one.specifier}`;
    const isNode = one.specifier.startsWith('node:');
    return isNode && WITHOUT_NODE.has(one.folder) ? `${one.folder} runs in browsers too: get ${one.specifier} through a port` : undefined;
  });
}

/** A relative import stays inside its package; another package is imported by its name. */
export function relativeImports(files: readonly SourceFile[]): Finding[] {
  return findings(packageImports(files), (one) => {
    const target = resolve(one);
    if (target === undefined || target.startsWith(`${one.folder}/`)) return undefined;
    return `${one.specifier} leaves ${one.folder}: import the other package by its name`;
  });
}

/** Each module imported by name is declared in the package's own manifest; what only tests use, there or at the root. */
export function declaredImports(files: readonly SourceFile[]): Finding[] {
  const manifests = new Map(files.filter((file) => posix.basename(file.path) === 'package.json').map((file) => [posix.dirname(file.path), readManifest(file)]));
  const root = manifests.get('.') ?? {};
  return findings(packageImports(files), (one) => {
    const name = /^(?:@[^/]+\/)?[^/]+/.exec(one.specifier)?.[0] ?? one.specifier;
    if (/^(?:\.|node:|virtual:)/.test(one.specifier)) return undefined;
    const own = manifests.get(one.folder) ?? {};
    const shipped = { ...own.dependencies, ...own.peerDependencies, ...own.optionalDependencies };
    const allowed = isForTests(one.file.path) ? { ...shipped, ...own.devDependencies, ...root.devDependencies } : shipped;
    return name === own.name || name in allowed ? undefined : `${name} is not declared in ${one.folder}/package.json`;
  });
}

/** The lab and the `testing` folders are for tests, for the lab and for each other. */
export function testingImports(files: readonly SourceFile[]): Finding[] {
  return findings(packageImports(files), (one) => {
    if (isForTests(one.file.path) || one.folder === 'packages/lab') return undefined;
    const isTesting = /^@carryon\/(?:lab\b|.*\/testing\b)/.test(one.specifier) || /\/testing\//.test(resolve(one) ?? '');
    return isTesting ? `only tests and the lab may import ${one.specifier}` : undefined;
  });
}

function isForTests(path: string): boolean {
  return isTest(path) || path.includes('/testing/') || /\.config\.m?[jt]s$/.test(path);
}

function packageImports(files: readonly SourceFile[]): ImportCase[] {
  return files.filter((file) => isCode(file.path)).flatMap((file) => {
    const folder = packageFolder(file.path);
    return folder === undefined ? [] : importsOf(file).map((one) => ({ ...one, file, folder }));
  });
}

function findings(cases: readonly ImportCase[], judge: (one: ImportCase) => string | undefined): Finding[] {
  return cases.flatMap((one) => {
    const message = judge(one);
    return message === undefined ? [] : [{ path: one.file.path, line: one.line, message }];
  });
}

function resolve(one: ImportCase): string | undefined {
  return one.specifier.startsWith('.') ? posix.join(posix.dirname(one.file.path), one.specifier) : undefined;
}

function readManifest(file: SourceFile): Manifest {
  return JSON.parse(file.text) as Manifest;
}
