// What an operating system needs of the world around it.

/** Virtual time: it never goes back, and nobody sets it. */
export interface Timeline {
  nowMs(): number;
  /** Runs the function once after that time, never before this call returns; calling what it returns cancels. */
  after(delayMs: number, run: () => void): () => void;
}

/** Seeded chance. */
export interface Chance {
  /** True in n of d cases. */
  chance(n: number, d: number): boolean;
  between(from: number, to: number): number;
  /** From 0 to n - 1. */
  below(n: number): number;
  pick<T>(items: readonly T[]): T;
}

/** How a download ended. Without a status the connection broke, and the service tries again by itself. */
export type DownloadEnd =
  /** The whole file from its first byte, also where the download began later. */
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly status?: number };

/** The network as the OS's transfer service sees it. */
export interface Downloader {
  /** `onBytes` tells how many more bytes came. Returns how to stop it; after that it tells nothing more. */
  download(url: string, fromByte: number, onBytes: (n: number) => void, onEnd: (end: DownloadEnd) => void): () => void;
}

/** Puts a file that the OS fetched into the pack store as a complete, unchecked pack. */
export type Adopt = (name: string, bytes: Uint8Array) => void;

/** A number that the OS chooses anew each time, both ends included. */
export type Range = readonly [from: number, to: number];

export function within(chance: Chance, [from, to]: Range): number {
  return from === to ? from : Math.min(to, chance.between(from, to));
}

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
