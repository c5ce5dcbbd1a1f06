/**
 * A small seeded generator: the same seed gives the same numbers on every machine. Each table draws from a stream of
 * its own, so a new word in one table leaves the rows of the others as they were.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(stream: string) {
    let hash = 0x811c9dc5;
    for (let i = 0; i < stream.length; i++) {
      hash = Math.imul(hash ^ stream.charCodeAt(i), 0x01000193);
    }
    this.#a = hash;
    this.#b = hash ^ 0x5bd1e995;
    this.#c = ~hash;
    // Streams with similar names start close together; a few rounds pull them apart.
    for (let i = 0; i < 16; i++) this.uint32();
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A number from 0 up to, and without, 1. */
  fraction(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return at(items, this.int(0, items.length - 1));
  }

  shuffle<T>(items: T[]): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      const held = at(items, i);
      items[i] = at(items, j);
      items[j] = held;
    }
  }

  /** A random (version 4) UUID. */
  uuid(): string {
    const head = hex32(this.uint32());
    const middle = hex32((this.uint32() & 0xffff0fff) | 0x4000);
    return join(head, middle, this.#uuidTail(), hex32(this.uint32()));
  }

  /** A time-ordered (version 7) UUID: rows made in the order of time land at the end of their index. */
  uuidAt(timeMs: number): string {
    const time = timeMs.toString(16).padStart(12, '0');
    const version = ((this.uint32() & 0x0fff) | 0x7000).toString(16);
    return join(time.slice(0, 8), time.slice(8) + version, this.#uuidTail(), hex32(this.uint32()));
  }

  #uuidTail(): string {
    return hex32((this.uint32() & 0x3fffffff) | 0x80000000);
  }
}

/** The item at an index that must exist. */
export function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`No item ${index} in a list of ${items.length}`);
  return item;
}

function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}

function join(a: string, b: string, c: string, d: string): string {
  return `${a}-${b.slice(0, 4)}-${b.slice(4)}-${c.slice(0, 4)}-${c.slice(4)}${d}`;
}
