import { defineConfig } from 'vitest/config';
import { ClosingLine } from './tools/closing-line.ts';

// Workspaces import each other's TypeScript sources through this private export condition: nothing is built for a test.
const condition = '@carryon/source';
const conditions = [condition, 'module', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: [condition, 'node', 'module-sync'] } },
  test: {
    include: ['packages/**/*.test.ts', 'tools/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Workers get the condition as an argument, which fork() hands on; processes that a test spawns get it from the environment.
    execArgv: [`--conditions=${condition}`],
    env: { NODE_OPTIONS: `--conditions=${condition}` },
    reporters: ['default', new ClosingLine()],
  },
});
