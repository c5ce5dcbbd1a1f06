// What happens to a device during its first sync.
import type { Event } from '@carryon/lab';
import type { Platform } from '@carryon/policy';

/** One run on its way. */
export interface Course {
  /** Lets time pass; true: the first sync is complete, and nothing more is to be done. */
  pass(ms: number): Promise<boolean>;
  do(event: Event): Promise<void>;
  /** As long as the download takes when nobody disturbs it. */
  readonly undisturbedMs: number;
  /** Seeded, from 0 to 1. */
  readonly chance: () => number;
}

export interface Situation {
  readonly id: string;
  /** As the table names it. */
  readonly name: string;
  readonly platform: Platform;
  /** On battery with power saving from the beginning. */
  readonly saves?: true;
  /** Chance decides much: to be played several times. */
  readonly byChance: boolean;
  readonly play: (course: Course) => Promise<void>;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const KILLS = 10;
const CLOSED_MS = MINUTE_MS / 2;

/** One minute in front, an hour away, and in front from then on. */
const away = (how: 'lock' | 'leave') => async (course: Course): Promise<void> => {
  await course.do({ do: 'open' });
  if (await course.pass(MINUTE_MS)) return;
  await course.do({ do: how });
  if (await course.pass(HOUR_MS)) return;
  await course.do({ do: 'open' });
  await course.pass(DAY_MS);
};

/** Five minutes in the app, five in another. */
async function switching(course: Course): Promise<void> {
  for (let turns = 0; turns < DAY_MS / (10 * MINUTE_MS); turns++) {
    await course.do({ do: 'open' });
    if (await course.pass(5 * MINUTE_MS)) return;
    await course.do({ do: 'leave' });
    if (await course.pass(5 * MINUTE_MS)) return;
  }
}

/** The app's process ends ten times at times spread over the sync by chance, and is opened again half a minute later. */
const ended = (how: 'kill' | 'quit') => async (course: Course): Promise<void> => {
  const times = Array.from({ length: KILLS }, () => course.chance() * course.undisturbedMs).sort((a, b) => a - b);
  await course.do({ do: 'open' });
  for (const [i, time] of times.entries()) {
    if (await course.pass(time - (times[i - 1] ?? 0))) return;
    await course.do({ do: how });
    await course.pass(CLOSED_MS);
    await course.do({ do: 'open' });
  }
  await course.pass(DAY_MS);
};

export const SITUATIONS: readonly Situation[] = [
  { id: 'ios-locked', name: 'iPhone locked after a minute, opened after an hour', platform: 'ios', byChance: false, play: away('lock') },
  { id: 'android-locked', name: 'Android locked after a minute, opened after an hour', platform: 'android', byChance: true, play: away('lock') },
  { id: 'ios-switching', name: 'iPhone, five minutes in the app, five in another', platform: 'ios', byChance: false, play: switching },
  { id: 'android-switching', name: 'Android, five minutes in the app, five in another', platform: 'android', byChance: false, play: switching },
  { id: 'windows-minimized', name: 'Windows minimized after a minute on battery with power saving, opened after an hour', platform: 'windows11', saves: true, byChance: false, play: away('leave') },
  { id: 'ios-killed', name: 'iPhone, the app killed ten times, opened half a minute later', platform: 'ios', byChance: true, play: ended('kill') },
  { id: 'ios-swiped', name: 'iPhone, the app swiped away ten times, opened half a minute later', platform: 'ios', byChance: true, play: ended('quit') },
];
