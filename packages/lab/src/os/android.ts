import type { AndroidNumbers } from './android-numbers.ts';
import { JobQuota } from './job-quota.ts';
import { Machine, type MachineParts } from './machine.ts';
import type { Action } from './os.ts';
import { within } from './ports.ts';

/**
 * Android. The process lives on out of sight, without a network of its own after some seconds, until a freezer, Doze or
 * the need for memory ends that. A job brings it back, with the network; a user-initiated job, wished for while the app
 * was visible, keeps it going from the moment of leaving. A force stop (`quit`) ends everything until the next open.
 */
export class Android extends Machine {
  readonly #numbers: AndroidNumbers;
  readonly #quota: JobQuota;
  #lastJobMs = -Infinity;
  #leftMs = -Infinity;
  #userJobWished = false;
  // A user-initiated job that lost its network; it goes on when that is back.
  #userJobPaused = false;
  #jobBeganMs: number | undefined;

  constructor(parts: MachineParts, numbers: AndroidNumbers) {
    super(parts);
    this.#numbers = numbers;
    this.#quota = new JobQuota(numbers.quota[numbers.bucket]);
  }

  override rested(): void {
    if (this.#inWindow) this.alarms.set('end', this.#numbers.restMs, () => this.#endWindow());
  }

  get #inWindow(): boolean {
    return this.window !== undefined && (this.window.endsAtMs === undefined || this.window.endsAtMs > this.timeline.nowMs());
  }

  protected override shown(): void {
    this.#count();
    this.#userJobPaused = false;
    this.alarms.clear();
    super.shown();
  }

  protected override hidden(): void {
    this.#leftMs = this.timeline.nowMs();
    this.#userJobPaused = this.#userJobWished;
    if (this.#userJobWished && this.around.network !== 'none') this.#grantUserJob();
    else this.#fade();
  }

  protected override follow(action: Action): void {
    if (this.process.isGone) {
      this.#count();
      this.#userJobPaused = false;
    }
    if (action.do === 'quit') this.#userJobWished = false;
    if (action.do === 'network') this.#keepToNetwork();
    if (action.do === 'freeze' && !this.isVisible && !this.#inWindow) this.suspend('Android froze the cached process', 'drop');
  }

  // Jobs of a sync need a network: without it they stop.
  #keepToNetwork(): void {
    const isThere = this.around.network !== 'none';
    if (!isThere && this.#inWindow) {
      this.#userJobPaused = this.window?.kind === 'user-initiated';
      this.#endWindow();
    } else if (isThere && this.#userJobPaused && this.#userJobWished && !this.#inWindow) {
      this.#grantUserJob();
    }
  }

  protected override plan(): void {
    this.plans.clear();
    const wishesUserJob = this.wished?.kinds.includes('user-initiated') ?? false;
    // Scheduled while visible, or in the very moment of leaving.
    const isInTime = this.isVisible || this.timeline.nowMs() === this.#leftMs;
    this.#userJobWished = wishesUserJob && (this.#userJobWished || isInTime);
    if (this.#userJobWished && !this.isVisible && isInTime && this.isRunning && !this.#inWindow && this.around.network !== 'none') this.#grantUserJob();
    if (this.wished?.kinds.includes('job')) this.#planJob();
  }

  protected override storage(readable: boolean): void {
    this.process.storage(readable);
  }

  protected override holdsTransfers(): boolean {
    return !this.around.unlockedSinceBoot;
  }

  #planJob(): void {
    const { jobEveryMs, jobLateMs } = this.#numbers;
    const soonestMs = Math.max(this.timeline.nowMs(), this.wished?.dueMs ?? 0, this.#lastJobMs + jobEveryMs);
    this.plans.set('job', soonestMs - this.timeline.nowMs() + within(this.chance, jobLateMs), () => this.#offerJob());
  }

  #offerJob(): void {
    const nowMs = this.timeline.nowMs();
    const leftMs = this.around.power === 'plugged' ? Infinity : this.#quota.leftMs(nowMs);
    if (!this.#mayRunJob() || leftMs < this.#numbers.jobLeastMs) return this.plans.set('job', this.#numbers.retryMs, () => this.#offerJob());
    this.#lastJobMs = nowMs;
    this.#jobBeganMs = nowMs;
    this.#planJob();
    this.#grant('job', Math.min(this.#numbers.jobMs, leftMs), true);
  }

  #mayRunJob(): boolean {
    const { power, saver, network, unlockedSinceBoot } = this.around;
    return !this.isQuit && !this.isVisible && !this.#inWindow && unlockedSinceBoot && network !== 'none' && (power === 'plugged' || !saver);
  }

  #grantUserJob(): void {
    this.#userJobPaused = false;
    this.#grant('user-initiated', within(this.chance, this.#numbers.userJobMs), false);
  }

  // A user-initiated job is not told its end.
  #grant(kind: 'job' | 'user-initiated', forMs: number, tellsEnd: boolean): void {
    this.alarms.clear();
    this.isCut = false;
    this.window = { kind, ...(tellsEnd ? { endsAtMs: this.timeline.nowMs() + forMs } : {}) };
    this.alarms.set('end', forMs, () => this.#endWindow());
    this.run(`Android runs a ${kind} window`);
  }

  #endWindow(): void {
    this.#count();
    if (this.window !== undefined) this.window = { kind: this.window.kind, endsAtMs: this.timeline.nowMs() };
    this.process.tell();
    this.#fade();
  }

  // What becomes of a process that nobody sees and no job holds.
  #fade(): void {
    const { networkCutMs, freezePercent, freezeMs, killPercent, killWithinMs } = this.#numbers;
    this.alarms.clear();
    if (networkCutMs !== undefined) this.alarms.set('cut', within(this.chance, networkCutMs), () => this.#cut());
    if (this.chance.chance(freezePercent, 100)) this.alarms.set('freeze', within(this.chance, freezeMs), () => this.suspend('Android froze the cached process', 'drop'));
    if (this.chance.chance(killPercent, 100)) this.alarms.set('kill', this.chance.between(0, killWithinMs), () => this.act({ do: 'kill' }));
  }

  #cut(): void {
    this.isCut = true;
    this.surround();
    this.process.tell();
  }

  #count(): void {
    if (this.#jobBeganMs !== undefined) this.#quota.use(this.#jobBeganMs, this.timeline.nowMs());
    this.#jobBeganMs = undefined;
  }
}
