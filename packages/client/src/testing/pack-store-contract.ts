import { createHash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PackStore } from '../ports/pack-store.ts';
import type { PackSource } from '../ports/sqlite.ts';

export interface PackStoreSubject {
  /** The store as a new process finds it. */
  readonly open: () => Promise<PackStore>;
  readonly read: (source: PackSource) => Promise<Uint8Array>;
  readonly end: () => Promise<void>;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const bytesOf = (size: number, seed: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => (i * 7 + seed * 31 + (i >> 8)) & 255);

/** What every PackStore does. */
export function packStoreContract(name: string, make: () => Promise<PackStoreSubject>): void {
  describe(`PackStore: ${name}`, () => {
    let subject: PackStoreSubject;
    let store: PackStore;
    beforeEach(async () => {
      subject = await make();
      store = await subject.open();
    });
    afterEach(() => subject.end());
    const wrong = expect.objectContaining({ code: 'pack.wrong-bytes' });

    const keep = async (packName: string, bytes: Uint8Array): Promise<void> => {
      const writer = await store.write(packName);
      await writer.append(bytes);
      await writer.keep();
    };

    it('PACKS-1 a download that has not ended stays, and the next writer goes on after it', async () => {
      expect(await store.list()).toEqual([]);
      const bytes = bytesOf(700_000, 1);
      const packName = sha256(bytes);
      const writer = await store.write(packName);
      expect(writer.offset).toBe(0);
      await writer.append(bytes.subarray(0, 10));
      await writer.append(bytes.subarray(10, 300_000));
      await writer.close();
      const reopened = await subject.open();
      expect(await reopened.list()).toEqual([{ name: packName, bytes: 300_000, complete: false }]);
      const next = await reopened.write(packName);
      expect(next.offset).toBe(300_000);
      await next.append(bytes.subarray(300_000));
      expect(next.offset).toBe(700_000);
      expect(await next.digest()).toEqual({ bytes: 700_000, sha256: packName });
      await next.keep();
      expect(await (await subject.open()).list()).toEqual([{ name: packName, bytes: 700_000, complete: true }]);
      expect(await store.digest(packName)).toEqual({ bytes: 700_000, sha256: packName });
    });

    it('PACKS-2 a download can start over', async () => {
      const bytes = bytesOf(5000, 2);
      const writer = await store.write(sha256(bytes));
      await writer.append(bytesOf(9000, 3));
      await writer.restart();
      expect(writer.offset).toBe(0);
      await writer.append(bytes);
      expect(await writer.digest()).toEqual({ bytes: 5000, sha256: sha256(bytes) });
      await writer.keep();
      expect(await store.digest(sha256(bytes))).toEqual({ bytes: 5000, sha256: sha256(bytes) });
    });

    it('PACKS-3 several downloads do not meet', async () => {
      const packs = [4, 5, 6].map((seed) => bytesOf(200_000 + seed, seed));
      const writers = await Promise.all(packs.map((bytes) => store.write(sha256(bytes))));
      for (let at = 0; at < 300_000; at += 50_000) await Promise.all(writers.map((writer, i) => writer.append(packs[i]?.subarray(at, at + 50_000) ?? new Uint8Array())));
      await Promise.all(writers.map((writer) => writer.keep()));
      const found = await store.list();
      expect(found.map(({ name: found }) => found).sort()).toEqual(packs.map(sha256).sort());
      for (const bytes of packs) expect(await store.digest(sha256(bytes))).toEqual({ bytes: bytes.length, sha256: sha256(bytes) });
    });

    it.each([['gzip', gzipSync], ['zstd', zstdCompressSync]] as const)('PACKS-4 unpacks %s, again and again, and keeps the pack', async (codec, compress) => {
      const raw = bytesOf(1_500_000, 7);
      const packed = compress(raw);
      await keep(sha256(packed), packed);
      for (let i = 0; i < 2; i++) expect(Buffer.from(await subject.read(await store.unpack(sha256(packed), codec, raw.length))).equals(raw)).toBe(true);
      expect(await (await subject.open()).list()).toEqual([{ name: sha256(packed), bytes: packed.length, complete: true }]);
    });

    it.each([['gzip', gzipSync], ['zstd', zstdCompressSync]] as const)('PACKS-5 what %s cannot undo, or what is not as long as announced, is pack.wrong-bytes', async (codec, compress) => {
      const raw = bytesOf(200_000, 8);
      const packed = compress(raw);
      const cut = packed.subarray(0, packed.length - 20);
      const garbage = bytesOf(5000, 9);
      for (const bytes of [packed, cut, garbage]) await keep(sha256(bytes), bytes);
      await expect(store.unpack(sha256(packed), codec, raw.length - 1)).rejects.toThrow(wrong);
      await expect(store.unpack(sha256(packed), codec, raw.length + 1)).rejects.toThrow(wrong);
      await expect(store.unpack(sha256(cut), codec, raw.length)).rejects.toThrow(wrong);
      await expect(store.unpack(sha256(garbage), codec, raw.length)).rejects.toThrow(wrong);
      await expect(store.unpack(sha256(packed), codec === 'gzip' ? 'zstd' : 'gzip', raw.length)).rejects.toThrow(wrong);
    });

    it.each([['gzip', gzipSync], ['zstd', zstdCompressSync]] as const)('PACKS-6 a %s bomb is stopped at the size announced', async (codec, compress) => {
      const bomb = compress(new Uint8Array(64 * 1024 * 1024));
      await keep(sha256(bomb), bomb);
      await expect(store.unpack(sha256(bomb), codec, 100_000)).rejects.toThrow(wrong);
    });

    it('PACKS-11 a pack whose file is gone is pack.wrong-bytes, whether it is checked or decompressed', async () => {
      const name = 'ab'.repeat(32);
      await expect(store.digest(name)).rejects.toMatchObject({ code: 'pack.wrong-bytes' });
      await expect(store.unpack(name, 'gzip', 10)).rejects.toMatchObject({ code: 'pack.wrong-bytes' });
    });

    it('PACKS-7 removing takes every form of a pack; removing nothing is fine', async () => {
      const packed = gzipSync(bytesOf(1000, 10));
      await keep(sha256(packed), packed);
      await store.unpack(sha256(packed), 'gzip', 1000);
      const half = await store.write(sha256(bytesOf(10, 11)));
      await half.append(bytesOf(5, 11));
      await half.close();
      await store.remove(sha256(packed));
      await store.remove(sha256(bytesOf(10, 11)));
      await store.remove(sha256(bytesOf(10, 12)));
      expect(await store.list()).toEqual([]);
    });

    it('PACKS-8 a name that is no hash reaches no file', async () => {
      for (const bad of ['', '..', '../carryon.db', 'a/b', 'A'.repeat(64), `${'a'.repeat(64)}.part`]) {
        await expect(store.write(bad)).rejects.toThrow(expect.objectContaining({ code: 'protocol.bad-answer' }));
        await expect(store.remove(bad)).rejects.toThrow();
      }
    });

    it('PACKS-9 tells how much may still be written, or that it cannot be known', async () => {
      const free = await store.freeBytes();
      expect(free === undefined || free > 0).toBe(true);
    });
  });
}
