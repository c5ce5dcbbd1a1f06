export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

/** Midnight (UTC) at which the day of `date` begins: two calls on one day make the same database. */
export function startOfDayMs(date: Date): number {
  const timeMs = date.getTime();
  if (Number.isNaN(timeMs)) throw new RangeError('today is not a valid date');
  return Math.floor(timeMs / DAY_MS) * DAY_MS;
}

export function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

export function isoDate(timeMs: number): string {
  return isoTime(timeMs).slice(0, 10);
}
