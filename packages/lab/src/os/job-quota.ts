/** Of any period of this length, jobs may run for so long. */
export interface QuotaRule {
  readonly mayRunMs: number;
  readonly everyMs: number;
}

/** What an app's jobs used of their quota. */
export class JobQuota {
  readonly #rule: QuotaRule;
  #runs: { readonly fromMs: number; readonly toMs: number }[] = [];

  constructor(rule: QuotaRule) {
    this.#rule = rule;
  }

  use(fromMs: number, toMs: number): void {
    this.#runs.push({ fromMs, toMs });
  }

  leftMs(nowMs: number): number {
    const sinceMs = nowMs - this.#rule.everyMs;
    this.#runs = this.#runs.filter((run) => run.toMs > sinceMs);
    return this.#runs.reduce((left, run) => left - (run.toMs - Math.max(run.fromMs, sinceMs)), this.#rule.mayRunMs);
  }
}
