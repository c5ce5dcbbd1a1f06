import { parentPort, workerData } from 'node:worker_threads';
import { randomUUID } from 'node:crypto';
import { toCarryonError } from '@carryon/protocol';
import type { Config } from '../../core/config.ts';
import { SqliteStore, type StoreFiles } from './store.ts';

/** What a thread is asked: a method of the store and its arguments. */
export interface Call { readonly id: number; readonly method: string; readonly args: readonly unknown[] }
export interface Reply { readonly id: number; readonly result?: unknown; readonly error?: { code: string; message: string } }

const { files } = workerData as { files: StoreFiles };
const store = new SqliteStore(files);

function perform(call: Call): unknown {
  if (call.method === 'open') return store.open(call.args[0] as Config, randomUUID);
  const method = (store as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[call.method];
  if (!method) throw new TypeError(`no method ${call.method}`);
  return method.apply(store, [...call.args]);
}

parentPort?.on('message', (call: Call) => {
  try {
    const result = perform(call);
    const bytes = (result as { bytes?: unknown } | undefined)?.bytes;
    parentPort?.postMessage({ id: call.id, result } satisfies Reply, bytes instanceof Uint8Array ? [bytes.buffer as ArrayBuffer] : []);
    if (call.method === 'close') parentPort?.close();
  } catch (thrown) {
    const { code, message } = toCarryonError(thrown);
    parentPort?.postMessage({ id: call.id, error: { code, message } } satisfies Reply);
  }
});
