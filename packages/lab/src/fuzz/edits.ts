import type { AppEdit } from '../actors/app.ts';
import type { AppStatement, EditedTable } from '../actors/app-edit.ts';
import type { OtherDevice } from '../lab.ts';
import type { LabRandom } from '../world/random.ts';
import { momentIn } from './faults.ts';
import type { Timed } from './script.ts';

/** The person's second device, and another person's. */
export const OTHERS: readonly OtherDevice[] = [{ name: 'tablet', user: 'ann', platform: 'node' }, { name: 'desk', user: 'bob', platform: 'node' }];

/** Values that the business refuses, that move a row to somebody else, and harmless ones. */
const SETS: Readonly<Partial<Record<EditedTable, readonly Readonly<Record<string, string | number>>[]>>> = {
  customers: [{ name: 'other' }, {}], jobs: [{ state: 'done' }, { owner: 'bob' }, { owner: 'ann' }, {}],
  notes: [{ job: 1 }, { job: 999_999 }, { owner: 'bob' }, {}], parts: [{ price: 2.5 }, { price: -1 }, {}],
};

/** The same where people get what rules of every kind give them. */
const SERVICE_SETS: typeof SETS = {
  customers: [{ name: 'other' }, { unit: 'company' }, {}], jobs: [{ state: 'done' }, { owner: 'bob' }, { owner: 'ann' }, { team: 'east' }, { due: '2027-01-01' }, {}], steps: [{ job: 1 }, { job: 999_999 }, {}],
};

function statement(random: LabRandom, isService: boolean): AppStatement {
  const sets = isService ? SERVICE_SETS : SETS;
  const table = random.pick(Object.keys(sets) as EditedTable[]);
  const count = random.pick([1, 1, 1, 2, 5, 40]);
  // Few places, so that devices meet on the same rows.
  const at = random.pick([0, 1, 2, random.below(300)]);
  const set = random.chance(1, 4) ? random.pick(sets[table] ?? [{}]) : {};
  switch (random.below(5)) {
    case 0: return { op: 'insert', table, count: Math.min(5, count), ...(table === 'customers' ? {} : { set }) };
    case 1: return isService || table === 'parts' ? { op: 'update', table, at, count } : { op: 'delete', table, at, count: Math.min(3, count) };
    default: return { op: 'update', table, at, count, set };
  }
}

function edit(random: LabRandom, isService: boolean): AppEdit {
  const statements = Array.from({ length: random.pick([1, 1, 1, 2, 4]) }, () => statement(random, isService));
  return { by: random.chance(2, 3) ? 'sql' : 'engine', statements, ...(random.chance(1, 12) ? { undone: true } : {}) };
}

/** What the persons edit in the app, on each device, and what they make of drafts: several edits at a time, some just before they leave. */
export function edits(random: LabRandom, lengthMs: number, actions: readonly Timed[], isService = false): readonly Timed[] {
  return [undefined, ...OTHERS.map(({ name }) => name)].flatMap((on) => {
    const own = random.fork(on ?? 'device');
    const sittings = own.below(on === undefined ? 6 : 4);
    return Array.from({ length: sittings }, () => sitting(own, on === undefined ? moment(own, lengthMs, actions) : momentIn(own, lengthMs), on, isService)).flat();
  });
}

/** What happens to the others meanwhile. */
export function othersOf(random: LabRandom, lengthMs: number): readonly Timed[] {
  return OTHERS.flatMap(({ name: on }) => {
    const own = random.fork(on);
    const troubles = Array.from({ length: own.below(4) }, () => trouble(own, momentIn(own, lengthMs), on)).flat();
    return [{ atMs: 0, on, event: { do: 'open' } } as const, ...troubles.filter(({ atMs }) => atMs <= lengthMs)];
  });
}

function trouble(random: LabRandom, atMs: number, on: string): Timed[] {
  const laterMs = atMs + random.pick([1_000, 30_000, 300_000]);
  switch (random.below(3)) {
    case 0: return [{ atMs, on, event: { do: 'answer', path: 'push', how: random.pick(['lost', 'twice', 'killed', 'busy']), times: random.between(1, 3) } }];
    case 1: return [{ atMs, on, event: { do: 'kill' } }, { atMs: laterMs, on, event: { do: 'open' } }];
    default: return [{ atMs, on, event: { do: 'network', to: 'none' } }, { atMs: laterMs, on, event: { do: 'network', to: 'unmetered' } }];
  }
}

/** Half of the time while a person has just opened the app or is about to leave it: otherwise it is seldom in front. */
function moment(random: LabRandom, lengthMs: number, actions: readonly Timed[]): number {
  const near = actions.filter(({ event }) => ['open', 'unlock', 'leave', 'lock', 'quit'].includes(event.do));
  if (near.length === 0 || random.chance(1, 3)) return momentIn(random, lengthMs);
  const { atMs, event } = random.pick(near);
  const isArrival = event.do === 'open' || event.do === 'unlock';
  return Math.max(0, Math.min(lengthMs, atMs + (isArrival ? 1 : -1) * random.pick([1, 40, 500, 5_000])));
}

function sitting(random: LabRandom, atMs: number, on: string | undefined, isService: boolean): Timed[] {
  const to = on === undefined ? {} : { on };
  let nextMs = atMs;
  return Array.from({ length: random.between(1, 4) }, (): Timed => {
    const at = nextMs;
    nextMs += random.pick([0, 5, 100, 3_000, 6_000]);
    return { atMs: at, ...to, event: random.chance(1, 6) ? { do: 'draft', how: random.pick(['retry', 'drop']) } : { do: 'edit', ...edit(random, isService) } };
  });
}
