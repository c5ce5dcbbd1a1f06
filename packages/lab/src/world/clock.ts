import type { Clock } from '@carryon/client';
import type { Queue } from './queue.ts';

/** The world's own time as a clock: the server's, and the one by which operating systems plan. */
export function worldClock(queue: Queue): Clock {
  return { nowMs: () => queue.nowMs, steadyMs: () => queue.steadyMs, after: (delayMs, run) => queue.after(delayMs, run) };
}

/** A device's clock as its owner sees and sets it. It outlives processes. */
export class DeviceTime {
  readonly queue: Queue;
  /** How much it is ahead of the world's time. */
  offsetMs = 0;
  #bootedAtMs = 0;

  constructor(queue: Queue) {
    this.queue = queue;
  }

  nowMs(): number {
    return this.queue.nowMs + this.offsetMs;
  }

  /** The machine's uptime. */
  steadyMs(): number {
    return this.queue.steadyMs - this.#bootedAtMs;
  }

  rebooted(): void {
    this.#bootedAtMs = this.queue.steadyMs;
  }
}

/** The clock of one process. While the process is suspended no timer runs; those due run late, in order, when it goes on. */
export class ProcessClock implements Clock {
  readonly #time: DeviceTime;
  readonly #late: (() => void)[] = [];
  #state: 'running' | 'suspended' | 'dead' = 'running';

  constructor(time: DeviceTime) {
    this.#time = time;
  }

  nowMs(): number {
    return this.#time.nowMs();
  }

  steadyMs(): number {
    return this.#time.steadyMs();
  }

  after(delayMs: number, run: () => void): () => void {
    let isOpen = true;
    const fire = (): void => {
      if (!isOpen || this.#state === 'dead') return;
      if (this.#state === 'suspended') return void this.#late.push(fire);
      isOpen = false;
      run();
    };
    const cancel = this.#time.queue.after(delayMs, fire);
    return () => {
      isOpen = false;
      cancel();
    };
  }

  suspend(): void {
    if (this.#state === 'running') this.#state = 'suspended';
  }

  resume(): void {
    if (this.#state !== 'suspended') return;
    this.#state = 'running';
    for (const fire of this.#late.splice(0)) this.#time.queue.after(0, fire);
  }

  /** The process is gone: nothing of it runs any more. */
  kill(): void {
    this.#state = 'dead';
    this.#late.length = 0;
  }
}
