import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CarryonError, isErrorCode } from '@carryon/protocol';
import type { Config } from '../../core/config.ts';
import type { IngestProgress, RawPack, Storage } from '../../ports/storage.ts';
import { SqliteStore, type StoreFiles } from './store.ts';
import type { Call, Reply } from './thread.ts';

/** A thread that is in the midst of long reading is not waited for longer: what it has not committed is done again at the next start. */
const CLOSE_MS = 500;

interface Waiting { readonly resolve: (result: unknown) => void; readonly reject: (error: unknown) => void }

/** A store in a thread of its own. */
class StoreThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  /** Why the thread has ended. */
  #ended: CarryonError | undefined;
  #calls = 0;

  constructor(files: StoreFiles) {
    this.#worker = new Worker(new URL(`./thread${extname(import.meta.url)}`, import.meta.url), { workerData: { files } });
    this.#worker.on('message', (reply: Reply) => this.#receive(reply));
    this.#worker.on('error', (cause: { code?: unknown; message?: unknown } | undefined) => this.#fail(threadError(String(cause?.code), String(cause?.message))));
    this.#worker.on('exit', () => this.#fail(new CarryonError('internal', 'A storage thread has ended.')));
  }

  call<T>(method: string, args: readonly unknown[] = []): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      const id = ++this.#calls;
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#worker.postMessage({ id, method, args } satisfies Call);
    });
  }

  async close(): Promise<void> {
    const patience = new Promise<void>((resolve) => { setTimeout(resolve, CLOSE_MS).unref(); });
    await Promise.race([this.call('close').catch(() => undefined), patience]);
    await this.#worker.terminate();
  }

  #receive(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    this.#waiting.delete(reply.id);
    if (reply.error) waiting.reject(threadError(reply.error.code, reply.error.message));
    else waiting.resolve(reply.result);
  }

  #fail(cause: CarryonError): void {
    this.#ended ??= cause;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended);
    this.#waiting.clear();
  }
}

/** An error comes out of a thread as plain data. */
const threadError = (code: string, message: string): CarryonError => new CarryonError(isErrorCode(code) ? code : 'internal', message);

/**
 * The SQLite storage of a server: devices are answered on this thread, changes are taken in on a second and packs cut on a third, so that
 * neither holds up the other. A store with other rules is gone over to these by `prepare`.
 */
export async function openSqliteStorage(files: StoreFiles, config: Config): Promise<Storage> {
  const evaluator = new StoreThread(files);
  try {
    await evaluator.call('open', [config]);
  } catch (error) {
    await evaluator.close();
    throw error;
  }
  const packer = new StoreThread(files);
  const reader = new SqliteStore(files);
  // One step a call, so that changes are taken in and a server can be stopped in between.
  const readAll = async (onProgress: (progress: IngestProgress) => boolean | void): Promise<void> => {
    const nextStep = (): Promise<IngestProgress | undefined> => evaluator.call('ingestStep');
    for (let progress = await nextStep(); progress; progress = await nextStep()) if (onProgress(progress) === false) return;
  };
  return {
    prepare: readAll,
    evaluate: (nowMs) => evaluator.call('evaluate', [nowMs]),
    upload: (upload) => evaluator.call('upload', [upload]),
    async errors(user, most) { return reader.errors(user, most); },
    activate: (person, keys, nowMs) => evaluator.call('activate', [person, keys, nowMs]),
    async known() { return reader.known(); },
    async reconfigure(config, nowMs, onProgress) {
      await evaluator.call('beginReconfigure', [config, nowMs]);
      await readAll(onProgress);
    },
    schemaVersion: () => evaluator.call('schemaVersion'),
    expire: (beforeMs, idleBeforeMs) => evaluator.call('expire', [beforeMs, idleBeforeMs]),
    async read(use) { return reader.read(use); },
    extent: (scope) => packer.call('extent', [scope]),
    setWidth: (scope, width) => packer.call('setWidth', [scope, width]),
    buildPack: (parts) => packer.call<RawPack>('buildPack', [parts]),
    savePack: (pack, nowMs) => packer.call('savePack', [pack, nowMs]),
    usePacks: (names, nowMs) => packer.call('usePacks', [names, nowMs]),
    async findPack(key, codec) { return reader.findPack(key, codec); },
    async packsNamed(name) { return reader.packsNamed(name); },
    async changedSince(parts, checkpoint, most) { return reader.changedSince(parts, checkpoint, most); },
    dropPacks: (beforeMs) => packer.call('dropPacks', [beforeMs]),
    async close() {
      await Promise.all([evaluator.close(), packer.close()]);
      reader.close();
    },
  };
}

/** The same in one thread, for tests and the lab: everything happens when it is called. */
export function openDirectStorage(files: StoreFiles, config: Config, newId: () => string): Storage {
  const store = new SqliteStore(files);
  try {
    store.open(config, newId);
  } catch (error) {
    store.close();
    throw error;
  }
  const readAll = (onProgress: (progress: IngestProgress) => boolean | void): void => {
    for (const progress of store.ingest()) if (onProgress(progress) === false) return;
  };
  return {
    async prepare(onProgress) { readAll(onProgress); },
    async evaluate(nowMs) { return store.evaluate(nowMs); },
    async upload(upload) { return store.upload(upload); },
    async errors(user, most) { return store.errors(user, most); },
    async activate(person, keys, nowMs) { store.activate(person, keys, nowMs); },
    async known() { return store.known(); },
    async reconfigure(next, nowMs, onProgress) {
      store.beginReconfigure(next, nowMs);
      readAll(onProgress);
    },
    async schemaVersion() { return store.schemaVersion(); },
    async expire(beforeMs, idleBeforeMs) { store.expire(beforeMs, idleBeforeMs); },
    async read(use) { return store.read(use); },
    async extent(scope) { return store.extent(scope); },
    async setWidth(scope, width) { store.setWidth(scope, width); },
    async buildPack(parts) { return store.buildPack(parts); },
    async savePack(pack, nowMs) { store.savePack(pack, nowMs); },
    async usePacks(names, nowMs) { store.usePacks(names, nowMs); },
    async findPack(key, codec) { return store.findPack(key, codec); },
    async packsNamed(name) { return store.packsNamed(name); },
    async changedSince(parts, checkpoint, most) { return store.changedSince(parts, checkpoint, most); },
    async dropPacks(beforeMs) { return store.dropPacks(beforeMs); },
    async close() { store.close(); },
  };
}
