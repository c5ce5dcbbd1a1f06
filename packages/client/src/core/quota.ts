import { CarryonError, type PackSpec } from '@carryon/protocol';

/** A row on the device takes about what it takes in a pack, and its indexes and the log a part more. */
const GROWTH = 1.35;
const MARGIN_BYTES = 16 * 1024 * 1024;

/** What a download takes at most: the tables, and the packs that are on the disk at one time; all of them when the OS fetches them. */
export function neededBytes(packs: readonly PackSpec[], byOs = false): number {
  const raw = packs.reduce((sum, pack) => sum + pack.rawBytes, 0);
  const largest = Math.max(0, ...packs.map((pack) => pack.bytes + pack.rawBytes));
  const stored = byOs ? packs.reduce((sum, pack) => sum + pack.bytes, 0) : 0;
  return Math.ceil(raw * GROWTH) + Math.max(4 * largest, stored + largest) + MARGIN_BYTES;
}

/** The error when the device has less room than the plan needs; undefined when it fits or cannot be known. */
export function checkQuota(packs: readonly PackSpec[], freeBytes: number | undefined, byOs = false): CarryonError | undefined {
  const needed = neededBytes(packs, byOs);
  if (freeBytes === undefined || packs.length === 0 || freeBytes >= needed) return undefined;
  const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
  return new CarryonError('device.quota', `This download needs ${megabytes(needed)} of free space and the device has ${megabytes(freeBytes)}. Free ${megabytes(needed - freeBytes)} more.`);
}
