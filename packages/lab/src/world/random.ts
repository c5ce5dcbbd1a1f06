import { createHash } from 'node:crypto';
import type { Random } from '@carryon/client';

const MASK = (1n << 64n) - 1n;
const GAMMA = 0x9e3779b97f4a7c15n;

/**
 * One step of SplitMix64: the state moves through all 2^64 values, and each gives another number (Steele, Lea and Flood,
 * "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014; constants as in https://prng.di.unimi.it/splitmix64.c).
 */
export function splitMix64(state: bigint): { readonly state: bigint; readonly value: bigint } {
  const next = (state + GAMMA) & MASK;
  let z = next;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return { state: next, value: z ^ (z >> 31n) };
}

/** Chance from a seed. A stream is known by its name alone: draws in one do not move another. */
export class LabRandom implements Random {
  readonly #name: string;
  #state: bigint;

  constructor(seed: number | string) {
    this.#name = String(seed);
    this.#state = createHash('sha256').update(this.#name).digest().readBigUInt64BE();
  }

  /** The stream of that name; the same each time it is asked for, however much was drawn before. */
  fork(name: string): LabRandom {
    return new LabRandom(`${this.#name}/${name}`);
  }

  next64(): bigint {
    const { state, value } = splitMix64(this.#state);
    this.#state = state;
    return value;
  }

  /** A whole number from 0 up to, not including, n; each equally likely. */
  below(n: number): number {
    if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`below(${n})`);
    const range = BigInt(n);
    const fair = (1n << 64n) - ((1n << 64n) % range);
    for (;;) {
      const value = this.next64();
      if (value < fair) return Number(value % range);
    }
  }

  /** A whole number from a to b, both included. */
  between(a: number, b: number): number {
    return a + this.below(b - a + 1);
  }

  /** True n times out of d. */
  chance(n: number, d: number): boolean {
    return this.below(d) < n;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  fraction(): number {
    return Number(this.next64() >> 11n) / 2 ** 53;
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }

  /** A version 4 UUID (RFC 9562). */
  uuid(): string {
    const hex = this.next64().toString(16).padStart(16, '0') + this.next64().toString(16).padStart(16, '0');
    const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) & 3];
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
  }
}
