import { DEFAULT_CONFIG, Engine, readStoredStatus, type EngineConfig, type Log, type Net, type Resolver, type StoredStatus } from '@carryon/client';
import type { Settings } from '@carryon/policy';
import { systemClock } from './clock.ts';
import { deviceFile, lockFolder, packsFolder, requireDevice } from './folder.ts';
import { NodeHost } from './host.ts';
import { nodeNet } from './net.ts';
import { NodePackStore } from './pack-store.ts';
import { systemRandom } from './random.ts';
import { NodeSqlite } from './sqlite.ts';

export interface DeviceOptions {
  /** The folder that holds the device's data. Made when it is not there. */
  readonly folder: string;
  readonly serverUrl: string;
  readonly credentials: () => Promise<string>;
  readonly config?: Partial<EngineConfig>;
  /** The person's settings. Default: every network, changes as they come. */
  readonly settings?: Settings;
  /** Functions that settle conflicts, by the table's name. Default: none; refused edits become drafts. */
  readonly resolvers?: Readonly<Record<string, Resolver>>;
  readonly log?: Log;
  readonly net?: Net;
  /** Called at rest after SIGTERM or SIGINT. */
  readonly onTerminated?: (signal: string) => void;
}

export const silent: Log = { debug: () => undefined, warn: () => undefined };

export interface OpenedDevice {
  readonly engine: Engine;
  /** Comes to rest; another process may have the folder then. */
  readonly close: () => Promise<void>;
}

/** A device in this process: the engine on Node's ports. One process per folder: throws `device.in-use`. `openShared` is for several. */
export async function openDevice(options: DeviceOptions): Promise<OpenedDevice> {
  const unlock = await lockFolder(options.folder);
  try {
    const packs = await NodePackStore.open(packsFolder(options.folder));
    const sqlite = new NodeSqlite(deviceFile(options.folder));
    const host = new NodeHost({ clock: systemClock, ...(options.settings ? { settings: options.settings } : {}), ...(options.onTerminated ? { onTerminated: options.onTerminated } : {}) });
    const engine = new Engine(
      { clock: systemClock, random: systemRandom, net: options.net ?? nodeNet, sqlite, packs, host, log: options.log ?? silent },
      { config: { ...DEFAULT_CONFIG, ...options.config }, serverUrl: withSlash(options.serverUrl), credentials: options.credentials, ...(options.resolvers ? { resolvers: options.resolvers } : {}) },
    );
    return { engine, close: () => engine.close().finally(unlock) };
  } catch (error) {
    unlock();
    throw error;
  }
}

const withSlash = (url: string): string => (url.endsWith('/') ? url : `${url}/`);

/** What the folder's database tells, whether or not a process is syncing into it. */
export async function readDevice(folder: string): Promise<StoredStatus> {
  const db = new NodeSqlite(requireDevice(folder), { readOnly: true });
  try {
    return await readStoredStatus(db);
  } finally {
    await db.close();
  }
}
