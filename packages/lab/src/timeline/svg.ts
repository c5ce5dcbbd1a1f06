import { minSec, spansOf, ticks, type Sample, type Span, type Chart } from './sample.ts';

const WIDTH = 1000;
const LEFT = 90;
const RIGHT = 20;
const TOP = 66;
const LANE = 30;
const BAR = 22;
const PROGRESS = 64;
const CHAR = 6.4;
/** A longer title is written smaller: characters times size in pixels. */
const TITLE_WIDTH = 1500;

const COLORS: Readonly<Record<string, string>> = {
  foreground: '#8fd19e', background: '#ffe08a', frozen: '#b9d6f2', closed: '#e3e3e3',
  unlocked: '#fff2c2', locked: '#c3c9d4',
  runs: '#4c9be8', local: '#b5d5f5', rests: '#efefef',
};
const ENGINE = { run: 'runs', local: 'local', none: 'rests' } as const;
const RULE_COLORS = ['#e6ddf5', '#d8ecdf', '#fbe3d3', '#dbe7f7', '#f6dbe4', '#edeecb'];

/** The chart as one SVG image that needs nothing else. */
export function toSvg(chart: Chart): string {
  const x = scale(chart);
  const lanes: readonly [string, (sample: Sample) => string][] = [
    ['app', ({ app }) => app], ['screen', ({ screen }) => screen], ['engine', ({ lease }) => ENGINE[lease]],
    ['transfers', ({ transfers }) => (transfers === 0 ? '' : String(transfers))],
  ];
  const ruleTop = TOP + lanes.length * LANE + PROGRESS + 8;
  const bottom = ruleTop + LANE;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 34}" font-family="system-ui, sans-serif" font-size="12" fill="#222">`,
    `<title>${escape(chart.title)}</title>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<text x="12" y="24" font-size="${round(Math.min(16, TITLE_WIDTH / chart.title.length))}" font-weight="600">${escape(chart.title)}</text>`,
    axis(chart, x, bottom),
    ...lanes.map(([name, pick], i) => lane(name, TOP + i * LANE, spansOf(chart, pick), x, colorOf)),
    progress(chart, x, TOP + lanes.length * LANE),
    lane('rule', ruleTop, spansOf(chart, ({ rule }) => rule), x, ruleColors(chart)),
    legend(bottom + 24),
    '</svg>', '',
  ].join('\n');
}

type Scale = (ms: number) => number;

function scale({ samples, endMs }: Chart): Scale {
  const fromMs = samples[0]?.atMs ?? 0;
  const perMs = (WIDTH - LEFT - RIGHT) / Math.max(1, endMs - fromMs);
  return (ms) => round(LEFT + (ms - fromMs) * perMs);
}

function axis({ samples, endMs }: Chart, x: Scale, bottom: number): string {
  const marks = ticks(samples[0]?.atMs ?? 0, endMs, 12).map((ms) =>
    `<line x1="${x(ms)}" x2="${x(ms)}" y1="${TOP - 8}" y2="${bottom}" stroke="#dddddd"/><text x="${x(ms)}" y="${TOP - 13}" text-anchor="middle" fill="#555">${minSec(ms)}</text>`);
  return [`<text x="12" y="${TOP - 13}" fill="#555">min:s</text>`, ...marks].join('\n');
}

function lane(name: string, top: number, spans: readonly Span<string>[], x: Scale, color: (value: string) => string): string {
  return [label(name, top + 16), ...spans.filter(({ value }) => value !== '').map((span) => bar(span, top, x, color(span.value)))].join('\n');
}

const label = (name: string, y: number): string => `<text x="12" y="${y}" font-weight="600">${name}</text>`;

function bar({ fromMs, toMs, value }: Span<string>, top: number, x: Scale, color: string): string {
  const [from, to] = [x(fromMs), x(toMs)];
  const room = Math.floor((to - from - 6) / CHAR);
  const text = value.length <= room ? value : room >= 4 ? `${value.slice(0, room - 1)}…` : '';
  return `<g><title>${escape(`${value}: ${minSec(fromMs)} to ${minSec(toMs)}`)}</title>`
    + `<rect x="${from}" y="${top}" width="${round(Math.max(0.5, to - from))}" height="${BAR}" fill="${color}" stroke="#ffffff"/>`
    + `${text === '' ? '' : `<text x="${round(from + 4)}" y="${top + 15}" font-size="11">${escape(text)}</text>`}</g>`;
}

function progress(chart: Chart, x: Scale, top: number): string {
  const height = PROGRESS - 12;
  const y = (value: number): number => round(top + height * (1 - Math.min(1, Math.max(0, value))));
  const points = spansOf(chart, (sample) => sample.progress).flatMap(({ fromMs, toMs, value }) => [`${x(fromMs)},${y(value)}`, `${x(toMs)},${y(value)}`]);
  const [left, right] = [x(chart.samples[0]?.atMs ?? 0), x(chart.endMs)];
  const last = chart.samples.at(-1)?.progress ?? 0;
  return [
    label('progress', top + 16),
    `<rect x="${left}" y="${top}" width="${round(right - left)}" height="${height}" fill="none" stroke="#dddddd"/>`,
    `<polygon points="${left},${top + height} ${points.join(' ')} ${right},${top + height}" fill="#4c9be8" fill-opacity="0.35"/>`,
    `<polyline points="${points.join(' ')}" fill="none" stroke="#2f6fb2" stroke-width="1.5"/>`,
    `<text x="12" y="${top + 32}" font-size="11" fill="#555">${Math.round(last * 100)} %</text>`,
  ].join('\n');
}

function legend(y: number): string {
  const items = [['runs', 'runs: it may work with the server'], ['local', 'local: only with what is here'], ['rests', 'rests (the real engine, on a simulated device)']] as const;
  return items.map(([engine, text], i) =>
    `<rect x="${LEFT + i * 260}" y="${y - 10}" width="12" height="12" fill="${COLORS[engine]}" stroke="#cccccc"/><text x="${LEFT + i * 260 + 18}" y="${y}" font-size="11" fill="#555">${text}</text>`).join('\n');
}

const colorOf = (value: string): string => COLORS[value] ?? '#d9c8f0';

/** Each row its own color, by the order of first appearance. */
function ruleColors(chart: Chart): (value: string) => string {
  const seen = [...new Set(chart.samples.map(({ rule }) => rule))];
  return (value) => RULE_COLORS[seen.indexOf(value) % RULE_COLORS.length] ?? '#eeeeee';
}

const round = (value: number): number => Math.round(value * 10) / 10;

const escape = (text: string): string => text.replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char] ?? char);
