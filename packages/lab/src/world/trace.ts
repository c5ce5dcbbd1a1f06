import { createHash } from 'node:crypto';

export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain | undefined };

export interface Entry {
  /** Milliseconds since the world began. */
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
  readonly detail: Plain;
}

/** Everything that happened in a world, in order. Two runs of one seed have the same trace, to the letter. */
export class Trace {
  readonly #entries: Entry[] = [];
  readonly #nowMs: () => number;
  readonly #hash = createHash('sha256');
  readonly #listeners = new Set<(entry: Entry) => void>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(who: string, what: string, detail: Plain = null): void {
    const entry = { atMs: this.#nowMs(), who, what, detail };
    this.#entries.push(entry);
    this.#hash.update(`${JSON.stringify(entry)}\n`);
    for (const listener of this.#listeners) listener(entry);
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Calls the function for each entry that is added from now on; returns how to end that. */
  onEntry(listener: (entry: Entry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** SHA-256 of all entries so far, in hex. */
  hash(): string {
    return this.#hash.copy().digest('hex');
  }
}

/** One entry as a line to read. */
export function entryLine({ atMs, who, what, detail }: Entry): string {
  return `${(atMs / 1000).toFixed(3).padStart(10)}  ${who.padEnd(12)} ${what}${detail === null ? '' : ` ${JSON.stringify(detail)}`}`;
}

/** Where two runs part: the lines of each at the first difference, with some common ones before. Undefined when they are equal. */
export function firstDifference(a: readonly Entry[], b: readonly Entry[], before = 5): string | undefined {
  const most = Math.max(a.length, b.length);
  for (let i = 0; i < most; i++) {
    const [one, other] = [a[i], b[i]].map((entry) => (entry ? entryLine(entry) : '(nothing more)'));
    if (one === other) continue;
    const common = a.slice(Math.max(0, i - before), i).map((entry) => `  ${entryLine(entry)}`);
    return [`entry ${i}:`, ...common, `- ${one}`, `+ ${other}`].join('\n');
  }
  return undefined;
}
