// Random histories of a server and its devices, under random profiles that change.
import fc from 'fast-check';
import { syncStep } from '../history.ts';
import type { SyncStep } from '../sync-devices.ts';
import type { Mutant } from '../sync-mutants.ts';
import { RulesWorld } from './rules-world.ts';
import { USERS } from './schema.ts';
import { playStep, storeStep, worldPlan, type StoreStep } from './store-history.ts';
import type { WorldPlan } from './store-world.ts';

export type RulesStep =
  | StoreStep
  | SyncStep
  | { readonly op: 'crash'; readonly device: number }
  | { readonly op: 'fresh'; readonly device: number; readonly tables: readonly number[] }
  /** A device has one of its tables checked by ranges of that width. */
  | { readonly op: 'check'; readonly device: number; readonly table: number; readonly width: number }
  /** A person asks with another's token. */
  | { readonly op: 'steal'; readonly device: number; readonly user: number }
  /** A person asks with a token that was made up: numbers for the positions of its tables. */
  | { readonly op: 'forge'; readonly device: number; readonly user: number; readonly numbers: readonly number[] }
  /** A person asks for every pack that there is. */
  | { readonly op: 'probe'; readonly user: number };

/** Whose devices there are; the first ones start with packs, the others with the feed alone. */
const OWNERS = ['ann', 'Ann', '7', 'nobody', 'ann'] as const;
const WITH_PACKS = 3;

const device = fc.nat(OWNERS.length - 1);
const user = fc.nat(USERS.length - 1);
const step: fc.Arbitrary<RulesStep> = fc.oneof(
  { weight: 14, arbitrary: storeStep },
  { weight: 12, arbitrary: fc.tuple(syncStep, device).map(([sync, of]) => ({ ...sync, device: of })) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('crash' as const), device }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('fresh' as const), device, tables: fc.uniqueArray(fc.nat(5), { minLength: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('check' as const), device, table: fc.nat(5), width: fc.constantFrom(1, 3, 1000) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('steal' as const), device, user }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('forge' as const), device, user, numbers: fc.array(fc.nat(12), { minLength: 6, maxLength: 12, size: 'max' }) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('probe' as const), user }) },
);

export interface RulesHistory {
  readonly plan: WorldPlan;
  readonly steps: readonly RulesStep[];
}

export const rulesHistory: fc.Arbitrary<RulesHistory> = fc.record({ plan: worldPlan, steps: fc.array(step, { maxLength: 40, size: 'max' }) });

/** Plays the history, then lets every device catch up. */
export async function playRules({ plan, steps }: RulesHistory, mutant?: Mutant): Promise<void> {
  const world = new RulesWorld(plan, mutant);
  try {
    await world.start();
    for (const [i, owner] of OWNERS.entries()) world.devices.join(owner, i < WITH_PACKS ? 'plan' : 'zero');
    for (const one of steps) await play(world, one);
    await world.store.evaluate();
    for (const session of world.devices.sessions) await world.devices.finish(session, world.store.checkpoint);
    for (const one of USERS) await world.devices.probe(one);
  } finally {
    await world.store.close();
  }
}

async function play({ store, devices }: RulesWorld, one: RulesStep): Promise<void> {
  switch (one.op) {
    case 'sync': return devices.sync(devices.session(one.device), one);
    case 'crash': return devices.crash(devices.session(one.device));
    case 'fresh': return devices.fresh(devices.session(one.device), one.tables);
    case 'check': return devices.checkAny(devices.session(one.device), one.table, one.width);
    case 'steal': return devices.steal(USERS[one.user] ?? '', devices.session(one.device));
    case 'forge': return devices.forge(USERS[one.user] ?? '', devices.session(one.device), one.numbers);
    case 'probe': return devices.probe(USERS[one.user] ?? '');
    default: return playStep(store, one);
  }
}
