import type { DeviceStatus } from '@carryon/client';
import { waitingWords } from './edits.ts';
import { bytes, count, duration } from './output.ts';

const BAR_WIDTH = 24;
const FRAME_MS = 100;
const PLAIN_MS = 2000;

/** One line on a terminal that is drawn over and over; in a log, a line now and then. */
export class ProgressLine {
  readonly #stream: NodeJS.WriteStream;
  readonly #quiet: boolean;
  #drawnMs: number | undefined;
  #drawn = false;

  constructor(quiet: boolean, stream: NodeJS.WriteStream = process.stderr) {
    this.#quiet = quiet;
    this.#stream = stream;
  }

  /** Draws the text, but no more often than can be read; work that is done at once leaves no line in a log. */
  show(text: () => string, nowMs: number): void {
    if (this.#quiet) return;
    this.#drawnMs ??= this.#stream.isTTY ? 0 : nowMs;
    if (nowMs - this.#drawnMs >= (this.#stream.isTTY ? FRAME_MS : PLAIN_MS)) this.#draw(text(), nowMs);
  }

  /** Draws the text for the last time and ends the line. */
  end(text: string, nowMs: number): void {
    if (this.#quiet) return;
    this.#draw(text, nowMs);
    if (this.#stream.isTTY) this.#stream.write('\n');
    this.#drawn = false;
  }

  /** Takes away what was drawn, so that something else can be written. */
  wipe(): void {
    if (this.#drawn && this.#stream.isTTY) this.#stream.write('\r\u001b[2K');
    this.#drawn = false;
  }

  /** Leaves a line that was begun, with a last text where it can be drawn over. */
  leave(text?: string): void {
    if (this.#drawn && this.#stream.isTTY) {
      if (text !== undefined) this.#draw(text, 0);
      this.#stream.write('\n');
    }
    this.#drawn = false;
  }

  #draw(text: string, nowMs: number): void {
    this.#drawnMs = nowMs;
    this.#drawn = true;
    this.#stream.write(this.#stream.isTTY ? `\r\u001b[2K${text.slice(0, (this.#stream.columns ?? 120) - 1)}` : `${text}\n`);
  }
}

export function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} ${String(Math.floor(share * 100)).padStart(3)}%`;
}

export interface SyncNumbers {
  readonly elapsedMs: number;
  /** Bytes received in this run. */
  readonly received: number;
  /** Bytes on the device's disk. */
  readonly diskBytes: number;
}

/** How a sync goes on, in one line. */
export function syncLine(status: DeviceStatus, numbers: SyncNumbers): string {
  const { download, waiting, building, edits } = status;
  const own = edits.records > 0 ? waitingWords(edits) : undefined;
  if (waiting) return `waiting: ${waiting.message}${own === undefined ? '' : ` ${own}`}`;
  if (building) return `the server prepares the download  ${bar(building.done / Math.max(1, building.of))}  ${building.done}/${building.of} packs`;
  if (!download && own !== undefined) return `sending edits: ${own}`;
  if (!download) return status.state === 'up-to-date' ? 'up to date' : 'asking the server for changes';
  // Receiving and applying count one half each.
  const share = (download.rows.done / Math.max(1, download.rows.of) + download.bytes.done / Math.max(1, download.bytes.of)) / 2;
  const speed = numbers.received / Math.max(0.001, numbers.elapsedMs / 1000);
  const left = share > 0.02 ? duration((numbers.elapsedMs * (1 - share)) / share) : '…';
  return [
    bar(share), `${count(download.rows.done)}/${count(download.rows.of)} rows`, `${bytes(download.bytes.done)} of ${bytes(download.bytes.of)}`,
    `${download.packs.applied}/${download.packs.of} packs`, `${bytes(speed)}/s`, `${left} left`, `${bytes(numbers.diskBytes)} on disk`,
  ].join('  ');
}
