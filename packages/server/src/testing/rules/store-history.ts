// Random histories of a store: changes, clocks, people, other profiles.
import fc from 'fast-check';
import { ALTERATIONS, type Alteration } from './alter.ts';
import { change, filling, printChange, type Change } from './changes.ts';
import { profileGene, profileJson, profilesOf } from './profile.ts';
import { sqlOf, USERS, worldSchema } from './schema.ts';
import type { StoreWorld, WorldPlan } from './store-world.ts';

export type StoreStep =
  | { readonly op: 'transaction'; readonly changes: readonly Change[]; readonly rolledBack: boolean }
  | { readonly op: 'evaluate' }
  /** The clock goes on, or back, by so many minutes. */
  | { readonly op: 'pass'; readonly minutes: number }
  | { readonly op: 'activate'; readonly user: number }
  | { readonly op: 'expire'; readonly keep: number; readonly idleMs: number | undefined }
  | { readonly op: 'restart'; readonly set: number | undefined }
  | { readonly op: 'reconfigure'; readonly set: number; readonly meanwhile: readonly Change[] }
  | { readonly op: 'alter'; readonly table: number; readonly how: Alteration };

const SETS = 2;
const MINUTES = [1, 1, 7, 30, 61, 360, 1440, 2880, 10_080, -1, -90, -1440] as const;

const transaction: fc.Arbitrary<StoreStep> = fc.record({ op: fc.constant('transaction' as const), changes: fc.array(change, { minLength: 1, maxLength: 6 }), rolledBack: fc.nat(9).map((n) => n === 9) });
export const pass: fc.Arbitrary<{ readonly op: 'pass'; readonly minutes: number }> = fc.record({ op: fc.constant('pass' as const), minutes: fc.constantFrom(...MINUTES) });
const evaluate = fc.constant({ op: 'evaluate' as const });

export const storeStep: fc.Arbitrary<StoreStep> = fc.oneof(
  { weight: 8, arbitrary: transaction },
  { weight: 8, arbitrary: evaluate },
  { weight: 4, arbitrary: pass },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('activate' as const), user: fc.nat(USERS.length - 1) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('expire' as const), keep: fc.nat(3), idleMs: fc.constantFrom(undefined, 0, 3_600_000) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('restart' as const), set: fc.oneof(fc.constant(undefined), fc.nat(SETS - 1)) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('reconfigure' as const), set: fc.nat(SETS - 1), meanwhile: fc.array(change, { maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('alter' as const), table: fc.nat(9), how: fc.constantFrom(...ALTERATIONS) }) },
);

const profileGenes = fc.array(profileGene, { minLength: 1, maxLength: 3, size: 'max' });

export const worldPlan: fc.Arbitrary<WorldPlan> = fc.record({ schema: worldSchema, filling, genes: fc.array(profileGenes, { minLength: 1, maxLength: SETS, size: 'max' }) })
  .map(({ schema, filling: rows, genes }) => ({ schema, filling: rows, profiles: genes.map((set) => profilesOf(set, schema)) }))
  .map((plan) => Object.defineProperty(plan, fc.toStringMethod, { value: () => printPlan(plan) }));

/** A plan as a person would write it. */
export function printPlan({ schema, filling: rows, profiles }: WorldPlan): string {
  const sets = profiles.map((set) => set.map((profile) => JSON.stringify(profileJson(profile, schema))).join('\n')).join('\nor\n');
  return `\n${sqlOf(schema)}\n${rows.map((one) => printChange(one, schema)).join('\n')}\n${sets}\n${schema.start.timeZone} ${new Date(schema.start.ms).toISOString()}\n`;
}

export interface StoreHistory {
  readonly plan: WorldPlan;
  /** Who has a device from the beginning. */
  readonly users: number;
  readonly steps: readonly StoreStep[];
}

export const storeHistory: fc.Arbitrary<StoreHistory> = fc.record({
  plan: worldPlan, users: fc.nat(2 ** USERS.length - 1), steps: fc.array(storeStep, { maxLength: 30, size: 'max' }),
});

/** Plays the steps; the world compares everything at each of them. */
export async function playStore(world: StoreWorld, { users, steps }: StoreHistory): Promise<void> {
  await world.start();
  for (const [i, user] of USERS.entries()) if ((users >> i) % 2 === 1) await world.activate(user);
  for (const one of steps) await playStep(world, one);
  await world.evaluate();
}

/** One step of a store's history. */
export async function playStep(world: StoreWorld, one: StoreStep): Promise<void> {
  switch (one.op) {
    case 'transaction': return world.transaction(one.changes, one.rolledBack);
    case 'evaluate': return void (await world.evaluate());
    case 'pass': return world.pass(one.minutes);
    case 'activate': return void (await world.activate(USERS[one.user] ?? ''));
    case 'expire': return world.expire(one.keep, one.idleMs);
    case 'restart': return world.restart(one.set);
    case 'reconfigure': return world.reconfigure(one.set, one.meanwhile);
    case 'alter': return world.alter(one.table, one.how);
    default: return one satisfies never;
  }
}
