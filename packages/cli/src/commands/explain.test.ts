import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../main.ts';

let written = '';
let wrong = '';

beforeEach(() => {
  written = '';
  wrong = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean(written += String(text)));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean(wrong += String(text)));
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
});

async function explain(...args: readonly string[]): Promise<string> {
  written = '';
  const streams = [process.stdout, process.stderr].map((stream) => ({ stream, before: stream.listeners('error') }));
  await main(['node', 'carryon', 'explain', ...args]);
  // A process calls main once; here its listeners would pile up.
  for (const { stream, before } of streams) {
    for (const added of stream.listeners('error').filter((listener) => !before.includes(listener))) stream.off('error', added as () => void);
  }
  return written;
}

describe('carryon explain', () => {
  it('prints verdict, sentence and row', async () => {
    expect(await explain('--platform', 'ios', '--screen', 'locked', '--rules', '2022-11')).toBe([
      'suspend, again in 15 min · rule set 2022-11 · A7, A5, A6, A1', '',
      'The sync is suspended; it goes on in 15 minutes.',
      'iOS suspends the sync while the screen is locked and lets it go on every 15 minutes. (A7)',
      '  · Unlock the screen.',
      '  · Or wait: it goes on by itself.', '',
      'A7  The app was left open and the screen locked: the sync is suspended and resumes in 15 minutes.',
      '    Our note: New syncs wait, as in 2024-05.',
      '    Sync data offline in the background, revised 2022-11-08: iOS', '',
    ].join('\n'));
    expect(process.exitCode).toBe(0);
  });

  it('takes every part of the situation', async () => {
    expect(await explain('--platform', 'ios', '--app', 'background', '--in-use', '--rules', '2022-11')).toContain('(A10)');
    expect(await explain('--platform', 'ios', '--screen', 'locked', '--rules', '2022-11', '--minutes', '17')).toContain('run, 3 min left');
    expect(await explain('--platform', 'ios', '--app', 'background', '--screen', 'locked')).toContain('run, 30 s left · rule set carry-on · C1');
    expect(await explain('--platform', 'windows11', '--app', 'background', '--battery', '--saver', '--minutes', '10')).toContain('suspend · rule set carry-on');
    expect(await explain('--platform', 'windows10', '--app', 'background', '--permission', 'never', '--rules', '2024-05')).toContain('(B12)');
    expect(await explain('--platform', 'web', '--network', 'none')).toContain('run, without network');
    expect(await explain('--platform', 'web', '--network', 'metered', '--wifi-only', '--sync', 'delta', '--state', 'suspended')).toContain('(N2)');
    expect(await explain('--platform', 'node', '--mode', 'manual', '--sync', 'delta', '--state', 'none')).toContain('(N3)');
    expect(await explain('--platform', 'node', '--mode', 'manual', '--sync', 'delta', '--state', 'none', '--by-person')).toContain('A new sync may start.');
    expect(await explain('--platform', 'android', '--app', 'background', '--language', 'de')).toContain('Die Synchronisierung läuft weiter.');
  });

  it('prints the whole matrix of a platform, aligned', async () => {
    const lines = (await explain('--platform', 'ios', '--table', '--rules', '2022-11')).trimEnd().split('\n');
    expect(lines[0]).toBe('ios, rule set 2022-11, first sync, after 0 min');
    expect(lines).toHaveLength(4 + 4 * 2 * 2);
    const column = lines[2]?.indexOf('begun sync') ?? 0;
    for (const line of lines.slice(4)) expect(line.slice(column - 2)).toMatch(/^ {2}(?:run|suspend|stop)/);
    expect(lines.join('\n')).toMatch(/foreground {2}locked {4}not in use {2}suspend, again in 15 min \(A7\) {2}wait \(A7\)/);
    const windows = await explain('--platform', 'windows11', '--table', '--minutes', '3');
    expect(windows).toMatch(/battery \+ saver {2}run, 7 min left \(C3\) {2}start, 7 min left \(C3\) {2}go-on/);
  });

  it('gives programs one JSON value', async () => {
    const one: unknown = JSON.parse(await explain('--platform', 'android', '--app', 'background', '--json', '--rules', '2024-05'));
    expect(one).toMatchObject({ verdict: { engine: 'run', rule: 'B5', reasons: ['B5', 'B3', 'B1'] }, explanation: { youCan: [] }, row: { id: 'B5', cite: { revised: '2024-05-29' } } });
    const all = JSON.parse(await explain('--platform', 'node', '--json', '--table')) as { rows: unknown[] };
    expect(all.rows).toHaveLength(8);
    expect(all.rows[0]).toMatchObject({ app: 'foreground', screen: 'unlocked', begun: { rule: 'C5' }, fresh: { engine: 'run' } });
  });

  it('names the choices when one is wrong or missing', async () => {
    await explain('--platform', 'tizen');
    expect(wrong).toContain('ios, android, windows10, windows11, web, node');
    expect(process.exitCode).toBe(2);
    await explain('--app', 'background');
    expect(wrong).toContain('--platform');
  });
});
