import { minSec, spansOf, ticks, type Sample, type Span, type Chart } from './sample.ts';

const LABEL = 10;
const SPARKS = ' ▁▂▃▄▅▆▇█';
const LEASES = { run: '█', local: '▒', none: '·' } as const;
const TICK_COLUMNS = 12;

/** The chart as lines of a fixed width, and the rows of the policy with their times below. */
export function toTerminal(chart: Chart, width = 100): string {
  const columns = width - LABEL;
  const lane = (name: string, cells: string): string => (name.padEnd(LABEL) + cells).trimEnd();
  const at = new Columns(chart, columns);
  return [
    chart.title,
    lane('min:s', axis(at, columns)),
    lane('app', boxes(at, spansOf(chart, ({ app }) => app))),
    lane('screen', boxes(at, spansOf(chart, ({ screen }) => screen))),
    lane('engine', at.cells(({ lease }) => LEASES[lease])),
    lane('transfers', at.cells(({ transfers }) => (transfers === 0 ? '·' : transfers > 9 ? '+' : String(transfers)))),
    lane('progress', at.lastCells(({ progress }) => SPARKS[Math.ceil(Math.min(1, Math.max(0, progress)) * 8)] ?? ' ')),
    lane('rule', boxes(at, spansOf(chart, ({ rule }) => rule))),
    '', 'engine: █ may work with the server   ▒ only with what is here   · rests (the real one, on a simulated device)',
    ...rules(chart, width),
    '',
  ].join('\n');
}

/** Times as columns. */
class Columns {
  readonly #chart: Chart;
  readonly #count: number;
  readonly fromMs: number;
  readonly #perColumnMs: number;

  constructor(chart: Chart, count: number) {
    this.#chart = chart;
    this.#count = count;
    this.fromMs = chart.samples[0]?.atMs ?? 0;
    this.#perColumnMs = Math.max(1, chart.endMs - this.fromMs) / count;
  }

  get endMs(): number {
    return this.#chart.endMs;
  }

  of(ms: number): number {
    return Math.min(this.#count, Math.round((ms - this.fromMs) / this.#perColumnMs));
  }

  /** What lasted longest in each column. */
  cells(pick: (sample: Sample) => string): string {
    const spans = spansOf(this.#chart, pick);
    return this.#each((fromMs, toMs) => {
      const shares = new Map<string, number>();
      for (const span of spans) {
        const ms = Math.min(toMs, span.toMs) - Math.max(fromMs, span.fromMs);
        if (ms > 0) shares.set(span.value, (shares.get(span.value) ?? 0) + ms);
      }
      return [...shares].sort((a, b) => b[1] - a[1])[0]?.[0] ?? ' ';
    });
  }

  /** What was at the end of each column. */
  lastCells(pick: (sample: Sample) => string): string {
    return this.#each((_, toMs) => {
      const last = this.#chart.samples.findLast((sample) => sample.atMs < toMs || sample.atMs === this.fromMs);
      return last ? pick(last) : ' ';
    });
  }

  #each(cell: (fromMs: number, toMs: number) => string): string {
    return Array.from({ length: this.#count }, (_, i) => cell(this.fromMs + i * this.#perColumnMs, this.fromMs + (i + 1) * this.#perColumnMs)).join('');
  }
}

function axis(at: Columns, columns: number): string {
  const cells = Array.from({ length: columns + LABEL }, () => ' ');
  for (const ms of ticks(at.fromMs, at.endMs, Math.floor(columns / TICK_COLUMNS))) {
    [...`|${minSec(ms)}`].forEach((char, i) => { cells[at.of(ms) + i] = char; });
  }
  return cells.join('').slice(0, columns);
}

/** Each span with a bar at its begin and its name, as far as there is room. */
function boxes(at: Columns, spans: readonly Span<string>[]): string {
  let line = '';
  for (const { fromMs, toMs, value } of spans) {
    const [from, to] = [at.of(fromMs), at.of(toMs)];
    line = line.padEnd(from);
    const length = to - Math.max(from, line.length);
    if (length > 0) line += `│${value.slice(0, length - 1)}`.padEnd(length, '─');
  }
  return line;
}

function rules(chart: Chart, width: number): string[] {
  const lines: string[] = [];
  let line = 'rules:';
  // A process that has just begun cites none yet.
  for (const { fromMs, value } of spansOf(chart, ({ rule }) => rule).filter(({ value }) => value !== '')) {
    const text = ` ${minSec(fromMs)} ${value}`;
    if (line.length + text.length + 1 > width) {
      lines.push(`${line},`);
      line = '      ';
    } else if (line.trim() !== 'rules:' && line.trim() !== '') line += ',';
    line += text;
  }
  return [...lines, line];
}
