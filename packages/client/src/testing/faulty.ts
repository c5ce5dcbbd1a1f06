import { CarryonError, type ErrorCode } from '@carryon/protocol';
import type { PackStore, PackWriter } from '../ports/pack-store.ts';
import type { Sqlite } from '../ports/sqlite.ts';

/** Runs before and after each call of a port; what it throws is what the call rejects with. */
export type Tripwire = (call: string) => void;

/** Throws the error at these calls, counted from 1. */
export function failAt(code: ErrorCode, isBad: (call: number, name: string) => boolean): Tripwire & { readonly trips: number } {
  let calls = 0;
  let trips = 0;
  const wire = (name: string): void => {
    if (!isBad(++calls, name)) return;
    trips++;
    throw new CarryonError(code, `the test lets ${name} fail`);
  };
  return Object.defineProperty(wire, 'trips', { get: () => trips }) as typeof wire & { readonly trips: number };
}

/** A database whose every call passes the wire. */
export function tripSqlite(inner: Sqlite, wire: Tripwire): Sqlite {
  const guarded = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    wire(name);
    const result = await work();
    wire(`after ${name}`);
    return result;
  };
  return {
    exec: (sql) => guarded('exec', () => inner.exec(sql)),
    run: (sql, ...values) => guarded('run', () => inner.run(sql, ...values)),
    runMany: (sql, rows) => guarded('runMany', () => inner.runMany(sql, rows)),
    all: (sql, ...values) => guarded('all', () => inner.all(sql, ...values)),
    // The wire stands before the commit, too: what throws there undoes the work.
    transaction: (work) => guarded('transaction', () => inner.transaction(() => guarded('work', work))),
    attachPack: (source) => guarded('attachPack', () => inner.attachPack(source)),
    detachPack: () => inner.detachPack(),
    onWrite: (listener) => inner.onWrite(listener),
    close: () => inner.close(),
  };
}

/** A pack store whose every call passes the wire. */
export function tripPackStore(inner: PackStore, wire: Tripwire): PackStore {
  const guarded = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    wire(name);
    const result = await work();
    wire(`after ${name}`);
    return result;
  };
  const writer = (of: PackWriter): PackWriter => ({
    get offset() { return of.offset; },
    append: (chunk) => guarded('append', () => of.append(chunk)),
    restart: () => guarded('restart', () => of.restart()),
    digest: () => guarded('digest', () => of.digest()),
    keep: () => guarded('keep', () => of.keep()),
    close: () => of.close(),
  });
  return {
    list: () => guarded('list', () => inner.list()),
    write: async (name) => {
      wire('write');
      const opened = await inner.write(name);
      try {
        wire('after write');
      } catch (error) {
        await opened.close();
        throw error;
      }
      return writer(opened);
    },
    digest: (name) => guarded('digest', () => inner.digest(name)),
    unpack: (name, codec, rawBytes) => guarded('unpack', () => inner.unpack(name, codec, rawBytes)),
    remove: (name) => guarded('remove', () => inner.remove(name)),
    freeBytes: () => inner.freeBytes(),
  };
}
