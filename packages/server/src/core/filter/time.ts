import type { When } from './predicate.ts';

/** A moment in seconds since 1970: of the instant, and of what clocks on the wall show then, counted as if that were UTC. */
export interface Moment {
  readonly instant: number;
  readonly wall: number;
}

const DAY = 86_400;

/** The time zone as the IANA database writes it; undefined: there is none of that name. */
export function zoneNamed(name: string): string | undefined {
  // Offsets such as +02:00 would be taken as well, but they know of no summer time.
  if (!/^[A-Za-z]/.test(name)) return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

/** The moment that is meant when the clock shows so many milliseconds since 1970. The zone must be one that `zoneNamed` knows. */
export function momentOf(when: When, clockMs: number, timeZone: string): Moment {
  const now = clockMs / 1000;
  switch (when.kind) {
    case 'at': return { instant: when.instant, wall: when.wall };
    case 'now': return instantIn(now + when.plusSeconds, timeZone);
    case 'today': {
      const today = Math.floor(instantIn(now, timeZone).wall / DAY);
      return wallIn((today + when.plusDays) * DAY, timeZone);
    }
    default: return when satisfies never;
  }
}

/** The moment of an instant. */
export function instantIn(instant: number, timeZone: string): Moment {
  return { instant, wall: instant + offsetAt(instant, timeZone) };
}

/**
 * The moment at which clocks on the wall show this: the first one where they show it twice. Where they skip it, it is the moment of the skip,
 * so that a day without a midnight begins with its first moment.
 */
export function wallIn(wall: number, timeZone: string): Moment {
  const [before, after] = [offsetAt(wall - DAY, timeZone), offsetAt(wall + DAY, timeZone)];
  for (const offset of [Math.max(before, after), Math.min(before, after)]) {
    if (offsetAt(wall - offset, timeZone) === offset) return { instant: wall - offset, wall };
  }
  return { instant: skipBetween(wall - Math.max(before, after), wall - Math.min(before, after), timeZone), wall };
}

/** The first instant with the offset of the later one; both are less than a day apart, with one change between them. */
function skipBetween(low: number, high: number, timeZone: string): number {
  const offset = offsetAt(high, timeZone);
  let [before, after] = [Math.floor(low), Math.ceil(high)];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(middle, timeZone) === offset) after = middle;
    else before = middle;
  }
  return after;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Seconds that clocks on the wall are ahead of UTC. */
function offsetAt(instant: number, timeZone: string): number {
  if (timeZone === 'UTC') return 0;
  const whole = Math.floor(instant);
  return wallSeconds(formatOf(timeZone).formatToParts(whole * 1000)) - whole;
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23',
    era: 'short', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
  });
  formats.set(timeZone, format);
  return format;
}

function wallSeconds(parts: readonly Intl.DateTimeFormatPart[]): number {
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.find((one) => one.type === type)?.value ?? '';
  const year = part('era').startsWith('B') ? 1 - Number(part('year')) : Number(part('year'));
  return secondsOf(year, Number(part('month')), Number(part('day')), Number(part('hour')), Number(part('minute')), Number(part('second')));
}

/** `Date.UTC` takes the years 0 to 99 for 1900 to 1999. */
function secondsOf(year: number, month: number, day: number, hour: number, minute: number, second: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return date.getTime() / 1000;
}

const WRITTEN = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?(Z|[+-]\d\d:\d\d)?)?$/;

/** A time as filters write it: with an offset an instant, without one what clocks on the wall show, a date alone the beginning of its day. Undefined: there is no such time. */
export function readTime(text: string, timeZone: string): Moment | undefined {
  const [, year, month, day, hour = '0', minute = '0', second = '0', offset] = WRITTEN.exec(text) ?? [];
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) >= 60) return undefined;
  const wholeSecond = Math.floor(Number(second));
  const wall = secondsOf(Number(year), Number(month), Number(day), Number(hour), Number(minute), wholeSecond);
  // Days and months that there are not would be those of the next month or year.
  const date = new Date(wall * 1000);
  if (date.getUTCDate() !== Number(day) || date.getUTCMonth() + 1 !== Number(month)) return undefined;
  // To the millisecond, as SQLite reads times.
  const fraction = Math.round((Number(second) - wholeSecond) * 1000) / 1000;
  if (offset === undefined) return wallIn(wall + fraction, timeZone);
  const ahead = readOffset(offset);
  return ahead === undefined ? undefined : instantIn(wall + fraction - ahead, timeZone);
}

function readOffset(text: string): number | undefined {
  if (text === 'Z') return 0;
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(4))];
  if (hours > 14 || minutes > 59) return undefined;
  return (text.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60);
}

const DURATION = /^(-?)P(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,10})S)?)?$/;
const LONGEST_DAYS = 36_525;

/** A duration such as P7D or PT2H30M in seconds; undefined: it is none, or longer than a hundred years. */
export function readDuration(text: string): number | undefined {
  const [found, sign, days = '0', hours = '0', minutes = '0', seconds = '0'] = DURATION.exec(text) ?? [];
  if (found === undefined || /[PT]$/.test(found)) return undefined;
  const length = Number(days) * DAY + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  if (length > LONGEST_DAYS * DAY) return undefined;
  return sign === '-' ? -length : length;
}
