// Plausible lives of a device, for fuzzing: what people do, what networks and power do, and what operating systems do to them.
import type { Platform } from '@carryon/policy';
import type { OsOptions } from './create-os.ts';
import type { Action } from './os.ts';
import { type Chance, HOUR_MS, MINUTE_MS, type Range, SECOND_MS, within } from './ports.ts';
import { AT_FIRST, changed, type Surroundings } from './surroundings.ts';

export interface Timed {
  readonly atMs: number;
  readonly action: Action;
}

interface Move {
  /** How often, beside the others. */
  readonly weight: number;
  readonly when?: (now: Surroundings, platform: Platform) => boolean;
  readonly make: (chance: Chance) => Action;
}

const isOpen = (now: Surroundings): boolean => now.screen === 'unlocked';
const seesApp = (now: Surroundings): boolean => isOpen(now) && now.inFront;
const isWindows = (_now: Surroundings, platform: Platform): boolean => platform.startsWith('windows');
const isPhone = (platform: Platform): boolean => platform === 'ios' || platform === 'android';

const MOVES: readonly Move[] = [
  { weight: 20, when: (now) => !seesApp(now), make: () => ({ do: 'open' }) },
  { weight: 14, when: seesApp, make: () => ({ do: 'leave' }) },
  { weight: 6, when: isOpen, make: () => ({ do: 'use-other' }) },
  { weight: 3, when: (now) => now.inUse, make: () => ({ do: 'put-down' }) },
  { weight: 12, when: isOpen, make: () => ({ do: 'lock' }) },
  { weight: 12, when: (now) => !isOpen(now), make: () => ({ do: 'unlock' }) },
  { weight: 3, when: isOpen, make: () => ({ do: 'quit' }) },
  { weight: 5, make: () => ({ do: 'kill' }) },
  { weight: 4, when: (now, platform) => (platform === 'web' || platform === 'android') && !seesApp(now), make: () => ({ do: 'freeze' }) },
  { weight: 3, when: (now, platform) => platform === 'web' && !seesApp(now), make: () => ({ do: 'discard' }) },
  { weight: 2, make: () => ({ do: 'reboot' }) },
  { weight: 2, make: () => ({ do: 'power-loss' }) },
  { weight: 4, when: (now) => now.power === 'battery', make: () => ({ do: 'plug' }) },
  { weight: 4, when: (now) => now.power === 'plugged', make: () => ({ do: 'unplug' }) },
  { weight: 3, when: (now) => !now.saver, make: () => ({ do: 'saver-on' }) },
  { weight: 4, when: (now) => now.saver, make: () => ({ do: 'saver-off' }) },
  { weight: 3, when: isWindows, make: (chance) => ({ do: 'permission', to: chance.pick(['always', 'power-optimized', 'never'] as const) }) },
  { weight: 10, when: (now) => now.network !== 'none', make: (chance) => ({ do: 'network', to: chance.pick(['none', 'none', 'metered', 'unmetered'] as const) }) },
  { weight: 40, when: (now) => now.network === 'none', make: (chance) => ({ do: 'network', to: chance.pick(['metered', 'unmetered'] as const) }) },
  { weight: 1, when: (now) => !now.wifiOnly, make: () => ({ do: 'wifi-only', on: true }) },
  { weight: 3, when: (now) => now.wifiOnly, make: () => ({ do: 'wifi-only', on: false }) },
  { weight: 1, make: (chance) => ({ do: 'mode', to: chance.pick(['auto', 'auto', 'interval', 'manual'] as const) }) },
  { weight: 4, when: (_now, platform) => !isPhone(platform), make: (chance) => ({ do: 'sleep', forMs: chance.between(MINUTE_MS, 8 * HOUR_MS) }) },
  { weight: 1, make: (chance) => ({ do: 'clock', byMs: chance.between(-2 * HOUR_MS, 2 * HOUR_MS) }) },
];

// How long until the next thing happens: mostly soon, at times in a moment, at times much later.
const PAUSES: readonly Range[] = [
  [0, SECOND_MS], [SECOND_MS, 20 * SECOND_MS], [SECOND_MS, 20 * SECOND_MS], [10 * SECOND_MS, 2 * MINUTE_MS], [10 * SECOND_MS, 2 * MINUTE_MS],
  [MINUTE_MS, 10 * MINUTE_MS], [5 * MINUTE_MS, 30 * MINUTE_MS], [HOUR_MS, 6 * HOUR_MS],
];

/** Begins with opening the app. The times ascend and are before `lengthMs`. */
export function randomScript(chance: Chance, platform: Platform, lengthMs: number): readonly Timed[] {
  const script: Timed[] = [{ atMs: 0, action: { do: 'open' } }];
  let now = changed(AT_FIRST, { do: 'open' });
  for (let atMs = pause(chance); atMs < lengthMs; atMs += pause(chance)) {
    const action = randomAction(chance, platform, now);
    script.push({ atMs, action });
    now = changed(now, action);
  }
  return script;
}

function pause(chance: Chance): number {
  return Math.max(1, within(chance, chance.pick(PAUSES)));
}

function randomAction(chance: Chance, platform: Platform, now: Surroundings): Action {
  const moves = MOVES.filter((move) => move.when?.(now, platform) ?? true);
  let drawn = chance.below(moves.reduce((sum, move) => sum + move.weight, 0));
  for (const move of moves) {
    if (drawn < move.weight) return move.make(chance);
    drawn -= move.weight;
  }
  return { do: 'open' };
}

/** An operating system that differs from the usual one, within what is plausible. */
export function randomOptions(chance: Chance): OsOptions {
  const percent = (most: number): number => (chance.chance(1, 2) ? 0 : chance.between(1, most));
  const killPercent = percent(60);
  return {
    ios: {
      graceMs: chance.pick([[30 * SECOND_MS, 30 * SECOND_MS], [5 * SECOND_MS, 30 * SECOND_MS], [0, 5 * SECOND_MS]] as const),
      noticeMs: chance.pick([0, 100, 2 * SECOND_MS]), cutEarlyPercent: percent(50), processingNeedsPower: chance.chance(1, 2),
      backgroundRefresh: chance.chance(5, 6), wakesBeforeUnlock: chance.chance(1, 2), killPercent,
    },
    android: {
      networkCutMs: chance.pick([undefined, [5 * SECOND_MS, MINUTE_MS], [0, SECOND_MS]] as const), freezePercent: percent(100), killPercent,
      bucket: chance.pick(['active', 'working-set', 'frequent', 'rare', 'restricted'] as const),
    },
    windows: { packaged: chance.chance(4, 5), hangPercent: percent(100) },
    web: { device: chance.pick(['desktop', 'phone'] as const), hangPercent: percent(100) },
    node: { hangPercent: percent(100), restartMs: chance.chance(1, 4) ? undefined : [0, MINUTE_MS] },
    faults: { failPercent: percent(20), vanishPercent: percent(20), stallPercent: percent(10), portalPercent: percent(10) },
  };
}
