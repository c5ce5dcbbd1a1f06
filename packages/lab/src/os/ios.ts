import type { WindowKind } from '@carryon/policy';
import type { IosNumbers } from './ios-numbers.ts';
import { Machine, type MachineParts } from './machine.ts';
import type { Action } from './os.ts';
import { within } from './ports.ts';

type Window = 'refresh' | 'processing';

/**
 * iOS. An app out of sight runs on for the grace, or until it rests, and is suspended; its connections are gone. iOS brings
 * it back for windows of its own choosing, if the app wished for them and the person did not swipe it away.
 *
 * A wish without kinds asks for the slices of the published page of November 2022 (A6 to A8): a suspended app goes on at the
 * wished time while the device is locked and not in use, for at most 5 minutes, and again every 15 minutes; and it is
 * told of a lock. That is the page's claim, not a known mechanism of iOS. A process that is gone gets no slice (A3).
 */
export class Ios extends Machine {
  readonly #numbers: IosNumbers;
  readonly #lastMs: Record<Window, number> = { refresh: -Infinity, processing: -Infinity };
  #lastSliceMs = -Infinity;
  // Runs out of sight without a window: a slice, or the notice of a lock.
  #inSlice = false;

  constructor(parts: MachineParts, numbers: IosNumbers) {
    super(parts);
    this.#numbers = numbers;
    if (this.transfers !== undefined) this.transfers.onDrained = () => this.#transfersEnded();
  }

  override rested(): void {
    if (this.isRunning && !this.isVisible) this.alarms.set('rest', this.#numbers.restMs, () => this.#suspend('iOS: the app is at rest'));
  }

  protected override shown(): void {
    this.alarms.clear();
    this.#inSlice = false;
    super.shown();
  }

  protected override hidden(): void {
    this.#grant('grace', within(this.chance, this.#numbers.graceMs));
  }

  protected override follow(action: Action): void {
    const forIdle = this.#inSlice || this.window?.kind === 'processing';
    if (this.isRunning && !this.isVisible && forIdle && this.around.inUse) return this.#cutShort('iOS: the person uses the device');
    if (action.do === 'lock' && this.process.isSuspended && this.#wantsSlices()) this.#slice(this.#numbers.lockNoticeMs);
  }

  // Windows outlive the process; slices do not.
  protected override plan(): void {
    this.plans.clear();
    const kinds = this.wished?.kinds ?? [];
    if (this.#wantsSlices()) this.#planSlice();
    for (const kind of ['refresh', 'processing'] as const) if (kinds.includes(kind)) this.#planWindow(kind);
  }

  protected override storage(readable: boolean): void {
    this.process.storage(readable);
  }

  // Files are protected until the first unlock: nothing can be stored.
  protected override holdsTransfers(): boolean {
    return !this.around.unlockedSinceBoot;
  }

  // A host asks again at each wake, so a wish stands until it is withdrawn.
  #planWindow(kind: Window): void {
    const { refreshLateMs, processingLateMs } = this.#numbers;
    const lateMs = within(this.chance, kind === 'refresh' ? refreshLateMs : processingLateMs);
    const soonestMs = Math.max(this.timeline.nowMs(), this.wished?.dueMs ?? 0, this.#lastMs[kind] + this.#numbers.windowEveryMs);
    this.plans.set(kind, soonestMs - this.timeline.nowMs() + lateMs, () => this.#offer(kind));
  }

  #offer(kind: Window): void {
    const { refreshMs, processingMs, retryMs } = this.#numbers;
    if (!this.#mayOpen(kind)) return this.plans.set(kind, retryMs, () => this.#offer(kind));
    this.#lastMs[kind] = this.timeline.nowMs();
    this.#planWindow(kind);
    this.#grant(kind, within(this.chance, kind === 'refresh' ? refreshMs : processingMs));
  }

  #mayOpen(kind: Window): boolean {
    const { backgroundRefresh, processingNeedsPower } = this.#numbers;
    if (this.isRunning || !backgroundRefresh || this.around.saver || !this.#mayWake()) return false;
    return kind === 'refresh' || (this.#isIdle() && (!processingNeedsPower || this.around.power === 'plugged'));
  }

  #mayWake(): boolean {
    return !this.isQuit && (this.around.unlockedSinceBoot || this.#numbers.wakesBeforeUnlock);
  }

  #isIdle(): boolean {
    return this.around.screen === 'locked' && !this.around.inUse;
  }

  #grant(kind: WindowKind, forMs: number): void {
    const { cutEarlyPercent } = this.#numbers;
    this.alarms.clear();
    this.window = { kind, endsAtMs: this.timeline.nowMs() + forMs };
    this.alarms.set('end', forMs, () => this.#suspend(`iOS: the ${kind} window ended`));
    if (this.chance.chance(cutEarlyPercent, 100)) this.alarms.set('cut', this.chance.between(0, forMs), () => this.#cutShort('iOS: it ended the window early'));
    this.run(`iOS granted a ${kind} window`);
  }

  #cutShort(why: string): void {
    const endsAtMs = this.timeline.nowMs() + this.#numbers.noticeMs;
    if (this.window !== undefined) this.window = { kind: this.window.kind, endsAtMs: Math.min(endsAtMs, this.window.endsAtMs ?? endsAtMs) };
    this.process.tell();
    if (this.#numbers.noticeMs === 0) this.#suspend(why);
    else if (!this.alarms.has('notice')) this.alarms.set('notice', this.#numbers.noticeMs, () => this.#suspend(why));
  }

  #suspend(why: string): void {
    const { killPercent, killWithinMs } = this.#numbers;
    this.alarms.clear();
    this.#inSlice = false;
    this.suspend(why, 'drop');
    if (this.chance.chance(killPercent, 100)) this.alarms.set('kill', this.chance.between(0, killWithinMs), () => this.act({ do: 'kill' }));
  }

  #wantsSlices(): boolean {
    return this.wished?.kinds.length === 0;
  }

  #planSlice(): void {
    const soonestMs = Math.max(this.timeline.nowMs(), this.wished?.dueMs ?? 0, this.#lastSliceMs + this.#numbers.sliceEveryMs);
    this.plans.set('slice', soonestMs - this.timeline.nowMs(), () => this.#offerSlice());
  }

  #offerSlice(): void {
    this.plans.set('slice', this.#numbers.sliceEveryMs, () => this.#offerSlice());
    if (!this.process.isSuspended || !this.#isIdle()) return;
    this.#lastSliceMs = this.timeline.nowMs();
    this.#slice(this.#numbers.sliceMs);
  }

  #slice(forMs: number): void {
    this.alarms.clear();
    this.#inSlice = true;
    this.window = undefined;
    this.alarms.set('end', forMs, () => this.#suspend('iOS: the slice ended'));
    this.run('iOS lets the app go on while the device rests');
  }

  #transfersEnded(): void {
    if (!this.isRunning && this.#mayWake() && !this.holdsTransfers()) this.#grant('refresh', this.#numbers.transferWakeMs);
  }
}
