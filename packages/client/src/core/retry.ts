import type { CarryonError } from '@carryon/protocol';

const FIRST_MS = 500;
const MOST_MS = 60_000;
const LATER_MS = 60_000;

/** When to try again after so many failures in a row: doubling, half of it by chance, never before the server's Retry-After. */
export function retryDelayMs(failures: number, error: CarryonError, random: number): number {
  const base = error.retry === 'later' ? LATER_MS : Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20));
  return Math.max(error.retryAfterMs ?? 0, Math.round(base * (0.5 + random / 2)));
}
