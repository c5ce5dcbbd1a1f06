import { describe, expect, it } from 'vitest';
import { firstDifference } from '../world/trace.ts';
import { LabRandom } from '../world/random.ts';
import { edits, OTHERS, othersOf } from './edits.ts';
import { play } from './play.ts';
import type { Script, Timed } from './script.ts';

/** CARRYON_FUZZ_RUNS times as many seeds. */
const TIMES = Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);
const SEEDS = 2;
const LENGTH_MS = 600_000;
/** Few rows, so that people meet on them. */
const ROWS = { customers: 8, jobs: 16, notes: 12, parts: 8 } as const;

/** Two devices of one person and one of another, all in front and often offline, edit the same rows and drop or retry what is refused. */
function shared(seed: number): Script {
  const random = new LabRandom(`shared ${seed}`);
  const offline = Array.from({ length: 4 }, (): Timed[] => {
    const atMs = random.below(LENGTH_MS);
    return [{ atMs, event: { do: 'network', to: 'none' } }, { atMs: Math.min(LENGTH_MS, atMs + random.below(120_000)), event: { do: 'network', to: 'unmetered' } }];
  }).flat();
  const sittings = [0, 1, 2, 3].flatMap((i) => edits(random.fork(`edits ${i}`), LENGTH_MS, []));
  const events: readonly Timed[] = [{ atMs: 0, event: { do: 'open' } }, ...othersOf(random.fork('trouble'), LENGTH_MS), ...offline, ...sittings];
  return {
    seed, platform: 'node', ruleSet: 'carry-on', link: {}, os: {}, config: {}, lengthMs: LENGTH_MS, others: OTHERS,
    business: { rows: ROWS, packRows: 20, textLength: 20, edits: true }, events: [...events].sort((a, b) => a.atMs - b.atMs),
  };
}

describe('several devices on the same rows', () => {
  it('D60, D62: every edit is applied once, in order, or refused; nobody sees an old value again; in the end all hold the same', { timeout: 180_000 * TIMES }, async () => {
    let refused = 0;
    for (let seed = 1; seed <= SEEDS * TIMES; seed++) {
      const one = await play(shared(seed));
      expect(one.problems, `seed ${seed}`).toEqual([]);
      const other = await play(JSON.parse(JSON.stringify(shared(seed))) as Script);
      expect(firstDifference(one.entries, other.entries), `seed ${seed}`).toBeUndefined();
      refused += one.entries.filter(({ what }) => what === 'upload').reduce((sum, { detail }) => sum + (detail as { refused: number }).refused, 0);
    }
    expect(refused).toBeGreaterThan(0);
  });
});
