/** What is so from that time on, until the next sample. */
export interface Sample {
  /** Milliseconds since the world began. */
  readonly atMs: number;
  /** `foreground`, `background`, `frozen` or `closed`. */
  readonly app: string;
  /** `unlocked` or `locked`. */
  readonly screen: string;
  readonly lease: 'run' | 'local' | 'none';
  /** Transfers of the OS that run. */
  readonly transfers: number;
  /** From 0 to 1. */
  readonly progress: number;
  /** The id of the policy's row that decided. */
  readonly rule: string;
}

export interface Chart {
  readonly title: string;
  /** In order of time. */
  readonly samples: readonly Sample[];
  readonly endMs: number;
}

export interface Span<T> {
  readonly fromMs: number;
  readonly toMs: number;
  readonly value: T;
}

/** How one value lasted; equal neighbours are one span, and spans without duration are none. */
export function spansOf<T>({ samples, endMs }: Chart, pick: (sample: Sample) => T): Span<T>[] {
  const spans: Span<T>[] = [];
  samples.forEach((sample, i) => {
    const fromMs = sample.atMs;
    const toMs = Math.min(endMs, samples[i + 1]?.atMs ?? endMs);
    const last = spans.at(-1);
    const value = pick(sample);
    if (toMs <= fromMs) return;
    if (last && last.value === value && last.toMs === fromMs) spans[spans.length - 1] = { ...last, toMs };
    else spans.push({ fromMs, toMs, value });
  });
  return spans;
}

/** Minutes and seconds, as `12:05`; tenths where they are told apart. */
export function minSec(ms: number): string {
  const tenths = Math.round(ms / 100);
  const seconds = (tenths % 600) / 10;
  const text = Number.isInteger(seconds) ? String(seconds).padStart(2, '0') : seconds.toFixed(1).padStart(4, '0');
  return `${Math.floor(tenths / 600)}:${text}`;
}

const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];

/** Round times for an axis, so many at most. */
export function ticks(fromMs: number, toMs: number, most: number): number[] {
  const widthS = (toMs - fromMs) / 1000;
  const stepMs = 1000 * (STEPS_S.find((step) => widthS / step <= most - 1) ?? Math.ceil(widthS / (most - 1) / 86_400) * 86_400);
  const first = Math.ceil(fromMs / stepMs) * stepMs;
  return Array.from({ length: Math.floor((toMs - first) / stepMs) + 1 }, (_, i) => first + i * stepMs);
}
