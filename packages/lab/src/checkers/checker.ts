import type { Entry } from '../world/trace.ts';

/** Watches one device from outside, by what the world's trace tells, and says what is not as it must be. */
export interface Checker {
  readonly name: string;
  /** What is wrong with what happened now; undefined: nothing. */
  see(entry: Entry): string | undefined;
}

/** Something that must hold did not. */
export interface Problem {
  readonly atMs: number;
  readonly checker: string;
  readonly what: string;
}
