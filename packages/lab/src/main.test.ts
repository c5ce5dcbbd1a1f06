import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const lab = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, ['--conditions=@carryon/source', fileURLToPath(new URL('main.ts', import.meta.url)), ...args], { encoding: 'utf8' });

describe('npm run lab', () => {
  it('plays a row\'s scenario, draws its chart and writes it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lab-main-'));
    try {
      const { status, stdout } = lab('--scenario', 'b12', '--svg', join(folder, 'chart.svg'), '--json', join(folder, 'chart.json'));
      expect(stdout).toMatch(/^B12 .*\nmin:s[^]*rules: 0:00 B2, [\d:]+ B11[^]*\nok .*B12[^]*\n1 of 1 /);
      expect(status).toBe(0);
      expect(readFileSync(join(folder, 'chart.svg'), 'utf8')).toContain('</svg>');
      expect(JSON.parse(readFileSync(join(folder, 'chart.json'), 'utf8'))).toHaveProperty('lanes.rule');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('lists, and says what it does not understand', () => {
    const listed = lab('--list', '--platform', 'node').stdout.trim().split('\n');
    expect(listed.map((line) => line.split(' ')[0])).toEqual(['A1', 'A2', 'A3', 'B1', 'B2', 'B3', ...Array<string>(5).fill('C5')]);
    expect(lab('--scenario', 'Z1')).toMatchObject({ status: 2, stdout: '', stderr: 'lab: there is no scenario Z1; --list names them\n' });
    expect(lab('--seed', 'x').status).toBe(2);
  });
});
