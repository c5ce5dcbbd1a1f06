import type { Frame } from '@carryon/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SyncedTable } from '../ports/storage.ts';
import { history, USERS, type History } from '../testing/history.ts';
import type { DeviceRow, ModelDevice } from '../testing/model-device.ts';
import { ensure, same } from '../testing/store-audit.ts';
import { ONE_ANSWER, type Session } from '../testing/sync-devices.ts';
import { FOREIGN_ROWS, type Mutant } from '../testing/sync-mutants.ts';
import { SyncWorld } from '../testing/sync-world.ts';

const RUNS = 80 * Number(process.env['CARRYON_FUZZ_RUNS'] ?? 1);
const MOST_ANSWERS = 300;
const MANY = { checkRows: 1000, checkBytes: 1 << 20 };

/** What happens to a device's table, apart from any sync. */
interface Damage {
  readonly kind: 'lose' | 'version' | 'ghost' | 'clear';
  readonly at: number;
  /** A version that the server has not given: digests tell rows by row id and version alone. */
  readonly ver: number;
}

interface Case {
  readonly history: History;
  /** Per person, per table. */
  readonly damages: readonly (readonly Damage[])[];
  readonly width: number;
  readonly checkRows: number;
}

const damage: fc.Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom('lose', 'lose', 'version', 'version', 'ghost', 'ghost', 'ghost', 'clear'), at: fc.oneof(fc.nat(12), fc.nat(100_000)), ver: fc.constantFrom(0, 1000, 1001, 2_000_000),
});
const cases: fc.Arbitrary<Case> = fc.record({
  history, damages: fc.array(fc.array(damage, { maxLength: 4 }), { minLength: 12, maxLength: 12 }), width: fc.constantFrom(1, 2, 3, 7, 1000), checkRows: fc.constantFrom(1, 3, 1000),
});

function hurt(rows: Map<number, DeviceRow>, table: SyncedTable, { kind, at, ver }: Damage): void {
  const rid = [...rows.keys()][at % Math.max(1, rows.size)];
  const row = rid === undefined ? undefined : rows.get(rid);
  if (kind === 'clear') rows.clear();
  else if (kind === 'lose' && rid !== undefined) rows.delete(rid);
  else if (kind === 'version' && row) rows.set(row.rid, { ...row, ver, values: row.values.map(() => 'damaged') });
  else if (kind === 'ghost') rows.set(at + 1, { rid: at + 1, ver, values: row?.values ?? table.columns.map(() => null) });
}

/** Syncs a device until it holds all of the last checkpoint. */
async function finish(world: SyncWorld, session: Session): Promise<void> {
  const { checkpoint } = await world.storage.read((snapshot) => snapshot.state());
  for (let answers = 0; answers < MOST_ANSWERS; answers++) {
    const token = await world.devices.tokenOf(session.device);
    if (session.device.token !== null && session.device.isCommitted && [...token.tables.values()].every(({ at, page }) => at >= checkpoint && !page)) return;
    await world.devices.sync(session, ONE_ANSWER);
  }
  throw new Error('a round does not end');
}

async function play({ history: { before, steps, packWidth }, damages, width, checkRows }: Case, mutant?: Mutant): Promise<void> {
  const world = new SyncWorld({ packWidth, ...(mutant ? { mutant } : {}) });
  try {
    world.transaction(before);
    await world.start();
    const pairs = USERS.map((user) => [world.join(user, 'plan'), world.join(user, 'zero')] as const);
    for (const [hurtOne] of pairs) await finish(world, hurtOne);
    for (const step of steps) if (step.op !== 'fresh') await world.play(step);
    await world.evaluate();
    for (const [i, [hurtOne, clean]] of pairs.entries()) {
      await finish(world, clean);
      for (const [t, table] of world.tables.entries()) {
        hurtOne.device.damage(table.id, (rows) => { for (const one of damages[i * world.tables.length + t] ?? []) hurt(rows, table, one); });
        await checkTable(world, hurtOne, clean.device, table, width, checkRows);
      }
      await finish(world, hurtOne);
      world.devices.checkEqual(hurtOne, world.checkpoint);
    }
  } finally {
    await world.close();
  }
}

/** The damaged device must get just the ranges in which it differs from one that is not damaged. */
async function checkTable(world: SyncWorld, session: Session, clean: ModelDevice, table: SyncedTable, width: number, checkRows: number): Promise<void> {
  const differing = differingRanges(session.device, clean, table, width);
  const toSend = (clean.rows(table.id) ?? []).filter(({ rid }) => differing.includes(Math.floor(rid / width))).length;
  const frames = await world.devices.check(session, table, width, { ...MANY, checkRows });
  same('S38 lost when more rows would have to be sent', frames.some((frame) => 'lost' in frame), toSend > checkRows);
  const all = toSend > checkRows ? await world.devices.check(session, table, width, MANY) : frames;
  same('S36 ranges are sent where they differ, and nowhere else', rangesOf(all), differing.map((i) => [i * width, (i + 1) * width - 1]));
  same('S36 all rows of these ranges and no others are sent', all.filter((frame) => 0 in frame).length, toSend);
  same('S37 the commit is of this table alone', all.flatMap((frame) => ('commit' in frame ? frame.commit.tables.map((one) => one.table) : [])), [table.id]);
  ensure('S37 the device has the table as it is now', differingRanges(session.device, clean, table, width).length === 0);
}

function differingRanges(one: ModelDevice, other: ModelDevice, { id }: SyncedTable, width: number): number[] {
  const lines = (device: ModelDevice): string[] => (device.rows(id) ?? []).map(({ rid, ver }) => `${rid} ${ver}`);
  const [mine, theirs] = [new Set(lines(one)), new Set(lines(other))];
  const lone = [...mine].filter((line) => !theirs.has(line)).concat([...theirs].filter((line) => !mine.has(line)));
  return [...new Set(lone.map((line) => Math.floor(Number(line.split(' ')[0]) / width)))].sort((a, b) => a - b);
}

const rangesOf = (frames: readonly Frame[]): number[][] => frames.flatMap((frame) => ('range' in frame ? [[frame.range.low, frame.range.high]] : []));

async function complaint(mutant: Mutant): Promise<string | undefined> {
  const result = await fc.check(fc.asyncProperty(cases, (one) => play(one, mutant)), { seed: 20261122, numRuns: 200, endOnFailure: true });
  return result.failed ? String(result.errorInstance) : undefined;
}

describe('check against the oracle', () => {
  it('S36 S37 S38 I1 I12 I20: whatever has become of a device\'s rows, one check makes them its share', async () => {
    await fc.assert(fc.asyncProperty(cases, (one) => play(one)), { numRuns: RUNS });
  }, 60_000 + 1_000 * RUNS);
});

describe('the property has teeth', () => {
  const mutants: Record<string, Mutant> = {
    'a range is left out': { snapshot: (snapshot) => ({ ...snapshot, rangeDigests: (...args) => snapshot.rangeDigests(...args).slice(1) }) },
    'a range has another digest': { snapshot: (snapshot) => ({ ...snapshot, rangeDigests: (...args) => snapshot.rangeDigests(...args).map((range) => ({ ...range, sum: range.sum + 1 })) }) },
    'a row is left out': { snapshot: (snapshot) => ({ ...snapshot, rowsBetween: (...args) => { const part = snapshot.rowsBetween(...args); return { ...part, entries: part.entries.slice(1) }; } }) },
    'rows of another width are sent': { snapshot: (snapshot) => ({ ...snapshot, rowsBetween: (scope, low, high, ...rest) => snapshot.rowsBetween(scope, low, high + 1, ...rest) }) },
    'rows of another person are sent': FOREIGN_ROWS,
  };
  for (const [name, mutant] of Object.entries(mutants)) {
    it(`S36 ${name}: caught`, async () => {
      expect(await complaint(mutant)).toBeDefined();
    }, 60_000);
  }
});
