import type { CarryonError } from '@carryon/protocol';

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

/** Values that JSON lacks: integers beyond 2^53 as text, bytes as base64. */
export function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return value;
}

/** Rows under their headings, in aligned columns. */
export function table(columns: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = [columns, ...rows.map((row) => row.map(cell))];
  const widths = columns.map((_, i) => Math.min(MOST_COLUMN, Math.max(...cells.map((row) => (row[i] ?? '').length))));
  const numeric = columns.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === 'number' || typeof row[i] === 'bigint' || row[i] === null));
  const line = (row: readonly string[]): string => row.map((text, i) => fit(text, widths[i] ?? 0, numeric[i] ?? false)).join('  ').trimEnd();
  const [head = [], ...body] = cells;
  return [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...body.map(line)].join('\n');
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return String(value).replaceAll(/\s+/g, ' ');
}

function fit(text: string, width: number, right: boolean): string {
  const short = text.length > width ? `${text.slice(0, width - 1)}…` : text;
  return right ? short.padStart(width) : short.padEnd(width);
}

export const count = (value: number): string => Math.round(value).toLocaleString('en-US');

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
