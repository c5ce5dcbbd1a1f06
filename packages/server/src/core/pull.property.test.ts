import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEVICES, history, USERS, type History, type Step, type Write } from '../testing/history.ts';
import { ONE_ANSWER } from '../testing/sync-devices.ts';
import { FOREIGN_ROWS, FORGOTTEN_GAP, scopes, type Mutant } from '../testing/sync-mutants.ts';
import { SyncWorld } from '../testing/sync-world.ts';

const RUNS = 120 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);

async function play({ before, steps, packWidth }: History, mutant?: Mutant): Promise<void> {
  const world = new SyncWorld({ packWidth, ...(mutant ? { mutant } : {}) });
  try {
    world.transaction(before);
    await world.start();
    for (let i = 0; i < DEVICES; i++) world.join(USERS[i % USERS.length] ?? '', i < DEVICES / 2 ? 'plan' : 'zero');
    for (const step of steps) await world.play(step);
    await world.evaluate();
    for (const session of world.devices.sessions) await world.devices.finish(session, world.checkpoint);
  } finally {
    await world.close();
  }
}

/** What the first history that finds the fault says; undefined when none does. */
async function complaint(mutant: Mutant): Promise<string | undefined> {
  const result = await fc.check(fc.asyncProperty(history, (one) => play(one, mutant)), { seed: 20261121, numRuns: 400, endOnFailure: true, examples: EXAMPLES });
  return result.failed ? String(result.errorInstance) : undefined;
}

describe('pull, evaluator and packs against the oracle', () => {
  it('I1 I2 I3 I4 I5 I6 I7 I8 I9 I10 I11 I12 I15 I20 I21: after every commit a device holds exactly its share', async () => {
    await fc.assert(fc.asyncProperty(history, (one) => play(one)), { numRuns: RUNS, examples: EXAMPLES });
  }, 60_000 + 1_000 * RUNS);
});

const nothing = { key: 0, toKey: 0, owner: 0, value: 0, serial: 0 };
const insert = (key: number): Write => ({ ...nothing, table: 0, kind: 'insert', key });
const change = (...writes: readonly Write[]): Step[] => [{ op: 'transaction', writes, rolledBack: false }, { op: 'evaluate' }];

/** Histories known to matter. */
const EXAMPLES: [History][] = [
  // A row changes between plan and feed, and its pack is taken after the feed.
  [{ before: [insert(0)], packWidth: 0, steps: [
    { ...ONE_ANSWER }, ...change({ ...nothing, table: 0, kind: 'value', key: 0, value: 1 }), { ...ONE_ANSWER, answers: 2, latePacks: true },
  ] }],
  // A row that was read dies and its tombstone expires in mid-round; the pages after that are read beyond the floor.
  [{ before: [insert(0), insert(1)], packWidth: 0, steps: [
    { ...ONE_ANSWER, device: 3, pageRows: 1, answers: 2 }, ...change({ ...nothing, table: 0, kind: 'delete', key: 0 }), { op: 'expire', keep: 0 },
    ...change(insert(2)), ...change(insert(3)), { ...ONE_ANSWER, device: 3, pageRows: 1, answers: 4 },
  ] }],
];

describe('the property has teeth', () => {
  const mutants: Record<string, Mutant> = {
    'I6 live-sets are dropped': { frames: (frames) => frames.filter((frame) => !('live' in frame)) },
    'I6 tombstones are dropped': { frames: (frames) => frames.filter((frame) => !(0 in frame && frame[0] === 'R')) },
    'I8 versions are not compared': { versionCheck: false },
    'I9 a page forgets that tombstones were missed': FORGOTTEN_GAP,
    'I9 a page begins one row too late': { snapshot: (snapshot) => ({ ...snapshot, feed: (scope, after, ...rest) => snapshot.feed(scope, { ...after, rid: after.rid + 1 }, ...rest) }) },
    'I12 rows of another person are sent': FOREIGN_ROWS,
    'I20 a digest is off': scopes((scope) => ({ ...scope, digest: { ...scope.digest, sum: scope.digest.sum + 1 } })),
    'I21 heads are not looked at': scopes((scope) => ({ ...scope, head: Number.MAX_SAFE_INTEGER })),
    'I9 the floor is not looked at': { snapshot: (snapshot) => ({ ...snapshot, state: () => ({ ...snapshot.state(), floor: 0 }) }) },
  };
  for (const [name, mutant] of Object.entries(mutants)) {
    it(`${name}: caught`, async () => {
      expect(await complaint(mutant)).toMatch(name.startsWith('I21') ? /I21/ : /I(1|12|20)\b/);
    });
  }
});
