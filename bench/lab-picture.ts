// One situation under the three rule sets, as an SVG image that needs nothing else.
import { minSec, spansOf, type Chart, type Sample, type Span } from '@carryon/lab';
import { RULE_SET_NAMES } from '@carryon/policy';
import type { Outcome } from './lab-run.ts';

const SITUATION = 'ios-locked';
const MEGABITS = 2;
const WIDTH = 1000;
const LEFT = 150;
const RIGHT = 24;
const TOP = 92;
const BAR = 20;
const PROGRESS = 34;
const BLOCK = 112;
const MARK_MS = 600_000;
const COLORS = { 'in front': '#8fd19e', locked: '#c3c9d4', engine: '#4c9be8', transfers: '#d9a441', area: '#4c9be8', done: '#2e7d4f' } as const;

type Scale = (ms: number) => number;
interface Lane { readonly chart: Chart; readonly name: string; readonly completeMs: number | null }

export function pictureOf(outcomes: readonly Outcome[]): string {
  const lanes = RULE_SET_NAMES.flatMap((ruleSet): Lane[] => {
    const found = outcomes.find(({ job }) => job.situation === SITUATION && job.megabits === MEGABITS && job.ruleSet === ruleSet);
    return found ? [{ chart: found.chart, name: ruleSet, completeMs: found.completeMs }] : [];
  });
  const longest = lanes.reduce((one, other) => (other.chart.endMs > one.chart.endMs ? other : one));
  const endMs = longest.chart.endMs + MARK_MS / 4;
  const x: Scale = (ms) => round(LEFT + (ms / endMs) * (WIDTH - LEFT - RIGHT));
  const bottom = TOP + 44 + lanes.length * BLOCK;
  const title = `First sync of ${rowsOf(outcomes)} rows at ${MEGABITS} Mbit/s: an iPhone locked after one minute, opened after an hour (simulated)`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 28}" font-family="system-ui, sans-serif" font-size="13" fill="#222">`,
    `<title>${title}</title>`, '<rect width="100%" height="100%" fill="#ffffff"/>', text(12, 26, title, 'font-size="14.5" font-weight="600"'),
    legend(), axis(endMs, x, bottom),
    text(12, TOP + 15, 'the phone', 'font-weight="600"'), ...spansOf(longest.chart, phone).map((span) => bar(span, TOP, x, COLORS[span.value], span.value)),
    ...lanes.map((lane, i) => block(lane, TOP + 44 + i * BLOCK, x)),
    '</svg>', '',
  ].join('\n');
}

const rowsOf = (outcomes: readonly Outcome[]): string => (outcomes[0]?.job.rows ?? 0).toLocaleString('en');

const phone = ({ screen }: Sample): 'locked' | 'in front' => (screen === 'locked' ? 'locked' : 'in front');

function block({ chart, name, completeMs }: Lane, top: number, x: Scale): string {
  const working = spansOf(chart, ({ lease }) => lease === 'run').filter(({ value }) => value);
  const fetching = spansOf(chart, ({ transfers }) => transfers > 0).filter(({ value }) => value);
  const done = completeMs === null ? '' : marker(x(completeMs), top, minSec(Math.round(completeMs / 1000) * 1000));
  return [
    `<line x1="12" x2="${WIDTH - RIGHT}" y1="${top - 8}" y2="${top - 8}" stroke="#cccccc"/>`,
    text(12, top + 15, name, 'font-weight="600"'), text(LEFT - 8, top + 15, 'engine', ANCHOR_END), ...working.map((span) => bar(span, top, x, COLORS.engine)),
    text(LEFT - 8, top + 39, 'iOS transfers', ANCHOR_END), ...fetching.map((span) => bar(span, top + 24, x, COLORS.transfers)),
    text(LEFT - 8, top + 72, 'rows in place', ANCHOR_END), progress(chart, top + 50, x), done,
  ].join('\n');
}

const ANCHOR_END = 'text-anchor="end" font-size="12" fill="#555"';

function bar({ fromMs, toMs }: Span<unknown>, top: number, x: Scale, color: string, label = ''): string {
  const width = round(Math.max(1.5, x(toMs) - x(fromMs)));
  const words = label !== '' && width > label.length * 8 ? text(x(fromMs) + 6, top + 14, label, 'font-size="12"') : '';
  return `<rect x="${x(fromMs)}" y="${top}" width="${width}" height="${BAR}" fill="${color}"><title>${minSec(fromMs)} to ${minSec(toMs)}</title></rect>${words}`;
}

function progress(chart: Chart, top: number, x: Scale): string {
  const y = (value: number): number => round(top + PROGRESS * (1 - value));
  const points = spansOf(chart, (sample) => sample.progress).flatMap(({ fromMs, toMs, value }) => [`${x(fromMs)},${y(value)}`, `${x(toMs)},${y(value)}`]);
  const end = x(chart.endMs);
  return `<polygon points="${x(0)},${y(0)} ${points.join(' ')} ${end},${y(0)}" fill="${COLORS.area}" fill-opacity="0.3"/><polyline points="${points.join(' ')}" fill="none" stroke="#2f6fb2"/>`;
}

function marker(at: number, top: number, time: string): string {
  const isRight = at > WIDTH - 160;
  return `<line x1="${at}" x2="${at}" y1="${top - 2}" y2="${top + 50 + PROGRESS}" stroke="${COLORS.done}" stroke-width="2"/>`
    + text(isRight ? at - 6 : at + 6, top + 39, `complete after ${time}`, `font-weight="600" fill="${COLORS.done}"${isRight ? ' text-anchor="end"' : ''}`);
}

function axis(endMs: number, x: Scale, bottom: number): string {
  const marks = Array.from({ length: Math.floor(endMs / MARK_MS) + 1 }, (_, i) => i * MARK_MS);
  return marks.map((ms) => `<line x1="${x(ms)}" x2="${x(ms)}" y1="${TOP - 10}" y2="${bottom - 8}" stroke="#e2e2e2"/>${text(x(ms), TOP - 16, `${ms / 60_000} min`, 'text-anchor="middle" font-size="12" fill="#555"')}`).join('\n');
}

function legend(): string {
  const items = [[12, COLORS.engine, 1, 'the engine may work with the server'], [282, COLORS.transfers, 1, 'iOS downloads packs for the app, which may be suspended'], [672, COLORS.area, 0.3, 'share of the rows put in place']] as const;
  return items.map(([x, color, opacity, words]) => `<rect x="${x}" y="40" width="12" height="12" fill="${color}" fill-opacity="${opacity}"/>${text(x + 18, 50, words, 'font-size="12" fill="#555"')}`).join('\n');
}

const text = (x: number, y: number, words: string, attributes: string): string => `<text x="${round(x)}" y="${round(y)}" ${attributes}>${words}</text>`;

const round = (value: number): number => Math.round(value * 10) / 10;
