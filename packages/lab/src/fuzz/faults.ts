import { MINUTE_MS, type Range, SECOND_MS } from '../os/ports.ts';
import type { LabRandom } from '../world/random.ts';
import type { Event } from '../lab.ts';
import type { Timed } from './script.ts';

/** At most so many faults in a run: beyond, nothing but faults is tested. */
const MOST = 8;
const LASTS: readonly Range[] = [[SECOND_MS, 20 * SECOND_MS], [10 * SECOND_MS, 2 * MINUTE_MS], [MINUTE_MS, 15 * MINUTE_MS]];

/** A fault, and its end where it has one. */
type Fault = (random: LabRandom) => readonly [begin: Event, end?: Event];

const FAULTS: readonly Fault[] = [
  (random) => [{ do: 'link', to: random.pick(['none', 'half-open', 'portal', 'slow']) }, { do: 'link', to: 'up' }],
  (random) => [{ do: 'link', to: random.pick(['none', 'half-open', 'portal', 'slow']) }, { do: 'link', to: 'up' }],
  (random) => [{ do: 'break', oneIn: random.between(1, 5) }, { do: 'break', oneIn: 0 }],
  () => [{ do: 'server-down' }, { do: 'server-up' }],
  () => [{ do: 'server-restart' }, { do: 'server-up' }],
  () => [{ do: 'disk-full' }, { do: 'disk-free' }],
  () => [{ do: 'keep-house' }],
  () => [{ do: 'keep-house' }],
  (random) => [{ do: random.pick(['kill', 'kill', 'power-loss', 'reboot']) }, { do: 'open' }],
  (random) => [{ do: random.pick(['kill', 'kill', 'power-loss', 'reboot']) }, { do: 'open' }],
  (random) => [{ do: random.pick(['leave', 'lock', 'freeze']) }, { do: 'open' }],
  (random) => [{ do: 'answer', path: 'sync', how: random.pick(['busy', 'unavailable']), times: random.between(1, 3) }],
  (random) => [{ do: 'answer', path: 'push', how: random.pick(['lost', 'twice', 'killed', 'unavailable']), times: random.between(1, 3) }],
  (random) => [{ do: 'answer', path: 'push', how: random.pick(['lost', 'twice', 'killed', 'unavailable']), times: random.between(1, 3) }],
  (random) => [{ do: 'answer', path: 'packs', how: random.pick(['busy', 'unavailable', 'expired', 'gone', 'flipped']), times: random.between(1, 3) }],
];

/** What networks, the server and the disk do amiss. */
export function faults(random: LabRandom, lengthMs: number): readonly Timed[] {
  return Array.from({ length: random.below(MOST + 1) }, () => {
    const atMs = momentIn(random, lengthMs);
    const [begin, end] = random.pick(FAULTS)(random);
    const [from, to] = random.pick(LASTS);
    const endMs = Math.min(lengthMs, atMs + random.between(from, to));
    return [{ atMs, event: begin }, ...(end ? [{ atMs: endMs, event: end }] : [])];
  }).flat();
}

/** In few runs the business database is put back from a backup. */
export function restores(random: LabRandom, lengthMs: number): readonly Timed[] {
  if (!random.chance(1, 10)) return [];
  const [backUpMs = 0, restoreMs = 0] = [random.below(lengthMs), random.below(lengthMs)].sort((a, b) => a - b);
  return [{ atMs: backUpMs, event: { do: 'back-up' } }, { atMs: restoreMs, event: { do: 'restore' } }];
}

/** Half of the time early, while the first sync goes on. */
export const momentIn = (random: LabRandom, lengthMs: number): number =>
  random.below(random.chance(1, 2) ? Math.min(lengthMs, random.pick([20 * SECOND_MS, 5 * MINUTE_MS])) : lengthMs);
