import { describe, expect, it } from 'vitest';
import type { Entry, Held } from './ports/storage.ts';
import { KNOWN } from './testing/rules/known-histories.ts';
import { playRules, rulesHistory } from './testing/rules/rules-history.ts';
import { assertHistories } from './testing/rules/shrink.ts';
import { FOREIGN_ROWS, FOREIGN_TOKENS, scopes, type Mutant } from './testing/sync-mutants.ts';

const RUNS = 30 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);

describe('devices under random rules against the oracle', () => {
  it('I1 I2 I3 I6 I7 I8 I9 I10 I12 I15 I17 I19 I20 I21: whatever becomes of people, rules and rows, a device holds exactly its share at each commit', async () => {
    await assertHistories(rulesHistory, RUNS, (history) => playRules(history));
  }, 60_000 + 2_000 * RUNS);

  for (const [name, history] of Object.entries(KNOWN)) {
    it(`I1 I12 ${name}`, () => playRules(history));
  }
});

/** What the first of the known histories that finds the fault says; undefined when none does. */
async function complaint(mutant: Mutant): Promise<string | undefined> {
  for (const history of Object.values(KNOWN)) {
    try {
      await playRules(history, mutant);
    } catch (error) {
      return String(error);
    }
  }
  return undefined;
}

/** The feed leaves out some entries. */
const feeding = (leavesOut: (entry: Entry, held: Held | undefined) => boolean): Mutant => ({
  snapshot: (snapshot) => ({
    ...snapshot,
    feed: (scope, after, rows, bytes, held) => {
      const part = snapshot.feed(scope, after, rows, bytes, held);
      return { ...part, entries: part.entries.filter((entry) => !leavesOut(entry, held)) };
    },
  }),
});

describe('the property has teeth', () => {
  const mutants: Record<string, Mutant> = {
    'I6 live-sets are dropped': { frames: (frames) => frames.filter((frame) => !('live' in frame)) },
    'I6 removals are dropped': { frames: (frames) => frames.filter((frame) => !(0 in frame && frame[0] === 'R')) },
    'I6 the floor is not looked at': { snapshot: (snapshot) => ({ ...snapshot, state: () => ({ ...snapshot.state(), floor: 0 }) }) },
    'I7 a switch without removals': { snapshot: (snapshot) => ({ ...snapshot, leavers: () => [] }) },
    'I1 a switch leaves out what came after the last round': { snapshot: (snapshot) => ({ ...snapshot, feed: (scope, after, rows, bytes, held) => snapshot.feed(scope, after, rows, bytes, held && { ...held, at: Number.MAX_SAFE_INTEGER }) }) },
    'I1 a switch leaves out what came back': feeding((entry, held) => held !== undefined && entry.values !== undefined && entry.seq > held.first && entry.ver <= held.at),
    'I6 a switch does not tell what left in the same round': feeding((entry, held) => held !== undefined && entry.values === undefined),
    'I8 versions are not compared': { versionCheck: false },
    'I9 a page begins one row too late': { snapshot: (snapshot) => ({ ...snapshot, feed: (scope, after, ...rest) => snapshot.feed(scope, { ...after, rid: after.rid + 1 }, ...rest) }) },
    'I12 the tables of a person are not told': { frames: (frames) => frames.filter((frame) => !('tables' in frame)) },
    'I12 tokens are trusted': FOREIGN_TOKENS,
    'I12 rows of another person are sent': FOREIGN_ROWS,
    'I20 a digest is off': scopes((scope) => ({ ...scope, digest: { ...scope.digest, sum: scope.digest.sum + 1 } })),
    'I21 heads are not looked at': scopes((scope) => ({ ...scope, head: Number.MAX_SAFE_INTEGER })),
  };
  for (const [name, mutant] of Object.entries(mutants)) {
    it(`${name}: caught`, async () => {
      expect(await complaint(mutant)).toMatch(name.startsWith('I21') ? /I21/ : /I(1|9|12|20)\b/);
    });
  }
});
