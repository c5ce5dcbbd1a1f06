import { describe, expect, it } from 'vitest';
import { toJson } from './json.ts';
import { minSec, spansOf, ticks, type Sample, type Chart } from './sample.ts';
import { toSvg } from './svg.ts';
import { toTerminal } from './terminal.ts';

const BASE: Sample = { atMs: 0, app: 'foreground', screen: 'unlocked', lease: 'run', transfers: 0, progress: 0, rule: 'FG-1' };
const LEFT = { app: 'background', rule: 'BG-2' } as const;
const TIMELINE: Chart = {
  title: 'first sync <ios>', endMs: 100_000,
  samples: [
    BASE, { ...BASE, atMs: 10_000, progress: 0.25 }, { ...BASE, ...LEFT, atMs: 20_000, progress: 0.5 },
    { ...BASE, ...LEFT, atMs: 50_000, screen: 'locked', lease: 'none', transfers: 4, progress: 0.5, app: 'frozen', rule: 'BG-9' },
    { ...BASE, atMs: 90_000, lease: 'local', progress: 1 },
  ],
};

describe('timeline', () => {
  it('joins what lasts', () => {
    expect(spansOf(TIMELINE, ({ lease }) => lease)).toEqual([
      { fromMs: 0, toMs: 50_000, value: 'run' }, { fromMs: 50_000, toMs: 90_000, value: 'none' }, { fromMs: 90_000, toMs: 100_000, value: 'local' },
    ]);
  });

  it('tells time in minutes and seconds, at round places', () => {
    expect([0, 5000, 65_000, 3_600_000, 1500].map(minSec)).toEqual(['0:00', '0:05', '1:05', '60:00', '0:01.5']);
    expect(ticks(0, 100_000, 6)).toEqual([0, 30_000, 60_000, 90_000]);
    expect(ticks(12_000, 14_000, 6)).toEqual([12_000, 12_500, 13_000, 13_500, 14_000]);
  });

  it('draws lanes of a fixed width', () => {
    expect(toTerminal(TIMELINE, 60).split('\n')).toEqual([
      'first sync <ios>',
      'min:s     |0:00                         |1:00',
      'app       │foregroun│background────│frozen─────────────│fore',
      'screen    │unlocked────────────────│locked─────────────│unlo',
      'engine    █████████████████████████····················▒▒▒▒▒',
      'transfers ·························44444444444444444444·····',
      'progress       ▂▂▂▂▂▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄█████',
      'rule      │FG-1─────│BG-2──────────│BG-9───────────────│FG-1',
      '', 'engine: █ may work with the server   ▒ only with what is here   · rests (the real one, on a simulated device)',
      'rules: 0:00 FG-1, 0:20 BG-2, 0:50 BG-9, 1:30 FG-1',
      '',
    ]);
  });

  it('draws a self-contained image without scripts', () => {
    const svg = toSvg(TIMELINE);
    expect(svg).toContain('first sync &lt;ios&gt;');
    expect(svg).toContain('BG-9: 0:50 to 1:30');
    expect(svg).not.toMatch(/<script|href=|NaN|undefined/);
    expect(svg.match(/<g>/g)?.length).toBe(svg.match(/<\/g>/g)?.length);
  });

  it('gives the lanes as data', () => {
    expect(JSON.parse(toJson(TIMELINE))).toMatchObject({ title: 'first sync <ios>', lanes: { transfers: [[0, 50_000, 0], [50_000, 90_000, 4], [90_000, 100_000, 0]] } });
  });

  it('draws nothing of nothing', () => {
    const empty: Chart = { title: 'empty', samples: [], endMs: 0 };
    expect(toTerminal(empty)).toContain('empty');
    expect(toSvg(empty)).not.toMatch(/NaN/);
    expect(JSON.parse(toJson(empty))).toBeDefined();
  });
});
