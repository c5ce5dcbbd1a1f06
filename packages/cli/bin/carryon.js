#!/usr/bin/env -S node --conditions=@carryon/source
// Plain, old JavaScript: it must run, and say what is wrong, on a Node.js that cannot run the rest.
import { existsSync } from 'node:fs';

const source = new URL('../src/main.ts', import.meta.url);
const fromSource = existsSync(source);
const [major, minor] = process.versions.node.split('.').map(Number);
const needed = fromSource ? [22, 18] : [22, 15];

if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
  process.stderr.write(`carryon: runtime.too-old: this is Node.js ${process.versions.node}; use "npx carryon", which brings its own, or install Node.js ${needed.join('.')} or newer.\n`);
  process.exitCode = 2;
} else {
  const { enableCompileCache } = await import('node:module');
  if (enableCompileCache) enableCompileCache();
  const { main } = await import(fromSource ? source.href : '../dist/main.js');
  await main(process.argv);
}
