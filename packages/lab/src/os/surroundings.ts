import type { Mode, Network, Permission, Power, Screen } from '@carryon/policy';
import type { Action } from './os.ts';

/** The device and the person, apart from what the OS does with the app. */
export interface Surroundings {
  /** The app is the one that the screen shows, or would show once unlocked. */
  readonly inFront: boolean;
  readonly screen: Screen;
  readonly inUse: boolean;
  readonly unlockedSinceBoot: boolean;
  readonly power: Power;
  readonly saver: boolean;
  readonly permission: Permission;
  readonly network: Network;
  readonly wifiOnly: boolean;
  readonly mode: Mode;
}

/** A device in a person's hand, the app not opened yet. */
export const AT_FIRST: Surroundings = {
  inFront: false, screen: 'unlocked', inUse: true, unlockedSinceBoot: true, power: 'battery', saver: false,
  permission: 'power-optimized', network: 'unmetered', wifiOnly: false, mode: 'auto',
};

const UNLOCKED = { screen: 'unlocked', inUse: true, unlockedSinceBoot: true } as const;
const BOOTED = { inFront: false, screen: 'locked', inUse: false, unlockedSinceBoot: false } as const;

const CHANGES: Partial<Record<Action['do'], Partial<Surroundings>>> = {
  'open': { ...UNLOCKED, inFront: true },
  'leave': { inFront: false },
  'lock': { screen: 'locked', inUse: false },
  'unlock': UNLOCKED,
  'put-down': { inUse: false },
  'quit': { inFront: false },
  'kill': { inFront: false },
  'reboot': BOOTED,
  'power-loss': BOOTED,
  'plug': { power: 'plugged' },
  'unplug': { power: 'battery' },
  'saver-on': { saver: true },
  'saver-off': { saver: false },
};

/** The surroundings after an action. */
export function changed(now: Surroundings, action: Action): Surroundings {
  switch (action.do) {
    case 'use-other': return { ...now, inUse: true, inFront: now.inFront && now.screen === 'locked' };
    case 'permission': return { ...now, permission: action.to };
    case 'network': return { ...now, network: action.to };
    case 'wifi-only': return { ...now, wifiOnly: action.on };
    case 'mode': return { ...now, mode: action.to };
    default: return { ...now, ...CHANGES[action.do] };
  }
}
