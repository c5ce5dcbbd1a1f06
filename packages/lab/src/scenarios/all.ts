import { ANDROID_2022_11 } from './android-2022-11.ts';
import { CARRY_ON } from './carry-on.ts';
import { EDITS_ANYWHERE } from './edits-anywhere.ts';
import { EDITS_ON_PHONES } from './edits-phones.ts';
import { EDITS_ON_WINDOWS } from './edits-windows.ts';
import { GENERAL_2022_11 } from './general-2022-11.ts';
import { GENERAL_2024_05 } from './general-2024-05.ts';
import { IOS_2022_11 } from './ios-2022-11.ts';
import { IOS_CARRY_ON } from './ios-carry-on.ts';
import { PHONES_2024_05 } from './phones-2024-05.ts';
import type { Scenario } from './scenario.ts';
import { SHARES } from './shares.ts';
import { WINDOWS_2022_11 } from './windows-2022-11.ts';
import { WINDOWS_2024_05 } from './windows-2024-05.ts';

/** Every scenario, rule set by rule set; of each rule set in the order of its rows. Then those in which people edit, and in which what they may have changes. */
export const SCENARIOS: readonly Scenario[] = [
  GENERAL_2022_11, IOS_2022_11, ANDROID_2022_11, WINDOWS_2022_11, GENERAL_2024_05, PHONES_2024_05, WINDOWS_2024_05, IOS_CARRY_ON, CARRY_ON,
  EDITS_ON_PHONES, EDITS_ON_WINDOWS, EDITS_ANYWHERE, SHARES,
].flat();
