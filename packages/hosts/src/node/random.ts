import { randomBytes, randomUUID } from 'node:crypto';

/** Serves the device engine and the server alike. */
export const systemRandom = {
  fraction: (): number => Math.random(),
  uuid: (): string => randomUUID(),
  bytes: (count: number): Uint8Array => randomBytes(count),
};
