import { MINUTE_MS, SECOND_MS } from './limit.ts';
import type { Texts } from './texts.ts';

/** A span of time in words: rounded up, so that nothing is promised too early. Minutes up to two hours, then hours. */
export function durationWords(spanMs: number, units: Texts['units']): string {
  const seconds = Math.max(0, Math.ceil(spanMs / SECOND_MS));
  if (seconds < 60) return words(seconds, units.second);
  const minutes = Math.ceil(spanMs / MINUTE_MS);
  return minutes < 120 ? words(minutes, units.minute) : words(Math.ceil(minutes / 60), units.hour);
}

const words = (n: number, [one, more]: Texts['units']['minute']): string => (n === 1 ? one : more.replace('{n}', String(n)));
