// Times of random worlds: where their clocks start, and values of time columns around there.
import type { SqlValue } from '@carryon/protocol';

export interface Start {
  readonly timeZone: string;
  readonly ms: number;
}

const at = (timeZone: string, iso: string): Start => ({ timeZone, ms: Date.parse(iso) });

/** Hours before clocks are put forward or back, ordinary days, a zone of odd minutes, and one whose day may begin at one o'clock. */
export const STARTS: readonly Start[] = [
  at('UTC', '2026-11-21T10:00:00Z'),
  at('Europe/Berlin', '2026-03-28T22:30:00Z'),
  at('Europe/Berlin', '2026-10-24T21:40:00Z'),
  at('America/New_York', '2026-03-08T04:00:00Z'),
  at('Australia/Lord_Howe', '2026-04-04T14:10:00Z'),
  at('Asia/Kathmandu', '2026-05-05T17:50:00Z'),
  at('Africa/Cairo', '2026-04-23T20:50:00Z'),
];

const formats = new Map<string, Intl.DateTimeFormat>();

/** What clocks on the wall show at that moment, counted as if it were UTC, in milliseconds. */
export function wallMs(ms: number, timeZone: string): number {
  const format = formats.get(timeZone) ?? new Intl.DateTimeFormat('en-CA', {
    timeZone, calendar: 'iso8601', hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
  });
  formats.set(timeZone, format);
  const part = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part['year'] ?? 0, (part['month'] ?? 1) - 1, part['day'] ?? 1, part['hour'] ?? 0, part['minute'] ?? 0, part['second'] ?? 0) + (((ms % 1000) + 1000) % 1000);
}

const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

/** The first minute at which the calendar on the wall shows that day or a later one; the day as midnight UTC. */
export function dayBegin(dayMs: number, timeZone: string): number {
  let [before, reached] = [(dayMs - 2 * DAY_MS) / MINUTE_MS, (dayMs + 2 * DAY_MS) / MINUTE_MS];
  while (reached - before > 1) {
    const middle = Math.floor((before + reached) / 2);
    if (Math.floor(wallMs(middle * MINUTE_MS, timeZone) / DAY_MS) * DAY_MS >= dayMs) reached = middle;
    else before = middle;
  }
  return reached * MINUTE_MS;
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** Minutes from the start that time values and literals are at. */
export const OFFSETS = [-4320, -1441, -1440, -180, -61, -60, -1, 0, 1, 29, 30, 60, 61, 120, 180, 240, 1439, 1440, 2880, 4320, 10_080] as const;

/** A time in one of the forms that a column may hold. */
const FORMS: readonly ((ms: number, timeZone: string) => SqlValue)[] = [
  (ms, zone) => iso(wallMs(ms, zone)).slice(0, 16),
  (ms, zone) => iso(wallMs(ms, zone)).slice(0, 19).replace('T', ' '),
  (ms, zone) => iso(wallMs(ms, zone)).slice(0, 10),
  (ms) => iso(ms),
  (ms) => `${iso(ms).slice(0, 19)}Z`,
  (ms) => `${iso(ms + 2 * 3_600_000).slice(0, 19)}+02:00`,
  (ms) => `${iso(ms - 5_400_000).slice(0, 16)}-01:30`,
  (ms) => BigInt(Math.floor(ms / 1000)),
  (ms) => BigInt(ms),
  (ms) => ms / 1000 + 0.5,
];

const GARBAGE: readonly SqlValue[] = [null, 'soon', '', '2026-13-45', '2026-03-29Tx', 5n, -7n, new Uint8Array([1])];

/** A value of a time column, chosen by any number. */
export function timeValue(choice: number, { ms, timeZone }: Start): SqlValue {
  if (choice % 8 === 7) return GARBAGE[Math.floor(choice / 8) % GARBAGE.length] ?? null;
  const offset = OFFSETS[Math.floor(choice / 8) % OFFSETS.length] ?? 0;
  const form = FORMS[Math.floor(choice / (8 * OFFSETS.length)) % FORMS.length];
  return form?.(ms + offset * MINUTE_MS, timeZone) ?? null;
}
