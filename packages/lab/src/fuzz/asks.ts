import type { Event } from '../lab.ts';
import { MINUTE_MS, SECOND_MS } from '../os/ports.ts';
import type { LabRandom } from '../world/random.ts';
import { momentIn } from './faults.ts';
import type { Timed } from './script.ts';

/** What people ask of the app, and what the app asks of the engine. A pause ends. */
export function asks(random: LabRandom, lengthMs: number): readonly Timed[] {
  return Array.from({ length: random.below(5) }, () => {
    const atMs = momentIn(random, lengthMs);
    const [event, end] = ask(random);
    const later = { atMs: Math.min(lengthMs, atMs + random.between(SECOND_MS, 5 * MINUTE_MS)) };
    return [{ atMs, event }, ...(end ? [{ ...later, event: end }] : [])];
  }).flat();
}

function ask(random: LabRandom): readonly [Event, Event?] {
  switch (random.below(5)) {
    case 0: return [{ do: 'reset' }];
    case 1: return [{ do: 'pause', reason: 'test' }, { do: 'resume', reason: 'test' }];
    case 2: return [{ do: 'sync', kind: 'full-delta' }];
    default: return [{ do: 'sync', kind: 'delta' }];
  }
}
