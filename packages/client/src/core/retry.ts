import type { CarryonError } from '@carryon/protocol';

const FIRST_MS = 500;
/** The longest wait, where the server does not name a longer one. */
export const MOST_MS = 60_000;
const LATER_MS = 60_000;

/** The fault lies with the device's disk or database, so that its steps cannot go on either. */
export const isDeviceFault = (error: CarryonError): boolean => error.code.startsWith('device.');

/** Of failures at one time the weightiest counts: the device's own, then one that says when to come back. */
export const weight = (error: CarryonError): number => (isDeviceFault(error) ? 2 : error.retryAfterMs === undefined ? 0 : 1);

/** When to try again after so many failures in a row: doubling, half of it by chance, never before the server's Retry-After. */
export function retryDelayMs(failures: number, error: CarryonError, random: number): number {
  const base = error.retry === 'later' ? LATER_MS : Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20));
  return Math.max(error.retryAfterMs ?? 0, Math.round(base * (0.5 + random / 2)));
}
