import type { Platform, RuleId, RuleSetName } from '@carryon/policy';
import type { LabOptions } from '../lab.ts';
import type { Stage } from './stage.ts';

/** One row of a rule set brought about by people, devices and networks, with what must come of it. */
export interface Scenario {
  /** The row that it shows. */
  readonly id: RuleId;
  readonly title: string;
  readonly platform: Platform;
  readonly ruleSet: RuleSetName;
  /** What differs from `USUAL`. */
  readonly options?: ScenarioOptions;
  run(stage: Stage): Promise<void>;
}

export type ScenarioOptions = Omit<LabOptions, 'seed' | 'platform' | 'ruleSet'>;

/** A link on which the first sync lasts 20 minutes, and operating systems that leave nothing to chance. */
export const USUAL = {
  link: { downBytesPerSecond: 200 },
  os: {
    // Before Android 15, whose apps lose the network out of sight.
    android: { networkCutMs: undefined, freezePercent: 0 },
    ios: { backgroundRefresh: false },
    node: { restartMs: undefined },
  },
} as const satisfies ScenarioOptions;

/** A link on which the first sync lasts 8 minutes. */
export const BRISK = { link: { downBytesPerSecond: 500 } } as const satisfies ScenarioOptions;
/** A link on which it lasts seconds: for what comes after. */
export const FAST = { link: { downBytesPerSecond: 100_000 } } as const satisfies ScenarioOptions;

export const nameOf = ({ id, title }: Scenario): string => `${id} ${title}`;

/** The scenario once for each platform, which its title names. */
export function onEach(platforms: readonly Platform[], scenario: Omit<Scenario, 'platform'>): Scenario[] {
  return platforms.map((platform) => ({ ...scenario, platform, title: `${scenario.title} (${platform})` }));
}

export const WINDOWS = ['windows10', 'windows11'] as const satisfies readonly Platform[];
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
