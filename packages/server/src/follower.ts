import { toCarryonError } from '@carryon/protocol';
import type { Config } from './core/config.ts';
import { LIMITS } from './core/limits.ts';
import type { Profile } from './core/profile.ts';
import type { Context } from './http/context.ts';
import type { IngestProgress } from './ports/storage.ts';

const HOUSEKEEPING_MS = 3_600_000;
const RETRY_MS = 1000;

export interface FollowerOptions {
  readonly profiles: readonly Profile[];
  /** Fits profiles to the business database as it is now. */
  readonly compile: (profiles: readonly Profile[]) => Config;
  readonly onIngest?: ((progress: IngestProgress) => void) | undefined;
}

/**
 * Reads the business database once, then takes in its changes as they come. Goes over to other rules when it is told to, and to the same
 * rules on the tables as they are now when the business database's tables have changed.
 */
export class Follower {
  /** Resolves when everything was read and devices are served by these rules; rejects when that fails. */
  readonly ready: Promise<void>;
  /** Rejects when the business database cannot be followed any more; resolves once it is stopped. */
  readonly ended: Promise<void>;
  readonly #context: Context;
  readonly #options: FollowerOptions;
  #profiles: readonly Profile[];
  /** Version of the business database's schema that the rules were fitted to. */
  #schema: number | undefined;
  /** One change of the rules at a time. */
  #changing: Promise<unknown> = Promise.resolve();
  #isAdapting = false;
  #stopped = false;
  #wake = (): void => undefined;
  #lastHousekeepingMs: number;

  constructor(context: Context, options: FollowerOptions) {
    this.#context = context;
    this.#options = options;
    this.#profiles = options.profiles;
    this.#lastHousekeepingMs = context.clock.nowMs();
    this.ready = this.#prepare();
    this.ended = Promise.all([this.#run(), this.ready]).then(() => undefined);
    this.ended.catch(() => undefined);
  }

  async reload(profiles: readonly Profile[]): Promise<void> {
    this.#options.compile(profiles);
    await this.ready;
    await this.#inTurn(async () => {
      await this.#goOver(profiles);
      this.#profiles = profiles;
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.ended.catch(() => undefined);
    await this.#changing.catch(() => undefined);
  }

  /** A store that has served before does so meanwhile. */
  async #prepare(): Promise<void> {
    const { storage, log, changes } = this.#context;
    await storage.prepare(this.#onProgress);
    if (this.#stopped) return;
    this.#schema = await storage.schemaVersion();
    await this.#turn();
    changes.wake();
    log.info({}, 'ready');
  }

  readonly #onProgress = (progress: IngestProgress): boolean => {
    this.#options.onIngest?.(progress);
    return !this.#stopped;
  };

  async #run(): Promise<void> {
    const { checkpoint } = await this.#context.storage.read((snapshot) => snapshot.state());
    if (checkpoint === 0) await this.ready;
    while (!this.#stopped) {
      await this.#pause(LIMITS.pollEveryMs);
      if (this.#stopped) return;
      await this.#turn().catch((thrown: unknown) => this.#failed(thrown));
    }
  }

  async #turn(): Promise<void> {
    const { storage, clock, metrics, changes } = this.#context;
    await this.#noticeSchema();
    const startMs = clock.nowMs();
    if (await storage.evaluate(startMs)) {
      metrics.evaluation.observe((clock.nowMs() - startMs) / 1000);
      changes.wake();
    }
    if (clock.nowMs() - this.#lastHousekeepingMs < HOUSEKEEPING_MS) return;
    this.#lastHousekeepingMs = clock.nowMs();
    await keepHouse(this.#context);
  }

  /** Fits the rules anew, beside the turns, when tables of the business database were altered. */
  async #noticeSchema(): Promise<void> {
    if (this.#schema === undefined || this.#isAdapting || (await this.#context.storage.schemaVersion()) === this.#schema) return;
    this.#isAdapting = true;
    const adapted = this.#inTurn(() => this.#goOver(this.#profiles));
    adapted.catch((thrown: unknown) => this.#complain(thrown, 'the profiles do not fit the business database any more')).finally(() => { this.#isAdapting = false; });
  }

  /** Throws what nobody but a person can mend. While the rules are being fitted anew, that they do not fit is no news. */
  async #failed(thrown: unknown): Promise<void> {
    const { metrics, storage } = this.#context;
    const error = toCarryonError(thrown);
    metrics.failures.inc({ code: error.code });
    const isOurs = error.code === 'source.schema-changed' && (this.#isAdapting || (await storage.schemaVersion()) !== this.#schema);
    if (isOurs) return;
    this.#complain(thrown, 'changes of the business database could not be taken in');
    if (error.retry === 'no' && error.code !== 'internal') throw error;
    await this.#pause(RETRY_MS);
  }

  async #goOver(profiles: readonly Profile[]): Promise<void> {
    const { storage, clock, changes } = this.#context;
    const before = await storage.schemaVersion();
    try {
      await storage.reconfigure(this.#options.compile(profiles), clock.nowMs(), this.#onProgress);
      // Triggers that were put in change it too.
      this.#schema = await storage.schemaVersion();
    } catch (thrown) {
      // What is locked now is tried again; what does not fit is not, until it is altered again.
      if (toCarryonError(thrown).retry === 'no') this.#schema = before;
      throw thrown;
    }
    changes.wake();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#changing.catch(() => undefined).then(work);
    this.#changing = done;
    done.catch(() => undefined);
    return done;
  }

  #complain(thrown: unknown, what: string): void {
    this.#context.log.error({ err: thrown, code: toCarryonError(thrown).code }, what);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#context.clock.after(ms, resolve);
      this.#wake = () => { cancel(); resolve(); };
    });
  }
}

async function keepHouse(context: Context): Promise<void> {
  const now = context.clock.nowMs();
  await context.storage.expire(now - LIMITS.tombstoneKeepMs, now - LIMITS.scopeKeepMs);
  for (const name of await context.storage.dropPacks(now - LIMITS.packKeepMs)) await context.files.remove(name);
}
