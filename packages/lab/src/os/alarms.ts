import type { Timeline } from './ports.ts';

/** Named timers: setting one again replaces it. */
export class Alarms {
  readonly #timeline: Timeline;
  readonly #cancels = new Map<string, () => void>();

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  set(name: string, delayMs: number, run: () => void): void {
    this.clear(name);
    const cancel = this.#timeline.after(Math.max(0, delayMs), () => {
      this.#cancels.delete(name);
      run();
    });
    this.#cancels.set(name, cancel);
  }

  has(name: string): boolean {
    return this.#cancels.has(name);
  }

  /** Without names: all of them. */
  clear(...names: readonly string[]): void {
    for (const name of names.length === 0 ? [...this.#cancels.keys()] : names) {
      this.#cancels.get(name)?.();
      this.#cancels.delete(name);
    }
  }
}
