import type { Platform } from '@carryon/policy';
import { expect, it } from 'vitest';
import { firstDifference } from '../world/trace.ts';
import { play } from '../fuzz/play.ts';
import { type Script, scriptOf } from '../fuzz/script.ts';

/** CARRYON_FUZZ_RUNS times as many seeds. */
const TIMES = Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);
const SEEDS = 10;

/** Whatever happens to a device of this platform: every seed runs twice. */
export function anyLife(platform: Platform): void {
  it(`${platform}: it rests when it must, loses nothing, tells the truth, ends up to date, and is the same each time, also after a way through JSON`, { timeout: 180_000 * TIMES }, async () => {
    for (let seed = 1; seed <= SEEDS * TIMES; seed++) {
      const script = scriptOf(seed, platform);
      const one = await play(script);
      expect(one.problems, `npm run lab -- --seed ${seed} --platform ${platform}`).toEqual([]);
      const other = await play(JSON.parse(JSON.stringify(script)) as Script);
      expect(firstDifference(one.entries, other.entries), `seed ${seed}`).toBeUndefined();
      expect(other.hash).toBe(one.hash);
    }
  });
}
