import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { PackDigest, PackSource, PackStore, PackWriter, StoredPack } from '@carryon/client';
import { CarryonError, type Codec } from '@carryon/protocol';
import type { LabDisk } from './disk.ts';

/** Endings of a pack's files: none when it is complete. */
export const PART = '.part';
export const RAW = '.db';

const FILE = /^([0-9a-f]{64})(\.part|\.db)?$/;

/** The packs on a device's disk. Every call is done when it returns: the real disk's speed decides nothing. */
export class DiskPacks implements PackStore {
  readonly #disk: LabDisk;

  constructor(disk: LabDisk) {
    this.#disk = disk;
  }

  async list(): Promise<StoredPack[]> {
    this.#disk.checkReadable();
    const packs: StoredPack[] = [];
    // Sorted: the order of a real folder is chance.
    for (const file of readdirSync(this.#disk.packs).sort()) {
      const [, name, ending] = FILE.exec(file) ?? [];
      if (name === undefined) continue;
      if (ending === RAW) rmSync(join(this.#disk.packs, file));
      else packs.push({ name, bytes: statSync(join(this.#disk.packs, file)).size, complete: ending === undefined });
    }
    return packs;
  }

  async write(name: string): Promise<PackWriter> {
    this.#path(name);
    this.#disk.checkSpace(0);
    return new DiskWriter(this.#disk, name);
  }

  async digest(name: string): Promise<PackDigest> {
    const path = this.#path(name);
    if (!existsSync(path)) throw wrong(name, 'it is gone');
    const bytes = readFileSync(path);
    return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  }

  async unpack(name: string, codec: Codec, rawBytes: number): Promise<PackSource> {
    const path = this.#path(name);
    const raw = inflate(name, path, codec, rawBytes);
    if (raw.length !== rawBytes) throw wrong(name, 'it is smaller inside than announced');
    this.#disk.checkSpace(raw.length);
    writeFileSync(path + RAW, raw);
    return { path: path + RAW };
  }

  async remove(name: string): Promise<void> {
    for (const ending of ['', PART, RAW]) {
      rmSync(this.#path(name) + ending, { force: true });
      this.#disk.shortened(name + ending, 0);
    }
  }

  async freeBytes(): Promise<number | undefined> {
    this.#disk.checkReadable();
    return this.#disk.freeBytes();
  }

  #path(name: string): string {
    if (!/^[0-9a-f]{64}$/.test(name)) throw new CarryonError('protocol.bad-answer', 'The server announced a pack whose name is not a hash.');
    this.#disk.checkReadable();
    return join(this.#disk.packs, name);
  }
}

const wrong = (name: string, why: string, cause?: unknown): CarryonError =>
  new CarryonError('pack.wrong-bytes', `Pack ${name.slice(0, 12)} could not be decompressed: ${why}.`, { cause });

const gone = (): CarryonError => new CarryonError('device.storage', 'A file could not be read or written: ENOENT.');

function inflate(name: string, path: string, codec: Codec, rawBytes: number): Buffer {
  if (!existsSync(path)) throw wrong(name, 'it is gone');
  const most = { maxOutputLength: Math.max(1, rawBytes) };
  try {
    return codec === 'zstd' ? zstdDecompressSync(readFileSync(path), most) : gunzipSync(readFileSync(path), most);
  } catch (cause) {
    throw wrong(name, String((cause as { code?: unknown }).code), cause);
  }
}

class DiskWriter implements PackWriter {
  readonly #disk: LabDisk;
  readonly #name: string;
  readonly #path: string;
  #hash = createHash('sha256');
  offset = 0;

  constructor(disk: LabDisk, name: string) {
    this.#disk = disk;
    this.#name = name;
    this.#path = join(disk.packs, name);
    if (!existsSync(this.#path + PART)) writeFileSync(this.#path + PART, '');
    const there = readFileSync(this.#path + PART);
    this.#hash.update(there);
    this.offset = there.length;
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#disk.checkSpace(chunk.length);
    // As with an open file that was removed: what is written to it is nowhere.
    if (existsSync(this.#path + PART)) appendFileSync(this.#path + PART, chunk);
    this.#hash.update(chunk);
    this.offset += chunk.length;
  }

  async restart(): Promise<void> {
    this.#disk.checkReadable();
    if (existsSync(this.#path + PART)) truncateSync(this.#path + PART, 0);
    this.#disk.shortened(this.#name + PART, 0);
    this.#hash = createHash('sha256');
    this.offset = 0;
  }

  async digest(): Promise<PackDigest> {
    return { bytes: this.offset, sha256: this.#hash.copy().digest('hex') };
  }

  async keep(): Promise<void> {
    this.#disk.checkReadable();
    if (!existsSync(this.#path + PART)) throw gone();
    renameSync(this.#path + PART, this.#path);
    this.#disk.synced(this.#name, this.offset, this.#name + PART);
  }

  async close(): Promise<void> {}
}
