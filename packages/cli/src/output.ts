import { RawText, type CarryonError } from '@carryon/protocol';

const MOST_COLUMN = 40;

/** Where a command writes: text for people, or one JSON value for programs. */
export class Output {
  readonly json: boolean;

  constructor(json: boolean) {
    this.json = json;
  }

  /** A line for people; silent with --json. */
  line(text = ''): void {
    if (!this.json) process.stdout.write(`${text}\n`);
  }

  /** The result as JSON; silent without --json. */
  result(value: unknown): void {
    if (this.json) process.stdout.write(`${JSON.stringify(value, plain)}\n`);
  }

  error(error: CarryonError): void {
    const { code, message, who, retry, action } = error;
    if (this.json) process.stdout.write(`${JSON.stringify({ error: { code, message, who, retry, action } })}\n`);
    else process.stderr.write(`carryon: ${message}\n  ${action}\n  (${code})\n`);
  }
}

/** Values that JSON lacks: integers beyond 2^53 and infinity as text, bytes as base64. */
export function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return value;
}

/** A value in a sentence or a cell: NULL is told from an empty text. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (value instanceof RawText) return Buffer.from(value.bytes).toString();
  return value instanceof Uint8Array ? `${value.length} bytes` : String(plain('', value));
}

/** A moment, in UTC. */
export const timeText = (atMs: number): string => new Date(atMs).toISOString().slice(0, 19).replace('T', ' ');

/** Rows under their headings, in aligned columns. */
export function table(columns: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = [columns.map(cell), ...rows.map((row) => row.map(cell))];
  const widths = columns.map((_, i) => Math.min(MOST_COLUMN, cells.reduce((widest, row) => Math.max(widest, widthOf(row[i] ?? '')), 0)));
  const numeric = columns.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === 'number' || typeof row[i] === 'bigint' || row[i] === null || /^\d{1,3}(,\d{3})*$/.test(String(row[i]))));
  const line = (row: readonly string[]): string => row.map((text, i) => fit(text, widths[i] ?? 0, numeric[i] ?? false)).join('  ').trimEnd();
  const [head = [], ...body] = cells;
  return [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...body.map(line)].join('\n');
}

/** Data may hold anything; what would steer the terminal is shown as a mark. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return String(value).replaceAll(/\s+/g, ' ').replaceAll(/\p{Control}/gu, '\ufffd');
}

const WIDE = /^(?:\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\u3000-\u303f\uff01-\uff60])/u;
const graphemes = new Intl.Segmenter();

const widthOfOne = (grapheme: string): number => (WIDE.test(grapheme) ? 2 : 1);

/** How many columns of a terminal a text takes: East Asian characters and emoji take two, combining marks none. */
function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += widthOfOne(segment);
  return width;
}

function fit(text: string, width: number, right: boolean): string {
  const short = widthOf(text) > width ? `${cutTo(text, width - 1)}…` : text;
  const space = ' '.repeat(width - widthOf(short));
  return right ? space + short : short + space;
}

function cutTo(text: string, width: number): string {
  let cut = '';
  let left = width;
  for (const { segment } of graphemes.segment(text)) {
    left -= widthOfOne(segment);
    if (left < 0) break;
    cut += segment;
  }
  return cut;
}

export const count = (value: number): string => Math.round(value).toLocaleString('en-US');

/** A number with its noun. */
export const counted = (value: number, noun: string, nouns = `${noun}s`): string => `${count(value)} ${value === 1 ? noun : nouns}`;

export function bytes(value: number): string {
  if (value < 1000) return `${Math.round(value)} B`;
  if (value < 1e6) return `${(value / 1e3).toFixed(1)} kB`;
  return value < 1e9 ? `${(value / 1e6).toFixed(1)} MB` : `${(value / 1e9).toFixed(2)} GB`;
}

export function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s` : `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
