import type { Transfer, TransferItem, Transfers } from '@carryon/client';
import type { Network } from '@carryon/policy';
import { Alarms } from './alarms.ts';
import type { EndedBy } from './machine.ts';
import { type Adopt, type Chance, type Downloader, type DownloadEnd, type Timeline, within } from './ports.ts';
import type { TransferFaults, TransferService } from './transfer-service.ts';
import { drawFault, type Fault, TransferTask } from './transfer-task.ts';

export interface TransferParts {
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly downloader: Downloader;
  readonly adopt: Adopt;
  readonly service: TransferService;
  readonly faults: TransferFaults;
}

/** What the OS tells its service. */
export interface TransferSurroundings {
  readonly network: Network;
  /** The app's process runs code: only then do listeners hear of changes. */
  readonly runs: boolean;
  readonly visible: boolean;
  /** The service rests. */
  readonly held: boolean;
}

const PORTAL_PAGE = new TextEncoder().encode('<!doctype html><title>Sign in to the network</title>');

/** An OS's own transfer service. It knows nothing of packs: it fetches addresses, late or never. */
export class OsTransfers implements Transfers {
  /** Called when nothing is left to fetch; the OS may wake the app. */
  onDrained: () => void = () => {};
  readonly #parts: TransferParts;
  readonly #alarms: Alarms;
  readonly #tasks = new Map<string, TransferTask>();
  readonly #listeners = new Set<(transfer: Transfer) => void>();
  #around: TransferSurroundings = { network: 'unmetered', runs: false, visible: false, held: false };
  #batches = 0;
  // How often the OS brought the app back since the person last saw it.
  #wakes = 0;
  #waitsForStart = false;

  constructor(parts: TransferParts) {
    this.#parts = parts;
    this.#alarms = new Alarms(parts.timeline);
  }

  enqueue(items: readonly TransferItem[]): Promise<readonly string[]> {
    const { service, timeline, chance, faults } = this.#parts;
    const delayMs = this.#around.visible ? 0 : service.limiterMs * 2 ** Math.min(this.#wakes, 10);
    const batch = this.#batches++;
    const refused: string[] = [];
    for (const item of items) {
      if (this.#tasks.has(item.name)) continue;
      if (this.#open().length >= service.maxQueued) {
        refused.push(item.name);
        continue;
      }
      const task = new TransferTask(item, batch, timeline.nowMs(), delayMs);
      task.fault = drawFault(chance, faults);
      this.#tasks.set(item.name, task);
    }
    this.#pumpSoon();
    return Promise.resolve(refused);
  }

  list(): Promise<readonly Transfer[]> {
    return Promise.resolve([...this.#tasks.values()].map((task) => task.view));
  }

  cancel(names: readonly string[]): Promise<void> {
    for (const name of names) this.#drop(name);
    this.#pumpSoon();
    return Promise.resolve();
  }

  onChange(listener: (transfer: Transfer) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Transfers that run. */
  get running(): number {
    return [...this.#tasks.values()].filter((task) => task.phase === 'running').length;
  }

  /** For the OS: what is so now. */
  surround(now: TransferSurroundings): void {
    const ranBefore = this.#around.runs;
    if (now.runs && !ranBefore) this.#wakes += 1;
    if (now.visible) this.#wakes = 0;
    // A process that is only about to run hears nothing yet.
    this.#around = { ...now, runs: now.runs && ranBefore };
    for (const task of this.#tasks.values()) {
      if (task.phase !== 'running' || this.#mayFetch(task) || task.fetched !== undefined) continue;
      task.pause(this.#parts.service.resumes);
      this.#tell(task);
    }
    this.#around = now;
    this.#pumpSoon();
  }

  /** For the OS: the app's process began. */
  attach(): void {
    this.#waitsForStart = false;
    this.#pumpSoon();
  }

  /** For the OS: the app's process ended. */
  end(how: EndedBy): void {
    const { afterKill, afterQuit, afterReboot, batches, resumes } = this.#parts.service;
    this.#listeners.clear();
    if (how === 'discard') return;
    const after = how === 'quit' ? afterQuit : how === 'kill' ? afterKill : afterReboot;
    if (after === 'lost') for (const name of [...this.#tasks.keys()]) this.#drop(name);
    const interrupted = after === 'on-start' || how === 'reboot' || how === 'power-loss';
    if (interrupted) for (const task of this.#tasks.values()) if (task.isFetching) task.pause(resumes && !batches);
    this.#waitsForStart ||= after === 'on-start';
    this.#pumpSoon();
  }

  #open(): TransferTask[] {
    return [...this.#tasks.values()].filter((task) => task.isOpen);
  }

  #mayFetch({ item }: TransferTask): boolean {
    const { network, held } = this.#around;
    return !held && !this.#waitsForStart && (network === 'unmetered' || (network === 'metered' && item.allowMetered));
  }

  // Never within a call from outside, so that no listener and no download begins while the caller is at work.
  #pumpSoon(): void {
    this.#alarms.set('pump', 0, () => this.#pump());
  }

  #pump(): void {
    const { service, timeline } = this.#parts;
    const open = this.#open();
    const first = service.batches ? Math.min(...open.map((task) => task.batch)) : undefined;
    const ready = open.filter((task) => task.phase === 'queued' && this.#mayFetch(task) && (first === undefined || task.batch === first));
    const due = ready.filter((task) => task.notBeforeMs <= timeline.nowMs()).sort((a, b) => a.item.priority - b.item.priority);
    const free = service.parallel - open.filter((task) => task.isFetching).length;
    for (const task of due.slice(0, Math.max(0, free))) this.#begin(task);
    const later = ready.map((task) => task.notBeforeMs).filter((ms) => ms > timeline.nowMs());
    if (later.length > 0) this.#alarms.set('late', Math.min(...later) - timeline.nowMs(), () => this.#pump());
  }

  #begin(task: TransferTask): void {
    task.begin(() => (task.fault === undefined ? this.#download(task) : this.#goWrong(task, task.fault)));
    this.#tell(task);
  }

  #download(task: TransferTask): () => void {
    const onBytes = (n: number): void => {
      task.received += n;
      this.#tell(task);
    };
    return this.#parts.downloader.download(task.item.url, task.received, onBytes, (end) => this.#ended(task, end));
  }

  #goWrong(task: TransferTask, fault: Fault): () => void {
    if (fault === 'stall') return () => {};
    const { timeline, chance, faults } = this.#parts;
    return timeline.after(within(chance, faults.faultAfterMs), () => {
      task.fault = undefined;
      if (fault === 'vanish') this.#drop(task.item.name);
      else if (fault === 'portal') this.#ended(task, { ok: true, bytes: PORTAL_PAGE });
      else this.#fail(task, chance.chance(1, 2) ? 503 : undefined);
      this.#pumpSoon();
    });
  }

  #ended(task: TransferTask, end: DownloadEnd): void {
    task.halt();
    if (end.ok) this.#fetched(task, end.bytes);
    else if (end.status === undefined) this.#broken(task);
    else this.#fail(task, end.status);
    this.#pumpSoon();
  }

  #fetched(task: TransferTask, bytes: Uint8Array): void {
    task.received = bytes.length;
    task.fetched = bytes;
    if (this.#parts.service.batches) this.#handOverBatch(task.batch);
    else this.#handOver(task);
    this.#drained();
  }

  #broken(task: TransferTask): void {
    const { service, timeline } = this.#parts;
    if (timeline.nowMs() - task.enqueuedMs >= service.giveUpMs) return this.#fail(task, undefined);
    task.pause(service.resumes);
    task.notBeforeMs = timeline.nowMs() + Math.min(service.retryMostMs, service.retryMs * 2 ** Math.min(task.tries, 20));
    task.tries += 1;
    this.#tell(task);
  }

  #fail(task: TransferTask, status: number | undefined): void {
    const others = this.#parts.service.batches ? this.#open().filter((one) => one.batch === task.batch && one !== task) : [];
    this.#settle(task, 'failed', status);
    for (const other of others) {
      if (other.fetched === undefined) this.#settle(other, 'failed', undefined);
      else this.#handOver(other);
    }
    this.#drained();
  }

  #handOverBatch(batch: number): void {
    const open = this.#open().filter((task) => task.batch === batch);
    if (open.every((task) => task.fetched !== undefined)) for (const task of open) this.#handOver(task);
  }

  #handOver(task: TransferTask): void {
    if (task.fetched !== undefined) this.#parts.adopt(task.item.name, task.fetched);
    this.#settle(task, 'stored', undefined);
  }

  #settle(task: TransferTask, phase: 'stored' | 'failed', status: number | undefined): void {
    task.settle(phase, status);
    this.#tell(task);
  }

  #drained(): void {
    if (this.#open().length === 0) this.onDrained();
  }

  #drop(name: string): void {
    const task = this.#tasks.get(name);
    task?.halt();
    this.#tasks.delete(name);
    if (task !== undefined && this.#parts.service.batches) this.#handOverBatch(task.batch);
  }

  #tell(task: TransferTask): void {
    if (this.#around.runs) for (const listener of [...this.#listeners]) listener(task.view);
  }
}
