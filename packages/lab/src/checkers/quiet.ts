import type { LabDevice } from '../actors/device.ts';
import type { LabServer } from '../actors/server.ts';
import type { Entry } from '../world/trace.ts';

/** A wait at the server, the silence that ends one on a dead connection, and the retry after that. */
const WAIT_MS = 55_000 + 15_000 + 60_000;
/** More than a whole share takes on the wire. */
const SHARE_BYTES = 400_000;

/** What is true since when, for one device and its server: whether a device that calls itself up to date must be so. */
export class Quiet {
  readonly #device: LabDevice;
  readonly #server: LabServer;
  #sinceMs = 0;

  constructor(device: LabDevice, server: LabServer) {
    this.#device = device;
    this.#server = server;
  }

  /** Anything that may keep news from the device, or brings some, begins the time anew. */
  see({ who, what, atMs }: Entry): void {
    const isNews = who === 'business' || (who === 'server' && what !== 'log');
    const isChange = who === this.#device.name && ['action', 'link', 'link-speed', 'start', 'report', 'suspend', 'resume', 'kill', 'power-loss', 'ended', 'use', 'edit', 'draft'].includes(what);
    if (isNews || isChange) this.#sinceMs = atMs;
  }

  look(atMs: number): string[] {
    const { link, os } = this.#device;
    const status = os.isRunning ? this.#device.status() : undefined;
    const isLive = status?.lease?.network === true && os.situation().settings.mode === 'auto' && link.mode === 'up' && this.#server.isUp;
    const patienceMs = WAIT_MS + (1000 * SHARE_BYTES) / Math.min(link.speed.downBytesPerSecond, link.speed.upBytesPerSecond);
    if (!isLive || status.state !== 'up-to-date' || atMs - this.#sinceMs < patienceMs) return [];
    return this.#server.differences(this.#device).map((what) => `${this.#device.name} says that it is up to date, and ${what}`);
  }
}
