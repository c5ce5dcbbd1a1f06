import fc from 'fast-check';
import { type History, observe } from '../history.ts';
import { RULE_SET_NAMES } from '../rule-set.ts';
import {
  APP_STATES, MODES, NETWORKS, PERMISSIONS, PLATFORMS, POWERS, SCREENS, type Situation, type Sync, SYNC_KINDS, SYNC_STATES, WINDOW_KINDS,
} from '../situation.ts';

export const anyRuleSet = fc.constantFrom(...RULE_SET_NAMES);

export const anySync: fc.Arbitrary<Sync> = fc.record({ kind: fc.constantFrom(...SYNC_KINDS), state: fc.constantFrom(...SYNC_STATES), byPerson: fc.boolean() });

// Whole minutes and their neighbours: where limits begin and end.
const anyTime = fc.tuple(fc.integer({ min: 0, max: 90 }), fc.constantFrom(-1, 0, 1, 17_000, 30_000)).map(([minutes, ms]) => minutes * 60_000 + ms);

const withoutWindow = fc.record({
  nowMs: anyTime,
  platform: fc.constantFrom(...PLATFORMS),
  app: fc.constantFrom(...APP_STATES),
  screen: fc.constantFrom(...SCREENS),
  inUse: fc.boolean(),
  power: fc.constantFrom(...POWERS),
  saver: fc.boolean(),
  permission: fc.constantFrom(...PERMISSIONS),
  network: fc.constantFrom(...NETWORKS),
  settings: fc.record({ wifiOnly: fc.boolean(), mode: fc.constantFrom(...MODES) }),
  quitByPerson: fc.boolean(),
});

const anyWindow = fc.record({ kind: fc.constantFrom(...WINDOW_KINDS), endsMs: anyTime }, { requiredKeys: ['kind'] });

export const anySituationWithoutWindow: fc.Arbitrary<Situation> = withoutWindow;
export const anySituation: fc.Arbitrary<Situation> = fc.oneof(withoutWindow, fc.tuple(withoutWindow, anyWindow).map(([situation, window]) => ({ ...situation, window })));

const sorted = (situations: readonly Situation[]): Situation[] => situations.toSorted((a, b) => a.nowMs - b.nowMs);

/** What `observe` made of some situations on one device. */
export const anyHistory: fc.Arbitrary<History | undefined> = fc.tuple(fc.constantFrom(...PLATFORMS), fc.array(anySituation, { maxLength: 5 }))
  .map(([platform, situations]) => sorted(situations.map((one) => ({ ...one, platform }))).reduce<History | undefined>(observe, undefined));
