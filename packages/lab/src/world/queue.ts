interface Event {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** Saturday, 21 November 2026, 08:00 UTC: when every world begins. */
export const START_MS = Date.UTC(2026, 10, 21, 8);

const isBefore = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** What happens in a world, in order of time; at the same time, in the order it was put in. Times are whole milliseconds. */
export class Queue {
  #heap: Event[] = [];
  #orders = 0;
  #nowMs: number;
  readonly #startMs: number;

  constructor(startMs = START_MS) {
    this.#startMs = startMs;
    this.#nowMs = startMs;
  }

  /** Milliseconds since 1970 in this world; nobody can set it. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Milliseconds since this world began. */
  get steadyMs(): number {
    return this.#nowMs - this.#startMs;
  }

  /** Runs the function once after that time, unless cancelled by calling what it returns. */
  after(delayMs: number, run: () => void): () => void {
    const event: Event = { atMs: this.#nowMs + Math.max(0, Math.ceil(delayMs)), order: this.#orders++, run };
    this.#push(event);
    return () => { event.run = undefined; };
  }

  /** When the next event is due; undefined when there is none. */
  get nextMs(): number | undefined {
    while (this.#heap[0] && !this.#heap[0].run) this.#pop();
    return this.#heap[0]?.atMs;
  }

  /** Moves time to the next event and runs it. False when there is none. */
  step(): boolean {
    if (this.nextMs === undefined) return false;
    const event = this.#pop();
    this.#nowMs = event.atMs;
    event.run?.();
    event.run = undefined;
    return true;
  }

  /** Moves time on where nothing happens until then. */
  passTo(atMs: number): void {
    const next = this.nextMs;
    if (next !== undefined && next < atMs) throw new RangeError('an event is due before that time');
    this.#nowMs = Math.max(this.#nowMs, atMs);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let i = heap.length;
    while (i > 0) {
      const parent = heap[(i - 1) >> 1] as Event;
      if (!isBefore(event, parent)) break;
      heap[i] = parent;
      i = (i - 1) >> 1;
    }
    heap[i] = event;
  }

  #pop(): Event {
    const heap = this.#heap;
    const top = heap[0] as Event;
    const last = heap.pop() as Event;
    if (heap.length === 0) return top;
    let i = 0;
    for (let child = 1; child < heap.length; child = 2 * i + 1) {
      const right = heap[child + 1];
      if (right && isBefore(right, heap[child] as Event)) child++;
      if (!isBefore(heap[child] as Event, last)) break;
      heap[i] = heap[child] as Event;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}
