import { Follower, type DataChange, type DeviceStatus, type Edits, type Engine, type EngineConfig, type LiveQuery } from '@carryon/client';
import { CarryonError, type SqlValue } from '@carryon/protocol';
import { mkdir } from 'node:fs/promises';
import { systemClock } from './clock.ts';
import { openDevice, silent, type DeviceOptions, type OpenedDevice } from './device.ts';
import { deviceFile } from './folder.ts';
import { NodeSqlite } from './sqlite.ts';

/** So often a process that follows looks whether the one that syncs is still there. */
const LOOK_MS = 500;

/** Mode is `watch`: who syncs does so for the others, too. */
export type SharedOptions = Omit<DeviceOptions, 'config'> & { readonly config?: Partial<Omit<EngineConfig, 'mode'>> };

/**
 * A device that several processes of one machine use: one download, one outbox. The first syncs, the others follow; when its process ends, however it
 * ends, another one syncs by itself. All of them read, edit and follow changes all the time.
 */
export interface SharedDevice {
  /** Syncs here, or follows and waits for its turn. Resolves when the device is closed here; rejects with what ended the sync in this process. */
  run(): Promise<void>;
  /** `leading`: the sync runs in this process. */
  readonly role: 'leading' | 'following';
  /** Of a process that follows the state is `following`, and all else is as stored. */
  status(): DeviceStatus;
  /** The edits made on this device; another object after this process has taken over. */
  readonly edits: Edits;
  query<T>(sql: string, ...values: readonly SqlValue[]): Promise<T[]>;
  live<T>(query: LiveQuery<T>): () => void;
  subscribe(listener: () => void): () => void;
  /** Calls the function after every change that an app may see, whoever made it; returns how to end that. */
  onChange(listener: (change: DataChange) => void): () => void;
  /** As the engine's. Throws `device.in-use` in a process that follows: the other one brings changes by itself. */
  syncNow: Engine['syncNow'];
  /** Another process goes on. */
  close(): Promise<void>;
}

/** Opens a device's folder beside other processes that do the same. Throws `device.in-use` when one uses it alone and is not of this version, `device.storage`. */
export async function openShared(options: SharedOptions): Promise<SharedDevice> {
  const device = new Shared(options);
  await device.begin();
  return device;
}

type Backend = Pick<Engine, 'edits' | 'status' | 'query' | 'live' | 'subscribe'>;

class Shared implements SharedDevice {
  readonly #options: DeviceOptions;
  readonly #attached = new Map<(backend: Backend) => () => void, () => void>();
  #leader: OpenedDevice | undefined;
  #follower: Follower | undefined;
  #isClosed = false;
  #endWait = (): void => undefined;

  constructor(options: SharedOptions) {
    this.#options = { ...options, config: { ...options.config, mode: 'watch' } };
  }

  async begin(): Promise<void> {
    if (await this.#lead()) return;
    await mkdir(this.#options.folder, { recursive: true });
    this.#follower = new Follower({ sqlite: new NodeSqlite(deviceFile(this.#options.folder)), clock: systemClock, log: this.#options.log ?? silent });
    await this.#follower.start().catch(async (thrown: unknown) => {
      await this.#follower?.close();
      throw thrown;
    });
  }

  async run(): Promise<void> {
    while (!this.#isClosed && !this.#leader) {
      await this.#pause();
      if (!this.#isClosed) await this.#takeOver();
    }
    if (!this.#isClosed) await this.#leader?.engine.run();
  }

  get role(): 'leading' | 'following' {
    return this.#leader ? 'leading' : 'following';
  }

  get edits(): Edits {
    return this.#backend.edits;
  }

  status(): DeviceStatus {
    return this.#backend.status();
  }

  query<T>(sql: string, ...values: readonly SqlValue[]): Promise<T[]> {
    return this.#backend.query<T>(sql, ...values);
  }

  live<T>(query: LiveQuery<T>): () => void {
    return this.#attach((backend) => backend.live(query));
  }

  subscribe(listener: () => void): () => void {
    return this.#attach((backend) => backend.subscribe(listener));
  }

  onChange(listener: (change: DataChange) => void): () => void {
    return this.#attach((backend) => backend.edits.onChange(listener));
  }

  syncNow(...asked: Parameters<Engine['syncNow']>): void {
    if (!this.#leader) throw new CarryonError('device.in-use', `Another process syncs ${this.#options.folder}, and brings what changes.`);
    this.#leader.engine.syncNow(...asked);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#endWait();
    await (this.#leader ?? this.#follower)?.close();
  }

  get #backend(): Backend {
    const backend = this.#leader?.engine ?? this.#follower;
    if (!backend) throw new RangeError('the device is not open');
    return backend;
  }

  /** What an app has registered stays registered when this process takes over. */
  #attach(register: (backend: Backend) => () => void): () => void {
    const key = (backend: Backend): (() => void) => register(backend);
    this.#attached.set(key, key(this.#backend));
    return () => {
      this.#attached.get(key)?.();
      this.#attached.delete(key);
    };
  }

  /** Whether this process syncs from now on. */
  async #lead(): Promise<boolean> {
    try {
      this.#leader = await openDevice(this.#options);
      return true;
    } catch (thrown) {
      if (thrown instanceof CarryonError && thrown.code === 'device.in-use') return false;
      throw thrown;
    }
  }

  async #takeOver(): Promise<void> {
    const follower = this.#follower;
    if (!(await this.#lead())) return;
    // Closed meanwhile: nobody else closes what has just been opened.
    if (this.#isClosed) return this.#leader?.close();
    for (const [register, stop] of this.#attached) {
      stop();
      this.#attached.set(register, register(this.#backend));
    }
    await follower?.close();
    this.#follower = undefined;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = systemClock.after(LOOK_MS, resolve);
      this.#endWait = () => {
        cancel();
        resolve();
      };
    });
  }
}
