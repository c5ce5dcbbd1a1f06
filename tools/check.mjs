// Type-checks the whole workspace, then each pure folder alone: a pure folder sees no DOM and no Node types,
// so a clock, a socket or a file cannot slip into it.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PURE = ['packages/policy', 'packages/protocol', 'packages/client/src/core', 'packages/server/src/core'];

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
let failures = 0;

for (const project of ['.', ...PURE]) {
  const name = project === '.' ? 'workspace' : `${project} (pure)`;
  if (!hasSources(`${root}${project}`)) {
    console.log(`skip  ${name}: nothing there yet`);
    continue;
  }
  const run = spawnSync(process.execPath, [tsc, '-p', project], { cwd: root, stdio: 'inherit' });
  if (run.status !== 0) failures += 1;
  console.log(`${run.status === 0 ? 'ok   ' : 'FAIL '} ${name}`);
}

process.exit(failures === 0 ? 0 : 1);

// tsc calls a project without any file an error; a folder that only waits for its first file is none.
function hasSources(folder) {
  const isSource = (name) => name.endsWith('.ts') && !name.endsWith('.test.ts');
  return existsSync(folder) && readdirSync(folder, { recursive: true }).some((name) => isSource(String(name)));
}
