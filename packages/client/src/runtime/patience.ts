import type { Clock } from '../ports/clock.ts';

/** The outcome of the work, unless the signal is aborted first: then its reason, at once. The work goes on unheard. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** The outcome of the work, unless it takes longer: then an error. The work goes on unheard. */
export function within<T>(work: () => Promise<T>, ms: number, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(new Error(`no answer within ${ms} ms`)));
    Promise.resolve().then(work).then(resolve, reject).finally(cancel);
  });
}
