import { CarryonError, toCarryonError } from '@carryon/protocol';
import { configText, type Config } from './core/config.ts';
import { LIMITS } from './core/limits.ts';
import type { Profile } from './core/profile.ts';
import type { Context } from './http/context.ts';
import type { IngestProgress } from './ports/storage.ts';

const HOUSEKEEPING_MS = 3_600_000;
const RETRY_MS = 1000;
/** A version that no schema has: the rules are to be fitted with the next look. */
const UNFITTED = -1;

export interface FollowerOptions {
  readonly profiles: readonly Profile[];
  /** Fits profiles to the business database as it is now. */
  readonly compile: (profiles: readonly Profile[]) => Config;
  readonly onIngest?: ((progress: IngestProgress) => void) | undefined;
}

/**
 * Reads the business database once, then takes in its changes as they come. Goes over to other rules when it is told to, and to the same
 * rules on the tables as they are now when the business database's tables have changed. While these do not fit, devices are answered from the
 * last checkpoint; each further change of the tables, and each reload, is another trial.
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
  #toldMisfit: string | undefined;
  /** The rules were fitted anew since the last evaluation that went well. */
  #isSecondTrial = false;
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
    const config = await storage.read((snapshot) => snapshot.config());
    const version = await storage.schemaVersion();
    // Reading takes a while, in which tables may have been altered.
    this.#schema = this.#isFitted(config, this.#profiles) ? version : UNFITTED;
    await this.#firstTurn();
    changes.wake();
    log.info({}, 'ready');
  }

  async #firstTurn(): Promise<void> {
    for (let isDone = false; !isDone && !this.#stopped;) {
      isDone = await this.#turn().then(() => true, (thrown: unknown) => this.#failed(thrown).then(() => false));
    }
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
      await this.#keepHouse().catch((thrown: unknown) => this.#failed(thrown));
    }
  }

  async #turn(): Promise<void> {
    const { storage, clock, metrics, changes } = this.#context;
    await this.#noticeSchema();
    const startMs = clock.nowMs();
    const isPublished = await storage.evaluate(startMs);
    this.#isSecondTrial = false;
    if (isPublished) {
      metrics.evaluation.observe((clock.nowMs() - startMs) / 1000);
      changes.wake();
    }
  }

  async #keepHouse(): Promise<void> {
    const { clock } = this.#context;
    if (clock.nowMs() - this.#lastHousekeepingMs < HOUSEKEEPING_MS) return;
    this.#lastHousekeepingMs = clock.nowMs();
    await keepHouse(this.#context);
  }

  /** Fits the rules anew, beside the turns, when tables of the business database were altered. */
  async #noticeSchema(): Promise<void> {
    if (this.#schema === undefined || this.#isAdapting || (await this.#context.storage.schemaVersion()) === this.#schema) return;
    this.#isAdapting = true;
    const adapted = this.#inTurn(() => this.#goOver(this.#profiles));
    adapted.catch((thrown: unknown) => this.#noteMisfit(thrown)).finally(() => { this.#isAdapting = false; });
  }

  /** Throws what nobody but a person can mend, if it cannot be mended while the server runs. */
  async #failed(thrown: unknown): Promise<void> {
    const { metrics, storage, health } = this.#context;
    const error = toCarryonError(thrown);
    metrics.failures.inc({ code: error.code });
    if (error.code !== 'source.schema-changed') {
      this.#complain(thrown, 'changes of the business database could not be taken in');
      if (error.retry === 'no' && error.code !== 'internal') throw error;
    } else if (this.#isAdapting || (await storage.schemaVersion()) !== this.#schema) {
      // While the rules are being fitted anew, that they do not fit is no news.
      return;
    } else if (health.trouble?.code !== error.code) {
      // Altered in the moment in which the rules were fitted; if it is not that, it is told.
      if (this.#isSecondTrial) this.#noteMisfit(error);
      else this.#schema = UNFITTED;
      this.#isSecondTrial = true;
      return;
    }
    await this.#pause(RETRY_MS);
  }

  /** Says the same once, until the rules fit again. */
  #noteMisfit(thrown: unknown): void {
    const error = misfit(toCarryonError(thrown));
    if (error.message === this.#toldMisfit) return;
    this.#toldMisfit = error.message;
    // What passes by itself (a lock) is tried again with the next look.
    if (error.retry === 'no') this.#context.health.trouble = error;
    this.#complain(error, 'the profiles do not fit the business database any more');
  }

  #noteFit(): void {
    const { health, log } = this.#context;
    if (health.trouble) log.info({}, 'the profiles fit the business database again');
    health.trouble = undefined;
    this.#toldMisfit = undefined;
  }

  async #goOver(profiles: readonly Profile[]): Promise<void> {
    const { storage, clock, changes } = this.#context;
    const before = await storage.schemaVersion();
    try {
      const config = this.#options.compile(profiles);
      await storage.reconfigure(config, clock.nowMs(), this.#onProgress);
      // Triggers that were put in change it too, so only the tables themselves tell whether somebody has altered them meanwhile.
      const after = await storage.schemaVersion();
      this.#schema = this.#isFitted(config, profiles) ? after : UNFITTED;
    } catch (thrown) {
      // What is locked now is tried again; what does not fit is not, until it is altered again.
      if (toCarryonError(thrown).retry === 'no') this.#schema = before;
      throw thrown;
    }
    this.#noteFit();
    changes.wake();
  }

  #isFitted(config: Config, profiles: readonly Profile[]): boolean {
    try {
      return configText(this.#options.compile(profiles)) === configText(config);
    } catch {
      return false;
    }
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
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#context.clock.after(ms, resolve);
      this.#wake = () => { cancel(); resolve(); };
    });
  }
}

/** Profiles that fitted before are not what is wrong. */
function misfit(error: CarryonError): CarryonError {
  if (error.code !== 'profile.invalid') return error;
  return new CarryonError('source.schema-changed', `The business database was altered, and the profiles do not fit it any more. ${error.message}`, { cause: error });
}

async function keepHouse(context: Context): Promise<void> {
  const now = context.clock.nowMs();
  await context.storage.expire(now - LIMITS.tombstoneKeepMs, now - LIMITS.scopeKeepMs);
  for (const name of await context.storage.dropPacks(now - LIMITS.packKeepMs)) await context.files.remove(name);
}
