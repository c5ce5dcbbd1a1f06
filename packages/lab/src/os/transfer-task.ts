import type { Transfer, TransferItem } from '@carryon/client';
import type { Chance } from './ports.ts';
import type { TransferFaults } from './transfer-service.ts';

export type Fault = 'fail' | 'vanish' | 'stall' | 'portal';

/** One item of the transfer service. */
export class TransferTask {
  readonly item: TransferItem;
  /** The call that enqueued it. */
  readonly batch: number;
  readonly enqueuedMs: number;
  /** Not begun before this. */
  notBeforeMs: number;
  phase: Transfer['phase'] = 'queued';
  received = 0;
  status: number | undefined;
  tries = 0;
  fault: Fault | undefined;
  /** The whole file, not handed over yet. */
  fetched: Uint8Array | undefined;
  #stop: (() => void) | undefined;

  constructor(item: TransferItem, batch: number, enqueuedMs: number, delayMs: number) {
    this.item = item;
    this.batch = batch;
    this.enqueuedMs = enqueuedMs;
    this.notBeforeMs = enqueuedMs + delayMs;
  }

  get isOpen(): boolean {
    return this.phase === 'queued' || this.phase === 'running';
  }

  get isFetching(): boolean {
    return this.phase === 'running' && this.fetched === undefined;
  }

  get view(): Transfer {
    const { phase, received, status } = this;
    const { name } = this.item;
    if (phase === 'failed') return { name, received, phase, ...(status === undefined ? {} : { status }) };
    return { name, received, phase };
  }

  begin(work: () => () => void): void {
    this.phase = 'running';
    this.#stop = work();
  }

  /** Back to the queue. */
  pause(keepsBytes: boolean): void {
    this.halt();
    this.phase = 'queued';
    this.fetched = undefined;
    if (!keepsBytes) this.received = 0;
  }

  settle(phase: 'stored' | 'failed', status?: number): void {
    this.halt();
    this.phase = phase;
    this.status = status;
    this.fetched = undefined;
  }

  halt(): void {
    this.#stop?.();
    this.#stop = undefined;
  }
}

export function drawFault(chance: Chance, faults: TransferFaults): Fault | undefined {
  let drawn = chance.below(100);
  const shares = [['fail', faults.failPercent], ['vanish', faults.vanishPercent], ['stall', faults.stallPercent], ['portal', faults.portalPercent]] as const;
  for (const [fault, percent] of shares) {
    if (drawn < percent) return fault;
    drawn -= percent;
  }
  return undefined;
}
