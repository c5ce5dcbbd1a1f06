import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { codeOf, importsOf, readRepository, type SourceFile } from './tidy-source.ts';
import { fileLength, RULES } from './tidy.ts';

type RuleId = keyof typeof RULES;

interface Example {
  readonly id: RuleId;
  readonly says: string;
  /** Each is a small repository that breaks the rule. */
  readonly bad: readonly SourceFile[][];
  readonly good?: readonly SourceFile[];
}

// These files quote what the rules forbid, so they are not read by them.
const repository = readRepository(fileURLToPath(new URL('..', import.meta.url))).filter((file) => !file.path.startsWith('tools/tidy'));

const file = (path: string, text: string): SourceFile => ({ path, text });
const inClient = (text: string): SourceFile[] => [file('packages/client/src/a.ts', text)];
const inCore = (text: string): SourceFile[] => [file('packages/client/src/core/a.ts', text)];
const manifest = (folder: string, content: object): SourceFile => file(`${folder}package.json`, JSON.stringify({ version: '1.0.0', ...content }));

const EXAMPLES: readonly Example[] = [
  {
    id: 'TIDY-1',
    says: 'time comes from the Clock port and chance from the Random port',
    bad: ['Date.now()', 'new Date()', 'new Date', 'Math.random()', 'performance.now()', '`${Date.now()}`', 'const f = Date.now;'].map(inClient),
    good: [...inClient('// Date.now()\nconst a = "Math.random()"; new Date(1);'), file('packages/hosts/src/node/clock.ts', 'Date.now()'), file('packages/client/src/a.test.ts', 'Date.now()'), file('packages/cli/src/main.ts', 'Date.now()')],
  },
  {
    id: 'TIDY-2',
    says: 'a package imports only what its row of the table allows',
    bad: [inClient('import { a } from \'@carryon/server\';'), inClient('export {\n  a,\n} from \'@carryon/hosts/node\';'), inClient('await import(\'@carryon/cli\');'), [file('packages/new/src/a.ts', 'import \'./b.ts\';')]],
    good: [...inClient('import type { A } from \'@carryon/protocol\';'), file('packages/client/src/a.test.ts', 'import \'@carryon/client/testing\';\nimport \'@carryon/lab\';')],
  },
  {
    id: 'TIDY-3',
    says: 'policy and protocol import nothing, the client nothing of Node',
    bad: [[file('packages/protocol/src/a.ts', 'import \'node:fs\';')], [file('packages/policy/src/a.ts', 'import \'zod\';')], inClient('import \'node:fs\';')],
    good: [file('packages/protocol/src/a.ts', 'import \'./b.ts\';'), file('packages/protocol/src/a.test.ts', 'import \'node:fs\';'), file('packages/server/src/a.ts', 'import \'node:fs\';')],
  },
  {
    id: 'TIDY-4',
    says: 'a relative import stays inside its package',
    bad: [inClient('import \'../../protocol/src/index.ts\';'), [file('packages/client/src/a.test.ts', 'import \'../../../tools/docs.ts\';')]],
    good: inClient('import \'../src/b.ts\';'),
  },
  {
    id: 'TIDY-5',
    says: 'each module imported by name is declared in the package',
    bad: [
      [manifest('', { devDependencies: { vitest: '1.0.0' } }), manifest('packages/client/', {}), ...inClient('import \'vitest\';')],
      [manifest('packages/client/', { devDependencies: { zod: '1.0.0' } }), ...inClient('import \'zod/mini\';')],
    ],
    good: [
      manifest('', { devDependencies: { vitest: '1.0.0' } }),
      manifest('packages/client/', { dependencies: { '@a/b': '1.0.0' } }),
      ...inClient('import \'@a/b/c\';'),
      file('packages/client/src/a.test.ts', 'import \'vitest\';'),
    ],
  },
  {
    id: 'TIDY-6',
    says: 'only tests and the lab import testing folders or the lab',
    bad: [inClient('import \'@carryon/client/testing\';'), inClient('import \'./testing/fake.ts\';'), inClient('import \'@carryon/lab\';')],
    good: [file('packages/client/src/a.test.ts', 'import \'./testing/fake.ts\';'), file('packages/lab/src/a.ts', 'import \'@carryon/client/testing\';'), file('packages/client/src/testing/a.ts', 'import \'./fake.ts\';')],
  },
  {
    id: 'TIDY-7',
    says: 'a core folder does not wait, holds no timer and imports nothing of Node',
    bad: ['await a;', 'async () => a', 'setTimeout(a, 1)', 'setInterval(a, 1)', 'import \'node:fs\';'].map(inCore),
    good: [...inCore('// await\nconst text = "async";'), ...inClient('await a;'), file('packages/client/src/core/a.test.ts', 'await a;')],
  },
  {
    id: 'TIDY-8',
    says: 'no TypeScript file is longer than 400 lines',
    bad: [inClient('a;\n'.repeat(401))],
    good: inClient('a;\n'.repeat(400)),
  },
  {
    id: 'TIDY-9',
    says: 'no any, enum, default export, export *, silenced compiler, skipped or focused test',
    bad: [
      'let a: any;', 'a as any', '<any>a', 'Map<string, any>', 'let a: string | any;', 'any[]', 'type A = any;', 'enum A { b }', 'export default a;', 'export * from \'./a.ts\';',
      '// @ts-ignore', '// @ts-nocheck', 'it.skip(1)', 'it.only(1)', 'describe.only(1)', 'it.todo(1)',
    ].map(inClient),
    good: [...inClient('const any = 1; // as any, export default\nconst text = "enum A { b }"; it.skipIf(a); it.fails(b);'), file('vite.config.ts', 'export default a;')],
  },
  {
    id: 'TIDY-10',
    says: 'a lock file names no server',
    bad: [[file('package-lock.json', '"resolved": "https://example.org/a.tgz"')], [file('bench/package-lock.json', '"resolved": "http://example.org/a.tgz"')]],
    good: [file('package-lock.json', '"resolved": "packages/cli"')],
  },
  {
    id: 'TIDY-11',
    says: 'no file holds an absolute path of one machine or the address of a package registry',
    bad: ['cd /home/me/carryon', '"/work/a"', 'file:///root/a', '/Users/me', 'C:\\Users\\me', 'https://registry.npmjs.org/a', 'registry=http://localhost:4873'].map((text) => [file('docs/a.md', text)]),
    good: [file('docs/a.md', 'packages/lab/src/work/a.ts bench/.work/ ./home/a registry = new Map()')],
  },
  {
    id: 'TIDY-12',
    says: 'files and folders have kebab-case names',
    bad: ['packages/client/src/packStore.ts', 'packages/client/src/PackStore.ts', 'packages/client/src/pack_store.ts', 'packages/packStore/src/a.ts'].map((path) => [file(path, '')]),
    good: ['LICENSE', 'packages/client/README.md', 'packages/client/src/pack-store.test.ts', '.ci/run', 'docs/adr/0001-packs.md'].map((path) => file(path, '')),
  },
  {
    id: 'TIDY-13',
    says: 'workspaces have one version and dependencies are exact',
    bad: [
      [manifest('', {}), manifest('packages/client/', { version: '1.0.1' })],
      [manifest('', {}), manifest('packages/client/', { dependencies: { '@carryon/protocol': '1.0.1' } })],
      [manifest('', { devDependencies: { vitest: '^4.0.0' } })],
      [manifest('', {}), manifest('bench/', { dependencies: { a: 'latest' } })],
    ],
    good: [manifest('', {}), manifest('packages/client/', { dependencies: { '@carryon/protocol': '1.0.0', a: '1.0.0-build1' }, peerDependencies: { react: '>=19' } })],
  },
];

describe('tidy', () => {
  it('TIDY-0 every rule is listed in tools/SPEC.md and has an example', () => {
    const spec = repository.find(({ path }) => path === 'tools/SPEC.md')?.text ?? '';
    const listed = [...spec.matchAll(/^\| (TIDY-[1-9]\d*) \|/gm)].map((match) => match[1]);
    expect(listed).toEqual(Object.keys(RULES));
    expect(EXAMPLES.map(({ id }) => id)).toEqual(Object.keys(RULES));
  });

  for (const { id, says, bad, good = [] } of EXAMPLES) {
    it(`${id} ${says}`, () => {
      const findings = RULES[id](repository).map(({ path, line, message }) => `${path}:${line} ${message}`);
      expect(findings, findings.join('\n')).toEqual([]);
    });

    it(`${id} can fail, and lets good examples pass`, () => {
      for (const files of bad) expect(RULES[id](files), JSON.stringify(files)).not.toEqual([]);
      expect(RULES[id](good)).toEqual([]);
    });
  }

  it('TIDY-8 the list of long files only shrinks', () => {
    expect(fileLength(inClient('a;\n'.repeat(500)), { 'packages/client/src/a.ts': 500 })).toEqual([]);
    expect(fileLength(inClient('a;\n'.repeat(501)), { 'packages/client/src/a.ts': 500 })).toHaveLength(1);
    expect(fileLength(inClient('a;\n'.repeat(499)), { 'packages/client/src/a.ts': 500 })).toHaveLength(1);
  });
});

describe('tidy-source', () => {
  it('SOURCE-1 rules about code see neither comments nor strings, but the code inside of templates', () => {
    expect(codeOf('a // b')).toBe('a     ');
    expect(codeOf('a /* b\nc */ d')).toBe('a     \n     d');
    expect(codeOf('f(\'it\\\'s\', "b") + c')).toBe('f(       ,    ) + c');
    expect(codeOf('`a ${b({ c: `${d}` })} e` + f')).toMatch(/^ +b\(\{ c: +d +\}\) +\+ f$/);
    expect(codeOf('x = /[/`"]/g.test(y) / z / `w`')).toMatch(/^x = +\.test\(y\) \/ z \/ +$/);
  });

  it('SOURCE-2 imports are found in statements, over several lines, and in calls; not in strings or comments', () => {
    const text = 'import a from "a";\nimport {\n  b,\n} from \'b\';\nimport \'c\';\nexport { d } from \'d\';\n// import "no";\nconst t = `\nimport "no";`;\nexport const e = \'no\';\nlet f: import(\'f\').F = await import(\'g\');';
    expect(importsOf(file('a.ts', text)).map(({ specifier }) => specifier)).toEqual(['a', 'b', 'c', 'd', 'f', 'g']);
  });
});
